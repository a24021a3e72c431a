import type { PackageVariantSetStatus } from '../../api/generated/package-variant-set.ts';
import {
  type ConditionChange,
  progressingConditions,
  readyConditions,
  retryingConditions,
  stalledConditions,
} from '../../kube/conditions.ts';
import { STATES, type TargetOutcome } from './outcome.ts';
import type { RolloutDecision } from './rollout.ts';

/** Targets listed in status; those that are not Ready come first. */
const MAX_TARGETS = 50;
/** Longest message of one of them. */
const MAX_MESSAGE = 512;

export interface SetResult {
  readonly outcomes: readonly TargetOutcome[];
  readonly rollout: RolloutDecision;
  /** The upstream revision that stands for the latest one. */
  readonly revision?: number;
  /** Variants that nobody wants any more and that stay, and why. */
  readonly retained: number;
  readonly deletion: { readonly reason: string; readonly message: string };
}

export interface Verdict {
  readonly kind: 'ready' | 'progressing' | 'retrying' | 'stalled';
  readonly reason: string;
  readonly message: string;
}

export function setStatus({ outcomes, rollout, revision, retained }: SetResult): Partial<PackageVariantSetStatus> {
  const count = counter(outcomes);
  const sorted = outcomes.toSorted((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state));
  return {
    summary: {
      desired: outcomes.length,
      ready: count('ready'),
      progressing: count('progressing'),
      failed: count('unusable', 'blocked', 'stalled'),
      ...(rollout.status ? { waiting: count('waiting') } : {}),
      ...(retained > 0 ? { retained } : {}),
    },
    targets: sorted
      .slice(0, MAX_TARGETS)
      .map(({ status }) => ({ ...status, message: status.message.slice(0, MAX_MESSAGE) })),
    rollout: rollout.status && { ...rollout.status, ...(revision === undefined ? {} : { revision }) },
  };
}

/** What the set's conditions say. Ready only when every variant that is wanted is as wanted and Ready, and nothing else is left. */
export function verdictOf({ outcomes, rollout, retained, deletion }: SetResult): Verdict {
  const count = counter(outcomes);
  const first = (...states: readonly TargetOutcome['state'][]): string => {
    const found = outcomes.find(({ state }) => states.includes(state))?.status;
    return found ? `${found.variant ?? found.target}: ${found.reason}: ${found.message.slice(0, MAX_MESSAGE)}` : '';
  };
  const counts = `${count('ready')} of ${outcomes.length} variants are Ready`;
  const [unusable, blocked, stalled] = [count('unusable'), count('blocked'), count('stalled')];
  if (unusable > 0) return { kind: 'stalled', ...targetsFailed(unusable + blocked, first('unusable')) };
  if (blocked > 0) return { kind: 'retrying', ...targetsFailed(blocked, first('blocked')) };
  if (rollout.status?.state === 'Stopped') {
    const message = `${rollout.failures} changed variants are at fault, which is more than rollout.maxFailures; ${counts}`;
    return { kind: 'retrying', reason: 'RolloutStopped', message };
  }
  if (stalled > 0) {
    const message = `${counts}; ${stalled} cannot go on: ${first('stalled')}`;
    return { kind: 'retrying', reason: 'VariantsFailed', message };
  }
  if (retained > 0 && deletion.reason === 'DeletionGuard') {
    return { kind: 'retrying', reason: 'DeletionsRetained', message: deletion.message };
  }
  if (rollout.status?.state === 'Paused') {
    return { kind: 'progressing', reason: 'RolloutPaused', message: `waits at rollout.pauseAfter; ${counts}` };
  }
  if (count('ready') < outcomes.length) {
    return {
      kind: 'progressing',
      reason: 'VariantsNotReady',
      message: `${counts}; ${first('progressing', 'waiting')}`,
    };
  }
  if (retained > 0) return { kind: 'progressing', reason: 'DeletionsPending', message: deletion.message };
  return { kind: 'ready', reason: 'AllReady', message: counts };
}

export function conditionsOf({ kind, reason, message }: Verdict): readonly ConditionChange[] {
  const conditions = {
    ready: readyConditions,
    progressing: progressingConditions,
    retrying: retryingConditions,
    stalled: stalledConditions,
  } as const;
  return conditions[kind](reason, message);
}

/** There while the guard keeps variants that nobody wants any more. */
export function retainedCondition({ retained, deletion: { reason, message } }: SetResult): ConditionChange {
  if (retained === 0) return { type: 'DeletionsRetained', status: 'absent' };
  return { type: 'DeletionsRetained', status: 'True', reason, message };
}

function targetsFailed(count: number, first: string): Pick<Verdict, 'reason' | 'message'> {
  return { reason: 'TargetsFailed', message: `${count} targets cannot be used: ${first}` };
}

function counter(outcomes: readonly TargetOutcome[]): (...states: readonly TargetOutcome['state'][]) => number {
  return (...states) => outcomes.filter(({ state }) => states.includes(state)).length;
}
