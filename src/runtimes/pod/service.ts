import { TerminalError, TransientError, VerandaError } from '../../api/errors.ts';
import { FIELD_MANAGER } from '../../api/labels.ts';
import type { ApiClient } from '../../kube/adapters/kubernetes/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { SharedInformer } from '../../kube/informer.ts';
import { inKeyOrder } from '../../kube/json.ts';
import type { ObjectStore } from '../../kube/store.ts';
import type { Logger } from '../../observability/logger.ts';
import { type Evaluation, PodEvaluator, type SinglePods } from './evaluator.ts';
import {
  type FunctionImage,
  functionPod,
  INSTANCE_LABEL,
  isOf,
  POD,
  type Pod,
  type PodOwner,
  podName,
} from './manifest.ts';
import { type PodBudget, type PodFactory, PodPool } from './pool.ts';
import type { PodSettings } from './settings.ts';
import { SinglePodRunner } from './single.ts';

export interface PodServiceOptions {
  readonly client: ApiClient;
  readonly store: ObjectStore;
  /** Where the pods are made; those of others that are there are left alone. */
  readonly namespace: string;
  readonly owner: PodOwner;
  readonly uniqueSuffix: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Pods of all functions together. */
  readonly maxPods: number;
  readonly maxOutputBytes: number;
  readonly startTimeoutMs?: number;
  readonly scheduleTimeoutMs?: number;
}

/** What the pods of one image, and of one way to run it, have to do. */
export interface PodLoad {
  readonly image: FunctionImage;
  readonly pods: number;
  /** Evaluations that wait for a place in a pod. */
  readonly waiting: number;
}

interface Managed {
  readonly pool: PodPool;
  readonly singles: SinglePods;
  readonly evaluator: PodEvaluator;
  readonly settings: PodSettings;
  image: FunctionImage;
}

const SWEEP_MS = 15_000;
/** Until a pool that found no room for a pod asks again. */
const RETRY_MS = 500;
const START_TIMEOUT_MS = 60_000;
const SCHEDULE_TIMEOUT_MS = 45_000;

/**
 * All function pods of this process: one pool an image and settings. Knows the pods by one watch; calls the API server to make
 * and remove pods and to run functions in them, for nothing else.
 */
export class PodService {
  readonly #options: PodServiceOptions;
  readonly #pods: SharedInformer<Pod>;
  /** By image and settings: what evaluations go to. */
  readonly #pools = new Map<string, Managed>();
  /** The same, and those that are to be asked no more but still have pods. */
  readonly #all = new Set<Managed>();
  readonly #singles: SinglePodRunner;
  readonly #budget: PodBudget;
  readonly #stop = new AbortController();
  readonly #removals = new Set<Promise<void>>();
  #running: Promise<unknown> | undefined;
  #cancelSweep: () => void = () => undefined;
  #cancelRetry: (() => void) | undefined;
  #total = 0;

