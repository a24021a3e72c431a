import { ConflictError } from '../api/errors.ts';
import { type KubeObject, objectKey } from '../api/object.ts';
import type { KindRef, ObjectName, ObjectStore, WriteOptions } from './store.ts';

/** A cache that takes what was just written without waiting for the watch. */
export interface WriteCache {
  readonly kind: KindRef;
  get(key: string): KubeObject | undefined;
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

  /**
   * A status that is bound to a uid alone is bound to the newest version that is known of that object: that is one request to a server,
   * which else has to be asked first which object it has.
   */
  async applyStatus<T extends KubeObject>(object: T, options: WriteOptions): Promise<T> {
    const resourceVersion = this.#newestVersion(object);
    if (resourceVersion === undefined) return this.#seen(await this.#store.applyStatus(object, options));
    try {
      const versioned = { ...object, metadata: { ...object.metadata, resourceVersion } };
      return this.#seen(await this.#store.applyStatus(versioned, options));
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      return this.#seen(await this.#store.applyStatus(object, options));
    }
  }

  async patch<T extends KubeObject>(
    kind: KindRef<T>,
    name: ObjectName,
    patch: object,
    options: WriteOptions,
  ): Promise<T> {
    return this.#seen(await this.#store.patch(kind, name, patch, options));
  }

  #newestVersion({ apiVersion, kind, metadata }: KubeObject): string | undefined {
    if (metadata.uid === undefined || metadata.resourceVersion !== undefined) return undefined;
    const known = this.#cacheOf(apiVersion, kind)?.get(objectKey(metadata))?.metadata;
    return known?.uid === metadata.uid ? known.resourceVersion : undefined;
  }

  #cacheOf(apiVersion: string, kind: string): WriteCache | undefined {
    return this.#caches.find((cache) => cache.kind.kind === kind && cache.kind.apiVersion === apiVersion);
  }

  #seen<T extends KubeObject>(object: T): T {
    this.#cacheOf(object.apiVersion, object.kind)?.upsertOwnWrite(object);
    return object;
  }
}
