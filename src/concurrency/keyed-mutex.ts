import { AsyncLocalStorage } from 'node:async_hooks';
import PQueue from 'p-queue';
import { type Job, runInSlot } from './slot-job.ts';

interface Held<Key> {
  readonly key: Key;
  readonly outer: Held<Key> | undefined;
  open: boolean;
}

/** Runs at most one job of a key at a time, in the order of asking. Keys without jobs take no memory. */
export class KeyedMutex<Key> {
  readonly #queues = new Map<Key, PQueue>();
  readonly #held = new AsyncLocalStorage<Held<Key> | undefined>();

  /** Number of keys with jobs. */
  get size(): number {
    return this.#queues.size;
  }

  /**
   * An abort takes a waiting job out; a running one gets the signal, and its caller is freed at once while the key stays
   * locked until the job has ended.
   * @throws the signal's reason; what the job throws; Error when the job that asks holds the key itself and would wait
   * for ever
   */
  async run<T>(key: Key, job: Job<T>, signal: AbortSignal): Promise<T> {
    const outer = this.#held.getStore();
    if (holds(outer, key)) throw new Error(`deadlock: a job that holds ${String(key)} asks for it again`);
    const queue = this.#queues.get(key) ?? new PQueue({ concurrency: 1 });
    this.#queues.set(key, queue);
    const held: Held<Key> = { key, outer, open: true };
    const locked: Job<T> = (inner) => this.#held.run(held, () => job(inner));
    const release = () => {
      held.open = false;
    };
    try {
      return await runInSlot(queue, locked, signal, {}, release);
    } finally {
      this.#freeWhenIdle(key, queue);
    }
  }

  #freeWhenIdle(key: Key, queue: PQueue): void {
    void queue.onIdle().then(() => {
      const idle = queue.pending === 0 && queue.size === 0;
      if (idle && this.#queues.get(key) === queue) this.#queues.delete(key);
    });
  }
}

function holds<Key>(held: Held<Key> | undefined, key: Key): boolean {
  for (let current = held; current !== undefined; current = current.outer) {
    if (current.open && current.key === key) return true;
  }
  return false;
}
