import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { condition } from '../operator/support.ts';
import { VariantBench } from './support.ts';

const CONTEXT = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kptfile.kpt.dev\ndata:\n  name: shop\n';
const PUBLISHED = { approval: { policy: 'Initial' } };
const INJECTING = { ...PUBLISHED, injectors: [{ kind: 'Site', name: 'north' }] };
const inRegion = (region: string) => ({ ...PUBLISHED, packageContext: { data: { region } } });

describe('16.60: inputs that change nothing of what is published', () => {
  let place: VariantBench;

  beforeEach(async () => {
    place = await VariantBench.open({ 'package-context.yaml': CONTEXT });
  });
  afterEach(() => place.close());

  const site = async (zone: string): Promise<void> => {
    await place.bench.apply('example.com/v1', 'Site', 'north', { zone });
    await place.bench.settle();
  };

  test('an object that an injector names, but no point of the package asks for, makes no draft when it comes or changes', async () => {
    await place.variant('shop', INJECTING);
    const published = await place.deployments.refs();
    const hashes = new Set([place.get('shop').status?.inputHash]);
    for (const zone of ['n1', 'n2']) {
      await site(zone);
      expect(await place.deployments.refs()).toEqual(published);
      expect((await place.only('shop')).status?.revision).toBe(1);
      expect(condition(place.get('shop'), 'Ready')).toMatchObject({ status: 'True', reason: 'UpToDate' });
      hashes.add(place.get('shop').status?.inputHash);
    }
    expect(hashes.size).toBe(3);
    expect(place.reasons()).not.toContain('edit');
  });

  test('they are looked at once, not each time that the operator looks', async () => {
    await place.variant('shop', INJECTING);
    await site('n1');
    const before = await place.only('shop');
    await place.look();
    const after = await place.only('shop');
    expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    expect(after.status?.inputHash).toBe(place.get('shop').status?.inputHash);
  });

  test('a spec that takes away what is not there makes no draft, one that adds something does', async () => {
    await place.variant('shop', PUBLISHED);
    const published = await place.deployments.refs();
    await place.variant('shop', { ...PUBLISHED, packageContext: { removeKeys: ['absent'] } });
    expect(await place.deployments.refs()).toEqual(published);
    await place.variant('shop', inRegion('north'));
    const [before, draft] = await place.revisions('shop');
    expect(draft?.spec.source?.copyFrom?.name).toBe(before?.metadata.name);
    expect(draft?.status?.observedLifecycle).toBe('Draft');
  });

  test('a draft whose inputs go back to those of the published revision goes, unless somebody has worked on it', async () => {
    await place.variant('shop', inRegion('north'));
    const published = await place.deployments.refs();
    await place.variant('shop', inRegion('south'));
    await place.variant('shop', inRegion('north'));
    expect(await place.deployments.refs()).toEqual(published);
    expect(condition(place.get('shop'), 'Ready')).toMatchObject({ status: 'True', reason: 'UpToDate' });
    expect(place.get('shop').status?.rejected).toBeUndefined();

    await place.variant('shop', inRegion('south'));
    const [, draft] = await place.revisions('shop');
    const branch = `drafts/shop/${draft?.spec.workspaceName}`;
    const tree: Record<string, string> = { 'shop/by-hand.txt': 'worth keeping\n' };
    for (const file of ['Kptfile', 'package-context.yaml']) {
      tree[`shop/${file}`] = `${await place.deployments.git('show', `${branch}:shop/${file}`)}\n`;
    }
    await place.deployments.commit(branch, tree);
    await place.look();
    await place.variant('shop', inRegion('north'));
    expect(await place.deployments.git('show', `${branch}:shop/by-hand.txt`)).toBe('worth keeping');
    expect(await place.deployments.git('show', `${branch}:shop/package-context.yaml`)).toContain('region: north');
  });

  test('what cannot be done to the package is told by a draft, and the published revision stays ready', async () => {
    await place.variant('shop', PUBLISHED);
    const mutators = [{ name: 'absent', image: 'example.com/absent:v1' }];
    await place.variant('shop', { ...PUBLISHED, pipeline: { mutators } });
    const [published, draft] = await place.revisions('shop');
    expect(condition(published ?? {}, 'Ready')).toMatchObject({ status: 'True' });
    expect(condition(draft ?? {}, 'Ready')).toMatchObject({ status: 'False' });
    expect(condition(place.get('shop'), 'Ready')?.message).toContain('example.com/absent:v1');
  });
});
