import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PackageRevision } from '../../../src/api/kinds.ts';
import { condition } from '../operator/support.ts';
import { VariantBench } from './support.ts';

describe('W-16: a revision that somebody published by hand', () => {
  let place: VariantBench;

  beforeEach(async () => {
    place = await VariantBench.open();
  });
  afterEach(() => place.close());

  /** The next revision of the package, with a file more, in git only. */
  async function publishByHand(number: number, after = 'shop/v1'): Promise<void> {
    const kptfile = await place.deployments.git('show', `${after}:shop/Kptfile`);
    await place.deployments.commit('main', { 'shop/Kptfile': `${kptfile}\n`, 'shop/by-hand.txt': 'worth keeping\n' });
    await place.deployments.git('tag', `shop/v${number}`, 'main');
  }

  const files = async (ref: string) =>
    (await place.deployments.git('ls-tree', '--name-only', `${ref}:shop`)).split('\n');
  const draft = async (): Promise<PackageRevision | undefined> =>
    (await place.revisions('shop')).find(({ status }) => status?.observedLifecycle === 'Draft');

  test('is what an upgrade goes on from, also when the operator learns of it only as it publishes', async () => {
    await place.variant('shop', { approval: { policy: 'Always' } });
    await publishByHand(2);
    await place.release({ 'second.txt': 'second\n' });
    // Nobody tells the operator that the other remote has changed as well.
    await place.bench.register('blueprints', place.blueprints.path, { description: 'look' });
    await place.bench.settle();
    expect((await place.revisions('shop')).map(({ status }) => status?.revision)).toEqual([1, 2, 3]);
    expect(await files('shop/v3')).toEqual(['Kptfile', 'by-hand.txt', 'second.txt']);
    expect(condition(place.get('shop'), 'Ready')).toMatchObject({ status: 'True', reason: 'UpToDate' });
  });

  test('is what a draft that waits for its approval is made anew on', async () => {
    await place.variant('shop', { approval: { policy: 'Initial' } });
    await place.release({ 'second.txt': 'second\n' });
    await place.look();
    const before = await draft();
    await publishByHand(2);
    await place.look();
    const after = await draft();
    expect(after?.spec.source?.upgrade?.currentPackage?.name).toBe('deployments.shop.v2');
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(await files(`drafts/shop/${after?.spec.workspaceName}`)).toEqual(['Kptfile', 'by-hand.txt', 'second.txt']);
    const name = after?.metadata.name ?? '';
    await place.publish(name);
    expect(await files('shop/v3')).toContain('by-hand.txt');
  });

  test('is what a draft is made anew on of which a restored cluster knows nothing but what git says', async () => {
    await place.variant('shop', { approval: { policy: 'Initial' } });
    await place.release({ 'second.txt': 'second\n' });
    await place.look();
    await publishByHand(2);
    await place.restore();
    await place.variant('shop', { approval: { policy: 'Initial' } });
    const after = await draft();
    expect(after?.spec.source?.upgrade?.currentPackage?.name).toBe('deployments.shop.v2');
    expect(await files(`drafts/shop/${after?.spec.workspaceName}`)).toEqual(['Kptfile', 'by-hand.txt', 'second.txt']);
  });

  describe('of the package that a draft has begun', () => {
    const branchOf = (revision: PackageRevision | undefined) => `drafts/shop/${revision?.spec.workspaceName}`;

    test('is not published over: the draft waits for somebody to decide', async () => {
      await place.variant('shop');
      const begun = await draft();
      await publishByHand(1, branchOf(begun));
      await place.look();
      expect(condition(place.get('shop'), 'Ready')).toMatchObject({ status: 'False', reason: 'DownstreamExists' });
      const name = begun?.metadata.name ?? '';
      await place.publish(name);
      expect(condition(place.bench.get(name), 'Ready')).toMatchObject({ status: 'False', reason: 'Overtaken' });
      expect([...(await place.deployments.refs()).keys()]).toEqual(
        expect.arrayContaining([`refs/heads/${branchOf(begun)}`, 'refs/tags/shop/v1']),
      );
      expect(await files('main')).toContain('by-hand.txt');
    });

    test('is not published over when the operator learns of it only as it publishes', async () => {
      await place.variant('shop');
      const begun = await draft();
      await publishByHand(1, branchOf(begun));
      await place.publish(begun?.metadata.name ?? '');
      expect([...(await place.deployments.refs()).keys()]).not.toContain('refs/tags/shop/v2');
      expect(await files('main')).toContain('by-hand.txt');
    });

    test('is gone on from with adoptExisting', async () => {
      const adopting = { adoptionPolicy: 'adoptExisting', approval: { policy: 'Manual' } };
      await place.variant('shop', adopting);
      const begun = await draft();
      await publishByHand(1, branchOf(begun));
      await place.look();
      expect([...(await place.deployments.refs()).keys()]).not.toContain(`refs/heads/${branchOf(begun)}`);
      expect(condition(place.get('shop'), 'Ready')).toMatchObject({ status: 'True', reason: 'UpToDate' });
      await place.release({ 'second.txt': 'second\n' });
      await place.look();
      expect(await files(branchOf(await draft()))).toEqual(['Kptfile', 'by-hand.txt', 'second.txt']);
    });
  });
});
