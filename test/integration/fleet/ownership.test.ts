import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PACKAGE_VARIANT_SET } from '../../../src/api/kinds.ts';
import { findCondition } from '../../../src/kube/conditions.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { LocalFleet, type RunningFleet, withFleet } from './local-fleet.ts';

const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: web\n';
const CONTEXT =
  'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kptfile.kpt.dev\n  annotations:\n    config.kubernetes.io/local-config: "true"\ndata:\n  name: web\n';

describe('who a package and a variant belong to', () => {
  let folder: string;
  let place: LocalFleet;
  let blueprints: BareRepository;
  let deployments: BareRepository;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veranda-ownership-'));
    place = new LocalFleet(folder);
    blueprints = await place.empty('blueprints');
    await blueprints.commit('main', { 'web/Kptfile': KPTFILE, 'web/package-context.yaml': CONTEXT });
    deployments = await place.empty('deployments');
    await place.register([{ name: 'blueprints' }, { name: 'deployments', deployment: true }]);
  });

  afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

  const variant = (name: string, pkg: string, spec: object = {}) => ({
    apiVersion: 'config.porch.kpt.dev/v1alpha1',
    kind: 'PackageVariant',
    metadata: { name },
    spec: {
      upstream: { repo: 'blueprints', package: 'web', workspaceName: 'main' },
      downstream: { repo: 'deployments', package: pkg },
      packageContext: { data: { region: 'north' } },
      ...spec,
    },
  });
  const cloned = {
    apiVersion: 'porch.kpt.dev/v1alpha2',
    kind: 'PackageRevision',
    metadata: { name: 'deployments.shop.first' },
    spec: {
      repository: 'deployments',
      packageName: 'shop',
      workspaceName: 'first',
      lifecycle: 'Draft',
      source: { cloneFrom: { upstreamRef: { name: 'blueprints.web.main' } } },
    },
  };

  async function conditionOf(fleet: RunningFleet, name: string) {
    return findCondition((await fleet.variant(name)).status?.conditions, 'Ready');
  }

  test('a draft that somebody made is refused, then adopted in place when the variant may (16.4.50, 16.5.71)', async () => {
    await place.write('draft', [cloned]);
    await withFleet(place.open(), async () => undefined);
    const branch = 'refs/heads/drafts/shop/first';
    const before = await deployments.git('rev-parse', branch);

    await place.write('variant', [variant('shop', 'shop')]);
    await withFleet(place.open(), async (fleet) => {
      expect(await conditionOf(fleet, 'shop')).toMatchObject({ status: 'False', reason: 'DownstreamExists' });
    });
    expect(await deployments.git('rev-parse', branch)).toBe(before);

    await place.write('variant', [variant('shop', 'shop', { adoptionPolicy: 'adoptExisting' })]);
    await withFleet(place.open(), async (fleet) => {
      expect(await conditionOf(fleet, 'shop')).toMatchObject({ status: 'True' });
      const [adopted] = (await fleet.revisions()).filter(({ spec }) => spec.packageName === 'shop');
      const owners = adopted?.metadata.ownerReferences ?? [];
      expect(owners.filter(({ controller }) => controller === true)).toMatchObject([
        { kind: 'PackageVariant', name: 'shop' },
      ]);
      expect(owners.map(({ kind }) => kind).toSorted()).toEqual(['PackageVariant', 'Repository']);
    });
    expect(await deployments.git('show', `${branch}:shop/package-context.yaml`)).toContain('region: north');
    expect(await deployments.git('rev-list', '--count', `${before}..${branch}`)).toBe('1');

    const after = await deployments.refs();
    await withFleet(place.open(), async () => undefined);
    expect(await deployments.refs()).toEqual(after);
  });

  test('commits made by hand keep a draft from being made anew, also below commits of ours', async () => {
    const wanting = (region: string) =>
      place.write('variant', [variant('shop', 'shop', { packageContext: { data: { region } } })]);
    await wanting('north');
    await withFleet(place.open(), async () => undefined);
    const [branch = ''] = [...(await deployments.refs()).keys()].filter((ref) => ref.includes('drafts/shop/'));
    await deployments.commit(branch.replace('refs/heads/', ''), {
      'shop/Kptfile': await deployments.git('show', `${branch}:shop/Kptfile`),
      'shop/package-context.yaml': await deployments.git('show', `${branch}:shop/package-context.yaml`),
      'shop/by-hand.txt': 'worth keeping\n',
    });

    await wanting('south');
    await withFleet(place.open(), async () => undefined);
    expect(await deployments.git('show', `${branch}:shop/package-context.yaml`)).toContain('region: south');

    await blueprints.commit('main', { 'web/Kptfile': `${KPTFILE}# changed\n`, 'web/package-context.yaml': CONTEXT });
    await withFleet(place.open(), async (fleet) => {
      expect(await conditionOf(fleet, 'shop')).toMatchObject({ status: 'False', reason: 'DraftBlocked' });
    });
    expect(await deployments.git('show', `${branch}:shop/by-hand.txt`)).toBe('worth keeping');
  });

  test('a set makes its variants, takes none of somebody else’s, and says which ones cannot go on', async () => {
    const set = {
      apiVersion: 'config.porch.kpt.dev/v1alpha2',
      kind: 'PackageVariantSet',
      metadata: { name: 'fleet' },
      spec: {
        upstream: { repo: 'blueprints', package: 'web', workspaceName: 'main' },
        targets: [{ repositories: [{ name: 'deployments', packageNames: ['one', 'two', 'three'] }] }],
      },
    };
    await place.write('set', [variant('fleet-deployments-two', 'elsewhere'), set]);
    await withFleet(place.open(), async (fleet) => {
      const names = (await fleet.variants()).map(({ metadata }) => metadata.name).sort();
      expect(names).toEqual(['fleet-deployments-one', 'fleet-deployments-three', 'fleet-deployments-two']);
      expect((await fleet.variant('fleet-deployments-two')).spec.downstream.package).toBe('elsewhere');
      const [{ status } = { status: undefined }] = await fleet.operator.list(PACKAGE_VARIANT_SET);
      expect(status?.summary).toEqual({ desired: 3, ready: 2, progressing: 0, failed: 1 });
      expect(findCondition(status?.conditions, 'Ready')).toMatchObject({ status: 'False', reason: 'TargetsFailed' });
      expect(status?.targets?.[0]).toMatchObject({ variant: 'fleet-deployments-two', ready: false });
      expect(status?.targets?.[0]?.message).toContain('exists already');
    });

    const blocked = { ...set, spec: { ...set.spec, upstream: { ...set.spec.upstream, workspaceName: 'nowhere' } } };
    await place.write('set', [blocked]);
    await withFleet(place.open(), async (fleet) => {
      const [{ status } = { status: undefined }] = await fleet.operator.list(PACKAGE_VARIANT_SET);
      expect(status?.summary).toEqual({ desired: 3, ready: 0, progressing: 3, failed: 0 });
      expect(findCondition(status?.conditions, 'Stalled')).toBeUndefined();
      expect(findCondition(status?.conditions, 'Ready')?.message).toContain('UpstreamNotFound');
    });
  });
});
