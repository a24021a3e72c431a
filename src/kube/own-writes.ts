import type { KubeObject } from '../api/object.ts';
import type { KindRef, ObjectName, ObjectStore, WriteOptions } from './store.ts';

/** A cache that takes what was just written without waiting for the watch. */
export interface WriteCache {
  readonly kind: KindRef;
  upsertOwnWrite(object: KubeObject): void;
}

/**
 * A store whose writes are seen at once by the caches of their kinds, so that a controller never acts on a state older than its
 * own last write.
 */
export class OwnWritesStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #caches: readonly WriteCache[];

  constructor(store: ObjectStore, caches: readonly WriteCache[]) {
    this.#store = store;
    this.#caches = caches;
  }

  get: ObjectStore['get'] = (kind, name, signal) => this.#store.get(kind, name, signal);

  list: ObjectStore['list'] = (kind, options) => this.#store.list(kind, options);

  watch: ObjectStore['watch'] = (kind, options) => this.#store.watch(kind, options);

  delete: ObjectStore['delete'] = (kind, name, options) => this.#store.delete(kind, name, options);

  async create<T extends KubeObject>(object: T, options: WriteOptions): Promise<T> {
    return this.#seen(await this.#store.create(object, options));
  }

  async apply<T extends KubeObject>(object: T, options: WriteOptions): Promise<T> {
    return this.#seen(await this.#store.apply(object, options));
  }

  async applyStatus<T extends KubeObject>(object: T, options: WriteOptions): Promise<T> {
    return this.#seen(await this.#store.applyStatus(object, options));
  }

  async patch<T extends KubeObject>(
    kind: KindRef<T>,
    name: ObjectName,
    patch: object,
    options: WriteOptions,
  ): Promise<T> {
    return this.#seen(await this.#store.patch(kind, name, patch, options));
  }

  #seen<T extends KubeObject>(object: T): T {
    for (const cache of this.#caches) {
      if (cache.kind.kind === object.kind && cache.kind.apiVersion === object.apiVersion) cache.upsertOwnWrite(object);
    }
    return object;
  }
}
