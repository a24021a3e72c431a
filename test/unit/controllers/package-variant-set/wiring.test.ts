import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  type Kind,
  PACKAGE_REVISION,
  PACKAGE_VARIANT_SET,
  type PackageRevision,
  type PackageVariantSet,
  REPOSITORY,
  type Repository,
} from '../../../../src/api/kinds.ts';
import { type KubeObject, objectKey } from '../../../../src/api/object.ts';
import { addSetIndexes, connectSets } from '../../../../src/controllers/package-variant-set/wiring.ts';
import type { Change, IndexFunction, Informer } from '../../../../src/kube/controller.ts';
import { IndexedCache } from '../../../../src/kube/indexed-cache.ts';
import { repositoryOf, revisionOf } from '../support.ts';
import { clusterOf, labelled, setOf } from './support.ts';

/** An informer whose events are made by hand. */
class HandInformer<T extends KubeObject> implements Informer<T> {
  readonly kind: Kind<T>;
  readonly hasSynced = true;
  readonly #cache = new IndexedCache<T>((index, error) => {
    throw new Error(`index ${index} failed`, { cause: error });
  });
  readonly #handlers: ((change: Change<T>) => void)[] = [];

  constructor(kind: Kind<T>) {
    this.kind = kind;
  }

  get = (key: string) => this.#cache.get(key);
  list = () => this.#cache.list();
  byIndex = (name: string, value: string) => this.#cache.byIndex(name, value);
  addIndex = (name: string, index: IndexFunction<T>) => this.#cache.addIndex(name, index);
  onChange = (handler: (change: Change<T>) => void) => void this.#handlers.push(handler);

  put(after: T): void {
    const before = this.#cache.get(objectKey(after.metadata));
    this.#cache.set(objectKey(after.metadata), after);
    for (const handler of this.#handlers) handler({ before, after });
  }
}

describe('which sets a change wakes', () => {
  let repositories: HandInformer<Repository>;
  let revisions: HandInformer<PackageRevision>;
  let sets: HandInformer<PackageVariantSet>;
  let changed: (change: Change<KubeObject>) => void;
  let woken: string[];

  const cluster = { apiVersion: 'infra.example.com/v1', kind: 'Cluster' };
  const named = (name: string, targets: PackageVariantSet['spec']['targets'], namespace = 'default') =>
    sets.put(setOf(targets, {}, { name, namespace, uid: name }));

  beforeEach(() => {
    repositories = new HandInformer(REPOSITORY);
    revisions = new HandInformer(PACKAGE_REVISION);
    sets = new HandInformer(PACKAGE_VARIANT_SET);
    woken = [];
    addSetIndexes({ variantSets: sets });
    const selectables = {
      onChange: (handler: typeof changed) => {
        changed = handler;
      },
    };
    connectSets({ repositories, revisions, variantSets: sets }, selectables, (key) => void woken.push(key));
    named('of-clusters', [{ objectSelector: cluster }]);
    named('of-clusters', [{ objectSelector: cluster }], 'elsewhere');
    named('of-maps', [{ objectSelector: { apiVersion: 'v1', kind: 'ConfigMap' } }]);
    named('of-repositories', [{ repositorySelector: {} }]);
    named('with-template', [{ repositories: [{ name: 'r1' }], template: {} }]);
    named('plain', [{ repositories: [{ name: 'r1' }] }]);
    repositories.put(repositoryOf('r1'));
    revisions.put(revisionOf());
    woken = [];
  });

  test('16.174: a selected object that comes, goes or changes wakes the sets of its namespace that select its kind', () => {
    changed({ after: clusterOf('a') });
    changed({ before: clusterOf('a'), after: clusterOf('a', { ring: 'x' }) });
    changed({ before: clusterOf('a') });
    expect(woken).toEqual(['default/of-clusters', 'default/of-clusters', 'default/of-clusters']);
  });

  test('an object without a namespace wakes the sets of all of them', () => {
    const { namespace: _namespace, ...metadata } = clusterOf('a').metadata;
    changed({ after: { ...clusterOf('a'), metadata } });
    expect(woken).toEqual(['default/of-clusters', 'elsewhere/of-clusters']);
  });

  test('a status that changes wakes nobody', () => {
    changed({
      before: clusterOf('a', {}, { status: { phase: 'x' } }),
      after: clusterOf('a', {}, { status: { phase: 'y' } }),
    });
    repositories.put({ ...repositoryOf('r1'), status: { ...repositoryOf('r1').status, observedGeneration: 2 } });
    expect(woken).toEqual([]);
  });

  test.each([
    ['that is new', () => repositoryOf('r2')],
    ['whose labels change', () => labelled('r1', { ring: 'x' })],
    ['that is ready no more', () => repositoryOf('r1', 'Unreachable')],
  ])('16.174: a Repository %s wakes the sets that depend on Repositories', (_case, repository) => {
    repositories.put(repository());
    expect(woken).toEqual(['default/of-repositories', 'default/with-template']);
  });

  test('a revision of the upstream package wakes the sets of it, in its namespace', () => {
    revisions.put(revisionOf({ revision: 2 }));
    expect(woken).toHaveLength(5);
    woken = [];
    revisions.put(revisionOf({ revision: 2 }));
    revisions.put(revisionOf({ package: 'other' }));
    expect(woken).toEqual([]);
  });

  test.each(['veranda.dev/confirm-deletions', 'veranda.dev/reconcile-at'])('%s wakes its set', (annotation) => {
    const annotations = { [annotation]: '3' };
    sets.put(setOf([{ repositories: [{ name: 'r1' }] }], {}, { name: 'plain', uid: 'plain', annotations }));
    expect(woken).toEqual(['default/plain']);
  });
});
