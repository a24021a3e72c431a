import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricSources, MetricsRegistry, QueueMetrics, Sample } from './metrics.ts';

/** controller-runtime's buckets, so that its dashboards fit. */
const RECONCILE_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
/** client-go's: from 10 ns on in powers of ten. */
const QUEUE_BUCKETS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];
const WORK_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/**
 * Metrics for Prometheus, under controller-runtime's and client-go's names where those have one.
 * @param now milliseconds of a monotonic clock
 */
export function createPrometheusMetrics(now: () => number = () => performance.now()): MetricsRegistry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({ name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge<L>({ name, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram<L>({ name, help, labelNames, buckets, registers });

  const reconciles = counter('controller_runtime_reconcile_total', 'Total number of reconciliations per controller', [
    'controller',
    'result',
  ]);
  const reconcileErrors = counter(
    'controller_runtime_reconcile_errors_total',
    'Total number of reconciliation errors per controller',
    ['controller'],
  );
  const reconcileSeconds = histogram(
    'controller_runtime_reconcile_time_seconds',
    'Length of time per reconciliation per controller',
    ['controller'],
    RECONCILE_BUCKETS,
  );
  const activeWorkers = gauge('controller_runtime_active_workers', 'Number of currently used workers per controller', [
    'controller',
  ]);
  const maxWorkers = gauge(
    'controller_runtime_max_concurrent_reconciles',
    'Maximum number of concurrent reconciles per controller',
    ['controller'],
  );
  const apiRequests = counter(
    'rest_client_requests_total',
    'Number of HTTP requests to the API server, by status code and method',
    ['code', 'method'],
  );
  const leading = gauge('leader_election_master_status', '1 while this process holds the lease, else 0', ['name']);
  const renders = histogram(
    'veranda_render_seconds',
    'Length of time of the rendering of a package',
    ['result'],
    WORK_BUCKETS,
  );
  const functions = histogram(
    'veranda_function_seconds',
    'Length of time of one run of a function',
    ['runtime', 'result'],
    WORK_BUCKETS,
  );
  const git = histogram(
    'veranda_git_operation_seconds',
    'Length of time of a call to a git remote',
    ['op', 'result'],
    WORK_BUCKETS,
  );
  const queues = new QueueSeries(registry, now);

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    activeWorkers: (controller, workers) => activeWorkers.set({ controller }, workers),
    maxWorkers: (controller, workers) => maxWorkers.set({ controller }, workers),
    reconciled: (controller, result, milliseconds) => {
      reconciles.inc({ controller, result });
      // A controller without errors has a series for them too: an alert on its rate needs the zero.
      reconcileErrors.inc({ controller }, result === 'error' ? 1 : 0);
      reconcileSeconds.observe({ controller }, milliseconds / 1000);
    },
    queue: (name) => queues.of(name),
    apiRequest: (method, code) => apiRequests.inc({ code, method }),
    leading: (name, isLeader) => leading.set({ name }, isLeader ? 1 : 0),
    rendered: (result, milliseconds) => renders.observe({ result }, milliseconds / 1000),
    functionRan: (runtime, result, milliseconds) => functions.observe({ runtime, result }, milliseconds / 1000),
    gitOperation: (op, result, milliseconds) => git.observe({ op, result }, milliseconds / 1000),
    observe: (sources) => observeSources(registry, sources),
  };
}

function observeSources(registry: Registry, sources: MetricSources): void {
  sampled(registry, {
    name: 'veranda_package_revisions',
    help: 'Number of package revisions, by repository and lifecycle',
    labelNames: ['repository', 'lifecycle'],
    read: sources.packageRevisions,
  });
  sampled(registry, {
    name: 'veranda_repository_last_sync_timestamp_seconds',
    help: 'When the refs of a repository were last listed, in seconds since the epoch',
    labelNames: ['repository'],
    read: sources.repositorySyncs,
  });
  sampled(registry, {
    name: 'veranda_function_pods',
    help: 'Number of function pods, by image',
    labelNames: ['image'],
    read: sources.functionPods,
  });
  sampled(registry, {
    name: 'veranda_function_queue_length',
    help: 'Number of evaluations that wait for a place in a function pod, by image',
    labelNames: ['image'],
    read: sources.functionQueues,
  });
}

interface SampledGauge {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly read: () => Iterable<Sample>;
}

/** A gauge that is empty but for what is there when it is read. */
function sampled(registry: Registry, { read, ...about }: SampledGauge): void {
  new Gauge({
    ...about,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.set(labels, value);
    },
  });
}

/** The series of all work queues. */
class QueueSeries {
  readonly #now: () => number;
  readonly #depth: Gauge<'name'>;
  readonly #adds: Counter<'name'>;
  readonly #retries: Counter<'name'>;
  readonly #waiting: Histogram<'name'>;
  readonly #working: Histogram<'name'>;
  /** By queue: what is being worked on, as the number of keys and the sum of the times at which they were taken. */
  readonly #unfinished = new Map<string, { keys: number; takenAt: number }>();

  constructor(registry: Registry, now: () => number) {
    const registers = [registry];
    const labelNames = ['name'] as const;
    const unfinished = this.#unfinished;
    this.#now = now;
    this.#depth = new Gauge({
      name: 'workqueue_depth',
      help: 'Current depth of the work queue',
      labelNames,
      registers,
    });
    this.#adds = new Counter({
      name: 'workqueue_adds_total',
      help: 'Total number of adds handled by the work queue',
      labelNames,
      registers,
    });
    this.#retries = new Counter({
      name: 'workqueue_retries_total',
      help: 'Total number of retries handled by the work queue',
      labelNames,
      registers,
    });
    this.#waiting = new Histogram({
      name: 'workqueue_queue_duration_seconds',
      help: 'How long an item stays in the work queue before it is requested',
      labelNames,
      buckets: QUEUE_BUCKETS,
      registers,
    });
    this.#working = new Histogram({
      name: 'workqueue_work_duration_seconds',
      help: 'How long processing an item from the work queue takes',
      labelNames,
      buckets: QUEUE_BUCKETS,
      registers,
    });
    new Gauge({
      name: 'workqueue_unfinished_work_seconds',
      help: 'How long the items that are being worked on have been so, in sum',
      labelNames,
      registers,
      collect() {
        for (const [name, { keys, takenAt }] of unfinished) {
          this.set({ name }, Math.max(0, (keys * now() - takenAt) / 1000));
        }
      },
    });
  }

  of(name: string): QueueMetrics {
    const labels = { name };
    const unfinished = { keys: 0, takenAt: 0 };
    this.#unfinished.set(name, unfinished);
    this.#depth.set(labels, 0);
    this.#adds.inc(labels, 0);
    this.#retries.inc(labels, 0);
    return {
      depth: (keys) => this.#depth.set(labels, keys),
      added: () => this.#adds.inc(labels),
      retried: () => this.#retries.inc(labels),
      waited: (milliseconds) => {
        unfinished.keys += 1;
        unfinished.takenAt += this.#now();
        this.#waiting.observe(labels, milliseconds / 1000);
      },
      worked: (milliseconds) => {
        unfinished.keys -= 1;
        unfinished.takenAt -= this.#now() - milliseconds;
        this.#working.observe(labels, milliseconds / 1000);
      },
    };
  }
}
