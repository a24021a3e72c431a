import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  type PackageVariant,
  type PackageVariantSet,
  REPOSITORY,
} from '../../../src/api/kinds.ts';
import { RECONCILE_AT_ANNOTATION, REPLACE_BRANCH_CONTENT_ANNOTATION } from '../../../src/api/labels.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { type ApiProxy, matching, startApiProxy } from '../../env/cluster/api-proxy.ts';
import { kubectl } from '../../env/cluster/kubectl.ts';
import { type SharedCluster, sharedCluster } from '../../env/cluster/shared.ts';
import { conditionOf, isReady } from '../support/cluster.ts';
import type { RunningController } from '../support/operator.ts';
import { waitFor } from '../support/wait-for.ts';
import { World } from './world.ts';

const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: web\n';
const CONTEXT = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kptfile.kpt.dev\ndata:\n  name: web\n';
const POINT = `apiVersion: v1
kind: ConfigMap
metadata:
  name: site
  annotations:
    kpt.dev/config-injection: required
data: {}
`;
const PATIENCE_MS = 90_000;

let cluster: SharedCluster;
let world: World;
let operator: RunningController;
let count = 0;
/** Of the package, its variant, and what else belongs to a test. */
let name: string;

beforeAll(async () => {
  cluster = await sharedCluster();
  world = await World.open(cluster, 'owners');
  const blueprints = await world.remote('blueprints', {
    'web/Kptfile': KPTFILE,
    'web/package-context.yaml': CONTEXT,
    'wanting/Kptfile': KPTFILE.replace('web', 'wanting'),
    'wanting/point.yaml': POINT,
  });
  for (const path of ['web', 'wanting']) await blueprints.git('tag', `${path}/v1`, 'main');
  await world.remote('deployments', {
    'made-by-hand/Kptfile': KPTFILE.replace('web', 'made-by-hand'),
    'made-by-hand/package-context.yaml': CONTEXT,
    'made-by-hand/by-hand.txt': 'worth keeping\n',
  });
  await world.remoteOf('deployments').git('tag', 'made-by-hand/v1', 'main');
  operator = await world.operator();
  await world.namespace.apply(world.repository('blueprints'), world.repository('deployments', { deployment: true }));
  await world.untilRepositoriesAreReady(2);
}, 240_000);

beforeEach(() => {
  count += 1;
  name = `shop-${count}`;
});

afterAll(() => world?.close(), 120_000);

/** Deletes as people do, and waits until the object is gone. */
async function remove(kind: string, of: string, cascade: 'background' | 'foreground' | 'orphan'): Promise<void> {
  const flags = [`--cascade=${cascade}`, '--wait', '--timeout=90s', '-n', world.namespace.name];
  await kubectl(cluster.kubeconfig, ['delete', kind, of, ...flags]);
}

/** An object that is nobody's but this one's, by which one sees that the cluster's garbage collector has been there. */
async function ownedOnlyBy(owner: KubeObject): Promise<() => Promise<boolean>> {
  const { apiVersion, kind, metadata } = owner;
  const ownerReferences = [{ apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '' }];
  const path = `/api/v1/namespaces/${world.namespace.name}/configmaps`;
  await world.namespace.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `of-${metadata.name}`, ownerReferences },
  });
  return async () => {
    const { items } = await world.namespace.client.json<{ readonly items: readonly KubeObject[] }>({
      method: 'GET',
      path,
    });
    return !items.some((object) => object.metadata.name === `of-${metadata.name}`);
  };
}

async function refsOf(pkg: string): Promise<readonly string[]> {
  return (await world.refs('deployments')).filter((ref) => ref.includes(`/${pkg}/`));
}

async function settled(pkg: string, spec: Partial<PackageVariant['spec']>, phase: string): Promise<PackageVariant> {
  await world.namespace.apply(variant(pkg, spec));
  return await world.untilVariant(`is ${phase}`, pkg, (found) => isReady(found) && found.status?.phase === phase);
}

const lifecycles = async (pkg: string) =>
  (await world.revisions(pkg)).map(({ status }) => status?.observedLifecycle).sort();

