import { TransientError } from '../api/errors.ts';
import type { KubeObject } from '../api/object.ts';
import type { Leadership } from './leader-election.ts';
import type { KindRef, ObjectName, ObjectStore, WriteOptions } from './store.ts';

/**
 * A store that only a leader writes to: others get TransientError NotLeading, and writes under way are given up when leadership is
 * lost. Anyone may read.
 */
export class FencedStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #leadership: Leadership;

  constructor(store: ObjectStore, leadership: Leadership) {
    this.#store = store;
    this.#leadership = leadership;
  }

  get: ObjectStore['get'] = (kind, name, signal) => this.#store.get(kind, name, signal);

  list: ObjectStore['list'] = (kind, options) => this.#store.list(kind, options);

  watch: ObjectStore['watch'] = (kind, options) => this.#store.watch(kind, options);

  async create<T extends KubeObject>(object: T, options: WriteOptions): Promise<T> {
    return await this.#fenced(options, (fenced) => this.#store.create(object, fenced));
  }

  async apply<T extends KubeObject>(object: T, options: WriteOptions): Promise<T> {
    return await this.#fenced(options, (fenced) => this.#store.apply(object, fenced));
  }

  async applyStatus<T extends KubeObject>(object: T, options: WriteOptions): Promise<T> {
    return await this.#fenced(options, (fenced) => this.#store.applyStatus(object, fenced));
  }

  async patch<T extends KubeObject>(
    kind: KindRef<T>,
    name: ObjectName,
    patch: object,
    options: WriteOptions,
  ): Promise<T> {
    return await this.#fenced(options, (fenced) => this.#store.patch(kind, name, patch, fenced));
  }

  async delete(kind: KindRef, name: ObjectName, options: Parameters<ObjectStore['delete']>[2] = {}): Promise<void> {
    await this.#fenced(options, (fenced) => this.#store.delete(kind, name, fenced));
  }

  async #fenced<O extends { readonly signal?: AbortSignal }, R>(
    options: O,
    write: (options: O) => Promise<R>,
  ): Promise<R> {
    const { lost } = this.#leadership;
    if (!this.#leadership.isLeading()) {
      throw new TransientError('NotLeading', 'this process does not lead (any more): it writes nothing');
    }
    const own = new AbortController();
    const { signal: callers } = options;
    const onLost = () => own.abort(lost.reason);
    const onCaller = () => own.abort(callers?.reason);
    if (callers?.aborted) onCaller();
    lost.addEventListener('abort', onLost, { once: true });
    callers?.addEventListener('abort', onCaller, { once: true });
    try {
      return await write({ ...options, signal: own.signal });
    } finally {
      lost.removeEventListener('abort', onLost);
      callers?.removeEventListener('abort', onCaller);
    }
  }
}
