import { ConflictError, TransientError } from '../api/errors.ts';
import { type KubeObject, objectKey } from '../api/object.ts';
import { abortable } from '../concurrency/abortable.ts';
import { type Logger, nullLogger } from '../observability/logger.ts';
import { type Clock, delay, systemClock } from './clock.ts';
import type { Change, IndexFunction, Informer } from './controller.ts';
import { IndexedCache } from './indexed-cache.ts';
import { deepFreeze } from './json.ts';
import { compareVersions } from './resource-version.ts';
import type { KindRef, ObjectStore, WatchEvent } from './store.ts';

export interface InformerOptions {
  /** Only objects of this namespace. */
  readonly namespace?: string;
  readonly clock?: Clock;
  /** Between 0 and 1, for jitter. */
  readonly random?: () => number;
  readonly logger?: Logger;
}

/** Delays after failures in a row: doubling from base to maximum, each between one and two times that; forgotten after a quiet time. */
const BACKOFF = { baseMs: 800, maxMs: 15_000, resetAfterMs: 120_000 } as const;
/** A watch that ends sooner than this is a failure even without an error: else it would be repeated without a pause. */
const SHORT_WATCH_MS = 1_000;
/** What was open for so long fails for the first time in a row: a network that cuts watches again and again must not make the copy ever older. */
const STEADY_WATCH_MS = 3_000;

/**
 * A local copy of the objects of a kind, kept up by list and watch, with one watch however many handlers there are. Handlers get each
 * state of an object at most once and never an older one after a newer one; states may be skipped. An object that went while
 * the watch was down is told as deleted by the next list.
 */
export class SharedInformer<T extends KubeObject> implements Informer<T> {
  readonly kind: KindRef<T>;
  readonly #store: ObjectStore;
  readonly #namespace: string | undefined;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #logger: Logger;
  readonly #cache: IndexedCache<T>;
  readonly #handlers: ((change: Change<T>) => void)[] = [];
  readonly #progressHandlers: (() => void)[] = [];
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  #running = false;
  #mustList = true;
  #resourceVersion = '';
  #liveWatches = 0;
  /** The last failure was an expired history. */
  #expiredLast = false;
  #failures = 0;
  #lastFailureAt = 0;
  #lastActivity: Date | undefined;

  constructor(store: ObjectStore, kind: KindRef<T>, options: InformerOptions = {}) {
    this.#store = store;
    this.kind = kind;
    this.#namespace = options.namespace;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#logger = (options.logger ?? nullLogger).child({ informer: kind.kind });
    this.#cache = new IndexedCache((index, error) => this.#logger.error('index function failed', { index, error }));
  }

  /** Whether the first list has reached cache and handlers. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Everything up to this version has reached cache and handlers; empty before the first list. */
  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  /** When a list, an event or a bookmark last came, or a watch ended without a fault; absent before the first list. */
  get lastActivity(): Date | undefined {
    return this.#lastActivity;
  }

  /** Open watches: one while it runs and the server answers, never more. */
  get liveWatches(): number {
    return this.#liveWatches;
  }

  get(key: string): T | undefined {
    return this.#cache.get(key);
  }

  list(): readonly T[] {
    return this.#cache.list();
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#cache.byIndex(index, value);
  }

