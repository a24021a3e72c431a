import { PACKAGE_REVISION, PACKAGE_VARIANT, type PackageRevision, type PackageVariant } from '../../api/kinds.ts';
import { FIELD_MANAGER, PACKAGE_REVISION_FINALIZER, PACKAGE_VARIANT_FINALIZER } from '../../api/labels.ts';
import { objectKey } from '../../api/object.ts';
import type { Lister } from '../../kube/controller.ts';
import { FOREGROUND_DELETION, removeFinalizer } from '../../kube/finalizers.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { INDEX } from '../indexes.ts';
import { namespaceLeaves } from '../leaving-namespace.ts';

/** What letting go of revisions takes. */
interface FinalizeEnvironment extends Pick<ControllerEnvironment, 'store'> {
  readonly revisions: Lister<PackageRevision>;
}

/**
 * Lets a variant go: its revisions are treated by the deletion policy, each before the finalizer is removed, so that a
 * failure keeps the object and is tried again. Drafts are deleted, published revisions proposed for deletion and then
 * released, so that only a person deletes what may be deployed. Where the whole namespace goes, git stays as it is.
 */
export async function finalizeVariant(
  env: FinalizeEnvironment,
  variant: PackageVariant,
  signal: AbortSignal,
): Promise<void> {
  const { metadata } = variant;
  if (!metadata.finalizers?.includes(PACKAGE_VARIANT_FINALIZER)) return;
  const leaves = await namespaceLeaves(env.store, metadata, signal);
  const revisions = leaves ? [] : env.revisions.byIndex(INDEX.variant, objectKey(metadata));
  const waitedFor = revisions.filter((revision) => isWaitedFor(revision, variant));
  for (const revision of revisions) {
    if (!waitedFor.includes(revision)) await letGo(env, revision, variant, signal);
  }
  if (waitedFor.length > 0) return;
  const options = { fieldManager: FIELD_MANAGER, signal };
  await removeFinalizer(env.store, PACKAGE_VARIANT, variant, PACKAGE_VARIANT_FINALIZER, options);
}

/** Once its new package is there, a variant that moved elsewhere lets the old one go as its deletion policy says. */
export async function leaveFormerPlaces(
  env: FinalizeEnvironment,
  variant: PackageVariant,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { repo, package: pkg } = variant.spec.downstream;
  const former = env.revisions
    .byIndex(INDEX.variant, objectKey(variant.metadata))
    .filter(({ spec }) => spec.repository !== repo || spec.packageName !== pkg)
    .filter((revision) => isOwned(revision, variant) && revision.metadata.deletionTimestamp === undefined);
  for (const revision of former) await letGo(env, revision, variant, signal);
  return former.map(({ metadata }) => metadata.name);
}

async function letGo(
  env: FinalizeEnvironment,
  revision: PackageRevision,
  variant: PackageVariant,
  signal: AbortSignal,
): Promise<void> {
  if (!isOwned(revision, variant)) return;
  const orphan = variant.spec.deletionPolicy === 'orphan';
  if (orphan || !isDraft(revision)) await release(env, revision, variant, orphan, signal);
  else await env.store.delete(PACKAGE_REVISION, revision.metadata, { uid: revision.metadata.uid, signal });
}

/**
 * Garbage collection has deleted an object whose revision stays, or is about to. Its controller asks this variant what is to become
 * of it, and the end of the object wakes the variant again.
 */
function isWaitedFor(revision: PackageRevision, variant: PackageVariant): boolean {
  const stays = variant.spec.deletionPolicy === 'orphan' || !isDraft(revision);
  if (!stays || !isOwned(revision, variant)) return false;
  const { deletionTimestamp, finalizers } = revision.metadata;
  if (deletionTimestamp === undefined) return isToBeCollected(revision, variant);
  return finalizers?.includes(PACKAGE_REVISION_FINALIZER) === true;
}

/**
 * Whether a deletion in the foreground takes the object for certain. It must not be released then: in older Kubernetes, 1.32 among them,
 * garbage collection deletes what it has once decided to, and a revision that nobody owns would go from git as well.
 */
function isToBeCollected(revision: PackageRevision, { metadata }: PackageVariant): boolean {
  const { ownerReferences = [] } = revision.metadata;
  const isHeldByThis = ownerReferences.every(
    ({ uid, blockOwnerDeletion }) => uid === metadata.uid && blockOwnerDeletion,
  );
  return isHeldByThis && metadata.finalizers?.includes(FOREGROUND_DELETION) === true;
}

function isOwned(revision: PackageRevision, variant: PackageVariant): boolean {
  return revision.metadata.ownerReferences?.some((reference) => reference.uid === variant.metadata.uid) ?? false;
}

function isDraft({ spec, status }: PackageRevision): boolean {
  const lifecycle = status?.observedLifecycle ?? spec.lifecycle ?? 'Draft';
  return lifecycle === 'Draft' || lifecycle === 'Proposed';
}

async function release(
  env: FinalizeEnvironment,
  revision: PackageRevision,
  variant: PackageVariant,
  orphan: boolean,
  signal: AbortSignal,
): Promise<void> {
  const ownerReferences = (revision.metadata.ownerReferences ?? []).filter(
    (reference) => reference.uid !== variant.metadata.uid,
  );
  const isDeleted = revision.metadata.deletionTimestamp !== undefined;
  const propose = !orphan && !isDeleted && revision.spec.lifecycle === 'Published';
  const patch = {
    metadata: { resourceVersion: revision.metadata.resourceVersion, ownerReferences },
    ...(propose ? { spec: { lifecycle: 'DeletionProposed' } } : {}),
  };
  await env.store.patch(PACKAGE_REVISION, revision.metadata, patch, { fieldManager: FIELD_MANAGER, signal });
}