const ownersOf = async (pkg: string) =>
  (await world.revisions(pkg)).flatMap(({ metadata }) => (metadata.ownerReferences ?? []).map(({ kind }) => kind));

describe('V-15: with the policy orphan, the garbage collector of the cluster leaves what the variant made', () => {
  test.each<['background' | 'foreground', 'Manual' | 'Always', string]>([
    ['background', 'Manual', 'Draft'],
    ['foreground', 'Manual', 'Draft'],
    ['foreground', 'Always', 'Published'],
  ])(
    '%s deletion, %s: %s',
    async (cascade, policy, lifecycle) => {
      const made = await settled(name, { deletionPolicy: 'orphan', approval: { policy } }, lifecycle);
      const refs = await refsOf(name);
      const isCollected = await ownedOnlyBy(made);
      await remove('packagevariant', name, cascade);
      await waitFor(isCollected, { what: 'the garbage collector has been there', timeoutMs: PATIENCE_MS });
      // An object that garbage collection was quick enough to delete comes back from git.
      const isThere = async () => (await lifecycles(name)).join() === lifecycle;
      await waitFor(isThere, { what: `the ${lifecycle} revision is there`, timeoutMs: PATIENCE_MS });
      expect(await ownersOf(name)).not.toContain('PackageVariant');
      await world.untilIdle(operator);
      expect(await refsOf(name)).toEqual(refs);
    },
    200_000,
  );
});

describe('V-15: while the operator sees revisions and no variants any more', () => {
  let proxy: ApiProxy;
  let blind: World;

  beforeAll(async () => {
    proxy = await startApiProxy(cluster.kubeconfig);
    blind = await World.open(cluster, 'blind');
    const blueprints = await blind.remote('blueprints', { 'web/Kptfile': KPTFILE });
    await blueprints.git('tag', 'web/v1', 'main');
    await blind.remote('deployments');
    await blind.operator({ kubeconfig: await proxy.through(blind.kubeconfig) });
    await blind.namespace.apply(blind.repository('blueprints'), blind.repository('deployments', { deployment: true }));
    await blind.untilRepositoriesAreReady(2);
  }, 240_000);

  afterAll(async () => {
    await blind?.close();
    await proxy?.stop();
  }, 120_000);

  test('a draft that garbage collection deletes along with its variant stays in git, by the policy orphan', async () => {
    await blind.namespace.apply(variant(name, { deletionPolicy: 'orphan' }));
    await blind.untilVariant('is a Draft', name, (found) => isReady(found) && found.status?.phase === 'Draft');
    const refs = await blind.refs('deployments');
    const watches = { verb: 'watch', resource: 'packagevariants' } as const;
    const allow = proxy.inject({ kind: 'status', code: 503 }, { matches: matching(watches) });
    proxy.cutWatches('reset', watches);
    const [made] = await blind.revisions(name);
    const flags = ['--cascade=foreground', '--wait=false', '-n', blind.namespace.name];
    await kubectl(cluster.kubeconfig, ['delete', 'packagevariant', name, ...flags]);
    const uids = async () => (await blind.revisions(name)).map(({ metadata }) => metadata.uid);
    const isDeleted = async () => !(await uids()).includes(made?.metadata.uid);
    await waitFor(isDeleted, { what: 'the object of the draft is gone', timeoutMs: PATIENCE_MS });
    allow();
    const isGone = async () => (await blind.variant(name)) === undefined;
    await waitFor(isGone, { what: 'the variant is gone', timeoutMs: PATIENCE_MS });
    expect(await blind.refs('deployments')).toEqual(refs);
    const look = { metadata: { annotations: { [RECONCILE_AT_ANNOTATION]: 'now' } } };
    await blind.namespace.patch(REPOSITORY, 'deployments', look);
    const isThere = async () => (await uids()).length === 1;
    await waitFor(isThere, { what: 'the draft is found in git', timeoutMs: PATIENCE_MS });
  }, 240_000);
});

