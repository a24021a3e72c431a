import {
  ALL_KINDS,
  type Kind,
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  type PackageVariant,
  type PackageVariantSet,
  REPOSITORY,
} from '../../../../src/api/kinds.ts';
import type { Condition, KubeObject } from '../../../../src/api/object.ts';
import { objectKey } from '../../../../src/api/object.ts';
import { revisionIndexes, variantIndexes } from '../../../../src/controllers/indexes.ts';
import { PackageVariantSetReconciler } from '../../../../src/controllers/package-variant-set/reconciler.ts';
import { EmbeddedStore } from '../../../../src/kube/adapters/embedded/store.ts';
import type { IndexFunction, ReconcileResult } from '../../../../src/kube/controller.ts';
import { IndexedCache } from '../../../../src/kube/indexed-cache.ts';
import type { ObjectStore } from '../../../../src/kube/store.ts';
import { nullLogger } from '../../../../src/observability/logger.ts';

const KEY = 'default/my-pvs';
const TIME = Date.UTC(2026, 0, 1, 12);

/** A write that reached the store. */
interface Write {
  readonly verb: 'create' | 'patch' | 'delete' | 'apply' | 'applyStatus';
  readonly name: string;
}

/** The set reconciler on a store, with caches that are always current. */
export class SetWorld {
  readonly store: EmbeddedStore;
  readonly writes: Write[] = [];
  readonly events: string[] = [];
  /** Called before each write; what it throws is what the write answers. */
  onWrite: (write: Write) => void = () => undefined;
  /** What listing a kind answers in place of the store's objects. */
  onList: () => void = () => undefined;
  /** Most writes that were under way at a time. */
  mostAtOnce = 0;
  #underWay = 0;
  #now = TIME;
  readonly #reconciler: PackageVariantSetReconciler;

  constructor() {
    this.store = new EmbeddedStore({ kinds: ALL_KINDS.map((kind) => ({ kind })), now: () => this.now() });
    this.#reconciler = new PackageVariantSetReconciler(
      {
        store: this.#watched(),
        selectables: {
          list: async (namespace, apiVersion, kind) => {
            this.onList();
            const { items } = await this.store.list({ apiVersion, kind, plural: '', namespaced: true }, { namespace });
            return items;
          },
          onChange: () => undefined,
        },
        repositories: this.#cache(REPOSITORY, {}),
        revisions: this.#cache(PACKAGE_REVISION, revisionIndexes),
        variants: this.#cache(PACKAGE_VARIANT, variantIndexes),
        variantSets: this.#cache(PACKAGE_VARIANT_SET, {}),
        events: { record: (_object, { reason, message }) => void this.events.push(`${reason}: ${message}`) },
        logger: nullLogger,
      },
      1,
    );
  }

  now(): Date {
    return new Date(this.#now);
  }

  passTime(milliseconds: number): void {
    this.#now += milliseconds;
  }

  async apply(...objects: readonly KubeObject[]): Promise<void> {
    for (const object of objects) {
      const { resourceVersion: _version, uid: _uid, ...metadata } = object.metadata;
      const anew = { ...object, metadata };
      await this.store.apply(anew, { fieldManager: 'test' });
      if ('status' in anew) await this.store.applyStatus(anew, { fieldManager: 'test' });
    }
  }

  async remove(object: KubeObject): Promise<void> {
    await this.store.delete({ ...object, plural: '', namespaced: true }, object.metadata);
  }

  reconcile(): Promise<ReconcileResult | undefined> {
    this.writes.length = 0;
    return this.#reconciler.reconcile(KEY, { signal: new AbortController().signal, now: () => this.now() });
  }

  /** Reconciles, and gives back what it threw. */
  async failure(): Promise<unknown> {
    try {
      await this.reconcile();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  async set(): Promise<PackageVariantSet> {
    const found = await this.store.get(PACKAGE_VARIANT_SET, { namespace: 'default', name: 'my-pvs' });
    if (!found) throw new Error('the set is not there');
    return found;
  }

  async condition(type = 'Ready'): Promise<Condition | undefined> {
    return (await this.set()).status?.conditions?.find((condition) => condition.type === type);
  }

  async variants(): Promise<readonly PackageVariant[]> {
    return (await this.store.list(PACKAGE_VARIANT)).items;
  }

  async names(): Promise<readonly string[]> {
    return (await this.variants()).map(({ metadata }) => metadata.name);
  }

  /** What the variant controller would find: all variants, or those named, are as told at their generation. */
  async settle(
    state: 'Ready' | 'Failed' | 'Draft' = 'Ready',
    isMeant: (variant: PackageVariant) => boolean = () => true,
  ): Promise<void> {
    for (const variant of (await this.variants()).filter(isMeant)) {
      const { generation } = variant.metadata;
      const status = state === 'Failed' ? ('False' as const) : ('True' as const);
      const ready = {
        type: 'Ready',
        status,
        reason: state,
        message: state,
        lastTransitionTime: '2026-01-01T00:00:00Z',
      };
      const phase = state === 'Ready' ? ('Published' as const) : ('Draft' as const);
      const found = { ...variant, status: { observedGeneration: generation, phase, conditions: [ready] } };
      await this.store.applyStatus(found, { fieldManager: 'variants' });
    }
  }

  /** Deletes variants for good, as the variant controller does when it has done its part. */
  async finalize(): Promise<void> {
    for (const variant of await this.variants()) {
      if (variant.metadata.deletionTimestamp === undefined) continue;
      await this.store.patch(
        PACKAGE_VARIANT,
        variant.metadata,
        { metadata: { finalizers: [] } },
        { fieldManager: 'v' },
      );
    }
  }

  #cache<T extends KubeObject>(kind: Kind<T>, indexes: Readonly<Record<string, IndexFunction<T>>>): IndexedCache<T> {
    const cache = new IndexedCache<T>((index, error) => {
      throw new Error(`index ${index} failed`, { cause: error });
    });
    for (const [name, index] of Object.entries(indexes)) cache.addIndex(name, index);
    this.store.onChange(({ before, after }) => {
      const object = after ?? before;
      if (object?.kind !== kind.kind) return;
      if (after) cache.set(objectKey(after.metadata), after as T);
      else cache.delete(objectKey(object.metadata));
    });
    return cache;
  }

  #watched(): ObjectStore {
    const { store } = this;
    const write = async <T>(verb: Write['verb'], name: string, work: () => Promise<T>): Promise<T> => {
      this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underWay);
      try {
        await Promise.resolve();
        this.onWrite({ verb, name });
        this.writes.push({ verb, name });
        return await work();
      } finally {
        this.#underWay--;
      }
    };
    return {
      get: (...args) => store.get(...args),
      list: (...args) => store.list(...args),
      watch: (...args) => store.watch(...args),
      create: (object, options) => write('create', object.metadata.name, () => store.create(object, options)),
      apply: (object, options) => write('apply', object.metadata.name, () => store.apply(object, options)),
      applyStatus: (object, options) =>
        write('applyStatus', object.metadata.name, () => store.applyStatus(object, options)),
      patch: (kind, name, patch, options) => write('patch', name.name, () => store.patch(kind, name, patch, options)),
      delete: (kind, name, options) => write('delete', name.name, () => store.delete(kind, name, options)),
    };
  }
}
