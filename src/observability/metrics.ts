/** What a work queue tells of itself, after the metrics of client-go's work queues. */
export interface QueueMetrics {
  depth(keys: number): void;
  added(): void;
  retried(): void;
  /** A key was taken after it had been queued for so long. */
  waited(milliseconds: number): void;
  /** The work on a key took so long. */
  worked(milliseconds: number): void;
}

export type ReconcileOutcome = 'success' | 'requeue_after' | 'requeue' | 'error';
export type GitOperation = 'list' | 'fetch' | 'push';
/** `error`: it did not come to an end; `failure`: it did, and the answer was no. */
export type OperationResult = 'success' | 'failure' | 'error';

/** One number of a gauge that is read when somebody asks for it. */
export interface Sample {
  readonly labels: { readonly [name: string]: string };
  readonly value: number;
}

/** Gauges that are made from what is in memory at that moment. */
export interface MetricSources {
  /** Revisions by `repository` (namespace/name) and `lifecycle`. */
  readonly packageRevisions: () => Iterable<Sample>;
  /** Seconds since the epoch at which a `repository` (namespace/name) was last listed. */
  readonly repositorySyncs: () => Iterable<Sample>;
  /** Function pods by `image`. */
  readonly functionPods: () => Iterable<Sample>;
  /** Evaluations that wait for a place in a function pod, by `image`. */
  readonly functionQueues: () => Iterable<Sample>;
}

/**
 * What the process tells of itself. Names of packages are never labels: there may be any number of them, and each
 * would be a time series for ever.
 */
export interface Metrics {
  activeWorkers(controller: string, workers: number): void;
  maxWorkers(controller: string, workers: number): void;
  reconciled(controller: string, result: ReconcileOutcome, milliseconds: number): void;
  queue(name: string): QueueMetrics;
  /** @param code HTTP status, or `<error>` when there was no answer */
  apiRequest(method: string, code: string): void;
  leading(lease: string, isLeader: boolean): void;
  rendered(result: OperationResult, milliseconds: number): void;
  functionRan(runtime: string, result: OperationResult, milliseconds: number): void;
  gitOperation(operation: GitOperation, result: OperationResult, milliseconds: number): void;
  observe(sources: MetricSources): void;
}

/** Metrics that can be read. */
export interface MetricsRegistry extends Metrics {
  readonly contentType: string;
  /** In Prometheus's text format. */
  text(): Promise<string>;
}
