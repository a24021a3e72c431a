import { PACKAGE_REVISION, PACKAGE_VARIANT, type PackageRevision, type PackageVariant } from '../../api/kinds.ts';
import { FIELD_MANAGER, PACKAGE_VARIANT_FINALIZER } from '../../api/labels.ts';
import { objectKey } from '../../api/object.ts';
import { removeFinalizer } from '../../kube/finalizers.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { INDEX } from '../indexes.ts';
import { namespaceLeaves } from '../leaving-namespace.ts';

/**
 * Lets a variant go: its revisions are treated by the deletion policy, each before the finalizer is removed, so that a
 * failure keeps the object and is tried again. Drafts are deleted, published revisions proposed for deletion and then
 * released, so that only a person deletes what may be deployed. Where the whole namespace goes, git stays as it is.
 */
export async function finalizeVariant(
  env: ControllerEnvironment,
  variant: PackageVariant,
  signal: AbortSignal,
): Promise<void> {
  const { metadata, spec } = variant;
  if (!metadata.finalizers?.includes(PACKAGE_VARIANT_FINALIZER)) return;
  const orphan = spec.deletionPolicy === 'orphan';
  const leaves = await namespaceLeaves(env.store, metadata, signal);
  const revisions = leaves ? [] : env.revisions.byIndex(INDEX.variant, objectKey(metadata));
  for (const revision of revisions) {
    if (!isOwned(revision, variant)) continue;
    if (!orphan && isDraft(revision)) {
      await env.store.delete(PACKAGE_REVISION, revision.metadata, { uid: revision.metadata.uid, signal });
    } else {
      await release(env, revision, variant, orphan, signal);
    }
  }
  const options = { fieldManager: FIELD_MANAGER, signal };
  await removeFinalizer(env.store, PACKAGE_VARIANT, variant, PACKAGE_VARIANT_FINALIZER, options);
}

function isOwned(revision: PackageRevision, variant: PackageVariant): boolean {
  return revision.metadata.ownerReferences?.some((reference) => reference.uid === variant.metadata.uid) ?? false;
}

function isDraft({ spec, status }: PackageRevision): boolean {
  const lifecycle = status?.observedLifecycle ?? spec.lifecycle ?? 'Draft';
  return lifecycle === 'Draft' || lifecycle === 'Proposed';
}

async function release(
  env: ControllerEnvironment,
  revision: PackageRevision,
  variant: PackageVariant,
  orphan: boolean,
  signal: AbortSignal,
): Promise<void> {
  const ownerReferences = (revision.metadata.ownerReferences ?? []).filter(
    (reference) => reference.uid !== variant.metadata.uid,
  );
  const propose = !orphan && revision.spec.lifecycle === 'Published';
  const patch = {
    metadata: { resourceVersion: revision.metadata.resourceVersion, ownerReferences },
    ...(propose ? { spec: { lifecycle: 'DeletionProposed' } } : {}),
  };
  await env.store.patch(PACKAGE_REVISION, revision.metadata, patch, { fieldManager: FIELD_MANAGER, signal });
}
