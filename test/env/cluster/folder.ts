import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityOf, isRunning, type ProcessIdentity } from '../process-identity.ts';

const PREFIX = 'veranda-cluster-';
/** Names the process that removes the folder. */
const OWNER = 'owner.json';

/** A folder for the files of a control plane. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), PREFIX));
  await writeFile(join(folder, OWNER), JSON.stringify(identityOf(process.pid)));
  return folder;
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Leaves what is worth reading, and says where it is. Nobody removes it. */
export async function keepLogs(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.log')) await rm(join(folder, name), { recursive: true, force: true });
  }
  process.stderr.write(`test environment: the logs of the control plane are kept in ${folder}\n`);
}

/** Removes the folders of tests that were killed; the programs have ended with them. */
export async function removeLeftFolders(): Promise<void> {
  for (const entry of await readdir(tmpdir())) {
    const owner = join(tmpdir(), entry, OWNER);
    if (!entry.startsWith(PREFIX) || !existsSync(owner)) continue;
    if (!(await hasOwner(owner))) await removeFolder(join(tmpdir(), entry));
  }
}

async function hasOwner(file: string): Promise<boolean> {
  try {
    return isRunning(JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity);
  } catch {
    // One that is only just being made, or just being removed.
    return true;
  }
}
