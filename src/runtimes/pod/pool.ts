import type { TransientError, VerandaError } from '../../api/errors.ts';
import type { Clock } from '../../kube/clock.ts';
import { podFault, startTimeout } from './faults.ts';
import type { Pod } from './manifest.ts';
import type { PodSettings } from './settings.ts';
import { podState, ranOutOfMemory, unschedulable } from './state.ts';

/** Makes and removes the pods of one image. */
export interface PodFactory {
  /** @returns the pod's name at once; the promise settles when the API server has answered */
  create(): { readonly name: string; readonly created: Promise<void> };
  /** Never rejects: what cannot be deleted now is collected later. */
  remove(name: string): void;
}

/** Bounds the pods of all pools together. */
export interface PodBudget {
  /** False when there is no room; a pool with an idle pod gives it up then. */
  take(): boolean;
  release(): void;
}

export interface PoolOptions {
  readonly settings: PodSettings;
  readonly factory: PodFactory;
  readonly budget: PodBudget;
  readonly clock: Clock;
  /** Milliseconds that a pod may take until its container runs. */
  readonly startTimeoutMs: number;
  /** Milliseconds that a pod may wait for a node, which an autoscaler may have to bring. */
  readonly scheduleTimeoutMs: number;
}

/** The right to run one evaluation in a pod; to be released once. */
export interface Lease {
  readonly pod: string;
  /** The pod as it was seen last. */
  readonly observed: () => Pod | undefined;
  /** @param broken the pod is not used again and goes */
  release(broken: boolean): void;
}

interface Member {
  readonly name: string;
  state: 'starting' | 'ready' | 'leaving';
  running: number;
  idleSince: number;
  /** Evaluations that came to their end in it. */
  served: number;
  pod?: Pod;
  cancelTimers: (() => void)[];
}

