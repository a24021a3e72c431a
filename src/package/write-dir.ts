import { Buffer } from 'node:buffer';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ConflictError } from '../api/errors.ts';
import { changesBetween } from './diff.ts';
import { filesEqual } from './file.ts';
import { DEFAULT_PACKAGE_LIMITS } from './limits.ts';
import type { Package } from './package.ts';
import { FILES_PER_TURN, readEntry, STAGING_PREFIX } from './read-dir.ts';
import type { FileChange, PackageFile } from './types.ts';

export interface WriteDirectoryOptions {
  /** What was read from the directory; `Package.empty` for a new one. Only its files are ever removed or replaced. */
  readonly before: Package;
  readonly after: Package;
  readonly signal: AbortSignal;
}

/**
 * Brings a local directory from `before` to `after`, touching only the files that differ. All new content is staged
 * inside the directory first and then renamed into place, so that a full disk or an abort changes nothing. Folders that
 * become empty go. Submodule entries are not written.
 * @throws ConflictError FileChanged, before anything is written, when a file that would be replaced or removed is no
 * longer as in `before`, or when a folder on the way is a link; errors of node:fs
 */
export async function writePackageDirectory(directory: string, options: WriteDirectoryOptions): Promise<void> {
  const { before, after, signal } = options;
  const changes = changesBetween(before, after).filter(([, file]) => file?.mode !== '160000');
  if (changes.length === 0) return;
  await mkdir(directory, { recursive: true });
  const pending: FileChange[] = [];
  await inTurns(changes, ([path, file]) => {
    signal.throwIfAborted();
    if (file !== null) checkFolderGivesWay(directory, path, before);
    if (isToBeWritten(directory, path, before.get(path), file)) pending.push([path, file]);
  });
  const staging = await mkdtemp(join(directory, STAGING_PREFIX));
  try {
    await inTurns(pending, ([path, file], index) => {
      signal.throwIfAborted();
      if (file !== null) stage(join(staging, String(index)), file, join(directory, path));
    });
    await inTurns(pending, ([path, file]) => {
      if (file === null) remove(directory, path);
    });
    const folders = new Set([directory]);
    await inTurns(pending, ([path, file], index) => {
      if (file !== null) moveInto(join(staging, String(index)), join(directory, path), folders);
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Lets the rest of the process have its turn now and then. */
async function inTurns<T>(values: readonly T[], work: (value: T, index: number) => void): Promise<void> {
  for (const [index, value] of values.entries()) {
    if (index % FILES_PER_TURN === 0) await setImmediate();
    work(value, index);
  }
}

/** @param folders those known to be there; grows */
function moveInto(staged: string, target: string, folders: Set<string>): void {
  const folder = dirname(target);
  if (!folders.has(folder)) mkdirSync(folder, { recursive: true });
  folders.add(folder);
  renameSync(staged, target);
}

/** A folder where a file is to be goes away by itself only if it holds nothing but files of `before`. */
function checkFolderGivesWay(directory: string, path: string, before: Package): void {
  const stats = lstatIfThere(join(directory, path));
  if (!stats?.isDirectory()) return;
  const inside = readdirSync(join(directory, path), { recursive: true, withFileTypes: true });
  const paths = inside.filter((item) => !item.isDirectory()).map((item) => join(item.parentPath, item.name));
  const known = paths.every((full) => before.has(relative(directory, full).replaceAll(sep, '/')));
  if (paths.length === 0 || !known) throw changedMeanwhile(path);
}

/** False when the disk already has what is wanted. */
function isToBeWritten(
  directory: string,
  path: string,
  expected: PackageFile | undefined,
  wanted: PackageFile | null,
): boolean {
  const found = readExisting(directory, path);
  if (found === undefined ? wanted === null : wanted !== null && filesEqual(found, wanted)) return false;
  if (found === undefined || (expected !== undefined && filesEqual(found, expected))) return true;
  throw changedMeanwhile(path);
}

/** What is at `path`; undefined when nothing is or a folder is. Refuses to look behind a link. */
function readExisting(directory: string, path: string): PackageFile | undefined {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth++) {
    const current = parts.slice(0, depth).join('/');
    const stats = lstatIfThere(join(directory, current));
    if (stats === undefined) return undefined;
    if (depth === parts.length) {
      if (stats.isDirectory()) return undefined;
      if (!stats.isFile() && !stats.isSymbolicLink()) throw changedMeanwhile(path);
      const limits = { ...DEFAULT_PACKAGE_LIMITS, fileBytes: Number.POSITIVE_INFINITY };
      const [, file] = readEntry(directory, { path, link: stats.isSymbolicLink() }, limits);
      return file;
    }
    if (stats.isSymbolicLink()) throw changedMeanwhile(current);
    if (!stats.isDirectory()) return undefined;
  }
  return undefined;
}

function lstatIfThere(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** A file that stays executable or plain keeps its own permissions. */
function stage(staged: string, file: PackageFile, target: string): void {
  if (file.mode === '120000') {
    symlinkSync(Buffer.from(file.bytes).toString(), staged);
    return;
  }
  const executable = file.mode === '100755';
  writeFileSync(staged, file.bytes, { mode: executable ? 0o755 : 0o644 });
  const old = lstatIfThere(target);
  if (old?.isFile() && ((old.mode & 0o100) !== 0) === executable) chmodSync(staged, old.mode & 0o777);
}

function remove(directory: string, path: string): void {
  rmSync(join(directory, path), { force: true });
  for (let slash = path.lastIndexOf('/'); slash !== -1; slash = path.lastIndexOf('/', slash - 1)) {
    const folder = join(directory, path.slice(0, slash));
    if (readdirSync(folder).length > 0) return;
    rmdirSync(folder);
  }
}

function changedMeanwhile(path: string): ConflictError {
  return new ConflictError('FileChanged', `${JSON.stringify(path)} changed on disk since it was read`, { file: path });
}

function isCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