describe('A-07: deletion in the foreground', () => {
  test('ends though a published revision outlives the variant, proposed for deletion', async () => {
    const made = await settled(name, { approval: { policy: 'Always' } }, 'Published');
    const isCollected = await ownedOnlyBy(made);
    await remove('packagevariant', name, 'foreground');
    await waitFor(isCollected, { what: 'the garbage collector has been there', timeoutMs: PATIENCE_MS });
    const isProposed = async () => (await lifecycles(name)).join() === 'DeletionProposed';
    await waitFor(isProposed, { what: 'the revision is proposed for deletion', timeoutMs: PATIENCE_MS });
    expect(await ownersOf(name)).not.toContain('PackageVariant');
  }, 200_000);

  test('takes drafts along, in git as well', async () => {
    await settled(name, {}, 'Draft');
    await remove('packagevariant', name, 'foreground');
    const isGone = async () => (await world.revisions(name)).length === 0 && (await refsOf(name)).length === 0;
    await waitFor(isGone, { what: 'the draft is gone', timeoutMs: PATIENCE_MS });
  }, 200_000);
});

describe('V-06: a set that is deleted', () => {
  const packages = () => ['a', 'b', 'c'].map((letter) => `${name}-${letter}`);

  async function settledSet(template: object = {}): Promise<readonly PackageVariant[]> {
    await world.namespace.apply(set(name, packages(), template));
    const of = (all: readonly PackageVariant[]) => all.filter(({ metadata }) => metadata.name.startsWith(`${name}-`));
    const all = await world.namespace.until('the variants of the set are Ready', PACKAGE_VARIANT, (found) => {
      const mine = of(found);
      return mine.length === 3 && mine.every((one) => isReady(one) && one.status?.phase === 'Draft');
    });
    return of(all);
  }

  const variants = async () =>
    (await world.namespace.list(PACKAGE_VARIANT)).filter(({ metadata }) => metadata.name.startsWith(`${name}-`));

  test.each<['background' | 'foreground']>([['background'], ['foreground']])(
    'in the %s takes variants and drafts along, and none is made again',
    async (cascade) => {
      await settledSet();
      await remove('packagevariantset', name, cascade);
      const left = async () => {
        const revisions = await Promise.all(packages().map((pkg) => world.revisions(pkg)));
        const refs = await Promise.all(packages().map(refsOf));
        return [...(await variants()), ...revisions.flat(), ...refs.flat()].length;
      };
      await waitFor(async () => (await left()) === 0, { what: 'all is gone', timeoutMs: PATIENCE_MS });
      await world.untilIdle(operator);
      expect(await left()).toBe(0);
    },
    200_000,
  );

  test('leaving orphans leaves the variants with their drafts, which a set of that name takes over (V-10)', async () => {
    const before = await settledSet({ adoptionPolicy: 'adoptExisting' });
    const refs = await world.refs('deployments');
    const [old] = await world.namespace.list<PackageVariantSet>(PACKAGE_VARIANT_SET);
    await remove('packagevariantset', name, 'orphan');
    expect((await variants()).map(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([[], [], []]);
    const after = await settledSet({ adoptionPolicy: 'adoptExisting' });
    await world.namespace.until('the set is Ready', PACKAGE_VARIANT_SET, (all) => all.every(isReady));
    expect(after.map(({ metadata }) => metadata.uid)).toEqual(before.map(({ metadata }) => metadata.uid));
    for (const { metadata } of await variants()) {
      expect(metadata.ownerReferences).toEqual([expect.objectContaining({ kind: 'PackageVariantSet', name })]);
      expect(metadata.ownerReferences?.[0]?.uid).not.toBe(old?.metadata.uid);
    }
    await world.untilIdle(operator);
    expect(await world.refs('deployments')).toEqual(refs);
  }, 200_000);
});

test('V-13: a required point without its object says so, and the object brings it on', async () => {
  const upstream = { repo: 'blueprints', package: 'wanting', revision: 1 };
  const wanting = { upstream, injectors: [{ kind: 'ConfigMap', name }], approval: { policy: 'Always' } } as const;
  await world.namespace.apply(variant(name, wanting));
  const lacks = (found: PackageVariant) => conditionOf(found, 'Ready')?.reason === 'InjectionMissing';
  await world.untilVariant('lacks its object', name, lacks);
  await world.untilIdle(operator);
  expect(await refsOf(name)).toEqual([expect.stringMatching(`^refs/heads/drafts/${name}/`)]);
  await world.namespace.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: { zone: 'n1' },
  } as KubeObject);
  await world.untilVariant('is published', name, (found) => isReady(found) && found.status?.phase === 'Published');
  expect(await world.remoteOf('deployments').git('show', `${name}/v1:${name}/point.yaml`)).toContain('zone: n1');
}, 200_000);