  constructor(options: PodServiceOptions) {
    const { store, namespace, logger, clock } = options;
    this.#options = options;
    this.#pods = new SharedInformer(store, POD, { namespace, logger, clock });
    this.#pods.onChange(({ before, after }) => this.#changed((after ?? before) as Pod, after));
    this.#budget = { take: () => this.#take(), release: () => this.#release() };
    this.#singles = new SinglePodRunner({
      clock,
      budget: this.#budget,
      startTimeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS,
      scheduleTimeoutMs: options.scheduleTimeoutMs ?? SCHEDULE_TIMEOUT_MS,
      log: (name, signal) => this.#log(name, signal),
    });
  }

  /**
   * Waits for the first list of pods, and removes those that operator processes which are gone have left.
   * @throws the signal's reason
   */
  async start(signal: AbortSignal): Promise<void> {
    this.#running = this.#pods.run(this.#stop.signal);
    await this.#pods.synced(signal);
    this.#removeOrphans();
    this.#sweepLater();
  }

  /** Removes all pods of this process. */
  async stop(): Promise<void> {
    this.#cancelSweep();
    this.#cancelRetry?.();
    const reason = new TransientError('PoolClosed', 'the function pods are shutting down');
    for (const { pool } of this.#all) pool.close(reason);
    this.#pools.clear();
    this.#all.clear();
    await Promise.allSettled(this.#removals);
    this.#stop.abort(reason);
    await this.#running;
  }

  /** @throws as `PodEvaluator.evaluate` */
  evaluate(image: FunctionImage, settings: PodSettings, input: Uint8Array, signal: AbortSignal): Promise<Evaluation> {
    return this.#managed(image, settings).evaluator.evaluate(input, signal);
  }

  /** Makes the pods that the settings ask to be there before the first evaluation. */
  warmUp(image: FunctionImage, settings: PodSettings): void {
    this.#managed(image, settings).pool.warmUp();
  }

  /** Pods that are run in another way than is wanted now go as their evaluations end. */
  retire(wanted: (image: FunctionImage) => PodSettings): void {
    for (const [id, { pool, image, settings }] of this.#pools) {
      if (settingsKey(wanted(image)) === settingsKey(settings)) continue;
      this.#pools.delete(id);
      pool.retire();
    }
  }

  loads(): readonly PodLoad[] {
    return [...this.#all].map(({ image, pool, singles }) => ({
      image,
      pods: pool.size + singles.running,
      waiting: pool.waiting + singles.waiting,
    }));
  }

  #managed(image: FunctionImage, settings: PodSettings): Managed {
    const id = `${image.reference}\0${image.command.join('\0')}\0${settingsKey(settings)}`;
    const known = this.#pools.get(id);
    if (known) {
      known.image = image;
      return known;
    }
    const { client, namespace, clock, maxOutputBytes, startTimeoutMs, scheduleTimeoutMs } = this.#options;
    const pool = new PodPool({
      settings,
      clock,
      budget: this.#budget,
      factory: this.#factory(image, settings, false),
      startTimeoutMs: startTimeoutMs ?? START_TIMEOUT_MS,
      scheduleTimeoutMs: scheduleTimeoutMs ?? SCHEDULE_TIMEOUT_MS,
    });
    const singles = this.#singles.of(settings, this.#factory(image, settings, true));
    const evaluator = new PodEvaluator({ client, namespace, image, settings, pool, singles, clock, maxOutputBytes });
    const managed: Managed = { pool, singles, evaluator, settings, image };
    this.#pools.set(id, managed);
    this.#all.add(managed);
    return managed;
  }

  #factory(image: FunctionImage, settings: PodSettings, once: boolean): PodFactory {
    const { namespace, owner, uniqueSuffix } = this.#options;
    return {
      create: () => {
        const name = podName(image, uniqueSuffix());
        const pod = functionPod(image, settings, { ...owner, name, namespace, once });
        return { name, created: this.#create(pod as Pod) };
      },
      remove: (name) => this.#remove(name),
    };
  }

  async #create(pod: Pod): Promise<void> {
    const { namespace, name } = pod.metadata;
    try {
      await this.#options.store.create(pod, { fieldManager: FIELD_MANAGER });
    } catch (error) {
      // The answer may have been lost though the pod was made.
      this.#remove(name);
      throw creationFault(error, namespace ?? '');
    }
  }

  #remove(name: string): void {
    const { store, namespace, logger } = this.#options;
    const removal = store.delete(POD, { namespace, name }).catch((error: unknown) => {
      if (error instanceof TerminalError && error.reason === 'NotFound') return;
      // The sweep finds it again.
      logger.warn('function pod could not be deleted', { pod: name, error });
    });
    this.#removals.add(removal);
    void removal.finally(() => this.#removals.delete(removal));
  }

  async #log(name: string, signal: AbortSignal): Promise<Uint8Array> {
    const { client, namespace, maxOutputBytes } = this.#options;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/log`;
    return await client.bytes({ method: 'GET', path, query: { limitBytes: maxOutputBytes }, signal });
  }

  #changed(seen: Pod, pod: Pod | undefined): void {
    const { name } = seen.metadata;
    this.#singles.observe(name, pod);
    for (const { pool } of this.#all) if (pool.has(name)) pool.observe(name, pod);
  }

  #take(): boolean {
    const { maxPods } = this.#options;
    if (this.#total >= maxPods && ![...this.#all].some(({ pool }) => pool.giveUpIdle())) {
      this.#retryLater();
      return false;
    }
    this.#total += 1;
    return true;
  }

  #release(): void {
    this.#total -= 1;
  }

  /** A pool that found no room asks again: pods of other pools become idle without a word. */
  #retryLater(): void {
    this.#cancelRetry ??= this.#options.clock.setTimer(RETRY_MS, () => {
      this.#cancelRetry = undefined;
      for (const { pool } of this.#all) pool.scale();
    });
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#options.clock.setTimer(SWEEP_MS, () => {
      this.#sweep();
      this.#sweepLater();
    });
  }

  /** Idle pods, pools without work, and orphans. */
  #sweep(): void {
    for (const { pool } of this.#all) {
      pool.sweep();
      pool.warmUp();
    }
    for (const managed of this.#all) if (isSpent(managed)) this.#all.delete(managed);
    for (const [id, managed] of this.#pools) if (!this.#all.has(managed)) this.#pools.delete(id);
    this.#removeOrphans();
  }

  /** Pods of ours that nobody knows any more: of processes that are gone, or lost on the way. */
  #removeOrphans(): void {
    const { install, instance } = this.#options.owner;
    for (const pod of this.#pods.list()) {
      const { name, labels, deletionTimestamp } = pod.metadata;
      if (!isOf(install, pod) || deletionTimestamp !== undefined) continue;
      if (labels?.[INSTANCE_LABEL] !== instance || !this.#isKnown(name)) this.#remove(name);
    }
  }

  #isKnown(pod: string): boolean {
    return this.#singles.has(pod) || [...this.#all].some(({ pool }) => pool.has(pod));
  }
}

function isSpent({ pool, singles }: Managed): boolean {
  return pool.isSpent && singles.running === 0 && singles.waiting === 0;
}

/** Equal settings give equal texts. */
function settingsKey(settings: PodSettings): string {
  return JSON.stringify(inKeyOrder(settings));
}

function creationFault(error: unknown, namespace: string): VerandaError {
  if (!(error instanceof VerandaError)) throw error;
  if (error.reason === 'Forbidden') {
    const message = `a function pod may not be made in namespace ${namespace}: ${error.message}`;
    return new TransientError('PodForbidden', message, { cause: error });
  }
  return error;
}
