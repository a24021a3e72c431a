import { createHash } from 'node:crypto';
import { Cron } from 'croner';
import { errorMessage, TerminalError } from '../../api/errors.ts';

/** When a repository is read again. Each repository has its own place in time, the same one after every restart. */
export interface Schedule {
  /** The first time after `after`. */
  next(after: Date): Date;
}

const HOUR_MS = 3_600_000;
/** How often a repository is looked at when nothing else asks for it. */
export const DEFAULT_SYNC_MS = HOUR_MS;

/** Remotes are to be read, not to be hammered. */
const SHORTEST_MS = 10_000;
/** A cron time is put off by up to this share of the time until the next one, so that not all repositories start at once. */
const JITTER_SHARE = 0.1;
const LONGEST_JITTER_MS = 300_000;

const ZONE = /^(?:CRON_)?TZ=(\S+)\s+/;
const EVERY = /^@every\s+/;
const DURATION = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;
const FIELD = 'spec.sync.schedule';

/**
 * Five cron fields, `@hourly` and its like, or `@every <duration>` (such as `1h30m`); times are UTC unless `TZ=<zone>` or
 * `CRON_TZ=<zone>` stands before them. Once an hour when absent.
 * @param key of the repository, from which its place in time follows
 * @throws TerminalError InvalidSchedule with field spec.sync.schedule
 */
export function parseSchedule(text: string | undefined, key: string): Schedule {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '') return everyInterval(DEFAULT_SYNC_MS, key);
  const zone = ZONE.exec(trimmed);
  const pattern = zone ? trimmed.slice(zone[0].length) : trimmed;
  if (EVERY.test(pattern)) return everyInterval(duration(pattern.replace(EVERY, ''), trimmed), key);
  return byCron(pattern, zone?.[1] ?? 'UTC', trimmed, key);
}

/** A place in [0, 1) that follows from a name. */
export function placeOf(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) / 2 ** 32;
}

function everyInterval(intervalMs: number, key: string): Schedule {
  const offset = Math.floor(placeOf(key) * intervalMs);
  return {
    // A first look comes at any time; the next one then keeps half an interval's distance.
    next: (after) => {
      const passed = Math.floor((after.getTime() + intervalMs / 2 - offset) / intervalMs);
      return new Date((passed + 1) * intervalMs + offset);
    },
  };
}

function byCron(pattern: string, timezone: string, text: string, key: string): Schedule {
  const cron = readCron(pattern, timezone, text);
  const place = placeOf(key);
  const putOff = (time: Date): Date => {
    const following = cron.nextRun(time)?.getTime() ?? Number.POSITIVE_INFINITY;
    const jitter = Math.min((following - time.getTime()) * JITTER_SHARE, LONGEST_JITTER_MS);
    return new Date(time.getTime() + Math.floor(place * jitter));
  };
  return {
    next: (after) => {
      let time = cron.nextRun(new Date(after.getTime() - LONGEST_JITTER_MS));
      while (time && putOff(time) <= after) time = cron.nextRun(time);
      return time ? putOff(time) : new Date(after.getTime() + DEFAULT_SYNC_MS);
    },
  };
}

function readCron(pattern: string, timezone: string, text: string): Cron {
  let cron: Cron;
  let next: Date | null;
  try {
    cron = new Cron(pattern, { mode: '5-part', timezone });
    next = cron.nextRun();
  } catch (error) {
    throw invalid(text, errorMessage(error));
  }
  if (!next) throw invalid(text, 'it names no time that ever comes');
  return cron;
}

function duration(text: string, whole: string): number {
  const match = text === '' ? null : DURATION.exec(text);
  if (!match) throw invalid(whole, 'after @every there must be a duration such as 5m or 1h30m');
  const [hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [number, number, number];
  const milliseconds = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  if (milliseconds >= SHORTEST_MS && milliseconds <= 365 * 24 * HOUR_MS) return milliseconds;
  throw invalid(whole, 'the duration must be at least 10s and at most a year');
}

function invalid(text: string, why: string): TerminalError {
  return new TerminalError('InvalidSchedule', `${JSON.stringify(text)} is no schedule: ${why}`, { field: FIELD });
}
