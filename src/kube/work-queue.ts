import { abortable } from '../concurrency/abortable.ts';
import { type Clock, systemClock } from './clock.ts';
import { DelayHeap } from './delay-heap.ts';
import { FairLines, type Priority } from './fair-lines.ts';

/** What a queue tells of itself, after the metrics of client-go's work queues. */
export interface WorkQueueMetrics {
  /** Number of queued keys, after each change. */
  depth(keys: number): void;
  added(): void;
  retried(): void;
  /** A key was taken after it had been queued for so long. */
  waited(milliseconds: number): void;
  /** The work on a key took so long. */
  worked(milliseconds: number): void;
}

/** How the keys of a queue share its workers. */
export interface LaneOptions {
  /** What a key belongs to, a repository for example; asked when the key is queued. Lanes take turns. Default: one lane. */
  readonly lane?: (key: string) => string;
  /** Keys of one lane that are worked on at the same time. Default: no limit. */
  readonly perLane?: number;
}

export interface WorkQueueOptions extends LaneOptions {
  readonly clock?: Clock;
  /** Back-off after the first failure; it doubles with each further one. Default 5 ms. */
  readonly baseDelayMs?: number;
  /** Default 1,000 s. */
  readonly maxDelayMs?: number;
  readonly metrics?: WorkQueueMetrics;
  /** Called after each change of state. */
  readonly onChange?: () => void;
}

interface Queued {
  readonly key: string;
  readonly lane: string;
  readonly priority: Priority;
  readonly since: number;
}

interface Processing {
  readonly entry: Queued;
  readonly since: number;
}

