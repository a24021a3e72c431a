import { type PackageRevision, type PackageVariant, REPOSITORY } from '../../api/kinds.ts';
import {
  CONTENT_ANNOTATIONS,
  INPUT_HASH_ANNOTATION,
  PACKAGE_REVISION_FINALIZER,
  RECONCILE_AT_ANNOTATION,
  RENDER_REQUEST_ANNOTATION,
} from '../../api/labels.ts';
import { findCondition } from '../../kube/conditions.ts';
import { FOREGROUND_DELETION } from '../../kube/finalizers.ts';
import type { RefWarning, RepositorySnapshot, RevisionInfo } from '../../repository/types.ts';
import { unmetGates } from '../gates.ts';
import type { ObservedRevisionState } from './plan.ts';

/** Reason of the condition Rendered while `unrenderedProposal` says why; it is of no weight beside that. */
export const NOT_RENDERED = 'NotRendered';

/** Garbage collection waits for dependents, not for content: foreground deletion and orphaning go on without regard to it. */
const OURS_OR_GARBAGE_COLLECTION: ReadonlySet<string> = new Set([
  PACKAGE_REVISION_FINALIZER,
  FOREGROUND_DELETION,
  'orphan',
]);

/** What the plan looks at, from the object, the repository's snapshot and the owning variant. */
export function observeRevision(
  object: PackageRevision,
  git: RevisionInfo | undefined,
  variant: PackageVariant | undefined,
  known: Pick<
    ObservedRevisionState,
    'failedForGood' | 'referencedBy' | 'readOnly' | 'overtakenBy' | 'heldByBranch' | 'unreadable'
  >,
): ObservedRevisionState {
  const { metadata, spec, status } = object;
  const seen =
    status?.observedCommit !== undefined && status.observedLifecycle !== undefined
      ? { commit: status.observedCommit, lifecycle: status.observedLifecycle, tag: publishedTag(object) }
      : undefined;
  return {
    ...known,
    deleting: metadata.deletionTimestamp !== undefined,
    hasFinalizer: metadata.finalizers?.includes(PACKAGE_REVISION_FINALIZER) ?? false,
    heldBy: metadata.finalizers?.filter((finalizer) => !OURS_OR_GARBAGE_COLLECTION.has(finalizer)),
    desired: spec.lifecycle ?? 'Draft',
    hasSource: spec.source !== undefined,
    discovered: metadata.ownerReferences?.some(({ kind }) => kind === REPOSITORY.kind) ?? false,
    seen,
    git: git && {
      lifecycle: git.lifecycle,
      commit: git.commit,
      branchHead: git.branchHead,
      handPushed: git.handPushed,
      hasStrays: git.strays !== undefined,
      latest: git.latest,
      inputHash: knownInputHash(object, git),
    },
    leftBehind: variant?.metadata.deletionTimestamp === undefined ? undefined : variant.spec.deletionPolicy || 'delete',
    metadataPending: metadata.generation !== status?.observedGeneration && asksForMetadata(object),
    renderRequested: renderRequest(object) !== undefined,
    wantedHash: variant ? metadata.annotations?.[INPUT_HASH_ANNOTATION] : undefined,
    renderedCommit: renderedCommit(object),
    proposalFault: proposalFault(object, git),
  };
}

function renderedCommit({ status }: PackageRevision): string | undefined {
  return findCondition(status?.conditions, 'Rendered') ? status?.renderStatus?.commit : undefined;
}

/** What stands in a proposal that somebody has pushed to: nothing renders it before it is a draft again. */
export function unrenderedProposal(object: PackageRevision, git: RevisionInfo | undefined): string | undefined {
  if (git?.lifecycle !== 'Proposed' || !git.handPushed || renderedCommit(object) === git.commit) return undefined;
  return `commit ${git.commit.slice(0, 12)} was pushed to the proposal by hand and is not rendered; send it back to Draft, where it is`;
}

