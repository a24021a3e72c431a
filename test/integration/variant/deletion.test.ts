import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { condition } from '../operator/support.ts';
import { VariantBench } from './support.ts';

describe('what becomes of the packages of a variant that goes', () => {
  let place: VariantBench;

  beforeEach(async () => {
    place = await VariantBench.open();
  });
  afterEach(() => place.close());

  const refs = async (pkg: string) => [...(await place.deployments.refs()).keys()].filter((ref) => ref.includes(pkg));
  const owners = (object: { readonly metadata: { readonly ownerReferences?: readonly { readonly kind: string }[] } }) =>
    (object.metadata.ownerReferences ?? []).map(({ kind }) => kind);

  test.each([
    ['16.6.73: a draft is deleted', 'Draft'],
    ['16.6.74: a proposed revision is deleted', 'Proposed'],
  ])('%s', async (_, lifecycle) => {
    const variant = await place.variant('shop');
    const { metadata } = await place.only('shop');
    await place.bench.change(metadata.name, { lifecycle });
    expect(place.bench.get(metadata.name).status?.observedLifecycle).toBe(lifecycle);
    await place.remove(variant);
    expect(await place.revisions('shop')).toEqual([]);
    expect(await refs('shop')).toEqual([]);
    expect(place.has('PackageVariant', 'shop')).toBe(false);
  });

  test('16.6.75, 16.6.78: a published revision is proposed for deletion and no longer owned', async () => {
    const variant = await place.variant('shop', { approval: { policy: 'Always' } });
    await place.remove(variant);
    const revision = await place.only('shop');
    expect(revision.status).toMatchObject({ observedLifecycle: 'DeletionProposed', revision: 1 });
    expect(owners(revision)).not.toContain('PackageVariant');
    expect(place.has('PackageVariant', 'shop')).toBe(false);
  });

  test.each([
    ['delete', 'DeletionProposed'],
    ['orphan', 'Published'],
  ])(
    'a published revision whose object is deleted along with its variant stays as the policy %s says',
    async (deletionPolicy, lifecycle) => {
      const variant = await place.variant('shop', { deletionPolicy, approval: { policy: 'Always' } });
      const before = await refs('shop');
      const { metadata } = await place.only('shop');
      await place.remove(await place.only('shop'));
      expect(condition(place.bench.get(metadata.name), 'Ready')).toMatchObject({ reason: 'DeletionBlocked' });
      await place.remove(variant);
      expect(place.has('PackageVariant', 'shop')).toBe(false);
      const revision = await place.only('shop');
      expect(revision.metadata.deletionTimestamp).toBeUndefined();
      expect(revision.metadata.uid).not.toBe(metadata.uid);
      expect(revision.status?.observedLifecycle).toBe(lifecycle);
      expect(owners(revision)).toEqual(['Repository']);
      if (deletionPolicy === 'orphan') expect(await refs('shop')).toEqual(before);
    },
  );

  test('16.6.76, 16.5.65: what a person proposed for deletion is left as it is, by the variant and after it', async () => {
    const variant = await place.variant('shop', { approval: { policy: 'Always' } });
    const { metadata } = await place.only('shop');
    await place.bench.change(metadata.name, { lifecycle: 'DeletionProposed' });
    await place.look();
    expect(place.bench.get(metadata.name).status?.observedLifecycle).toBe('DeletionProposed');
    expect(condition(place.get('shop'), 'Ready')).toMatchObject({ status: 'False', reason: 'DeletionProposed' });
    await place.remove(variant);
    expect((await place.only('shop')).status?.observedLifecycle).toBe('DeletionProposed');
  });

  test.each([
    ['16.6.77, V-15: orphan leaves a draft, without its owner', 'Manual', 'Draft'],
    ['16.6.79, V-15: orphan leaves a published revision, without its owner', 'Always', 'Published'],
  ])('%s', async (_, policy, lifecycle) => {
    const variant = await place.variant('shop', { deletionPolicy: 'orphan', approval: { policy } });
    const before = await refs('shop');
    expect(owners(await place.only('shop'))).toContain('PackageVariant');
    await place.remove(variant);
    const revision = await place.only('shop');
    expect(revision.status?.observedLifecycle).toBe(lifecycle);
    expect(owners(revision)).not.toContain('PackageVariant');
    expect(await refs('shop')).toEqual(before);
  });

  test('16.6.80: a variant that can do nothing has its finalizer all the same', async () => {
    const variant = await place.variant('shop', { upstream: { repo: 'nowhere', package: 'web' } });
    expect(variant.metadata.finalizers).toEqual(['config.porch.kpt.dev/packagevariants']);
    expect(condition(variant, 'UpstreamResolved')).toMatchObject({ status: 'False', reason: 'RepositoryNotFound' });
    await place.remove(variant);
    expect(place.has('PackageVariant', 'shop')).toBe(false);
  });

  test('16.6.82, 16.6.83: a variant that moves elsewhere makes the new package; the old one stays as its policy says', async () => {
    await place.variant('shop', { deletionPolicy: 'orphan' });
    await place.variant('shop', {
      deletionPolicy: 'orphan',
      downstream: { repo: 'deployments', package: 'elsewhere' },
    });
    expect((await place.only('elsewhere')).status?.observedLifecycle).toBe('Draft');
    const old = await place.only('shop');
    expect(old.status?.observedLifecycle).toBe('Draft');
    expect(owners(old)).not.toContain('PackageVariant');
  });

  test('16.6.82: with the policy delete the old draft goes once the new package is there', async () => {
    await place.variant('shop');
    await place.variant('shop', { downstream: { repo: 'deployments', package: 'elsewhere' } });
    expect((await place.only('elsewhere')).status?.observedLifecycle).toBe('Draft');
    expect(await place.revisions('shop')).toEqual([]);
  });
});
