import type { VariantSetTargetStatus } from '../../api/generated/package-variant-set.ts';
import type { PackageVariant } from '../../api/kinds.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { RolloutMember } from './rollout.ts';
import type { PlannedVariant, TargetFault } from './types.ts';

/** Worst first: what a change of the set must help, what others must help, what takes its time. */
export const STATES = ['unusable', 'blocked', 'stalled', 'progressing', 'waiting', 'ready'] as const;

/** How one target, or its variant, stands. */
export interface TargetOutcome {
  readonly state: (typeof STATES)[number];
  readonly status: VariantSetTargetStatus;
  /** Why it must be tried again. */
  readonly retry?: unknown;
}

export function faultOutcome({ target, place, reason, message, passes, retry }: TargetFault): TargetOutcome {
  const state = retry !== undefined ? 'progressing' : passes ? 'blocked' : 'unusable';
  return {
    state,
    status: { target, ...place, ready: false, reason, message },
    ...(retry === undefined ? {} : { retry }),
  };
}

/** @param variant as it is now */
export function variantOutcome(planned: PlannedVariant, variant: PackageVariant | undefined): TargetOutcome {
  const place = placeOf(planned);
  if (variant?.metadata.deletionTimestamp !== undefined) {
    return notReady(place, 'progressing', 'Deleting', 'it is being deleted, and is made again then');
  }
  const { conditions, observedGeneration } = variant?.status ?? {};
  const ready = findCondition(conditions, 'Ready');
  if (!ready || observedGeneration !== variant?.metadata.generation) {
    return notReady(place, 'progressing', 'Pending', 'not looked at yet');
  }
  const { reason, message } = ready;
  if (ready.status === 'True') return { state: 'ready', status: { ...place, ready: true, reason, message } };
  const isStalled = findCondition(conditions, 'Stalled')?.status === 'True';
  return notReady(place, isStalled ? 'stalled' : 'progressing', reason, message);
}

export function waitingOutcome(planned: PlannedVariant, reason?: 'Preview'): TargetOutcome {
  const message = reason
    ? `it is to be ${planned.existing ? 'changed' : 'made'}`
    : 'its turn in the rollout is to come';
  return notReady(placeOf(planned), 'waiting', reason ?? 'WaitsForRollout', message);
}

export function notReady(
  place: Omit<VariantSetTargetStatus, 'ready' | 'reason' | 'message'>,
  state: TargetOutcome['state'],
  reason: string,
  message: string,
): TargetOutcome {
  return { state, status: { ...place, ready: false, reason, message } };
}

export function placeOf({ target, name, spec }: PlannedVariant) {
  return { target, variant: name, repo: spec.downstream.repo, package: spec.downstream.package };
}

/** A planned variant as a rollout sees it. */
export function rolloutMember(planned: PlannedVariant, waitFor: 'Ready' | 'Published'): RolloutMember {
  const { name, labels, change, existing } = planned;
  if (change === 'create' || change === 'update') return { name, labels, state: 'pending' };
  const { state } = variantOutcome(planned, existing);
  const isReady = state === 'ready' && (waitFor === 'Ready' || existing?.status?.phase === 'Published');
  if (isReady) return { name, labels, state: 'ready' };
  return { name, labels, state: isAtFault(existing) ? 'failed' : 'progressing' };
}

function isAtFault(variant: PackageVariant | undefined): boolean {
  if (variant?.metadata.deletionTimestamp !== undefined) return false;
  const isCurrent = variant?.status?.observedGeneration === variant?.metadata.generation;
  return isCurrent && findCondition(variant?.status?.conditions, 'Ready')?.status === 'False';
}
