import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  type PackageRevision,
  type PackageVariant,
  type PackageVariantSet,
  REPOSITORY,
  type Repository,
} from '../../../src/api/kinds.ts';
import { INPUT_HASH_ANNOTATION, READ_ONLY_ANNOTATION, RECONCILE_AT_ANNOTATION } from '../../../src/api/labels.ts';
import { type KubeObject, objectKey } from '../../../src/api/object.ts';
import type { SecretChanges } from '../../../src/controllers/environment.ts';
import { addIndexes, connect, wakeFailedFunctions } from '../../../src/controllers/wiring.ts';
import type { Change, IndexFunction, Informer } from '../../../src/kube/controller.ts';
import { IndexedCache } from '../../../src/kube/indexed-cache.ts';
import type { KindRef } from '../../../src/kube/store.ts';
import { controlledBy, repositoryOf, revisionOf, variantOf } from './support.ts';

/** An informer whose events are made by the test: the cache is changed first, then the handlers are told. */
class ManualInformer<T extends KubeObject> implements Informer<T> {
  readonly kind: KindRef<T>;
  readonly hasSynced = true;
  readonly #cache = new IndexedCache<T>((index, error) => {
    throw new Error(`index ${index} failed`, { cause: error });
  });
  readonly #handlers: ((change: Change<T>) => void)[] = [];

  constructor(kind: KindRef<T>) {
    this.kind = kind;
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
    this.#cache.addIndex(name, index);
  }

  onChange(handler: (change: Change<T>) => void): void {
    this.#handlers.push(handler);
  }

  put(after: T): void {
    const key = objectKey(after.metadata);
    const before = this.#cache.get(key);
    this.#cache.set(key, after);
    this.#tell({ before, after });
  }

  remove(before: T): void {
    this.#cache.delete(objectKey(before.metadata));
    this.#tell({ before });
  }

  #tell(change: Change<T>): void {
    for (const handler of this.#handlers) handler(change);
  }
}

const UPSTREAM = revisionOf();
const DOWNSTREAM = revisionOf({
  repository: 'deployments',
  package: 'bar',
  workspace: 'ws',
  metadata: controlledBy('my-pv'),
});
const VARIANT = variantOf({ injectors: [{ kind: 'Cluster', name: 'edge' }] });
const OTHERS = Array.from({ length: 20 }, (_, index) =>
  variantOf(
    { upstream: { repo: 'other', package: 'x' }, downstream: { repo: 'other', package: `y${index}` } },
    { name: `other-${index}`, uid: `other-${index}` },
  ),
);

const later = <T extends KubeObject>(object: T): T => ({ ...object, metadata: { ...object.metadata, generation: 2 } });

