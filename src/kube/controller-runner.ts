import { randomUUID } from 'node:crypto';
import { TransientError } from '../api/errors.ts';
import type { Logger } from '../observability/logger.ts';
import type { Clock } from './clock.ts';
import type { Reconciler } from './controller.ts';
import { type Outcome, outcomeOfError, outcomeOfResult, retryPolicy } from './result.ts';
import type { WorkQueue } from './work-queue.ts';

/** What controllers tell of themselves, after controller-runtime's metrics. */
export interface ControllerMetrics {
  activeWorkers(controller: string, workers: number): void;
  reconciled(controller: string, result: Outcome['result'], milliseconds: number): void;
}

export interface RunnerOptions {
  readonly reconciler: Reconciler;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sanitise: (text: string) => string;
  /** A reconcile's signal fires after so long. */
  readonly timeoutMs: number;
  readonly metrics?: ControllerMetrics;
  /** Identifies one reconcile in the log. Default: a random UUID. */
  readonly newId?: () => string;
}

/**
 * Takes keys from a queue and reconciles them, with as many workers as the reconciler asks for. Whatever a reconcile throws
 * ends that reconcile only.
 */
export class ControllerRunner {
  readonly #options: RunnerOptions;
  readonly #logger: Logger;
  readonly #newId: () => string;
  /** Conflicts in a row by key. */
  readonly #conflicts = new Map<string, number>();
  #active = 0;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ controller: options.reconciler.name });
    this.#newId = options.newId ?? randomUUID;
  }

  /** Runs the workers; resolves when the queue is shut down and every reconcile has ended. @param stopping aborts reconciles */
  async run(stopping: AbortSignal): Promise<void> {
    const workers = Array.from({ length: this.#options.reconciler.workers }, () => this.#work(stopping));
    await Promise.all(workers);
  }

  async #work(stopping: AbortSignal): Promise<void> {
    const { queue } = this.#options;
    const never = new AbortController().signal;
    for (let key = await queue.take(never); key !== undefined; key = await queue.take(never)) {
      const [namespace, name] = key.split('/');
      const fields = { namespace, name, reconcileID: this.#newId() };
      const outcome = await this.#logger.scope(fields, () => this.#reconcile(key, stopping));
      queue.done(key, nextTry(outcome));
    }
  }

  async #reconcile(key: string, stopping: AbortSignal): Promise<Outcome> {
    const { reconciler, clock, metrics, sanitise } = this.#options;
    const started = clock.now().getTime();
    const conflicts = this.#conflicts.get(key) ?? 0;
    metrics?.activeWorkers(reconciler.name, ++this.#active);
    let outcome: Outcome;
    try {
      outcome = outcomeOfResult(await this.#withTimeout(key, conflicts, stopping));
      this.#conflicts.delete(key);
    } catch (error) {
      outcome = outcomeOfError(error, { sanitise, conflicts });
      if (retryPolicy(error) === 'replan') this.#conflicts.set(key, conflicts + 1);
      else this.#conflicts.delete(key);
      this.#log(key, error, outcome);
    }
    metrics?.activeWorkers(reconciler.name, --this.#active);
    metrics?.reconciled(reconciler.name, outcome.result, clock.now().getTime() - started);
    return outcome;
  }

  /** The key stays taken until the reconcile has really ended, even when it takes no notice of its signal. */
  async #withTimeout(key: string, conflicts: number, stopping: AbortSignal) {
    const { reconciler, clock, timeoutMs } = this.#options;
    const controller = new AbortController();
    const onStop = () => controller.abort(stopping.reason);
    const cancelTimer = clock.setTimer(timeoutMs, () => {
      const what = `reconcile of ${key} took longer than ${timeoutMs} ms`;
      this.#logger.warn('reconcile takes too long', { key, timeoutMs });
      controller.abort(new TransientError('DeadlineExceeded', what, { object: key }));
    });
    if (stopping.aborted) onStop();
    else stopping.addEventListener('abort', onStop, { once: true });
    try {
      return await reconciler.reconcile(key, { signal: controller.signal, now: () => clock.now(), conflicts });
    } finally {
      cancelTimer();
      stopping.removeEventListener('abort', onStop);
    }
  }

  #log(key: string, error: unknown, { requeue, event, unexpected }: Outcome): void {
    if (unexpected) this.#logger.error('reconcile failed unexpectedly', { key, error });
    else if (event?.type === 'Warning') {
      this.#logger.warn('reconcile failed', { key, reason: event.reason, cause: event.message });
    } else if (event) this.#logger.info('reconcile waits', { key, reason: event.reason, cause: event.message });
    else this.#logger.debug('reconcile is repeated', { key, when: requeue.when });
  }
}

function nextTry({ requeue }: Outcome): 'retry' | number | undefined {
  switch (requeue.when) {
    case 'event':
      return undefined;
    case 'after':
      return requeue.milliseconds;
    case 'backoff':
      return 'retry';
    case 'now':
      return 0;
  }
}
