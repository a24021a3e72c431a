import type { Repository } from '../../api/kinds.ts';
import { READ_ONLY_ANNOTATION, RECONCILE_AT_ANNOTATION } from '../../api/labels.ts';
import type { Schedule } from './schedule.ts';

/** Whether a repository is read now, or when it will be. */
export interface SyncPlan {
  readonly due: boolean;
  /** Milliseconds until the next look that is known of today; counted as if a due one were done. */
  readonly nextInMs: number;
  /** The next time by the schedule. */
  readonly next: Date;
  /** `spec.sync.runOnceAt` if it has come and was not served before. */
  readonly runOnceAt?: string;
  /** Value of the annotation that asks for a look, if it was not served before. */
  readonly requestedAt?: string;
}

/** The last good look of this process. */
export interface LastSync {
  readonly at: Date;
  /** What shaped it, as by {@link syncIdentity}. */
  readonly of: string;
}

/** A single run in the future leaves the schedule as it is, and so does one that was served. Pure. */
export function planSync(object: Repository, schedule: Schedule, last: LastSync | undefined, now: Date): SyncPlan {
  const runOnceAt = unservedRun(object);
  const inMs = runOnceAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(runOnceAt) - now.getTime();
  const asked = object.metadata.annotations?.[RECONCILE_AT_ANNOTATION];
  const requestedAt = asked !== undefined && asked !== object.status?.lastHandledReconcileAt ? asked : undefined;
  const isCurrent = last !== undefined && last.of === syncIdentity(object) && schedule.next(last.at) > now;
  const due = !isCurrent || inMs <= 0 || requestedAt !== undefined;
  const next = schedule.next(due ? now : last.at);
  return {
    due,
    next,
    nextInMs: Math.min(next.getTime() - now.getTime(), inMs > 0 ? inMs : Number.POSITIVE_INFINITY),
    ...(inMs <= 0 ? { runOnceAt } : {}),
    ...(requestedAt === undefined ? {} : { requestedAt }),
  };
}

/** What a look at git depends on: a change of it is a reason for another one, a change of when to look is none. */
export function syncIdentity({ metadata, spec }: Repository): string {
  return JSON.stringify([metadata.uid, metadata.annotations?.[READ_ONLY_ANNOTATION], { ...spec, sync: undefined }]);
}

/** Shorter schedules do not make a status follow more often. */
const TELL_MS = 600_000;

/**
 * The times that a status shows. A look that found nothing new is no reason for a write, or idle repositories would write for
 * ever. So the times go along with whatever else is written, and by themselves only when the next one shown is past and they are
 * ten minutes old.
 */
export function shownTimes(
  status: Repository['status'],
  { at, next, tell }: { readonly at: Date; readonly next: Date; readonly tell: boolean },
): { readonly lastFullSyncTime: string; readonly nextFullSyncTime: string } {
  const { lastFullSyncTime, nextFullSyncTime } = status ?? {};
  const fresh = { lastFullSyncTime: timestamp(at), nextFullSyncTime: timestamp(next) };
  if (tell || lastFullSyncTime === undefined || nextFullSyncTime === undefined) return fresh;
  const isPast = Date.parse(nextFullSyncTime) <= at.getTime();
  const isOld = at.getTime() - Date.parse(lastFullSyncTime) >= TELL_MS;
  return isPast && isOld ? fresh : { lastFullSyncTime, nextFullSyncTime };
}

function unservedRun({ spec, status }: Repository): string | undefined {
  const { runOnceAt } = spec?.sync ?? {};
  if (runOnceAt === undefined || Number.isNaN(Date.parse(runOnceAt))) return undefined;
  const served = status?.observedRunOnceAt;
  return served !== undefined && Date.parse(served) === Date.parse(runOnceAt) ? undefined : runOnceAt;
}

/** metav1.Time has whole seconds. */
function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
