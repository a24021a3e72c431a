import type { PackageVariantStatus } from '../../api/generated/package-variant.ts';
import type { PackageRevision, PackageVariant } from '../../api/kinds.ts';
import { INPUT_HASH_ANNOTATION, PACKAGE_REVISION_FINALIZER, RECONCILE_AT_ANNOTATION } from '../../api/labels.ts';
import type { Change, Informer } from '../../kube/controller.ts';
import { variantOf } from '../indexes.ts';

/** Inputs that a person did not want, as the variant's status keeps them. */
export type Rejection = NonNullable<PackageVariantStatus['rejected']>;

/** A draft that somebody deleted, and the package that it was of, as `repository/package`. */
export interface DeletedDraft extends Rejection {
  readonly place: string;
}

/**
 * Notices that somebody deletes drafts. An object whose draft was lost in git goes another way: its finalizer is taken
 * off first, so that the draft is made again.
 */
export class DeletedDrafts {
  /** By the key of the variant; the last one counts. */
  readonly #deleted = new Map<string, DeletedDraft>();

  constructor(revisions: Pick<Informer<PackageRevision>, 'onChange'>) {
    revisions.onChange((change) => this.#see(change));
  }

  /** What was deleted of the variant since it was asked for last. */
  take(variantKey: string): DeletedDraft | undefined {
    const deleted = this.#deleted.get(variantKey);
    this.#deleted.delete(variantKey);
    return deleted;
  }

  #see({ before, after }: Change<PackageRevision>): void {
    if (!after || before?.metadata.deletionTimestamp !== undefined) return;
    const { deletionTimestamp, finalizers, annotations, name } = after.metadata;
    if (deletionTimestamp === undefined || !finalizers?.includes(PACKAGE_REVISION_FINALIZER)) return;
    const variant = variantOf(after);
    const lifecycle = after.status?.observedLifecycle ?? after.spec.lifecycle;
    const inputHash = after.status?.inputHash ?? annotations?.[INPUT_HASH_ANNOTATION];
    if (variant === undefined || inputHash === undefined) return;
    const place = `${after.spec.repository}/${after.spec.packageName}`;
    if (lifecycle === 'Draft' || lifecycle === 'Proposed')
      this.#deleted.set(variant, { inputHash, revision: name, place });
  }
}

/**
 * The rejection that is to be remembered. One of other inputs is over, and so is one after a new value of
 * `veranda.dev/reconcile-at` or once somebody proposes or publishes the draft after all.
 * @param deleted draft of the variant that was deleted since the last look
 * @param inputHash hash of the inputs that are wanted now
 * @param draft current revision of the downstream package, when it was made from these inputs
 */
export function currentRejection(
  variant: PackageVariant,
  deleted: DeletedDraft | undefined,
  inputHash: string,
  draft: PackageRevision | undefined,
): Rejection | undefined {
  const { status, spec } = variant;
  const [target] = status?.downstreamTargets ?? [];
  // What the variant itself replaces, its status no longer names.
  const wasCurrent = status?.inputHash === deleted?.inputHash && target?.name === deleted?.revision;
  // A package that the variant has left, it lets go itself.
  const isHere = deleted?.place === `${spec.downstream.repo}/${spec.downstream.package}`;
  if (deleted && wasCurrent && isHere && deleted.inputHash === inputHash)
    return { inputHash, revision: deleted.revision };
  const lifecycle = draft?.status?.observedLifecycle;
  const sentBack = target?.lifecycle === 'Proposed' && target.name === draft?.metadata.name && lifecycle === 'Draft';
  if (sentBack && status?.inputHash === inputHash) return { inputHash, revision: draft?.metadata.name };
  const isOver = lifecycle !== undefined && lifecycle !== 'Draft';
  if (isOver || isAskedAgain(variant)) return undefined;
  return status?.rejected?.inputHash === inputHash ? status.rejected : undefined;
}

export function rejectionMessage({ revision }: Rejection): string {
  return `${revision ?? 'the draft'} was rejected: change the inputs, or set the annotation ${RECONCILE_AT_ANNOTATION} to a new value to have it once more`;
}

function isAskedAgain({ metadata, status }: PackageVariant): boolean {
  return metadata.annotations?.[RECONCILE_AT_ANNOTATION] !== status?.lastHandledReconcileAt;
}

/** Whether it is the object that the rejection is about. */
export function isRejected(rejection: Rejection | undefined, { metadata }: PackageRevision): boolean {
  return rejection !== undefined && rejection.revision === metadata.name;
}
