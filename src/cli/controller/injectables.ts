import { LRUCache } from 'lru-cache';
import { TransientError } from '../../api/errors.ts';
import type { PackageRevision, PackageVariant } from '../../api/kinds.ts';
import { type KubeObject, objectKey } from '../../api/object.ts';
import { SingleFlight } from '../../concurrency/single-flight.ts';
import type { Injectables } from '../../controllers/environment.ts';
import { INDEX } from '../../controllers/indexes.ts';
import { resolveUpstream, type VariantListers } from '../../controllers/package-variant/observe.ts';
import type { Change } from '../../kube/controller.ts';
import type { Injector } from '../../task/mutations/inject-config.ts';
import type { InputType } from './input-watch.ts';
import { type InputKey, type InputWatches, isSecret, sameKey } from './input-watches.ts';

export interface ClusterInjectablesOptions {
  readonly watches: InputWatches;
  readonly listers: VariantListers;
  /** The types that the injection points of a revision's package ask for. */
  readonly readTypes: (revision: PackageRevision, signal: AbortSignal) => Promise<readonly InputType[]>;
}

/** Types of the injection points of so many packages are remembered. */
const MAX_PACKAGES = 5_000;
/** How long a question may wait for the first list. */
const WAIT_MS = 15_000;

/**
 * What a cluster holds for injection. Which types count for a variant follows from its upstream's package alone, so that
 * the same inputs have the same hash whichever watches happen to be open. Never Secrets, whatever the operator was granted.
 */
export class ClusterInjectables implements Injectables {
  readonly #options: ClusterInjectablesOptions;
  /** By tree of the package. */
  readonly #types = new LRUCache<string, readonly InputType[]>({ max: MAX_PACKAGES });
  readonly #reads = new SingleFlight<string, readonly InputType[]>();

  constructor(options: ClusterInjectablesOptions) {
    this.#options = options;
    options.watches.keep(() => options.listers.variants.list().flatMap((variant) => this.#keysOf(variant)));
  }

  onChange(handler: (object: KubeObject) => void): void {
    const { watches, listers } = this.#options;
    watches.onChange((change) => {
      const object = change.after ?? change.before;
      if (object && !isSameSpec(change)) handler(object);
    });
    // That what a variant names is not there may be what it waits to know.
    watches.onSynced((key) => {
      const waiting = listers.variants
        .list()
        .filter((variant) => this.#keysOf(variant).some((needed) => sameKey(needed, key)));
      const names = new Set(waiting.flatMap(({ spec }) => (spec.injectors ?? []).map(({ name }) => name)));
      for (const name of names) handler({ ...key.type, metadata: { namespace: key.namespace, name } });
    });
  }

  async list(namespace: string, apiVersion: string, kind: string): Promise<readonly KubeObject[]> {
    const type = { apiVersion, kind };
    if (isSecret(type)) return [];
    const watch = this.#options.watches.of({ namespace, type });
    await watch.synced(AbortSignal.timeout(WAIT_MS));
    return watch.list().filter(({ metadata }) => metadata.namespace === namespace);
  }

  async prepare(variant: PackageVariant, signal: AbortSignal): Promise<void> {
    const upstream = resolveUpstream(variant, this.#options.listers);
    if (!('revision' in upstream)) return;
    await this.#readTypes(upstream.revision, signal);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]);
    for (const key of this.#keysOf(variant)) await this.#options.watches.of(key).synced(limit);
  }

  byName(namespace: string, name: string): readonly KubeObject[] {
    const { listers, watches } = this.#options;
    const variants = listers.variants.byIndex(INDEX.injector, `${namespace}/${name}`);
    const types = variants.flatMap((variant) => wanted(this.#knownTypes(variant), variant, name));
    const distinct = new Map(types.map((type) => [`${type.apiVersion} ${type.kind}`, type]));
    return [...distinct.values()].flatMap((type) => {
      const object = watches.of({ namespace, type }).get(`${namespace}/${name}`);
      return object ? [object] : [];
    });
  }

  /** @throws TransientError InjectionPending while the upstream's package was not read */
  #knownTypes(variant: PackageVariant): readonly InputType[] {
    const upstream = resolveUpstream(variant, this.#options.listers);
    if (!('revision' in upstream)) return [];
    const types = this.#types.get(treeOf(upstream.revision));
    if (types) return types;
    const { name } = upstream.revision.metadata;
    throw new TransientError('InjectionPending', `the injection points of ${name} are being read`);
  }

  async #readTypes(revision: PackageRevision, signal: AbortSignal): Promise<void> {
    const tree = treeOf(revision);
    if (this.#types.has(tree)) return;
    this.#types.set(tree, await this.#reads.run(tree, (inner) => this.#options.readTypes(revision, inner), signal));
  }

  /** The watches that the variant needs, as far as that is known. */
  #keysOf(variant: PackageVariant): readonly InputKey[] {
    if (!variant.spec?.injectors?.length) return [];
    const upstream = resolveUpstream(variant, this.#options.listers);
    const types = 'revision' in upstream ? (this.#types.get(treeOf(upstream.revision)) ?? []) : [];
    return wanted(types, variant).map((type) => ({ namespace: variant.metadata.namespace ?? '', type }));
  }
}

/** Types that an injector of the variant, with this name if one is given, is for. */
function wanted(types: readonly InputType[], { spec }: PackageVariant, name?: string): readonly InputType[] {
  const injectors = (spec.injectors ?? []).filter((injector) => name === undefined || injector.name === name);
  return types.filter((type) => !isSecret(type) && injectors.some((injector) => isFor(injector, type)));
}

function isFor(injector: Injector, { apiVersion, kind }: InputType): boolean {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return (
    (injector.group === undefined || injector.group === group) &&
    (injector.version === undefined || injector.version === version) &&
    (injector.kind === undefined || injector.kind === kind)
  );
}

/** What the package's content is known by; equal trees have equal points. */
function treeOf({ metadata, status }: PackageRevision): string {
  return status?.packageTree ?? `${objectKey(metadata)} ${status?.observedCommit ?? ''}`;
}

/** Nothing but status or metadata has changed; kinds without a generation do not say so. */
function isSameSpec({ before, after }: Change<KubeObject>): boolean {
  const [old, current] = [before?.metadata, after?.metadata];
  return old?.generation !== undefined && old.generation === current?.generation && old.uid === current.uid;
}
