import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { TerminalError } from '../api/errors.ts';

/** Who holds a lock. A process number is taken again by others, hence the time at which the process started. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Clock ticks since boot; empty where the system does not tell. */
  readonly started: string;
  readonly id: string;
}

const MAX_ATTEMPTS = 100;
const RETRY_MS = 20;
/** States of a process that only waits to be reaped. */
const ENDED: readonly string[] = ['Z', 'X'];

/**
 * Takes a lock file for this process; one that a dead process of this machine left behind is taken over.
 * @returns gives it back
 * @throws TerminalError WorkspaceLocked
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const self: Holder = { pid: process.pid, host: hostname(), started: await startOf(process.pid), id: randomUUID() };
  const own = `${path}.${self.id}`;
  await writeFile(own, JSON.stringify(self), { flag: 'wx' });
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      if (await placed(own, path)) return () => giveBack(path, self);
      const holder = await readHolder(path);
      if (holder && (await isAlive(holder, self))) throw locked(path, holder);
      if (!(await removeStale(path, own, self))) await setTimeout(RETRY_MS);
    }
    throw new TerminalError('WorkspaceLocked', 'other runs are taking this workspace at the same time', { file: path });
  } finally {
    await rm(own, { force: true });
  }
}

/** A link appears whole or not at all, and never in the place of another file. */
async function placed(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Undefined when the lock is gone. A file that is no lock counts as one of nobody. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return parseHolder(await readFile(path, 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function parseHolder(text: string): Holder {
  try {
    const { pid, host, started, id } = Object(JSON.parse(text));
    if (typeof pid === 'number') return { pid, host: String(host), started: String(started), id: String(id) };
  } catch {
    // Damaged, for example by a full disk.
  }
  return { pid: 0, host: hostname(), started: '', id: '' };
}

async function isAlive(holder: Holder, self: Holder): Promise<boolean> {
  if (holder.host !== self.host) return true;
  if (holder.pid <= 0) return false;
  if (holder.started !== '') return (await startOf(holder.pid)) === holder.started;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

/**
 * When the process started, as Linux tells it; '' for a process that does not exist, also one that has ended and that its
 * parent has not reaped, and on other systems.
 */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the 22nd field is the 20th behind it, the state is the first.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ENDED.includes(fields[0] ?? '') ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

/**
 * Removes a lock of nobody. One does that at a time, and looks again before: two that find the same stale lock must not
 * remove the one that either of them has placed since. False when another one is at it.
 */
async function removeStale(path: string, own: string, self: Holder): Promise<boolean> {
  const guard = `${path}.takeover`;
  if (!(await placed(own, guard))) {
    const other = await readHolder(guard);
    if (other && !(await isAlive(other, self))) await rm(guard, { force: true });
    return false;
  }
  try {
    const holder = await readHolder(path);
    if (holder && !(await isAlive(holder, self))) await rm(path, { force: true });
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

async function giveBack(path: string, self: Holder): Promise<void> {
  if ((await readHolder(path))?.id === self.id) await rm(path, { force: true });
}

function locked(path: string, { pid, host }: Holder): TerminalError {
  const message = `process ${pid} on ${host} works in this workspace; wait for it, choose another --workspace, or remove the file if that process is gone`;
  return new TerminalError('WorkspaceLocked', message, { file: path });
}

function hasCode(error: unknown, code: string): boolean {
  return Reflect.get(Object(error), 'code') === code;
}