describe('which keys an event wakes', () => {
  let informers: {
    readonly repositories: ManualInformer<Repository>;
    readonly revisions: ManualInformer<PackageRevision>;
    readonly variants: ManualInformer<PackageVariant>;
    readonly variantSets: ManualInformer<PackageVariantSet>;
  };
  let inject: (object: KubeObject) => void;
  let changeSecret: (secret: { readonly namespace: string; readonly name: string }) => void;
  let woken: Set<string>;

  beforeEach(() => {
    informers = {
      repositories: new ManualInformer(REPOSITORY),
      revisions: new ManualInformer(PACKAGE_REVISION),
      variants: new ManualInformer(PACKAGE_VARIANT),
      variantSets: new ManualInformer(PACKAGE_VARIANT_SET),
    };
    woken = new Set();
    addIndexes(informers);
    const queue = (name: string) => (key: string) => void woken.add(`${name} ${key.replace('default/', '')}`);
    const injectables = {
      onChange: (handler: (object: KubeObject) => void) => {
        inject = handler;
      },
    };
    const secretChanges: SecretChanges = {
      onChange: (handler) => {
        changeSecret = handler;
      },
    };
    connect(
      informers,
      { injectables, selectables: { onChange: () => undefined }, secretChanges },
      {
        repository: queue('repository'),
        rediscovery: queue('rediscovery'),
        revision: queue('revision'),
        variant: queue('variant'),
        variantSet: queue('set'),
      },
    );
    for (const repository of ['blueprints', 'deployments']) informers.repositories.put(repositoryOf(repository));
    for (const revision of [UPSTREAM, DOWNSTREAM]) informers.revisions.put(revision);
    for (const variant of [VARIANT, ...OTHERS]) informers.variants.put(variant);
    woken.clear();
  });

  const wokenBy = (event: () => void): readonly string[] => {
    woken.clear();
    event();
    return [...woken].sort();
  };

  test('a change of status alone wakes nobody who does not look at it', () => {
    expect(wokenBy(() => informers.variants.put({ ...VARIANT, status: { phase: 'Draft' } }))).toEqual([]);
    expect(
      wokenBy(() =>
        informers.repositories.put({
          ...repositoryOf('blueprints'),
          status: { ...repositoryOf('blueprints').status, packageCount: 7 },
        }),
      ),
    ).toEqual([]);
  });

  test('a changed variant wakes itself, and only itself', () => {
    expect(wokenBy(() => informers.variants.put(later(VARIANT)))).toEqual(['variant my-pv']);
  });

  test('a variant that comes to or leaves a downstream wakes whoever else writes there', () => {
    const rival = variantOf({}, { name: 'rival', uid: 'rival' });
    expect(wokenBy(() => informers.variants.put(rival))).toEqual(['variant my-pv', 'variant rival']);
    const moved = later(
      variantOf({ downstream: { repo: 'deployments', package: 'baz' } }, { name: 'rival', uid: 'rival' }),
    );
    expect(wokenBy(() => informers.variants.put(moved))).toEqual(['variant my-pv', 'variant rival']);
    expect(wokenBy(() => informers.variants.remove(moved))).toEqual(['variant rival']);
  });

  test('a variant of a set wakes the set, also by its status, and one that is taken from it too', () => {
    const owner = { apiVersion: PACKAGE_VARIANT_SET.apiVersion, kind: 'PackageVariantSet', name: 'fleet', uid: 'set' };
    const ofSet = variantOf({}, { ownerReferences: [owner] });
    expect(wokenBy(() => informers.variants.put(ofSet))).toEqual(['set fleet']);
    expect(wokenBy(() => informers.variants.put({ ...ofSet, status: { phase: 'Draft' } }))).toEqual(['set fleet']);
    expect(wokenBy(() => informers.variants.put(VARIANT))).toEqual(['set fleet']);
  });

  test('a revision of the downstream package wakes its variant, whatever happens to it', () => {
    const status = { ...DOWNSTREAM.status, renderStatus: { steps: [] } };
    expect(wokenBy(() => informers.revisions.put({ ...DOWNSTREAM, status }))).toEqual(['variant my-pv']);
    expect(wokenBy(() => informers.revisions.put(later(DOWNSTREAM)))).toEqual([
      'revision deployments.bar.ws',
      'variant my-pv',
    ]);
    const gone = wokenBy(() => informers.revisions.remove(DOWNSTREAM));
    expect(gone).toContain('variant my-pv');
    expect(gone).not.toContain('rediscovery deployments');
  });

  test('a variant that is being deleted wakes its revisions that are too; when one has gone, what git holds is looked at', () => {
    const deletionTimestamp = '2024-01-01T00:00:00Z';
    const deleted = { ...DOWNSTREAM, metadata: { ...DOWNSTREAM.metadata, deletionTimestamp } };
    informers.revisions.put(deleted);
    const deletedVariant = { ...VARIANT, metadata: { ...VARIANT.metadata, deletionTimestamp } };
    expect(wokenBy(() => informers.variants.put(deletedVariant))).toEqual([
      'revision deployments.bar.ws',
      'variant my-pv',
    ]);
    expect(wokenBy(() => informers.revisions.remove(deleted))).toContain('rediscovery deployments');
  });

  test('whoever gets or loses a downstream is woken: by the name in its source, and by the place in its lock', () => {
    const made = (name: string): PackageRevision => {
      const object = revisionOf({ repository: 'other', package: 'made', workspace: 'ws' });
      return { ...object, spec: { ...object.spec, source: { cloneFrom: { upstreamRef: { name } } } } };
    };
    const locked = revisionOf({ repository: 'other', package: 'locked', workspace: 'ws' });
    const git = { repo: 'https://git.example.com/blueprints', directory: 'foo', ref: 'foo/v1', commit: 'c1' };
    const withLock = { ...locked, status: { ...locked.status, upstreamLock: { type: 'git' as const, git } } };
    const upstream = `revision ${UPSTREAM.metadata.name}`;

    expect(wokenBy(() => informers.revisions.put(made(UPSTREAM.metadata.name)))).toContain(upstream);
    expect(wokenBy(() => informers.revisions.put(later(made(UPSTREAM.metadata.name))))).not.toContain(upstream);
    expect(wokenBy(() => informers.revisions.remove(made(UPSTREAM.metadata.name)))).toContain(upstream);
    informers.revisions.put(locked);
    expect(wokenBy(() => informers.revisions.put(withLock))).toContain(upstream);
    expect(wokenBy(() => informers.revisions.put(locked))).toContain(upstream);
  });

  test('a repository that comes, goes or turns read-only wakes those on the same remote, whatever the spelling', () => {
    const url = { type: 'git' as const, git: { repo: 'git@git.example.com:blueprints' } };
    const twin: Repository = { ...repositoryOf('twin'), spec: url };
    const annotations = { [READ_ONLY_ANNOTATION]: 'true' };
    const readOnly = { ...twin, metadata: { ...twin.metadata, annotations } };
    const both = ['repository blueprints', 'repository twin'];

    expect(wokenBy(() => informers.repositories.put(twin))).toEqual(expect.arrayContaining(both));
    expect(wokenBy(() => informers.repositories.put(later(twin)))).toEqual(['repository twin']);
    expect(wokenBy(() => informers.repositories.put(readOnly))).toEqual(both);
    expect(wokenBy(() => informers.repositories.put(twin))).toEqual(both);
    expect(wokenBy(() => informers.repositories.remove(twin))).toContain('repository blueprints');
  });

  test('the annotation that asks for a look wakes its own object', () => {
    const annotations = { [RECONCILE_AT_ANNOTATION]: '1' };
    const asked = <T extends KubeObject>(object: T): T => ({
      ...object,
      metadata: { ...object.metadata, annotations },
    });
    expect(wokenBy(() => informers.repositories.put(asked(repositoryOf('blueprints'))))).toEqual([
      'repository blueprints',
    ]);
    expect(wokenBy(() => informers.revisions.put(asked(UPSTREAM)))).toEqual([`revision ${UPSTREAM.metadata.name}`]);
  });

  test('other wanted inputs, or another owner, wake the revision itself', () => {
    const annotations = { [INPUT_HASH_ANNOTATION]: 'v1:a.b' };
    const asked = { ...DOWNSTREAM, metadata: { ...DOWNSTREAM.metadata, annotations } };
    expect(wokenBy(() => informers.revisions.put(asked))).toContain('revision deployments.bar.ws');
    const released = { ...asked, metadata: { ...asked.metadata, ownerReferences: [] } };
    expect(wokenBy(() => informers.revisions.put(released))).toContain('revision deployments.bar.ws');
    const touched = { ...released, metadata: { ...released.metadata, resourceVersion: '9' } };
    expect(wokenBy(() => informers.revisions.put(touched))).not.toContain('revision deployments.bar.ws');
  });

  test('the upstream package wakes who reads from it when its content moves, not when its commit does', () => {
    const status = UPSTREAM.status;
    const lock = { type: 'git', git: { repo: 'r', directory: 'foo', ref: 'main', commit: 'c2' } } as const;
    expect(
      wokenBy(() =>
        informers.revisions.put({ ...UPSTREAM, status: { ...status, observedCommit: 'c2', selfLock: lock } }),
      ),
    ).toEqual([]);
    expect(wokenBy(() => informers.revisions.put({ ...UPSTREAM, status: { ...status, packageTree: 't2' } }))).toEqual([
      'variant my-pv',
    ]);
    expect(wokenBy(() => informers.revisions.put(revisionOf({ revision: 2 })))).toContain('variant my-pv');
    expect(wokenBy(() => informers.revisions.put(revisionOf({ package: 'unrelated' })))).not.toContain('variant my-pv');
  });

  test('a revision wakes those that are still to be made from it, when there is something to read and when that moves', () => {
    const copyOf = (name: string) => ({
      ...revisionOf({ repository: 'deployments', package: 'copy', unseen: true }),
      spec: {
        packageName: 'copy',
        repository: 'deployments',
        workspaceName: 'v1',
        source: { cloneFrom: { upstreamRef: { name } } },
      },
    });
    informers.revisions.put(copyOf('blueprints.new.v1'));
    informers.revisions.put(revisionOf({ package: 'new', unseen: true }));
    expect(wokenBy(() => informers.revisions.put(revisionOf({ package: 'new' })))).toEqual([
      'revision deployments.copy.v1',
    ]);
    informers.revisions.put({ ...copyOf('blueprints.new.v1'), status: { observedCommit: 'c1' } });
    expect(wokenBy(() => informers.revisions.put(revisionOf({ package: 'new', tree: 't2' })))).toEqual([]);
  });

  test('a repository wakes its variants and waiting revisions when it becomes ready or stops to be', () => {
    expect(wokenBy(() => informers.repositories.put(repositoryOf('deployments', 'no route')))).toEqual([
      'variant my-pv',
    ]);
    const waiting = revisionOf({ repository: 'deployments', package: 'new', unseen: true });
    informers.revisions.put(waiting);
    expect(wokenBy(() => informers.repositories.put(repositoryOf('deployments')))).toEqual([
      'revision deployments.new.v1',
      'variant my-pv',
    ]);
    expect(wokenBy(() => informers.repositories.put(later(repositoryOf('deployments'))))).toEqual([
      'repository deployments',
    ]);
    expect(wokenBy(() => informers.repositories.remove(repositoryOf('deployments')))).toContain('variant my-pv');
  });

  test('an object that may be injected wakes the variants that name it, in its own namespace', () => {
    const cluster = (name: string, namespace = 'default'): KubeObject => ({
      apiVersion: 'infra.example.com/v1',
      kind: 'Cluster',
      metadata: { name, namespace },
    });
    expect(wokenBy(() => inject(cluster('edge')))).toEqual(['variant my-pv']);
    expect(wokenBy(() => inject(cluster('edge', 'elsewhere')))).toEqual([]);
    expect(wokenBy(() => inject(cluster('core')))).toEqual([]);
  });

  test('a secret wakes the repositories that name it, in its own namespace', () => {
    const { spec, ...rest } = repositoryOf('private');
    const git = { repo: 'https://git.example.com/private.git', secretRef: { name: 'login' } };
    informers.repositories.put({ ...rest, spec: { ...spec, git } });
    expect(wokenBy(() => changeSecret({ namespace: 'default', name: 'login' }))).toEqual(['repository private']);
    expect(wokenBy(() => changeSecret({ namespace: 'elsewhere', name: 'login' }))).toEqual([]);
    expect(wokenBy(() => changeSecret({ namespace: 'default', name: 'other' }))).toEqual([]);
  });

  test('other rules for functions wake the revisions that a function has failed, and no others', () => {
    const failed = (reason: string, status: 'True' | 'False' = 'False'): PackageRevision => {
      const revision = revisionOf({ repository: 'deployments', package: reason.toLowerCase(), workspace: 'ws' });
      const ready = { type: 'Ready', status, reason, message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
      return { ...revision, status: { ...revision.status, conditions: [ready] } };
    };
    for (const reason of ['OOMKilled', 'FunctionNotFound', 'ImageNotAllowed', 'RenderFailed', 'ImagePull', 'Vanished'])
      informers.revisions.put(failed(reason));
    informers.revisions.put(failed('Ready', 'True'));
    const wake = { revision: (key: string) => void woken.add(key.replace('default/deployments.', '')) };
    expect(wokenBy(() => wakeFailedFunctions(informers.revisions, wake)).toSorted()).toEqual([
      'functionnotfound.ws',
      'imagenotallowed.ws',
      'imagepull.ws',
      'oomkilled.ws',
      'renderfailed.ws',
    ]);
  });

  test('a set wakes itself by its spec', () => {
    const set: PackageVariantSet = {
      apiVersion: PACKAGE_VARIANT_SET.apiVersion,
      kind: PACKAGE_VARIANT_SET.kind,
      metadata: { name: 'fleet', namespace: 'default', uid: 'set', generation: 1 },
      spec: { upstream: { repo: 'blueprints', package: 'foo' }, targets: [] },
    };
    expect(wokenBy(() => informers.variantSets.put(set))).toEqual(['set fleet']);
    expect(wokenBy(() => informers.variantSets.put({ ...set, status: { targets: [] } }))).toEqual([]);
    expect(wokenBy(() => informers.variantSets.put(later(set)))).toEqual(['set fleet']);
  });
});
