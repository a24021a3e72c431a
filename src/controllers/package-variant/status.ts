import type { PackageVariantStatus } from '../../api/generated/package-variant.ts';
import type { PackageRevision, PackageVariant } from '../../api/kinds.ts';
import { RECONCILE_AT_ANNOTATION } from '../../api/labels.ts';
import { type ConditionChange, findCondition } from '../../kube/conditions.ts';
import type { VariantDecision } from './decide.ts';

export const NOT_PENDING: ConditionChange = { type: 'PendingApproval', status: 'absent' };

/** What is remembered of a rejection; nothing of it changes while the wanted inputs cannot be told. */
export function rejectionStatus(
  { metadata }: PackageVariant,
  { inputHash, rejected }: VariantDecision,
): Partial<PackageVariantStatus> {
  if (inputHash === undefined) return {};
  return { rejected, lastHandledReconcileAt: metadata.annotations?.[RECONCILE_AT_ANNOTATION] };
}

export function upstreamCondition({ upstream, plan }: VariantDecision): ConditionChange {
  const type = 'UpstreamResolved';
  if (upstream) return { type, status: 'True', reason: 'Resolved', message: `follows ${upstream.metadata.name}` };
  const { reason, message } = plan.action === 'blocked' ? plan : { reason: 'Unknown', message: 'is being looked for' };
  return { type, status: 'False', reason, message };
}

/** What the current revision's conditions and lifecycle say, on the variant. */
export function revisionConditions({ metadata, status }: PackageRevision): readonly ConditionChange[] {
  const rendered = findCondition(status?.conditions, 'Rendered');
  const lifecycle = status?.observedLifecycle;
  const published = lifecycle === 'Published' || lifecycle === 'DeletionProposed';
  return [
    rendered
      ? { type: 'Rendered', status: rendered.status, reason: rendered.reason, message: rendered.message }
      : { type: 'Rendered', status: 'absent' },
    {
      type: 'Published',
      status: published ? 'True' : 'False',
      reason: lifecycle ?? 'Draft',
      message: published ? `${metadata.name} is revision ${status?.revision}` : `${metadata.name} is not published`,
    },
  ];
}

export function blockedPhase({
  reason,
  retry,
}: {
  readonly reason: string;
  readonly retry: boolean;
}): NonNullable<PackageVariantStatus['phase']> {
  if (reason === 'Rejected') return 'Rejected';
  return retry ? 'Pending' : 'Blocked';
}

export function upstreamStatus({ upstream }: VariantDecision): Partial<PackageVariantStatus> {
  if (!upstream) return {};
  const { status, spec, metadata } = upstream;
  return {
    upstream: {
      name: metadata.name,
      revision: status?.revision,
      workspaceName: spec.workspaceName,
      ref: status?.selfLock?.git?.ref,
      commit: status?.selfLock?.git?.commit,
      tree: status?.packageTree,
    },
  };
}

export function targetStatus({ metadata, spec, status }: PackageRevision): Partial<PackageVariantStatus> {
  const rendered = findCondition(status?.conditions, 'Rendered')?.status === 'True';
  return {
    conflicts: status?.creationSource === 'upgrade' ? (status.mergeConflicts?.length ?? 0) : undefined,
    downstreamTargets: [
      {
        name: metadata.name,
        workspaceName: spec.workspaceName,
        lifecycle: status?.observedLifecycle,
        revision: status?.revision,
        rendered,
      },
    ],
  };
}

/**
 * A published revision, or the package on the branch: that stays when tags are deleted. One that was found in git and
 * not looked at yet counts as published until it is known.
 */
export function wasPublished({ spec, status }: PackageRevision): boolean {
  return (status?.revision ?? 0) !== 0 || (spec.source === undefined && status?.observedLifecycle === undefined);
}

/** A package that was not cloned, taken over: nobody can say which upstream revision it is based on. */
export function upstreamLockCondition({ metadata, status }: PackageRevision): ConditionChange {
  if (status?.upstreamLock?.git || status?.observedLifecycle === undefined)
    return { type: 'NoUpstreamLock', status: 'absent' };
  const message = `${metadata.name} has no upstreamLock: its content is taken for that of the upstream revision`;
  return { type: 'NoUpstreamLock', status: 'True', reason: 'NoUpstreamLock', message };
}
