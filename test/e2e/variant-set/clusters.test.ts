import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  type PackageVariant,
  type PackageVariantSet,
  REPOSITORY,
} from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { findCondition } from '../../../src/kube/conditions.ts';
import type { KindRef } from '../../../src/kube/store.ts';
import { sharedCluster } from '../../env/cluster/shared.ts';
import { operatorKubeconfig, ownLease } from '../support/access.ts';
import { isReady, makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { type Fleet, installClusterKind, startFleet } from '../support/fleet.ts';
import { type RunningController, startController } from '../support/operator.ts';

const CLUSTER: KindRef = {
  apiVersion: 'fleet.example.com/v1alpha1',
  kind: 'Cluster',
  plural: 'clusters',
  namespaced: true,
};

let namespace: TestNamespace;
let fleet: Fleet;
let controller: RunningController;
let clusters: readonly KubeObject[];

beforeAll(async () => {
  const cluster = await sharedCluster();
  namespace = await makeNamespace(cluster.kubeconfig, 'sets');
  fleet = await startFleet();
  await installClusterKind(namespace, { grant: true });
  const kubeconfig = await operatorKubeconfig(cluster, namespace);
  controller = await startController({ kubeconfig, flags: ownLease(namespace), until: 'working' });
  clusters = fleet.manifests.filter(({ kind }) => kind === CLUSTER.kind);
  await namespace.apply(...fleet.manifests.filter(({ kind }) => kind === REPOSITORY.kind || kind === 'ConfigMap'));
  await namespace.apply(...clusters);
}, 120_000);

afterAll(async () => {
  await controller?.stop();
  await fleet?.close();
  await namespace?.close();
}, 60_000);

const set = (fields: object = {}): PackageVariantSet => ({
  apiVersion: PACKAGE_VARIANT_SET.apiVersion,
  kind: PACKAGE_VARIANT_SET.kind,
  metadata: { name: 'sites' },
  spec: {
    upstream: { repo: 'blueprints', package: 'monitoring', revision: 1 },
    targets: [
      {
        objectSelector: { apiVersion: CLUSTER.apiVersion, kind: CLUSTER.kind },
        template: {
          downstream: { package: 'audit' },
          labels: { tier: 'a' },
          labelExprs: [
            { key: 'region', valueExpr: "'ring' in target.labels ? target.labels.ring : target.spec.region" },
          ],
          injectors: [{ kind: 'ConfigMap', nameExpr: "'region-' + target.spec.region" }],
          approval: { policy: 'Always' },
        },
      },
    ],
    ...fields,
  },
});

const theSet = async (what: string, wanted: (set: PackageVariantSet) => boolean): Promise<PackageVariantSet> => {
  const [found] = await namespace.until(what, PACKAGE_VARIANT_SET, ([only]) => only !== undefined && wanted(only));
  return found as PackageVariantSet;
};

const reasonOf = ({ status }: PackageVariantSet) => findCondition(status?.conditions, 'Ready')?.reason;
const regionOf = (name: string) => (all: readonly PackageVariant[]) =>
  all.find(({ spec }) => spec.downstream.repo === name)?.spec.labels?.region;

test('each cluster has its package, published', async () => {
  await namespace.apply(set());
  const variants = await namespace.until(
    'all are published',
    PACKAGE_VARIANT,
    (all) => all.length === clusters.length && all.every(({ status }) => status?.phase === 'Published'),
  );
  await theSet('the set is Ready', (found) => isReady(found) && found.status?.summary?.ready === clusters.length);
  expect(variants.map(({ metadata }) => metadata.name).sort()).toEqual(
    clusters.map(({ metadata }) => `sites-${metadata.name}-audit`).sort(),
  );
  expect(regionOf('paris')(variants)).toBe('eu');
  expect([...(await fleet.repository('paris').refs()).keys()]).toContain('refs/tags/audit/v1');
}, 120_000);

test('16.174: a label of a cluster that changes is followed', async () => {
  await namespace.patch(CLUSTER, 'paris', { metadata: { labels: { ring: 'canary' } } });
  await namespace.until('the variant follows', PACKAGE_VARIANT, (all) => regionOf('paris')(all) === 'canary');
  expect(regionOf('warsaw')(await namespace.list(PACKAGE_VARIANT))).toBe('eu');
}, 60_000);

test('16.171: what somebody adds to the spec of a variant goes again', async () => {
  const name = 'sites-paris-audit';
  await namespace.patch(PACKAGE_VARIANT, name, { spec: { labels: { by: 'hand' }, suspend: true } });
  const found = await namespace.until('the variant is put right', PACKAGE_VARIANT, (all) =>
    all.some(({ metadata, spec }) => metadata.name === name && spec.suspend === undefined),
  );
  const labels = found.find(({ metadata }) => metadata.name === name)?.spec.labels;
  expect(labels).toEqual({ tier: 'a', region: 'canary' });
}, 60_000);

test('16.172: without clusters the variants stay until the token is given', async () => {
  for (const { metadata } of clusters) {
    await namespace.store.delete(CLUSTER, { namespace: namespace.name, name: metadata.name });
  }
  const held = await theSet('the guard holds', (found) => found.status?.summary?.desired === 0);
  // One may have gone before the others were missing as well.
  expect(held.status?.deletions?.retained).toBeGreaterThanOrEqual(clusters.length - 1);
  expect(reasonOf(held)).toBe('DeletionsRetained');
  const variants = await namespace.list(PACKAGE_VARIANT);
  expect(variants.filter(({ metadata }) => metadata.deletionTimestamp)).toEqual([]);
  const annotations = { 'veranda.dev/confirm-deletions': held.status?.deletions?.token };
  await namespace.patch(PACKAGE_VARIANT_SET, 'sites', { metadata: { annotations } });
  await namespace.until('the variants are gone', PACKAGE_VARIANT, (all) => all.length === 0);
}, 90_000);
