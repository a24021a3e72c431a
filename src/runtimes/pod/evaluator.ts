import { TerminalError, TransientError } from '../../api/errors.ts';
import { abortable } from '../../concurrency/abortable.ts';
import type { ApiClient } from '../../kube/adapters/kubernetes/client.ts';
import { type Clock, delay } from '../../kube/clock.ts';
import { isPodLost, outOfMemory } from './faults.ts';
import { CONTAINER, type FunctionImage, type Pod } from './manifest.ts';
import type { Lease, PodPool } from './pool.ts';
import type { PodSettings } from './settings.ts';
import { podState, ranOutOfMemory } from './state.ts';
import { runInPod, type StreamResult } from './streams.ts';

/** What ran, with an exit code in any case. */
export interface Evaluation extends StreamResult {
  readonly exitCode: number;
}

/** One pod for one evaluation, from its making to its end. */
export interface SinglePods {
  /** Resolves when the container runs or has ended. @throws as `PodPool.acquire` */
  start(signal: AbortSignal): Promise<SinglePod>;
  /** Pods that are there now. */
  readonly running: number;
  /** Evaluations that wait until they may have one. */
  readonly waiting: number;
}

export interface SinglePod {
  readonly name: string;
  /** The exit code of the container. @throws TransientError PodStreamLost when the pod went before, OOMKilled, ... */
  ended(signal: AbortSignal): Promise<number>;
  /** What it wrote, standard output and error in one. */
  log(signal: AbortSignal): Promise<Uint8Array>;
  remove(): void;
}

export interface EvaluatorOptions {
  readonly client: Pick<ApiClient, 'webSocket'>;
  readonly namespace: string;
  readonly image: FunctionImage;
  readonly settings: PodSettings;
  readonly pool: PodPool;
  readonly singles: SinglePods;
  readonly clock: Clock;
  readonly maxOutputBytes: number;
}

/** Tries when pods are lost under an evaluation; what a function itself says is never tried again. */
const MAX_TRIES = 3;
/** SIGKILL: within a container only the kernel sends that, when memory runs out. */
const KILLED = 137;
/** How long the news of a pod's end may take beside the end of its streams. */
const NEWS_MS = 2_000;

/** Evaluates one image: in warm pods by exec, or in a pod of its own by attach. */
export class PodEvaluator {
  readonly #options: EvaluatorOptions;

  constructor(options: EvaluatorOptions) {
    this.#options = options;
  }

  /** @throws the signal's reason; TransientErrors of pods; TerminalError OOMKilled, BadOutput */
  async evaluate(input: Uint8Array, signal: AbortSignal): Promise<Evaluation> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#try(input, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isPodLost(error) || attempt === MAX_TRIES) throw error;
      }
    }
  }

  async #try(input: Uint8Array, signal: AbortSignal): Promise<Evaluation> {
    const { pool, settings } = this.#options;
    if (settings.isolation === 'PerEvaluation') return await this.#single(input, signal);
    const lease = await pool.acquire(signal);
    return lease === undefined ? await this.#single(input, signal) : await this.#exec(lease, input, signal);
  }

  /** Whatever goes wrong, the pod goes: its process may still run. */
  async #exec(lease: Lease, input: Uint8Array, signal: AbortSignal): Promise<Evaluation> {
    let broken = true;
    try {
      const { client, namespace, image, maxOutputBytes } = this.#options;
      const target = { namespace, pod: lease.pod, container: CONTAINER, command: image.command };
      const result = await runInPod(client, target, input, { maxStdoutBytes: maxOutputBytes }, signal);
      const exitCode = result.exitCode ?? 0;
      if (exitCode === KILLED) throw await this.#killed(lease, signal);
      broken = false;
      return { ...result, exitCode };
    } catch (error) {
      // Waits for the news of what became of the pod: the pool has to have it while the pod is still its own.
      if (isPodLost(error) && (await this.#sees(lease, isOver, signal)) && isOutOfMemory(lease)) {
        throw outOfMemory(this.#options.settings);
      }
      throw error;
    } finally {
      lease.release(broken);
    }
  }

  /** Killed with its pod, which somebody deleted, or by the kernel. */
  async #killed(lease: Lease, signal: AbortSignal): Promise<Error> {
    if (await this.#sees(lease, isGoing, signal)) {
      return new TransientError('PodStreamLost', `pod ${lease.pod} was deleted while the function ran`);
    }
    return outOfMemory(this.#options.settings);
  }

  /** Waits a moment for news of the pod that show what the end of the streams alone does not. */
  async #sees(lease: Lease, what: (pod: Pod) => boolean, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const until = clock.now().getTime() + NEWS_MS;
    for (;;) {
      const pod = lease.observed();
      if (pod && what(pod)) return true;
      if (clock.now().getTime() >= until || signal.aborted) return false;
      await delay(clock, 50, signal).catch(() => undefined);
    }
  }

  /** The container's own process gets the input, by attach, and ends with it. */
  async #single(input: Uint8Array, signal: AbortSignal): Promise<Evaluation> {
    const { client, namespace, maxOutputBytes, singles } = this.#options;
    const pod = await singles.start(signal);
    try {
      const target = { namespace, pod: pod.name, container: CONTAINER };
      const attached = runInPod(client, target, input, { maxStdoutBytes: maxOutputBytes }, signal);
      // It may have ended before anything could be attached: then the log has what it wrote.
      const [streams] = await Promise.allSettled([attached]);
      if (streams.status === 'rejected' && streams.reason instanceof TerminalError) throw streams.reason;
      signal.throwIfAborted();
      const exitCode = await abortable(pod.ended(signal), signal);
      if (exitCode === KILLED) throw outOfMemory(this.#options.settings);
      if (streams.status === 'fulfilled' && streams.value.stdout.length > 0) return { ...streams.value, exitCode };
      const log = await pod.log(signal);
      return exitCode === 0
        ? { exitCode, stdout: log, stderr: '' }
        : { exitCode, stdout: new Uint8Array(), stderr: new TextDecoder().decode(log) };
    } finally {
      pod.remove();
    }
  }
}

function isOutOfMemory(lease: Lease): boolean {
  const pod = lease.observed();
  return pod !== undefined && ranOutOfMemory(pod);
}

function isGoing(pod: Pod): boolean {
  return podState(pod).state === 'leaving';
}

function isOver(pod: Pod): boolean {
  return ['failed', 'exited', 'leaving'].includes(podState(pod).state);
}