test('V-14: a package made by hand stays as it is without the policy, and keeps its files with it', async () => {
  const pkg = 'made-by-hand';
  const before = await world.refs('deployments');
  await world.namespace.apply(variant(pkg));
  const isRefused = (found: PackageVariant) => conditionOf(found, 'Stalled')?.reason === 'DownstreamExists';
  await world.untilVariant('is refused', pkg, isRefused);
  await world.untilIdle(operator);
  expect(await world.refs('deployments')).toEqual(before);

  await settled(pkg, { adoptionPolicy: 'adoptExisting', packageContext: { data: { region: 'north' } } }, 'Draft');
  expect(await lifecycles(pkg)).toEqual(['Draft', 'Published']);
  const [branch = ''] = (await refsOf(pkg)).filter((ref) => ref.includes('/drafts/'));
  const remote = world.remoteOf('deployments');
  expect(await remote.git('show', `${branch}:${pkg}/by-hand.txt`)).toBe('worth keeping');
  expect(await remote.git('show', `${branch}:${pkg}/package-context.yaml`)).toContain('region: north');
  await remote.fsck();
}, 200_000);

test('a repair that somebody pushed to the branch is not published over by a policy until it is given up', async () => {
  await settled(name, { approval: { policy: 'Always' } }, 'Published');
  const remote = world.remoteOf('deployments');
  const kptfile = await remote.git('show', `main:${name}/Kptfile`);
  await remote.commit('main', {
    [`${name}/Kptfile`]: `${kptfile}\n`,
    [`${name}/repair.txt`]: 'at three in the morning\n',
  });
  const tree = await remote.git('rev-parse', `main:${name}`);

  const data = { region: 'north' };
  await world.namespace.apply(variant(name, { approval: { policy: 'Always' }, packageContext: { data } }));
  const waits = (found: PackageVariant) => conditionOf(found, 'Ready')?.message.includes(tree) ?? false;
  await world.untilVariant('waits because of the branch', name, waits);
  await world.untilIdle(operator);
  expect(await remote.git('show', `main:${name}/repair.txt`)).toBe('at three in the morning');

  // It was proposed when the push of its publication told of the repair.
  const [draft, ...others] = (await world.revisions(name)).filter(
    ({ status }) => status?.observedLifecycle !== 'Published',
  );
  expect(others).toEqual([]);
  const annotation = `${REPLACE_BRANCH_CONTENT_ANNOTATION}=${tree}`;
  const flags = ['-n', world.namespace.name, annotation];
  await kubectl(cluster.kubeconfig, ['annotate', 'packagerevision', draft?.metadata.name ?? '', ...flags]);
  await world.untilVariant('is published', name, (found) => isReady(found) && found.status?.phase === 'Published');
  expect(await refsOf(name)).toEqual([`refs/tags/${name}/v1`, `refs/tags/${name}/v2`]);
  await remote.fsck();
}, 200_000);

function variant(pkg: string, spec: Partial<PackageVariant['spec']> = {}): PackageVariant {
  const { apiVersion, kind } = PACKAGE_VARIANT;
  const upstream = { repo: 'blueprints', package: 'web', revision: 1 };
  const downstream = { repo: 'deployments', package: pkg };
  return { apiVersion, kind, metadata: { name: pkg }, spec: { upstream, downstream, ...spec } };
}

function set(of: string, packageNames: readonly string[], template: object): PackageVariantSet {
  const { apiVersion, kind } = PACKAGE_VARIANT_SET;
  const upstream = { repo: 'blueprints', package: 'web', revision: 1 };
  const targets = [{ repositories: [{ name: 'deployments', packageNames: [...packageNames] }], template }];
  return { apiVersion, kind, metadata: { name: of }, spec: { upstream, targets } };
}
