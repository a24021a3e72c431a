import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { identityOf, isRunning, type ProcessIdentity } from '../process-identity.ts';
import type { SandboxLayout } from './sandbox.ts';

/** What has to be cleaned up after a sandbox, kept in its folder in case nobody is left to do it. */
interface SandboxRecord {
  readonly layout: SandboxLayout;
  /** The test process. */
  readonly owner: ProcessIdentity;
  /** The process whose end ends all others. */
  readonly first?: ProcessIdentity;
}

export const SANDBOX_PREFIX = 'veranda-sandbox-';
const RECORD = 'record.json';
const CGROUPS = '/sys/fs/cgroup';
const run = promisify(execFile);

export async function recordSandbox(layout: SandboxLayout, firstPid?: number): Promise<void> {
  const first = firstPid === undefined ? undefined : identityOf(firstPid);
  const record: SandboxRecord = { layout, owner: identityOf(process.pid), first };
  const path = join(layout.directory, RECORD);
  await writeFile(`${path}.new`, JSON.stringify(record));
  await rename(`${path}.new`, path);
}

/** Cleans up after sandboxes whose test process ended without doing so. */
export async function removeLeftovers(): Promise<void> {
  for (const entry of await readdir(tmpdir())) {
    if (!entry.startsWith(SANDBOX_PREFIX)) continue;
    const record = await readRecord(join(tmpdir(), entry, RECORD));
    if (record === undefined || isRunning(record.owner)) continue;
    if (record.first !== undefined && isRunning(record.first)) process.kill(record.first.pid, 'SIGKILL');
    await removeTraces(record.layout);
  }
}

/** Removes what outlives the processes: the network bridge, the cgroups, the folder. */
export async function removeTraces({ directory, bridge, cgroup }: SandboxLayout): Promise<void> {
  const isThere = () => existsSync(`/sys/class/net/${bridge}`);
  if (isThere()) await run('ip', ['link', 'delete', bridge]).catch(throwIf(isThere, undefined));
  for (const root of await cgroupRoots()) await removeCgroup(join(root, cgroup));
  await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

/** The roots of the hierarchies of version 1 of cgroups, or the one root of version 2. */
export async function cgroupRoots(): Promise<string[]> {
  if (existsSync(join(CGROUPS, 'cgroup.controllers'))) return [CGROUPS];
  const entries = await readdir(CGROUPS, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(CGROUPS, entry.name));
}

async function removeCgroup(path: string): Promise<void> {
  const isThere = () => existsSync(path);
  const entries = await readdir(path, { withFileTypes: true }).catch(throwIf(isThere, []));
  for (const entry of entries) if (entry.isDirectory()) await removeCgroup(join(path, entry.name));
  // The kernel takes a moment to let go of the processes that were in it.
  for (let tries = 100; tries > 0 && isThere(); tries -= 1) {
    await rmdir(path).catch(() => sleep(50));
  }
  if (isThere()) await rmdir(path);
}

/** What is gone already was removed by another test process, which cleans up at the same moment. */
function throwIf<T>(isThere: () => boolean, otherwise: T): (error: unknown) => T {
  return (error) => {
    if (isThere()) throw error;
    return otherwise;
  };
}

async function readRecord(path: string): Promise<SandboxRecord | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as SandboxRecord;
  } catch {
    // One that is only just being made, or just being removed.
    return undefined;
  }
}
