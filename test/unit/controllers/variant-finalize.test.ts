import { describe, expect, test } from '@jest/globals';
import { TransientError } from '../../../src/api/errors.ts';
import { PACKAGE_REVISION, PACKAGE_VARIANT } from '../../../src/api/kinds.ts';
import { PACKAGE_VARIANT_FINALIZER } from '../../../src/api/labels.ts';
import type { KubeObject, OwnerReference } from '../../../src/api/object.ts';
import { claimedMetadata } from '../../../src/controllers/package-variant/claim.ts';
import { finalizeVariant } from '../../../src/controllers/package-variant/finalize.ts';
import { EmbeddedStore } from '../../../src/kube/adapters/embedded/store.ts';
import type { KindRef, ObjectName, WriteOptions } from '../../../src/kube/store.ts';
import { listersOf, revisionOf, variantOf } from './support.ts';

const options = { fieldManager: 'test' };

/** A store whose writes of revisions fail as long as the server is away. */
class UnsteadyStore extends EmbeddedStore {
  away = true;

  override async patch<T extends KubeObject>(
    kind: KindRef<T>,
    name: ObjectName,
    patch: object,
    settings: WriteOptions,
  ): Promise<T> {
    if (this.away && kind.kind === PACKAGE_REVISION.kind)
      throw new TransientError('Unavailable', 'the server is away', {});
    return super.patch(kind, name, patch, settings);
  }
}

const FOREGROUND = 'foregroundDeletion';
const OTHER = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'other-uid' };

describe('finalizeVariant', () => {
  test.each<[what: string, finalizers: readonly string[], others: readonly OwnerReference[], isReleased: boolean]>([
    ['in the background: it is released', [], [], true],
    ['in the foreground: garbage collection takes it, and it is not released on the way', [FOREGROUND], [], false],
    [
      'in the foreground, with another owner: garbage collection leaves it, and it is released',
      [FOREGROUND],
      [OTHER],
      true,
    ],
  ])('V-15: what the policy orphan keeps, %s', async (_what, finalizers, others, isReleased) => {
    const store = new EmbeddedStore({ kinds: [{ kind: PACKAGE_VARIANT }, { kind: PACKAGE_REVISION }] });
    const held = { uid: undefined, finalizers: [PACKAGE_VARIANT_FINALIZER, ...finalizers] };
    const variant = await store.apply(variantOf({ deletionPolicy: 'orphan' }, held), options);
    const { ownerReferences } = claimedMetadata(variant, 'deployments', undefined);
    const revision = await store.apply(
      revisionOf({
        repository: 'deployments',
        package: 'bar',
        metadata: { uid: undefined, ownerReferences: [...others, ...ownerReferences] },
      }),
      options,
    );
    await store.delete(PACKAGE_VARIANT, variant.metadata);
    const deleting = await store.get(PACKAGE_VARIANT, variant.metadata);
    const { revisions } = listersOf({ revisions: [revision] });
    await finalizeVariant({ store, revisions }, deleting ?? variant, new AbortController().signal);

    const after = await store.get(PACKAGE_REVISION, revision.metadata);
    expect(after?.metadata.ownerReferences ?? []).toEqual([...others, ...(isReleased ? [] : ownerReferences)]);
    const kept = (await store.get(PACKAGE_VARIANT, variant.metadata))?.metadata.finalizers ?? [];
    expect(kept.includes(PACKAGE_VARIANT_FINALIZER)).toBe(!isReleased);
  });

  test('16.6.81: while a revision cannot be released the finalizer stays; the next try ends it', async () => {
    const store = new UnsteadyStore({ kinds: [{ kind: PACKAGE_VARIANT }, { kind: PACKAGE_REVISION }] });
    const variant = await store.apply(
      variantOf({ deletionPolicy: 'orphan' }, { uid: undefined, finalizers: [PACKAGE_VARIANT_FINALIZER] }),
      options,
    );
    const { apiVersion, kind, metadata } = variant;
    const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true };
    const owned = revisionOf({
      repository: 'deployments',
      package: 'bar',
      metadata: { uid: undefined, ownerReferences: [owner] },
    });
    await store.apply(owned, options);
    await store.delete(PACKAGE_VARIANT, metadata);
    const attempt = async (): Promise<void> => {
      const deleting = await store.get(PACKAGE_VARIANT, metadata);
      const held = await store.get(PACKAGE_REVISION, owned.metadata);
      if (!deleting || !held) throw new Error('the objects have gone');
      const { revisions } = listersOf({ revisions: [held] });
      await finalizeVariant({ store, revisions }, deleting, new AbortController().signal);
    };

    await expect(attempt()).rejects.toMatchObject({ reason: 'Unavailable' });
    expect((await store.get(PACKAGE_VARIANT, metadata))?.metadata.finalizers).toEqual([PACKAGE_VARIANT_FINALIZER]);

    store.away = false;
    await attempt();
    expect(await store.get(PACKAGE_VARIANT, metadata)).toBeUndefined();
    expect((await store.get(PACKAGE_REVISION, owned.metadata))?.metadata.ownerReferences ?? []).toEqual([]);
  });
});
