import { createHash } from 'node:crypto';
import type { DeletionGuard, DeletionStatus } from '../../api/generated/package-variant-set.ts';
import { parseDuration } from '../package-variant/approval.ts';

export interface DeletionRequest {
  readonly guard: DeletionGuard | undefined;
  /** UID of the set: a token is good for one set only. */
  readonly set: string;
  /** Names of variants that nobody wants any more. */
  readonly candidates: readonly string[];
  /** Variants that the set has now, candidates included. */
  readonly existing: number;
  /** Whether targets are selected; a list of repositories that became shorter is what somebody wrote. */
  readonly selects: boolean;
  /** Variants that are wanted. */
  readonly desired: number;
  /** Value of the annotation veranda.dev/confirm-deletions. */
  readonly confirmation: string | undefined;
  readonly before: DeletionStatus | undefined;
  readonly now: Date;
}

export interface DeletionDecision {
  readonly allowed: boolean;
  /** What to remember when so many of the candidates have gone. */
  readonly afterRemoval: (removed: number) => DeletionStatus | undefined;
  readonly reason: 'Allowed' | 'GracePeriod' | 'DeletionGuard';
  /** Why they stay, for people. */
  readonly message: string;
  /** When to decide again, where time alone may change the answer. */
  readonly againInMs?: number;
}

const WINDOW_MS = 3_600_000;
/** What may go of a selection without a guard of the set's own, where anything stays selected. */
const DEFAULT_PART = 1 / 4;

/**
 * Whether variants whose targets are gone may be deleted. All of them or none: which part of a fleet goes must not depend on
 * the order of a list. What went within the last hour counts, so that a selection that shrinks bit by bit is noticed as well.
 * Pure.
 */
export function decideDeletions(request: DeletionRequest): DeletionDecision {
  const { guard, candidates, confirmation, now } = request;
  const before = sinceWindow(request.before, now);
  const count = candidates.length;
  const token = tokenOf(request.set, candidates);
  const time = timestamp(now);
  const since = request.before?.token === token ? (request.before.retainedSince ?? time) : time;
  const retained = compact(count === 0 ? before : { ...before, retained: count, token, retainedSince: since });
  const confirmed = isConfirmed(confirmation, token, count, before);
  const afterRemoval = (removed: number): DeletionStatus | undefined => {
    if (removed === 0) return retained;
    const spent = confirmed
      ? { confirmed: confirmation?.trim(), confirmedLeft: count - removed }
      : { removed: (before.removed ?? 0) + removed };
    return compact({ ...before, windowStart: before.windowStart ?? time, ...spent });
  };
  if (count === 0 || confirmed) return { afterRemoval, allowed: true, reason: 'Allowed', message: '' };
  const limit = limitOf(request, before.removed ?? 0);
  const gone = before.removed ?? 0;
  if (gone + count > limit) {
    const already = gone > 0 ? `, and ${gone} went within the last hour` : '';
    const message = `${count} of ${request.existing} variants are not wanted any more and stay: ${limit} may go${already}; to let them go, annotate the set with veranda.dev/confirm-deletions: "${token}" (or "${count}")`;
    return { afterRemoval, allowed: false, reason: 'DeletionGuard', message };
  }
  const graceMs = parseDuration(guard?.gracePeriod ?? '0') ?? 0;
  const leftMs = new Date(since).getTime() + graceMs - now.getTime();
  if (graceMs > 0 && leftMs > 0) {
    const message = `${count} variants are not wanted any more and go ${guard?.gracePeriod} after ${since}`;
    return { afterRemoval, allowed: false, reason: 'GracePeriod', message, againInMs: leftMs };
  }
  return { afterRemoval, allowed: true, reason: 'Allowed', message: '' };
}

/** What is remembered of the last hour; the last confirmation is remembered for good. */
function sinceWindow(before: DeletionStatus | undefined, now: Date): DeletionStatus {
  const { removed, windowStart, confirmed, confirmedLeft } = before ?? {};
  const isOpen = windowStart !== undefined && now.getTime() - new Date(windowStart).getTime() < WINDOW_MS;
  return isOpen ? { removed, windowStart, confirmed, confirmedLeft } : { confirmed };
}

/** A confirmation is good once; what is left of it, after a failure half-way, for the rest of the hour. */
function isConfirmed(
  confirmation: string | undefined,
  token: string,
  count: number,
  { confirmed, confirmedLeft = 0 }: DeletionStatus,
): boolean {
  const value = confirmation?.trim();
  if (!value) return false;
  return value === confirmed ? confirmedLeft >= count : value === token || value === String(count);
}

function limitOf({ guard, existing, desired, selects }: DeletionRequest, removed: number): number {
  const whole = existing + removed;
  if (guard?.maxDeletions !== undefined) return guard.maxDeletions;
  if (guard?.percent !== undefined) return Math.floor((whole * guard.percent) / 100);
  if (!selects) return Number.POSITIVE_INFINITY;
  return desired === 0 ? 0 : Math.max(1, Math.floor(whole * DEFAULT_PART));
}

function tokenOf(set: string, names: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([set, names.toSorted()]))
    .digest('hex')
    .slice(0, 10);
}

function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

function compact(status: DeletionStatus): DeletionStatus | undefined {
  const entries = Object.entries(status).filter(([, value]) => value !== undefined && value !== 0);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
