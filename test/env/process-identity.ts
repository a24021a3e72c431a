import { readFileSync } from 'node:fs';

/** A process by its number and the time of its start, since numbers are used again. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime?: string;
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, startTime: startTimeOf(pid) };
}

export function isRunning({ pid, startTime }: ProcessIdentity): boolean {
  return startTime !== undefined && startTimeOf(pid) === startTime;
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and parentheses. */
function startTimeOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
  } catch {
    return undefined;
  }
}