  addIndex(name: string, index: IndexFunction<T>): void {
    if (this.#running) throw new Error(`index ${name} must be added before the informer starts`);
    this.#cache.addIndex(name, index);
  }

  onChange(handler: (change: Change<T>) => void): void {
    if (this.#running) throw new Error('handlers must be added before the informer starts');
    this.#handlers.push(handler);
  }

  /** Calls back whenever `hasSynced` or `resourceVersion` has moved, after the handlers. */
  onProgress(handler: () => void): void {
    this.#progressHandlers.push(handler);
  }

  /**
   * Resolves when the first list has reached cache and handlers.
   * @throws the signal's reason
   */
  async synced(signal: AbortSignal): Promise<void> {
    await abortable(this.#synced.promise, signal);
  }

  /** Lists and watches until the signal fires; never throws. Failures are logged and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#running) throw new Error(`informer of ${this.kind.kind} runs already`);
    this.#running = true;
    while (!signal.aborted) {
      try {
        if (this.#mustList) await this.#relist(signal);
        await this.#follow(signal);
      } catch (error) {
        if (!signal.aborted) await this.#recover(error, signal);
      }
    }
    this.#running = false;
  }

  /**
   * Takes an object as the store answered it to a write of our own, so that the next look at the cache is not older than that.
   * What the watch has delivered already is not undone. The watch's own event of this write is then not told again.
   */
  upsertOwnWrite(object: T): void {
    const { namespace, deletionTimestamp, finalizers, resourceVersion = '' } = object.metadata;
    if (this.#namespace !== undefined && namespace !== this.#namespace) return;
    if (!isNewer(resourceVersion, this.#resourceVersion)) return;
    // This write removed the object; the watch says so.
    if (deletionTimestamp !== undefined && !finalizers?.length) return;
    this.#put(object, false);
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { items, resourceVersion } = await this.#store.list(this.kind, { namespace: this.#namespace, signal });
    const listed = new Set(items.map(({ metadata }) => objectKey(metadata)));
    for (const item of items) this.#put(item, !this.#hasSynced);
    for (const key of this.#cache.keys()) {
      const cached = this.#cache.get(key);
      // An own write newer than the list is not in it.
      const isOwnWrite = isNewer(cached?.metadata.resourceVersion, resourceVersion);
      if (!listed.has(key) && !isOwnWrite) this.#remove(key);
    }
    this.#mustList = false;
    this.#hasSynced = true;
    this.#synced.resolve();
    this.#progress(resourceVersion);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const since = this.#now();
    let openSince: number | undefined;
    const onOpen = () => {
      openSince = this.#now();
    };
    this.#liveWatches++;
    try {
      const [namespace, resourceVersion] = [this.#namespace, this.#resourceVersion];
      for await (const event of this.#store.watch(this.kind, { namespace, resourceVersion, signal, onOpen })) {
        this.#deliver(event);
      }
    } finally {
      this.#liveWatches--;
      if (openSince !== undefined && this.#now() - openSince >= STEADY_WATCH_MS) this.#failures = 0;
    }
    if (signal.aborted) return;
    if (this.#now() - since < SHORT_WATCH_MS) throw new TransientError('WatchEnded', 'the watch ended at once');
    this.#lastActivity = this.#clock.now();
  }

  #deliver(event: WatchEvent<T>): void {
    if (event.type !== 'BOOKMARK' && this.#concerns(event.object)) {
      if (event.type === 'DELETED') this.#removeIfNewer(event.object);
      else this.#put(event.object, false);
    }
    this.#progress(event.resourceVersion);
  }

  #concerns({ metadata }: T): boolean {
    return this.#namespace === undefined || metadata.namespace === this.#namespace;
  }

  /**
   * An expired history asks for a new list: at once, unless that is what failed the last time as well. Everything else, an API
   * server that is away for a while among it, asks for a pause.
   */
  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const now = this.#now();
    if (now - this.#lastFailureAt > BACKOFF.resetAfterMs) {
      this.#failures = 0;
      this.#expiredLast = false;
    }
    const failures = this.#failures++;
    this.#lastFailureAt = now;
    const expired = error instanceof ConflictError && error.reason === 'Expired';
    if (expired) this.#mustList = true;
    const atOnce = expired && !this.#expiredLast;
    this.#expiredLast = expired;
    if (atOnce) return;
    const pause = Math.min(BACKOFF.maxMs, BACKOFF.baseMs * 2 ** Math.min(failures, 16)) * (1 + this.#random());
    this.#logger.warn('list or watch failed', { error, retryInMs: Math.round(pause) });
    await delay(this.#clock, pause, signal).catch(() => {});
  }

  #put(object: T, initial: boolean): void {
    const key = objectKey(object.metadata);
    const before = this.#cache.get(key);
    const { uid, resourceVersion } = object.metadata;
    if (before?.metadata.resourceVersion === resourceVersion) return;
    if (before && isNewer(before.metadata.resourceVersion, resourceVersion)) return;
    if (before && before.metadata.uid !== uid) {
      this.#remove(key);
      this.#put(object, initial);
      return;
    }
    const after = deepFreeze(object);
    this.#cache.set(key, after);
    this.#tell({ before, after, initial });
  }

  #removeIfNewer({ metadata }: T): void {
    const key = objectKey(metadata);
    const cached = this.#cache.get(key);
    if (cached && !isNewer(cached.metadata.resourceVersion, metadata.resourceVersion)) this.#remove(key);
  }

  #remove(key: string): void {
    const before = this.#cache.get(key);
    this.#cache.delete(key);
    this.#tell({ before });
  }

  #tell(change: Change<T>): void {
    for (const handler of this.#handlers) {
      try {
        handler(change);
      } catch (error) {
        const key = objectKey((change.after ?? change.before)?.metadata ?? { name: '' });
        this.#logger.error('handler failed', { key, error });
      }
    }
  }

  #progress(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
    this.#lastActivity = this.#clock.now();
    for (const handler of this.#progressHandlers) handler();
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}

/** Surely newer; false when nothing can be said. */
function isNewer(version: string | undefined, than: string | undefined): boolean {
  return (compareVersions(version ?? '', than ?? '') ?? 0) > 0;
}
