import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { TerminalError } from '../../../api/errors.ts';
import type { Oid } from '../types.ts';
import { SECRETS_PREFIX } from './access.ts';
import { runGit } from './git-process.ts';
import { readKeptRefs, writeKeptRefs } from './kept-refs.ts';
import { PackIndex } from './pack-index.ts';

const MARKER = 'veranda-mirror';
const FILES = {
  // First, so that a folder that was begun is known as ours.
  [MARKER]: '1\n',
  HEAD: 'ref: refs/heads/main\n',
  config: '[core]\n\trepositoryformatversion = 0\n\tbare = true\n',
} as const;
const FOLDERS = ['objects/pack', 'objects/info', 'refs/heads', 'refs/tags'] as const;

/**
 * Makes `directory` a sound bare repository: an empty one when there is none or what is there is visibly broken.
 * Removes what a crash may have left (locks, temporary files, keys).
 * @throws TerminalError InvalidMirrorDirectory when the folder holds something that is not ours
 */
export async function prepareMirror(directory: string): Promise<void> {
  await fs.rm(asideDirectory(directory), { recursive: true, force: true });
  await fs.rm(brokenDirectory(directory), { recursive: true, force: true });
  await fs.mkdir(directory, { recursive: true, mode: 0o700 });
  const names = await fs.readdir(directory);
  if (names.length > 0 && !names.includes(MARKER)) {
    throw new TerminalError('InvalidMirrorDirectory', `${directory} is not empty and not a mirror of ours`);
  }
  if (names.length > 0) await removeLeftovers(directory);
  if (await isSound(directory)) return;
  for (const name of names) await fs.rm(join(directory, name), { recursive: true, force: true });
  await createMirror(directory);
}

export async function createMirror(directory: string): Promise<void> {
  await fs.mkdir(directory, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(FILES)) await fs.writeFile(join(directory, name), content);
  for (const folder of FOLDERS) await fs.mkdir(join(directory, folder), { recursive: true });
}

/** False when somebody has removed the mirror's folder. */
export async function isThere(directory: string): Promise<boolean> {
  try {
    await fs.access(directory);
    return true;
  } catch {
    return false;
  }
}

/** Where a replacement for a broken mirror is built. */
export function asideDirectory(directory: string): string {
  return `${directory}.rebuild`;
}

function brokenDirectory(directory: string): string {
  return `${directory}.broken`;
}

/** Puts the mirror built aside in the place of the broken one. Nobody may be using either. */
export async function swapMirror(directory: string): Promise<void> {
  await fs.rm(brokenDirectory(directory), { recursive: true, force: true });
  if (await isThere(directory)) await fs.rename(directory, brokenDirectory(directory));
  await fs.rename(asideDirectory(directory), directory);
  await fs.rm(brokenDirectory(directory), { recursive: true, force: true });
}

/** The checks that cost next to nothing; `verifyMirror` is the thorough one. */
async function isSound(directory: string): Promise<boolean> {
  try {
    for (const [name, content] of Object.entries(FILES)) {
      if ((await fs.readFile(join(directory, name), 'utf8')) !== content) return false;
    }
    for (const folder of FOLDERS) await fs.access(join(directory, folder));
    await readKeptRefs(directory);
    const packs = join(directory, 'objects/pack');
    const names = await fs.readdir(packs);
    for (const name of names.filter((each) => each.endsWith('.pack'))) await checkPack(join(packs, name));
    return names.every((name) => !name.endsWith('.idx') || names.includes(name.replace(/idx$/, 'pack')));
  } catch {
    return false;
  }
}

const CHECKSUM_BYTES = 20;

/** @throws when index and pack are not both whole and of each other */
async function checkPack(path: string): Promise<void> {
  const index = await PackIndex.read(path.replace(/pack$/, 'idx'));
  const file = await fs.open(path);
  try {
    const { size } = await file.stat();
    const trailer = Buffer.alloc(CHECKSUM_BYTES);
    await file.read(trailer, 0, CHECKSUM_BYTES, Math.max(0, size - CHECKSUM_BYTES));
    if (trailer.toString('hex') !== index.packChecksum) throw new RangeError('pack and index do not match');
  } finally {
    await file.close();
  }
}

const LEFTOVER = /\.lock$|^tmp_|^\.tmp-/;

async function removeLeftovers(directory: string): Promise<void> {
  const names = await fs.readdir(directory, { withFileTypes: true });
  for (const entry of names) {
    if (entry.name.startsWith(SECRETS_PREFIX) || LEFTOVER.test(entry.name)) {
      await fs.rm(join(directory, entry.name), { recursive: true, force: true });
    }
  }
  for (const folder of ['refs', 'objects', 'objects/pack', 'info']) {
    await removeLeftoverFiles(join(directory, folder), folder === 'refs');
  }
}

async function removeLeftoverFiles(folder: string, recursive: boolean): Promise<void> {
  const entries = await fs.readdir(folder, { withFileTypes: true, recursive }).catch(() => []);
  for (const entry of entries) {
    if (LEFTOVER.test(entry.name)) await fs.rm(join(entry.parentPath, entry.name), { recursive: true, force: true });
  }
}

/** Milliseconds. */
const LOCAL_DEADLINE_MS = 120_000;

/** Reads the whole mirror. False when an object is damaged or one that our refs need is missing. */
export async function verifyMirror(directory: string, signal?: AbortSignal): Promise<boolean> {
  if (!(await isThere(directory))) return false;
  const args = ['fsck', '--no-dangling', '--no-progress', '--no-reflogs'];
  const { exitCode } = await runGit({ args, gitDirectory: directory, timeoutMs: LOCAL_DEADLINE_MS, signal });
  return exitCode === 0;
}

/** From this many loose objects or packs on, a repack pays. */
const MAX_LOOSE = 6000;
const MAX_PACKS = 40;

export async function needsRepack(directory: string): Promise<boolean> {
  const packs = await fs.readdir(join(directory, 'objects/pack'));
  if (packs.filter((name) => name.endsWith('.pack')).length > MAX_PACKS) return true;
  // Object ids are spread evenly, so one of the 256 folders tells enough.
  const sample = await fs.readdir(join(directory, 'objects/17')).catch(() => []);
  return sample.length * 256 > MAX_LOOSE;
}

/** Unreachable objects stay this long: drafts that are still being written look unreachable. */
const UNREACHABLE_EXPIRY = '2.days.ago';

/**
 * Packs loose objects and small packs. `keep` becomes the refs of the mirror; what none of them reaches goes after some
 * days. Nobody may read or write the mirror meanwhile.
 */
export async function repackMirror(directory: string, keep: ReadonlySet<Oid>, signal?: AbortSignal): Promise<void> {
  await writeKeptRefs(directory, keep);
  const flags = ['-d', '-q', '--cruft', `--cruft-expiration=${UNREACHABLE_EXPIRY}`];
  await runGit({ args: ['repack', ...flags], gitDirectory: directory, timeoutMs: LOCAL_DEADLINE_MS, signal });
}
