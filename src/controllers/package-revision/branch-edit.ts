import type { PackageRevision, PackageVariant } from '../../api/kinds.ts';
import { REPLACE_BRANCH_CONTENT_ANNOTATION } from '../../api/labels.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { RepositorySnapshot, RevisionInfo } from '../../repository/types.ts';
import { approvalSettings } from '../package-variant/validate.ts';

/** Condition of the latest revision, and reason of a draft's that waits. */
export const BRANCH_DIVERGED = 'BranchDiverged';

type Packages = Pick<RepositorySnapshot, 'ofPackage'>;

/** The head of the branch where somebody has changed the package there, without a revision: a repair, say, that clusters run. */
export function branchEdit({ spec }: PackageRevision, snapshot: Packages): RevisionInfo | undefined {
  return snapshot.ofPackage(spec.packageName).find(({ branchEdited }) => branchEdited);
}

/**
 * A person who approves has the difference before him; a policy replaces only what an annotation has given up, and what it has asked
 * for stays held when the policy changes, until somebody asks anew.
 * @param object with the status that it had before this look at it
 */
export function mayReplace(object: PackageRevision, variant: PackageVariant | undefined, tree: string): boolean {
  const { metadata, status } = object;
  if (metadata.annotations?.[REPLACE_BRANCH_CONTENT_ANNOTATION] === tree || !variant) return true;
  if (tellsOfBranchEdit(object) && status?.observedGeneration === metadata.generation) return false;
  const settings = approvalSettings(variant);
  return !('policy' in settings) || settings.policy === 'Manual' || settings.policy === 'Initial';
}

/** The object says that the branch was changed, or waits because of it. */
export function tellsOfBranchEdit({ status }: PackageRevision): boolean {
  return (
    findCondition(status?.conditions, BRANCH_DIVERGED) !== undefined ||
    findCondition(status?.conditions, 'Ready')?.reason === BRANCH_DIVERGED
  );
}

/** Why a policy must not publish the draft now; undefined when it may. */
export function heldByBranch(
  object: PackageRevision,
  git: RevisionInfo | undefined,
  variant: PackageVariant | undefined,
  snapshot: Packages,
): string | undefined {
  const head = branchEdit(object, snapshot);
  if (!head || head.tree === git?.tree || mayReplace(object, variant, head.tree)) return undefined;
  const latest = snapshot.ofPackage(object.spec.packageName).find((revision) => revision.latest);
  return (
    `${latest ? divergence(latest, head) : 'the branch was changed by hand'}; put the branch back, or give up what it has ` +
    `by the annotation ${REPLACE_BRANCH_CONTENT_ANNOTATION}: ${head.tree}`
  );
}

/** Says nothing of the commit: the branch moves with every other package. */
export function divergence({ lock: { git } }: RevisionInfo, head: RevisionInfo): string {
  const branch = head.workspace;
  return `branch ${branch} has content of the package that no revision has (git diff ${git.ref} ${branch} -- ${git.directory})`;
}