/**
 * Keys to be worked on, each queued at most once and worked on by one worker at a time. A key that is added while it is
 * worked on is queued again when that work is done. A lane whose keys take long holds up no other, as long as there are
 * more workers than one lane may have.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #metrics: WorkQueueMetrics | undefined;
  readonly #onChange: () => void;
  readonly #laneOf: (key: string) => string;

  readonly #queued = new Map<string, Queued>();
  readonly #lines: FairLines<Queued>;
  readonly #processing = new Map<string, Processing>();
  /** Keys added while being worked on. */
  readonly #dirty = new Map<string, Priority>();
  readonly #failures = new Map<string, number>();
  /** Keys to be queued later because somebody asked for it. */
  readonly #later = new DelayHeap();
  /** Keys to be queued later because their last work did; the next result replaces it. */
  readonly #again = new DelayHeap();
  readonly #takers = new Set<(key: string | undefined) => void>();
  #timer: { readonly dueAt: number; readonly cancel: () => void } | undefined;
  #idle: PromiseWithResolvers<void> | undefined;
  #closed = false;

  constructor(options: WorkQueueOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#baseDelayMs = options.baseDelayMs ?? 5;
    this.#maxDelayMs = options.maxDelayMs ?? 1_000_000;
    this.#metrics = options.metrics;
    this.#onChange = options.onChange ?? (() => {});
    this.#laneOf = options.lane ?? (() => '');
    this.#lines = new FairLines({
      perLane: options.perLane ?? Number.POSITIVE_INFINITY,
      laneOf: ({ lane }) => lane,
      // A key that has moved up leaves its old entry behind.
      isCurrent: (entry) => this.#queued.get(entry.key) === entry,
    });
  }

  /** Number of queued keys, those of a lane at its limit too. */
  get depth(): number {
    return this.#queued.size;
  }

  /** Number of keys being worked on. */
  get processing(): number {
    return this.#processing.size;
  }

  /** Keys that are to be queued later, with the time until then. */
  get delayed(): readonly { readonly key: string; readonly inMs: number }[] {
    const now = this.#now();
    const earliest = new Map<string, number>();
    for (const { key, dueAt } of [...this.#later.entries(), ...this.#again.entries()]) {
      earliest.set(key, Math.min(dueAt, earliest.get(key) ?? dueAt));
    }
    return [...earliest].map(([key, dueAt]) => ({ key, inMs: Math.max(0, dueAt - now) }));
  }

  /** Milliseconds until the next delayed key is due. */
  get nextDueInMs(): number | undefined {
    const next = this.#nextDueAt();
    return next === undefined ? undefined : Math.max(0, next - this.#now());
  }

  /** Queues a key. One that is queued with low priority moves up when it is added with normal priority. */
  add(key: string, priority: Priority = 'normal'): void {
    if (this.#closed) return;
    this.#metrics?.added();
    if (this.#processing.has(key)) {
      if (this.#dirty.get(key) !== 'normal') this.#dirty.set(key, priority);
      return;
    }
    this.#enqueue(key, priority);
    this.#onChange();
  }

  /** Queues a key later; of several times the earliest counts. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#closed) return;
    if (milliseconds <= 0) {
      this.add(key);
      return;
    }
    const dueAt = this.#now() + milliseconds;
    if (dueAt >= (this.#later.dueAt(key) ?? Number.POSITIVE_INFINITY)) return;
    this.#later.set(key, dueAt);
    this.#arm();
    this.#onChange();
  }

  /**
   * Ends the work on a key and says when it is to be worked on again: `retry` backs off, a number of milliseconds is a success
   * that asks for another look, undefined a success that waits for the next `add`. Both successes reset the back-off. What an
   * earlier result of this key asked for no longer counts.
   */
  done(key: string, next?: 'retry' | number): void {
    const processing = this.#processing.get(key);
    if (processing === undefined) throw new Error(`key ${key} is not being worked on`);
    this.#processing.delete(key);
    this.#lines.release(processing.entry);
    this.#metrics?.worked(this.#now() - processing.since);
    this.#again.delete(key);
    const dirty = this.#dirty.get(key);
    this.#dirty.delete(key);
    const now = this.#schedule(key, next) ? 'normal' : dirty;
    // Once only: the first call may hand the key to a waiting worker, and the second would hand it to another one.
    if (now && !this.#closed) this.#enqueue(key, now);
    this.#serveTakers();
    this.#arm();
    if (this.#processing.size === 0) this.#idle?.resolve();
    this.#onChange();
  }

  /** How often the work on a key has failed since its last success. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /**
   * The next key, which from then on is worked on until `done`. Undefined after shutdown.
   * @throws the signal's reason
   */
  async take(signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    if (this.#closed) return undefined;
    const key = this.#next();
    if (key !== undefined) return key;
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
    // Who has been handed a key is no taker any more, and keeps it.
    const onAbort = () => {
      if (this.#takers.delete(resolve)) reject(signal.reason);
    };
    this.#takers.add(resolve);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Takes no more keys, forgets those that wait, and sends workers home that wait for one. */
  shutdown(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#later.clear();
    this.#again.clear();
    this.#queued.clear();
    this.#dirty.clear();
    this.#lines.clear();
    for (const taker of this.#takers) taker(undefined);
    this.#takers.clear();
    this.#metrics?.depth(0);
    this.#onChange();
  }

  /**
   * After `shutdown`: waits until no key is worked on.
   * @throws the signal's reason
   */
  async drained(signal: AbortSignal): Promise<void> {
    if (this.#processing.size === 0) return;
    this.#idle ??= Promise.withResolvers();
    await abortable(this.#idle.promise, signal);
  }

  /** True when the key is to be worked on again at once. */
  #schedule(key: string, next: 'retry' | number | undefined): boolean {
    const failures = this.failures(key);
    if (next !== 'retry') this.#failures.delete(key);
    if (next === undefined || this.#closed) return false;
    if (next === 'retry') {
      this.#failures.set(key, failures + 1);
      this.#metrics?.retried();
      // Beyond 2^50 a number of milliseconds is no longer exact, and far beyond any maximum.
      this.#again.set(key, this.#now() + Math.min(this.#maxDelayMs, this.#baseDelayMs * 2 ** Math.min(failures, 50)));
    } else if (next > 0) {
      this.#again.set(key, this.#now() + next);
    }
    return next !== 'retry' && next <= 0;
  }

  #nextDueAt(): number | undefined {
    const [later, again] = [this.#later.next(), this.#again.next()];
    if (later === undefined || again === undefined) return later ?? again;
    return Math.min(later, again);
  }

  #arm(): void {
    const dueAt = this.#nextDueAt();
    if (dueAt === this.#timer?.dueAt) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (dueAt === undefined) return;
    const cancel = this.#clock.setTimer(dueAt - this.#now(), () => {
      this.#timer = undefined;
      this.#queueDue();
    });
    this.#timer = { dueAt, cancel };
  }

  #queueDue(): void {
    const now = this.#now();
    for (const heap of [this.#later, this.#again]) {
      for (let key = heap.takeDue(now); key !== undefined; key = heap.takeDue(now)) this.add(key);
    }
    this.#arm();
  }

  #enqueue(key: string, priority: Priority): void {
    const before = this.#queued.get(key);
    if (before && (before.priority === 'normal' || priority === 'low')) return;
    const entry = { key, lane: this.#laneOf(key), priority, since: before?.since ?? this.#now() };
    this.#queued.set(key, entry);
    this.#lines.push(entry, priority);
    this.#metrics?.depth(this.depth);
    this.#serveTakers();
  }

  /** Hands keys to waiting workers, as long as there is one of each. */
  #serveTakers(): void {
    for (const taker of this.#takers) {
      const key = this.#next();
      if (key === undefined) return;
      this.#takers.delete(taker);
      taker(key);
    }
  }

  /** Takes out the next key and marks it as being worked on. */
  #next(): string | undefined {
    const entry = this.#lines.take();
    if (entry === undefined) return undefined;
    const now = this.#now();
    this.#queued.delete(entry.key);
    this.#processing.set(entry.key, { entry, since: now });
    this.#metrics?.waited(now - entry.since);
    this.#metrics?.depth(this.depth);
    return entry.key;
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}