interface Waiter {
  readonly give: (lease: Lease | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** After a failed start: this long, and twice as long after each further one, until another pod is tried. */
const BACKOFF = { baseMs: 2_000, maxMs: 60_000 } as const;

/** A program that does not wait for input ends within this time after its start; what ends later was ended. */
const AT_ONCE_MS = 10_000;

/**
 * The pods of one image. Evaluations go to the pod with the fewest; when all are busy they wait in the order in which
 * they came, and more pods are made up to the maximum. All state is changed in one thread and by events alone, so that
 * finding a pod costs no call.
 */
export class PodPool {
  readonly #options: PoolOptions;
  readonly #members = new Map<string, Member>();
  readonly #waiters = new Set<Waiter>();
  #fault: { readonly error: VerandaError; readonly until: number; readonly count: number } | undefined;
  /** The image's program ends without reading its input: no pod of it stays. */
  #exitsByItself = false;
  /** Why no evaluation is taken any more. */
  #closed: { readonly reason: unknown } | undefined;
  /** Serves who waits already; its pods go as they become idle. */
  #retired = false;
  #usedAt: number;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#usedAt = this.#now();
  }

  get size(): number {
    return this.#members.size;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** Nothing would be lost with it: it has no pods and no work, and what it has learnt is old. */
  get isSpent(): boolean {
    if (this.#members.size > 0 || this.#waiters.size > 0) return false;
    if (this.#fault && this.#now() < this.#fault.until) return false;
    return !this.#exitsByItself || this.#now() - this.#usedAt >= this.#options.settings.idleTtlMs;
  }

  has(pod: string): boolean {
    return this.#members.has(pod);
  }

  /**
   * A place in a pod; undefined when the image's program does not stay.
   * @throws the signal's reason; TransientError ImagePull, Unschedulable, CrashLoop, ... when no pod comes up
   */
  async acquire(signal: AbortSignal): Promise<Lease | undefined> {
    signal.throwIfAborted();
    if (this.#closed) throw this.#closed.reason;
    this.#usedAt = this.#now();
    if (this.#exitsByItself) return undefined;
    const free = this.#free();
    if (free && this.#waiters.size === 0) return this.#lease(free);
    if (this.#fault && this.#members.size === 0 && this.#now() < this.#fault.until) throw this.#fault.error;
    const { promise, resolve, reject } = Promise.withResolvers<Lease | undefined>();
    const waiter: Waiter = { give: resolve, fail: reject };
    const onAbort = () => waiter.fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiters.add(waiter);
    this.scale();
    try {
      return await promise;
    } finally {
      this.#waiters.delete(waiter);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Makes pods up to the minimum. */
  warmUp(): void {
    const { minPods } = this.#options.settings;
    const backsOff = this.#fault !== undefined && this.#now() < this.#fault.until;
    if (this.#closed || this.#retired || this.#exitsByItself || backsOff) return;
    while (this.#live().length < minPods && this.#start());
  }

  /** Lets pods go that had no work for too long, except the minimum. */
  sweep(): void {
    const { minPods, idleTtlMs } = this.#options.settings;
    const idle = this.#idle().filter(({ idleSince }) => this.#now() - idleSince >= idleTtlMs);
    const surplus = this.#live().length - minPods;
    for (const member of idle.slice(0, Math.max(0, surplus))) this.#discard(member);
  }

  /** Gives up one idle pod for another pool's sake. False when there is none. */
  giveUpIdle(): boolean {
    const [member] = this.#idle();
    if (!member || this.#waiters.size > 0) return false;
    this.#discard(member);
    return true;
  }

  /** A pod of this pool changed, or is gone. */
  observe(name: string, pod: Pod | undefined): void {
    const member = this.#members.get(name);
    if (!member) return;
    member.pod = pod ?? (member.pod && asGone(member.pod));
    const seen = pod === undefined ? ({ state: 'leaving' } as const) : podState(pod);
    switch (seen.state) {
      case 'ready':
        this.#ready(member);
        break;
      case 'failed':
        this.#failed(member, podFault(seen.reason, name, seen.message, this.#options.settings));
        break;
      case 'exited':
        this.#exited(member);
        break;
      case 'leaving':
        this.#forget(member);
        this.scale();
        break;
      case 'starting':
        if (pod && unschedulable(pod) !== undefined) this.#awaitNode(member);
        break;
    }
  }

  /** Lets all pods go; who waits fails. */
  close(reason: unknown): void {
    this.#closed = { reason };
    for (const waiter of this.#waiters) waiter.fail(reason);
    for (const member of [...this.#members.values()]) this.#discard(member);
  }

  /** To be asked no more: who waits is served, and pods go as their evaluations end. */
  retire(): void {
    this.#retired = true;
    this.#dispatch();
  }

  #ready(member: Member): void {
    if (member.state !== 'starting') return;
    for (const cancel of member.cancelTimers.splice(0)) cancel();
    member.state = 'ready';
    member.idleSince = this.#now();
    this.#fault = undefined;
    this.#dispatch();
  }

  /** Its process ended: either the program never waits for input, or something ended it while it was in use. */
  #exited(member: Member): void {
    const atOnce = member.state === 'starting' || this.#now() - member.idleSince < AT_ONCE_MS;
    this.#discard(member);
    if (member.served === 0 && atOnce) {
      this.#exitsByItself = true;
      for (const waiter of this.#waiters) waiter.give(undefined);
      this.#waiters.clear();
      for (const other of [...this.#members.values()]) this.#discard(other);
    } else this.scale();
  }

  #failed(member: Member, error: VerandaError): void {
    const wasStarting = member.state === 'starting';
    this.#discard(member);
    if (wasStarting) this.#startFailed(error);
    else this.scale();
  }

  #startFailed(error: VerandaError): void {
    const count = (this.#fault?.count ?? 0) + 1;
    const pause = Math.min(BACKOFF.baseMs * 2 ** (count - 1), BACKOFF.maxMs);
    this.#fault = { error, count, until: this.#now() + pause };
    if (this.#live().length > 0) return;
    for (const waiter of this.#waiters) waiter.fail(error);
    this.#waiters.clear();
  }

  #dispatch(): void {
    for (const waiter of this.#waiters) {
      const free = this.#free();
      if (!free) break;
      this.#waiters.delete(waiter);
      waiter.give(this.#lease(free));
    }
    this.scale();
    if (!this.#retired || this.#waiters.size > 0) return;
    for (const member of this.#idle()) this.#discard(member);
  }

  #lease(member: Member): Lease {
    member.running += 1;
    let released = false;
    return {
      pod: member.name,
      observed: () => member.pod,
      release: (broken) => {
        if (released) return;
        released = true;
        member.running -= 1;
        member.idleSince = this.#now();
        if (!broken) member.served += 1;
        if (broken) this.#discard(member);
        this.#dispatch();
      },
    };
  }

  #free(): Member | undefined {
    const { parallel } = this.#options.settings;
    const open = [...this.#members.values()].filter(({ state, running }) => state === 'ready' && running < parallel);
    return open.reduce<Member | undefined>(
      (best, next) => (best && best.running <= next.running ? best : next),
      undefined,
    );
  }

  /** More pods when more wait than those that come up will take and the others may keep waiting. */
  scale(): void {
    const { maxPods, parallel, queueLength } = this.#options.settings;
    const backsOff = this.#fault !== undefined && this.#now() < this.#fault.until;
    if (this.#closed || this.#exitsByItself || backsOff) return;
    for (;;) {
      const live = this.#live();
      const starting = live.filter(({ state }) => state === 'starting').length;
      const served = starting * parallel + live.length * queueLength;
      const wanted = this.#waiters.size > 0 && (live.length === 0 || this.#waiters.size > served);
      if (!wanted || live.length >= maxPods || !this.#start()) return;
    }
  }

  #start(): boolean {
    const { factory, budget, clock, startTimeoutMs } = this.#options;
    if (!budget.take()) return false;
    const { name, created } = factory.create();
    const member: Member = { name, state: 'starting', running: 0, idleSince: 0, served: 0, cancelTimers: [] };
    this.#members.set(name, member);
    member.cancelTimers.push(
      clock.setTimer(startTimeoutMs, () => this.#failed(member, startTimeout(name, member.pod, startTimeoutMs))),
    );
    created.catch((error: VerandaError | TransientError) => {
      if (!this.#members.has(name)) return;
      this.#forget(member);
      this.#startFailed(error);
    });
    return true;
  }

  #awaitNode(member: Member): void {
    if (member.cancelTimers.length > 1) return;
    const { clock, scheduleTimeoutMs, settings } = this.#options;
    const giveUp = () => {
      const message = member.pod && unschedulable(member.pod);
      if (message !== undefined) this.#failed(member, podFault('Unschedulable', member.name, message, settings));
    };
    member.cancelTimers.push(clock.setTimer(scheduleTimeoutMs, giveUp));
  }

  /** The other evaluations in it end with it: they have to see that it is not memory that they lack. */
  #discard(member: Member): void {
    if (!this.#members.has(member.name)) return;
    if (member.pod && !ranOutOfMemory(member.pod)) member.pod = asGone(member.pod);
    this.#forget(member);
    this.#options.factory.remove(member.name);
  }

  #forget(member: Member): void {
    if (!this.#members.delete(member.name)) return;
    for (const cancel of member.cancelTimers.splice(0)) cancel();
    member.state = 'leaving';
    this.#options.budget.release();
  }

  #idle(): Member[] {
    return this.#live()
      .filter(({ state, running }) => state === 'ready' && running === 0)
      .sort((a, b) => a.idleSince - b.idleSince);
  }

  #live(): Member[] {
    return [...this.#members.values()];
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

function asGone(pod: Pod): Pod {
  const { deletionTimestamp = new Date(0).toISOString() } = pod.metadata;
  return { ...pod, metadata: { ...pod.metadata, deletionTimestamp } };
}
