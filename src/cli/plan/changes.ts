import type { PackageRevision, PackageVariant } from '../../api/kinds.ts';
import { objectLabel } from '../../api/object.ts';
import { findCondition } from '../../kube/conditions.ts';
import { diffResources, diffText, type ResourceDifference } from '../../merge/package-diff.ts';
import type { MergeConflict } from '../../merge/types.ts';
import type { PlannedStores } from './planned-stores.ts';

/**
 * What happens to a package: a new package, a draft on a newer upstream, a draft with other inputs, a change of a draft that is there,
 * the publication of a draft as it is, or the proposal to delete a published revision.
 */
export type PlannedAction = 'create' | 'upgrade' | 'edit' | 'change' | 'publish' | 'proposeDeletion' | 'delete';

export interface PlannedChange {
  readonly action: PlannedAction;
  /** `<namespace>/<name>` of the PackageRevision that will be there. */
  readonly revision: string;
  /** `<namespace>/<name>` of the PackageVariant that asks for it. */
  readonly variant?: string;
  readonly repository: string;
  readonly package: string;
  readonly workspace: string;
  /** Where the revision ends. */
  readonly lifecycle: string;
  /** Number that it gets when it is published. */
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

const ACTION = { init: 'create', clone: 'create', upgrade: 'upgrade', copy: 'edit' } as const;

/** What one revision will be, if the plan has anything to do with it. */
export async function plannedChange(
  revision: PackageRevision,
  variants: ReadonlyMap<string, PackageVariant>,
  stores: PlannedStores,
): Promise<PlannedChange | undefined> {
  const { metadata, spec, status } = revision;
  const commit = status?.observedCommit;
  const path = status?.selfLock?.git?.directory;
  if (commit === undefined || path === undefined || status?.revision === -1) return undefined;
  const change = await stores.change(commit, path, spec.workspaceName);
  if (!change) return movedOnly(revision);
  const diff = diffText(change.before, change.after);
  const creation = status?.creationSource as keyof typeof ACTION | undefined;
  const action = change.wasDraft ? (diff === '' ? 'publish' : 'change') : creation ? ACTION[creation] : 'publish';
  const variant = metadata.ownerReferences?.find(({ controller, kind }) => controller && kind === 'PackageVariant');
  const variantKey = variant && `${metadata.namespace ?? ''}/${variant.name}`;
  const rendered = findCondition(status?.conditions, 'Rendered');
  return {
    action,
    revision: `${metadata.namespace ?? ''}/${metadata.name}`,
    ...(variantKey ? { variant: variantKey } : {}),
    repository: spec.repository,
    package: spec.packageName,
    workspace: spec.workspaceName,
    lifecycle: status?.observedLifecycle ?? 'Draft',
    ...((status?.revision ?? 0) > 0 ? { number: status?.revision } : {}),
    ...upstreamOf(variantKey === undefined ? undefined : variants.get(variantKey)),
    ...(status?.packageTree ? { tree: status.packageTree } : {}),
    resources: diffResources(change.before, change.after),
    diff,
    conflicts: (status?.mergeConflicts ?? []) as readonly MergeConflict[],
    ...(rendered?.status === 'False' ? { failure: rendered.message } : {}),
  };
}

/** Its content stays; only what it counts as changes. */
function movedOnly({ metadata, spec, status }: PackageRevision): PlannedChange | undefined {
  if (status?.observedLifecycle !== 'DeletionProposed' || spec.lifecycle !== 'DeletionProposed') return undefined;
  return {
    action: 'proposeDeletion',
    revision: `${metadata.namespace ?? ''}/${metadata.name}`,
    repository: spec.repository,
    package: spec.packageName,
    workspace: spec.workspaceName,
    lifecycle: 'DeletionProposed',
    resources: [],
    diff: '',
    conflicts: [],
  };
}

function upstreamOf(variant: PackageVariant | undefined): { readonly upstream?: string } {
  const upstream = variant?.status?.upstream;
  return upstream?.name ? { upstream: upstream.name } : {};
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
