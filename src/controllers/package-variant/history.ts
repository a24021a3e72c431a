import { PACKAGE_REVISION, type PackageRevision, type PackageVariant } from '../../api/kinds.ts';
import { FIELD_MANAGER, PACKAGE_REVISION_FINALIZER } from '../../api/labels.ts';
import { objectKey } from '../../api/object.ts';
import type { Lister } from '../../kube/controller.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { INDEX, MADE_BY_VARIANTS, sourceNames, variantOf } from '../indexes.ts';

/** Annotation of a PackageRevision: UID of the variant whose `revisionHistoryLimit` proposed its deletion. */
const HISTORY_ANNOTATION = 'veranda.dev/history-limit';
/** Revisions that one reconcile deletes or proposes for deletion; the change of each of them brings the next reconcile. */
const MAX_STEPS = 5;

export interface HistoryStep {
  readonly action: 'propose' | 'delete';
  readonly revision: PackageRevision;
}

/**
 * What `revisionHistoryLimit` wants to go now: published revisions beyond the newest ones that the variant made. Never
 * the latest of the package, what others made or hold, what a draft is built on, or what a person has a say about: who
 * proposed a deletion himself decides about it, and who restores a revision keeps it.
 */
export function planHistory(variant: PackageVariant, revisions: Lister<PackageRevision>): readonly HistoryStep[] {
  const limit = variant.spec.revisionHistoryLimit;
  if (limit === undefined) return [];
  const { repo, package: pkg } = variant.spec.downstream;
  const siblings = revisions.byIndex(INDEX.package, `${variant.metadata.namespace ?? ''}/${repo}/${pkg}`);
  const latest = Math.max(...siblings.map(numberOf));
  const bases = new Set(siblings.filter((sibling) => !isPublished(sibling)).flatMap(sourceNames));
  const made = siblings
    .filter((revision) => isMadeBy(revision, variant) && isPublished(revision) && numberOf(revision) > 0)
    .sort((a, b) => numberOf(b) - numberOf(a));
  return made
    .slice(limit)
    .filter((revision) => numberOf(revision) < latest && !bases.has(revision.metadata.name) && !isHeld(revision))
    .flatMap((revision) => stepFor(revision, variant.metadata.uid))
    .slice(0, MAX_STEPS);
}

/** Carries out a step; says what it did. */
export async function takeHistoryStep(
  { store }: Pick<ControllerEnvironment, 'store'>,
  { action, revision }: HistoryStep,
  variant: PackageVariant,
  signal: AbortSignal,
): Promise<{ readonly reason: string; readonly message: string }> {
  const { metadata, status } = revision;
  const what = `${metadata.name} (revision ${status?.revision})`;
  const limit = `revisionHistoryLimit ${variant.spec.revisionHistoryLimit}`;
  if (action === 'delete') {
    await store.delete(PACKAGE_REVISION, metadata, { uid: metadata.uid, signal });
    return { reason: 'HistoryDeleted', message: `deleted ${what}: ${limit}` };
  }
  const patch = {
    metadata: {
      resourceVersion: metadata.resourceVersion,
      annotations: { [HISTORY_ANNOTATION]: variant.metadata.uid ?? '' },
    },
    spec: { lifecycle: 'DeletionProposed' },
  };
  await store.patch(PACKAGE_REVISION, metadata, patch, { fieldManager: FIELD_MANAGER, signal });
  return { reason: 'HistoryDeletionProposed', message: `proposed the deletion of ${what}: ${limit}` };
}

function stepFor(revision: PackageRevision, uid: string | undefined): readonly HistoryStep[] {
  const { metadata, spec, status } = revision;
  if (metadata.deletionTimestamp !== undefined || !metadata.finalizers?.includes(PACKAGE_REVISION_FINALIZER)) return [];
  const proposedByUs = metadata.annotations?.[HISTORY_ANNOTATION] === uid;
  if (spec.lifecycle === 'Published' && status?.observedLifecycle === 'Published')
    return proposedByUs ? [] : [{ action: 'propose', revision }];
  const mayGo = proposedByUs && status?.observedLifecycle === 'DeletionProposed';
  return mayGo && spec.lifecycle === 'DeletionProposed' ? [{ action: 'delete', revision }] : [];
}

function isMadeBy(revision: PackageRevision, variant: PackageVariant): boolean {
  return variantOf(revision) === objectKey(variant.metadata) && MADE_BY_VARIANTS.test(revision.spec.workspaceName);
}

function isPublished({ status }: PackageRevision): boolean {
  return status?.observedLifecycle === 'Published' || status?.observedLifecycle === 'DeletionProposed';
}

function isHeld({ status }: PackageRevision): boolean {
  return (status?.referencedBy?.length ?? 0) > 0;
}

function numberOf({ status }: PackageRevision): number {
  return status?.revision ?? 0;
}
