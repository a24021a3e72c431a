import type { Condition } from '../api/object.ts';

/** A condition as it should be; `absent` removes it. */
export type ConditionChange =
  | Pick<Condition, 'type' | 'status' | 'reason' | 'message'>
  | { readonly type: string; readonly status: 'absent' };

export interface ConditionContext {
  /** `metadata.generation` of the object that was looked at. */
  readonly observedGeneration: number | undefined;
  readonly now: Date;
}

/** Longest message that an API server takes in a condition. */
const MAX_MESSAGE = 32_768;

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/**
 * The conditions with one of them set or removed, in their order. `lastTransitionTime` moves only with `status`. Gives back the same
 * list when nothing changes.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  change: ConditionChange,
  context: ConditionContext,
): readonly Condition[] {
  const list = conditions ?? [];
  const before = findCondition(list, change.type);
  if (change.status === 'absent') return before ? list.filter((condition) => condition !== before) : list;
  const { type, status, reason } = change;
  const message = change.message.slice(0, MAX_MESSAGE);
  const { observedGeneration } = context;
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(context.now);
  const after: Condition = { type, status, reason, message, observedGeneration, lastTransitionTime };
  if (!before) return [...list, after];
  return sameCondition(before, after) ? list : list.map((condition) => (condition === before ? after : condition));
}

/** {@link setCondition} for several changes, in their order. */
export function setConditions(
  conditions: readonly Condition[] | undefined,
  changes: readonly ConditionChange[],
  context: ConditionContext,
): readonly Condition[] {
  return changes.reduce((list, change) => setCondition(list, change, context), conditions ?? []);
}

/** kstatus "Current": what the spec asks for is so. */
export function readyConditions(reason: string, message: string): readonly ConditionChange[] {
  return [{ type: 'Ready', status: 'True', reason, message }, absent('Reconciling'), absent('Stalled')];
}

/** kstatus "InProgress": work is under way, nothing has failed. */
export function progressingConditions(reason: string, message: string): readonly ConditionChange[] {
  return [
    { type: 'Ready', status: 'Unknown', reason, message },
    { type: 'Reconciling', status: 'True', reason, message },
    absent('Stalled'),
  ];
}

/** kstatus "InProgress": the last try failed and will be repeated. */
export function retryingConditions(reason: string, message: string): readonly ConditionChange[] {
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'Reconciling', status: 'True', reason, message },
    absent('Stalled'),
  ];
}

/** kstatus "Failed": nothing goes on until somebody changes the spec. */
export function stalledConditions(reason: string, message: string): readonly ConditionChange[] {
  return [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'Stalled', status: 'True', reason, message },
    absent('Reconciling'),
  ];
}

function absent(type: string): ConditionChange {
  return { type, status: 'absent' };
}

function sameCondition(left: Condition, right: Condition): boolean {
  return (
    left.status === right.status &&
    left.reason === right.reason &&
    left.message === right.message &&
    left.observedGeneration === right.observedGeneration
  );
}

/** metav1.Time has whole seconds. */
function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
