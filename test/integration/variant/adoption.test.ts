import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { condition, NAMESPACE } from '../operator/support.ts';
import { KPTFILE, VariantBench } from './support.ts';

const CONTEXT = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kptfile.kpt.dev\ndata:\n  name: shop\n';
const POINT = `apiVersion: example.com/v1
kind: Site
metadata:
  name: site
  annotations:
    kpt.dev/config-injection: required
spec: {}
`;
const wanting = (region: string, more: object = {}) => ({ packageContext: { data: { region } }, ...more });

describe('packages that are there already, and what the package asks for', () => {
  let place: VariantBench;

  beforeEach(async () => {
    place = await VariantBench.open({ 'package-context.yaml': CONTEXT });
  });
  afterEach(() => place.close());

  async function byHand(): Promise<void> {
    const files = {
      'shop/Kptfile': KPTFILE.replace('web', 'shop'),
      'shop/package-context.yaml': CONTEXT,
      'shop/by-hand.txt': 'worth keeping\n',
    };
    await place.deployments.commit('main', files);
    await place.deployments.git('tag', 'shop/v1', 'main');
    await place.look();
  }
  const refs = async () => [...(await place.deployments.refs()).keys()];

  test('V-14: a package made by hand stays as it is without the policy', async () => {
    await byHand();
    const before = await place.deployments.refs();
    const variant = await place.variant('shop', wanting('north'));
    expect(condition(variant, 'Stalled')).toMatchObject({ status: 'True', reason: 'DownstreamExists' });
    expect(await place.deployments.refs()).toEqual(before);
  });

  test('V-14, 16.4.56, 16.5.68: with the policy it is owned, changed by a draft and keeps its files; that it has no lock is said', async () => {
    await byHand();
    await place.variant('shop', wanting('north', { adoptionPolicy: 'adoptExisting' }));
    const [branch = ''] = (await refs()).filter((ref) => ref.includes('drafts/shop/'));
    expect(await place.deployments.git('show', `${branch}:shop/by-hand.txt`)).toBe('worth keeping');
    expect(await place.deployments.git('show', `${branch}:shop/package-context.yaml`)).toContain('region: north');
    expect((await place.revisions('shop'))[0]?.status?.observedLifecycle).toBe('Published');
    expect(condition(place.get('shop'), 'NoUpstreamLock')).toMatchObject({ status: 'True' });
    const [draft] = (await place.revisions('shop')).filter(({ status }) => status?.observedLifecycle === 'Draft');
    expect(draft?.metadata.ownerReferences).toContainEqual(
      expect.objectContaining({ kind: 'PackageVariant', name: 'shop', controller: true }),
    );
  });

  test('16.5.67: a lower revision than the one it was made from is an upgrade to that one', async () => {
    await place.blueprints.git('tag', 'web/v1', 'main');
    await place.release({ 'package-context.yaml': CONTEXT, 'second.txt': 'second\n' });
    await place.blueprints.git('tag', 'web/v2', 'main');
    await place.look();
    const at = (revision: number) => ({
      upstream: { repo: 'blueprints', package: 'web', revision },
      approval: { policy: 'Always' },
    });
    await place.variant('shop', at(2));
    await place.variant('shop', at(1));
    const [, second] = await place.revisions('shop');
    expect(second?.status).toMatchObject({ revision: 2, creationSource: 'upgrade' });
    expect(second?.status?.upstreamLock?.git?.ref).toBe('web/v1');
    expect(await place.deployments.git('ls-tree', '--name-only', 'shop/v2:shop')).not.toContain('second.txt');
  });

  test('16.5.70: a readiness gate that comes with a new upstream is in the new draft', async () => {
    await place.variant('shop', wanting('north', { approval: { policy: 'Initial' } }));
    const gated = `${KPTFILE}info:\n  readinessGates:\n  - conditionType: reviewed\n`;
    await place.release({ Kptfile: gated, 'package-context.yaml': CONTEXT });
    await place.look();
    const [, draft] = await place.revisions('shop');
    expect(draft?.status?.creationSource).toBe('upgrade');
    const kptfile = await place.deployments.git('show', `${draft?.status?.selfLock?.git?.commit}:shop/Kptfile`);
    expect(kptfile).toContain('conditionType: reviewed');
  });

  test('V-13: a required point without its object says so, and the object brings it on', async () => {
    await place.release({ 'package-context.yaml': CONTEXT, 'point.yaml': POINT });
    await place.look();
    const injectors = [{ kind: 'Site', name: 'north' }];
    await place.variant('shop', { injectors, approval: { policy: 'Always' } });
    expect(condition(place.get('shop'), 'Ready')).toMatchObject({ status: 'False', reason: 'InjectionMissing' });
    expect((await place.only('shop')).status?.observedLifecycle).toBe('Draft');

    await place.bench.apply('example.com/v1', 'Site', 'north', { zone: 'n1' });
    await place.bench.settle();
    const revision = await place.only('shop');
    expect(condition(place.get('shop'), 'Injected')).toBeUndefined();
    expect(revision.status?.observedLifecycle).toBe('Published');
    expect(await place.deployments.git('show', 'shop/v1:shop/point.yaml')).toContain('zone: n1');
  });

  test('W-11: what was injected goes back to what the upstream has when the injector is dropped', async () => {
    await place.release({ 'package-context.yaml': CONTEXT, 'point.yaml': POINT.replace('required', 'optional') });
    await place.look();
    await place.bench.apply('example.com/v1', 'Site', 'north', { zone: 'n1' });
    await place.variant('shop', { injectors: [{ name: 'north' }], approval: { policy: 'Initial' } });
    expect(await place.deployments.git('show', 'shop/v1:shop/point.yaml')).toContain('zone: n1');

    await place.variant('shop', { approval: { policy: 'Initial' } });
    const [, draft] = await place.revisions('shop');
    const point = await place.deployments.git('show', `drafts/shop/${draft?.spec.workspaceName}:shop/point.yaml`);
    expect(point).toContain('spec: {}');
    expect(point).not.toContain('injected-resource');
  });

  test('V-10: a set that is made again while its drafts exist goes on with them', async () => {
    const set = async (): Promise<void> => {
      await place.bench.apply('config.porch.kpt.dev/v1alpha2', 'PackageVariantSet', 'fleet', {
        upstream: { repo: 'blueprints', package: 'web', workspaceName: 'main' },
        targets: [
          {
            repositories: [{ name: 'deployments', packageNames: ['shop'] }],
            template: { adoptionPolicy: 'adoptExisting', deletionPolicy: 'orphan' },
          },
        ],
      });
      await place.bench.settle();
    };
    await set();
    const before = await place.deployments.refs();
    expect([...before.keys()].filter((ref) => ref.includes('drafts/shop/'))).toHaveLength(1);
    for (const kind of ['PackageVariantSet', 'PackageVariant']) {
      const name = kind === 'PackageVariant' ? 'fleet-deployments-shop' : 'fleet';
      const found = place.bench.operator.find(kind, NAMESPACE, name);
      if (found) await place.remove(found);
    }
    expect(place.has('PackageVariant', 'fleet-deployments-shop')).toBe(false);
    await set();
    expect(condition(place.get('fleet-deployments-shop'), 'Ready')?.status).toBe('True');
    expect(await place.deployments.refs()).toEqual(before);
  });

  test('W-14: of two variants with one downstream the older one has it, and the other says who', async () => {
    await place.variant('first', { downstream: { repo: 'deployments', package: 'shop' } });
    const before = await place.deployments.refs();
    const second = await place.variant('second', { downstream: { repo: 'deployments', package: 'shop' } });
    expect(condition(second, 'Ready')).toMatchObject({ status: 'False', reason: 'DownstreamConflict' });
    expect(condition(second, 'Ready')?.message).toContain('first');
    expect(await place.deployments.refs()).toEqual(before);
  });

  test('spec.suspend: nothing is done until it is taken away', async () => {
    const suspended = await place.variant('shop', wanting('north', { suspend: true }));
    expect(suspended.status?.phase).toBe('Suspended');
    expect(await place.revisions('shop')).toEqual([]);
    await place.variant('shop', wanting('north'));
    expect((await place.only('shop')).status?.observedLifecycle).toBe('Draft');
  });
});
