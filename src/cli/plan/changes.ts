import type { PackageRevision, PackageVariant } from '../../api/kinds.ts';
import { objectKey, objectLabel } from '../../api/object.ts';
import { setOf } from '../../controllers/indexes.ts';
import { findCondition } from '../../kube/conditions.ts';
import { hideSecrets } from '../../merge/hide-secrets.ts';
import { diffResources, diffText, type ResourceDifference } from '../../merge/package-diff.ts';
import type { MergeConflict } from '../../merge/types.ts';
import { Package } from '../../package/package.ts';
import type { PlannedStores, RevisionMove, RevisionPlace } from './planned-stores.ts';

/**
 * What happens to a package: a new package, a draft on a newer upstream, a draft with other inputs, a change of a draft that is there; a
 * draft as it is that is proposed or published; a published revision that is proposed for deletion; a proposal that is turned
 * down; a revision that is deleted.
 */
export type PlannedAction =
  | 'create'
  | 'upgrade'
  | 'edit'
  | 'change'
  | 'propose'
  | 'publish'
  | 'reject'
  | 'proposeDeletion'
  | 'delete';

export interface PlannedChange {
  readonly action: PlannedAction;
  /** `<namespace>/<name>` of the PackageRevision. */
  readonly revision: string;
  /** `<namespace>/<name>` of the PackageVariant that asks for it. */
  readonly variant?: string;
  /** `<namespace>/<name>` of the PackageVariantSet that has the variant. */
  readonly set?: string;
  readonly repository: string;
  readonly package: string;
  readonly workspace: string;
  /** Where the revision ends; absent when it is deleted. */
  readonly lifecycle?: string;
  /** Number that it gets when it is published, or has. */
  readonly number?: number;
  readonly upstream?: string;
  /** Id of the package's tree in git. */
  readonly tree?: string;
  readonly resources: readonly ResourceDifference[];
  readonly diff: string;
  readonly conflicts: readonly MergeConflict[];
  /** Why its content would fail. */
  readonly failure?: string;
}

/** What cannot be done, with the reason that its object will show. */
export interface PlannedObstacle {
  readonly object: string;
  readonly reason: string;
  readonly message: string;
}

/** What a plan was made with. */
export interface PlanOutcome {
  readonly stores: PlannedStores;
  /** The variants, those among them that are there no more. */
  readonly variants: ReadonlyMap<string, PackageVariant>;
}

const ACTION = { init: 'create', clone: 'create', upgrade: 'upgrade', copy: 'edit' } as const;

/** What one revision will be, if the plan has anything to do with it. */
export async function plannedChange(
  revision: PackageRevision,
  outcome: PlanOutcome,
): Promise<PlannedChange | undefined> {
  const { spec, status } = revision;
  const place = placeOf(revision);
  const commit = status?.observedCommit;
  if (!place || commit === undefined) return undefined;
  const change = await outcome.stores.change(commit, place.path, spec.workspaceName);
  if (!change) return movedOnly(revision, outcome, outcome.stores.move(place));
  const { before, after } = hideSecrets(change.before, change.after);
  const diff = diffText(before, after);
  const creation = status?.creationSource as keyof typeof ACTION | undefined;
  const action = change.wasDraft ? (diff === '' ? 'publish' : 'change') : creation ? ACTION[creation] : 'publish';
  const rendered = findCondition(status?.conditions, 'Rendered');
  const described = describeChange(revision, outcome);
  const upstream = described.variant && outcome.variants.get(described.variant)?.status?.upstream?.name;
  return {
    action,
    ...described,
    lifecycle: status?.observedLifecycle ?? 'Draft',
    ...(upstream ? { upstream } : {}),
    ...(status?.packageTree ? { tree: status.packageTree } : {}),
    resources: diffResources(before, after),
    diff,
    conflicts: (status?.mergeConflicts ?? []) as readonly MergeConflict[],
    ...(rendered?.status === 'False' ? { failure: rendered.message } : {}),
  };
}

/** What becomes of a revision whose object is there no more: it is deleted, unless git never had it or keeps it. */
export async function plannedDeletion(
  revision: PackageRevision,
  outcome: PlanOutcome,
): Promise<PlannedChange | undefined> {
  const place = placeOf(revision);
  if (!place) return undefined;
  const move = outcome.stores.move(place);
  if (!move?.before || move.after) return undefined;
  const content = await outcome.stores.content(place, revision.status?.observedCommit ?? '');
  const { before, after: nothing } = hideSecrets(content, Package.empty);
  return {
    action: 'delete',
    ...describeChange(revision, outcome),
    resources: diffResources(before, nothing),
    diff: diffText(before, nothing),
    conflicts: [],
  };
}

/** Its content stays; only what it counts as changes. */
function movedOnly(
  revision: PackageRevision,
  outcome: PlanOutcome,
  move: RevisionMove | undefined,
): PlannedChange | undefined {
  if (!move?.before || !move.after || move.before === move.after) return undefined;
  const action = MOVES[move.after] ?? (move.before === 'DeletionProposed' ? 'reject' : 'publish');
  const described = describeChange(revision, outcome);
  return { action, ...described, lifecycle: move.after, resources: [], diff: '', conflicts: [] };
}

/** By where the revision ends. */
const MOVES: Readonly<Record<string, PlannedAction | undefined>> = {
  Draft: 'reject',
  Proposed: 'propose',
  DeletionProposed: 'proposeDeletion',
};

function describeChange({ metadata, spec, status }: PackageRevision, { variants }: PlanOutcome) {
  const owner = metadata.ownerReferences?.find(({ controller, kind }) => controller && kind === 'PackageVariant');
  const variant = owner && `${metadata.namespace ?? ''}/${owner.name}`;
  const object = variant === undefined ? undefined : variants.get(variant);
  const set = object && setOf(object);
  return {
    revision: objectKey(metadata),
    ...(variant === undefined ? {} : { variant }),
    ...(set === undefined ? {} : { set }),
    repository: spec.repository,
    package: spec.packageName,
    workspace: spec.workspaceName,
    ...((status?.revision ?? 0) > 0 ? { number: status?.revision } : {}),
  };
}

/** Undefined for the head of a branch, and for what git does not have. */
function placeOf({ spec, status }: PackageRevision): RevisionPlace | undefined {
  const { repo, directory } = status?.selfLock?.git ?? {};
  if (!repo || directory === undefined || status?.revision === -1) return undefined;
  return { repo, path: directory, workspace: spec.workspaceName, revision: status?.revision ?? 0 };
}

/** Why an object will not be Ready, if it is for another reason than that somebody has to approve something. */
export function obstacleOf(
  object: Parameters<typeof objectLabel>[0] & {
    readonly status?: { readonly conditions?: Parameters<typeof findCondition>[0] };
  },
): PlannedObstacle | undefined {
  const ready = findCondition(object.status?.conditions, 'Ready');
  if (ready?.status === 'True') return undefined;
  return {
    object: objectLabel(object),
    reason: ready?.reason ?? 'Unknown',
    message: ready?.message ?? 'not looked at',
  };
}