/** Why a revision that was seen before is not listed: its branch is there, and holds no package that can be read. */
export function unreadable(
  { spec, status }: PackageRevision,
  { warnings }: Pick<RepositorySnapshot, 'warnings'>,
): string | undefined {
  const ref = status?.selfLock?.git?.ref;
  const isMeant = ({ unread }: RefWarning): boolean =>
    status?.revision !== -1 || unread === '' || unread === spec.packageName;
  const warning = warnings.find((one) => one.ref === `refs/heads/${ref}` && isMeant(one));
  return warning && `branch ${ref} holds no package: ${warning.message}; correct it, or delete this object`;
}

/** The value by which a render is asked for that was not made yet. */
export function renderRequest({ metadata, status }: PackageRevision): string | undefined {
  const asked = metadata.annotations?.[RENDER_REQUEST_ANNOTATION];
  const isDraft = status?.observedLifecycle === 'Draft';
  return isDraft && asked !== status.observedPrrResourceVersion ? asked : undefined;
}

/** Short name of the tag that a Published revision was seen at; undefined for any other and for the head of a branch. */
export function publishedTag({ spec, status }: PackageRevision): string | undefined {
  const ref = status?.selfLock?.git?.ref;
  return status?.observedLifecycle === 'Published' && ref !== spec.workspaceName ? ref : undefined;
}

/** The commit that a published revision was seen at, when its tag is at another one now. */
export function movedTag(object: PackageRevision, git: RevisionInfo): string | undefined {
  const sameTag = publishedTag(object) === git.lock.git.ref;
  const { observedCommit } = object.status ?? {};
  return sameTag && observedCommit !== git.commit ? observedCommit : undefined;
}

function asksForMetadata({ spec }: PackageRevision): boolean {
  return spec.packageMetadata !== undefined || spec.readinessGates !== undefined;
}

/** Inputs that the content holds: what the status says of exactly this commit, else what the commit says. */
export function knownInputHash(object: PackageRevision, git: RevisionInfo): string | undefined {
  const { status } = object;
  return (status?.observedCommit === git.commit ? status.inputHash : undefined) ?? git.origin?.inputHash;
}

/** Inputs of an attempt that are not in the object. */
export interface AttemptSurroundings {
  /** The revisions that the object is made from, as far as they are there. */
  readonly sources: readonly (PackageRevision | undefined)[];
  readonly functionRules: string;
}

/**
 * Names the inputs of an attempt: one that failed for good is not repeated until one of them changes.
 */
export function fingerprint(
  object: PackageRevision,
  git: RevisionInfo | undefined,
  { sources, functionRules }: AttemptSurroundings,
): string {
  const { uid, generation, annotations } = object.metadata;
  const asked = [...CONTENT_ANNOTATIONS, RECONCILE_AT_ANNOTATION].map((name) => annotations?.[name]);
  const own = [uid, generation, ...asked, git?.commit, git?.lifecycle];
  const theirs = sources.flatMap((source) => [
    source?.metadata.uid,
    source?.status?.observedLifecycle,
    source?.status?.packageTree,
  ]);
  return [...own, ...theirs, functionRules].join(' ');
}

/** Why a draft must not be proposed or published now: its render failed, or a readiness gate of the package is not met. */
function proposalFault(object: PackageRevision, git: RevisionInfo | undefined): string | undefined {
  const { spec, status } = object;
  const unrendered = unrenderedProposal(object, git);
  if (unrendered !== undefined) return unrendered;
  const rendered = findCondition(status?.conditions, 'Rendered');
  if (rendered?.status === 'False' && rendered.reason !== NOT_RENDERED)
    return `the package does not render: ${rendered.message}`;
  const gates = (spec.readinessGates ?? []).map((gate) => gate.conditionType);
  const unmet = unmetGates(gates, status?.packageConditions ?? []);
  return unmet.length > 0 ? `readiness conditions not met: ${unmet.join(', ')}` : undefined;
}
