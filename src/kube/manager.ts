import { abortable } from '../concurrency/abortable.ts';
import { type Logger, nullLogger } from '../observability/logger.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Reconciler } from './controller.ts';
import { type ControllerMetrics, ControllerRunner } from './controller-runner.ts';
import { StoppedError } from './result.ts';
import type { KindRef } from './store.ts';
import { type LaneOptions, WorkQueue, type WorkQueueMetrics } from './work-queue.ts';

export interface ManagerOptions {
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Takes secrets out of a text. */
  readonly sanitise: (text: string) => string;
  /** A reconcile's signal fires after so long. Default 10 minutes. */
  readonly reconcileTimeoutMs?: number;
  /** How long `stop` lets reconciles go on before it aborts them, and then waits for them to end. Default 30 s. */
  readonly drainMs?: number;
  /** Awaited by `start` between the informers and the controllers: a standby with warm caches waits here for leadership. */
  readonly beforeControllers?: (signal: AbortSignal) => Promise<void>;
  /** Whether an informer has got everything that its store holds; `idle` needs it. Default: always. */
  readonly isCurrent?: (informer: ManagedInformer) => boolean;
  readonly metrics?: ControllerMetrics & { readonly queue?: (name: string) => WorkQueueMetrics };
}

/** What a manager needs of an informer. */
export interface ManagedInformer {
  readonly kind: KindRef;
  readonly hasSynced: boolean;
  readonly resourceVersion: string;
  run(signal: AbortSignal): Promise<void>;
  synced(signal: AbortSignal): Promise<void>;
  onProgress(handler: () => void): void;
}

export interface WaitingKey {
  readonly controller: string;
  readonly key: string;
  readonly inMs: number;
}

interface Managed {
  readonly reconciler: Reconciler;
  readonly queue: WorkQueue;
  readonly runner: ControllerRunner;
}

/**
 * Starts informers and controllers in order, stops them in order, and knows when nothing is left to do.
 */
export class Manager {
  readonly #options: ManagerOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #informers: ManagedInformer[] = [];
  readonly #controllers: Managed[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #abortReconciles = new AbortController();
  readonly #stopInformers = new AbortController();
  #running: Promise<unknown>[] = [];
  #stopped: Promise<void> | undefined;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? nullLogger;
  }

  /** Before start. Gives the informer back. */
  addInformer<T extends ManagedInformer>(informer: T): T {
    this.#informers.push(informer);
    informer.onProgress(() => this.#changed());
    return informer;
  }

  /** The queue of a controller that will be added under this name, for handlers that enqueue. */
  addController(reconciler: Reconciler, lanes: LaneOptions = {}): WorkQueue {
    const { sanitise, reconcileTimeoutMs: timeoutMs = 600_000, metrics } = this.#options;
    const { name } = reconciler;
    if (this.#controllers.some((controller) => controller.reconciler.name === name)) {
      throw new Error(`there are two controllers ${name}`);
    }
    const [clock, logger] = [this.#clock, this.#logger];
    const queue = new WorkQueue({
      ...lanes,
      clock,
      metrics: metrics?.queue?.(name),
      onChange: () => this.#changed(),
    });
    const runner = new ControllerRunner({ reconciler, queue, clock, logger, sanitise, timeoutMs, metrics });
    this.#controllers.push({ reconciler, queue, runner });
    return queue;
  }

  /**
   * Starts informers, waits until each has its first list, and for `beforeControllers`, then starts the workers.
   * @throws the signal's reason, and what `beforeControllers` throws; what was started then goes on until `stop`
   */
  async start(signal: AbortSignal): Promise<void> {
    this.#running.push(...this.#informers.map((informer) => informer.run(this.#stopInformers.signal)));
    await Promise.all(this.#informers.map((informer) => informer.synced(signal)));
    this.#logger.info('caches are filled', { informers: this.#informers.length });
    await this.#options.beforeControllers?.(signal);
    if (this.#stopped) return;
    for (const { reconciler, runner } of this.#controllers) {
      this.#running.push(runner.run(this.#abortReconciles.signal));
      this.#logger.info('controller started', { controller: reconciler.name, workers: reconciler.workers });
    }
    this.#changed();
  }

  /**
   * Takes no more keys, lets running reconciles end, aborts them at the deadline, stops informers. Resolves also when a
   * reconcile takes no notice of its signal for as long again. May be called more than once.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const { queue } of this.#controllers) queue.shutdown();
    const inTime = await this.#drained();
    if (!inTime) {
      this.#logger.warn('reconciles are aborted', { drainMs: this.#drainMs });
      this.#abortReconciles.abort(new StoppedError());
    }
    const ended = inTime || (await this.#drained());
    this.#stopInformers.abort(new StoppedError());
    if (ended) await Promise.all(this.#running);
    else this.#logger.error('reconciles do not end', { controllers: this.#busyControllers() });
    this.#running = [];
    this.#changed();
  }

  /** Ends running reconciles now: what they did not finish must not go on. `stop` then waits for them. */
  abort(): void {
    this.#abortReconciles.abort(new StoppedError());
  }

  /** False when the deadline came first. */
  async #drained(): Promise<boolean> {
    const deadline = new AbortController();
    const cancel = this.#clock.setTimer(this.#drainMs, () => deadline.abort());
    try {
      await Promise.all(this.#controllers.map(({ queue }) => queue.drained(deadline.signal)));
      return true;
    } catch {
      return false;
    } finally {
      cancel();
    }
  }

  /**
   * Resolves when nothing is left to do: informers are current, no key is queued or worked on, and none is due within the
   * horizon. Gives back the keys that are due later, the next one first.
   * @throws the signal's reason
   */
  async idle(options: { readonly horizonMs: number; readonly signal: AbortSignal }): Promise<readonly WaitingKey[]> {
    const { horizonMs, signal } = options;
    for (;;) {
      signal.throwIfAborted();
      if (this.#isIdle(horizonMs)) return this.waiting();
      await this.#nextChange(signal);
    }
  }

  /** Keys that are to be worked on later, the next one first. */
  waiting(): readonly WaitingKey[] {
    const keys = this.#controllers.flatMap(({ reconciler, queue }) =>
      queue.delayed.map(({ key, inMs }) => ({ controller: reconciler.name, key, inMs })),
    );
    return keys.sort((a, b) => a.inMs - b.inMs);
  }

  #isIdle(horizonMs: number): boolean {
    const { isCurrent = () => true } = this.#options;
    return (
      this.#informers.every((informer) => informer.hasSynced && isCurrent(informer)) &&
      this.#controllers.every(({ queue }) => {
        const { depth, processing, nextDueInMs = Number.POSITIVE_INFINITY } = queue;
        return depth === 0 && processing === 0 && nextDueInMs > horizonMs;
      })
    );
  }

  async #nextChange(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#watchers.add(resolve);
    try {
      await abortable(promise, signal);
    } finally {
      this.#watchers.delete(resolve);
    }
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }

  #busyControllers(): string[] {
    return this.#controllers.filter(({ queue }) => queue.processing > 0).map(({ reconciler }) => reconciler.name);
  }

  get #drainMs(): number {
    return this.#options.drainMs ?? 30_000;
  }
}
