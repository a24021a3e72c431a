import { describe, expect, test } from '@jest/globals';
import type { PackageRevision, PackageVariant } from '../../../src/api/kinds.ts';
import { claimedMetadata, claimPatch } from '../../../src/controllers/package-variant/claim.ts';
import { mergePatch } from '../../../src/kube/adapters/embedded/merge-patch.ts';
import type { JsonMap } from '../../../src/kube/json.ts';

type Texts = { readonly [key: string]: string };

const variant = (labels: Texts = {}, annotations: Texts = {}): PackageVariant => ({
  apiVersion: 'config.porch.kpt.dev/v1alpha1',
  kind: 'PackageVariant',
  metadata: { name: 'my-pv', namespace: 'default', uid: 'pv-uid' },
  spec: { upstream: { repo: 'a', package: 'foo' }, downstream: { repo: 'b', package: 'bar' }, labels, annotations },
});

const revision = (metadata: Partial<PackageRevision['metadata']> = {}): PackageRevision => ({
  apiVersion: 'porch.kpt.dev/v1alpha2',
  kind: 'PackageRevision',
  metadata: { name: 'b.bar.v1', namespace: 'default', resourceVersion: '7', ...metadata },
  spec: { repository: 'b', packageName: 'bar', workspaceName: 'v1' },
});

function claimed(owner: PackageVariant, before: PackageRevision): PackageRevision {
  const patch = claimPatch(owner, before, 'v1:a.b');
  return patch ? (mergePatch(before as unknown as JsonMap, patch as JsonMap) as unknown as PackageRevision) : before;
}

describe('a variant claims its revision', () => {
  test('16.4.50, 16.4.53: owner, labels and annotations are added, the variant winning, what others set stays', () => {
    const owners = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'other-uid' }];
    const { metadata } = claimed(
      variant({ a: '1' }),
      revision({ labels: { a: '0', b: '2' }, ownerReferences: owners }),
    );

    expect(metadata.labels).toMatchObject({ a: '1', b: '2' });
    expect(metadata.ownerReferences).toEqual([
      owners[0],
      expect.objectContaining({ kind: 'PackageVariant', uid: 'pv-uid', controller: true }),
    ]);
  });

  test('a claimed revision is not written again', () => {
    const owner = variant({ a: '1' }, { note: 'x' });
    expect(claimPatch(owner, claimed(owner, revision()), 'v1:a.b')).toBeUndefined();
    const made = revision(claimedMetadata(owner, 'b', 'v1:a.b'));
    expect(claimPatch(owner, made, 'v1:a.b')).toBeUndefined();
  });

  test('16.5.72: labels and annotations follow the variant, and those it drops are taken off again', () => {
    const before = claimed(variant({ a: '1', b: '2' }, { note: 'x' }), revision({ labels: { mine: 'yes' } }));
    const { metadata } = claimed(variant({ a: '3' }), before);

    expect(metadata.labels).toMatchObject({ a: '3', mine: 'yes' });
    expect(metadata.labels).not.toHaveProperty('b');
    expect(metadata.annotations).not.toHaveProperty('note');
  });

  test('the last label dropped leaves no book-keeping behind', () => {
    const { metadata } = claimed(variant(), claimed(variant({ a: '1' }), revision()));
    expect(metadata.annotations).toEqual({ 'veranda.dev/input-hash': 'v1:a.b' });
  });

  test('a damaged book-keeping annotation takes nothing off', () => {
    const damaged = revision({ labels: { b: '2' }, annotations: { 'veranda.dev/variant-metadata': '{"labels":"b"' } });
    expect(claimed(variant({ a: '1' }), damaged).metadata.labels).toMatchObject({ a: '1', b: '2' });
  });
});
