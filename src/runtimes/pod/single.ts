import { TransientError, type VerandaError } from '../../api/errors.ts';
import { abortable } from '../../concurrency/abortable.ts';
import type { Clock } from '../../kube/clock.ts';
import type { SinglePod, SinglePods } from './evaluator.ts';
import { podFault, startTimeout } from './faults.ts';
import type { Pod } from './manifest.ts';
import type { PodBudget, PodFactory } from './pool.ts';
import type { PodSettings } from './settings.ts';
import { podState, unschedulable } from './state.ts';

export interface SinglePodOptions {
  readonly budget: PodBudget;
  readonly clock: Clock;
  readonly startTimeoutMs: number;
  readonly scheduleTimeoutMs: number;
  readonly log: (name: string, signal: AbortSignal) => Promise<Uint8Array>;
}

interface Single {
  readonly settings: PodSettings;
  readonly started: PromiseWithResolvers<void>;
  readonly ended: PromiseWithResolvers<number>;
  pod?: Pod;
  timers: (() => void)[];
}

/** Pods for one evaluation each: as many at a time as the settings allow pods, the others in the order in which they came. */
export class SinglePodRunner {
  readonly #options: SinglePodOptions;
  readonly #singles = new Map<string, Single>();
  readonly #waiting = new Set<() => void>();

  constructor(options: SinglePodOptions) {
    this.#options = options;
  }

  has(pod: string): boolean {
    return this.#singles.has(pod);
  }

  of(settings: PodSettings, factory: PodFactory): SinglePods {
    const count = { running: 0, waiting: 0 };
    const mayStart = () => count.running < settings.maxPods && this.#options.budget.take();
    return {
      get running() {
        return count.running;
      },
      get waiting() {
        return count.waiting;
      },
      start: async (signal) => {
        count.waiting += 1;
        try {
          while (!mayStart()) await this.#nextEnd(signal);
        } finally {
          count.waiting -= 1;
        }
        count.running += 1;
        const { name, created } = factory.create();
        const remove = this.#track(name, settings, () => {
          count.running -= 1;
          factory.remove(name);
        });
        try {
          return await this.#started(name, created, remove, signal);
        } catch (error) {
          remove();
          throw error;
        }
      },
    };
  }

  observe(name: string, pod: Pod | undefined): void {
    const single = this.#singles.get(name);
    if (!single) return;
    single.pod = pod ?? single.pod;
    const seen = pod === undefined ? ({ state: 'leaving' } as const) : podState(pod);
    if (seen.state === 'ready') single.started.resolve();
    else if (seen.state === 'exited') {
      single.started.resolve();
      single.ended.resolve(seen.exitCode);
    } else if (seen.state === 'failed') settle(single, podFault(seen.reason, name, seen.message, single.settings));
    else if (seen.state === 'leaving') {
      settle(single, new TransientError('PodStreamLost', `pod ${name} was deleted while the function ran`));
    } else if (pod && unschedulable(pod) !== undefined) this.#awaitNode(name, single);
  }

  /** @returns forgets the pod and removes it; may be called more than once */
  #track(name: string, settings: PodSettings, release: () => void): () => void {
    const { clock, startTimeoutMs, budget } = this.#options;
    const [started, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<number>()];
    // Not everybody waits for both.
    started.promise.catch(() => undefined);
    ended.promise.catch(() => undefined);
    const single: Single = { settings, started, ended, timers: [] };
    const onTimeout = () => started.reject(startTimeout(name, single.pod, startTimeoutMs));
    single.timers.push(clock.setTimer(startTimeoutMs, onTimeout));
    this.#singles.set(name, single);
    return () => {
      if (!this.#singles.delete(name)) return;
      for (const cancel of single.timers) cancel();
      budget.release();
      release();
      for (const wake of this.#waiting) wake();
    };
  }

  async #started(name: string, created: Promise<void>, remove: () => void, signal: AbortSignal): Promise<SinglePod> {
    const single = this.#singles.get(name) as Single;
    created.catch((error: unknown) => single.started.reject(error));
    await abortable(single.started.promise, signal);
    const { log } = this.#options;
    return {
      name,
      ended: (inner) => abortable(single.ended.promise, inner),
      log: (inner) => log(name, inner),
      remove,
    };
  }

  async #nextEnd(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    // Room may also come from pods of pools, which do not tell.
    const cancel = this.#options.clock.setTimer(1_000, resolve);
    try {
      await abortable(promise, signal);
    } finally {
      cancel();
      this.#waiting.delete(resolve);
    }
  }

  #awaitNode(name: string, single: Single): void {
    if (single.timers.length > 1) return;
    const { clock, scheduleTimeoutMs } = this.#options;
    const giveUp = () => {
      const message = single.pod && unschedulable(single.pod);
      if (message !== undefined) settle(single, podFault('Unschedulable', name, message, single.settings));
    };
    single.timers.push(clock.setTimer(scheduleTimeoutMs, giveUp));
  }
}

function settle({ started, ended }: Single, error: VerandaError): void {
  started.reject(error);
  ended.reject(error);
}
