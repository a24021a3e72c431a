import { Buffer } from 'node:buffer';
import { chmod, lstat, mkdir, mkdtemp, readdir, rename, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { ConflictError } from '../api/errors.ts';
import { changesBetween } from './diff.ts';
import { filesEqual } from './file.ts';
import { DEFAULT_PACKAGE_LIMITS } from './limits.ts';
import type { Package } from './package.ts';
import { readEntry, STAGING_PREFIX } from './read-dir.ts';
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
  for (const [path, file] of changes) {
    signal.throwIfAborted();
    if (file !== null) await checkFolderGivesWay(directory, path, before);
    if (await isToBeWritten(directory, path, before.get(path), file)) pending.push([path, file]);
  }
  const staging = await mkdtemp(join(directory, STAGING_PREFIX));
  try {
    for (const [index, [path, file]] of pending.entries()) {
      signal.throwIfAborted();
      if (file !== null) await stage(join(staging, String(index)), file, join(directory, path));
    }
    for (const [path, file] of pending) if (file === null) await remove(directory, path);
    for (const [index, [path, file]] of pending.entries()) {
      if (file === null) continue;
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await rename(join(staging, String(index)), join(directory, path));
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** A folder where a file is to be goes away by itself only if it holds nothing but files of `before`. */
async function checkFolderGivesWay(directory: string, path: string, before: Package): Promise<void> {
  const stats = await lstatIfThere(join(directory, path));
  if (!stats?.isDirectory()) return;
  const inside = await readdir(join(directory, path), { recursive: true, withFileTypes: true });
  const paths = inside.filter((item) => !item.isDirectory()).map((item) => join(item.parentPath, item.name));
  const known = paths.every((full) => before.has(relative(directory, full).replaceAll(sep, '/')));
  if (paths.length === 0 || !known) throw changedMeanwhile(path);
}

/** False when the disk already has what is wanted. */
async function isToBeWritten(
  directory: string,
  path: string,
  expected: PackageFile | undefined,
  wanted: PackageFile | null,
): Promise<boolean> {
  const found = await readExisting(directory, path);
  if (found === undefined ? wanted === null : wanted !== null && filesEqual(found, wanted)) return false;
  if (found === undefined || (expected !== undefined && filesEqual(found, expected))) return true;
  throw changedMeanwhile(path);
}

/** What is at `path`; undefined when nothing is or a folder is. Refuses to look behind a link. */
async function readExisting(directory: string, path: string): Promise<PackageFile | undefined> {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth++) {
    const current = parts.slice(0, depth).join('/');
    const stats = await lstatIfThere(join(directory, current));
    if (stats === undefined) return undefined;
    if (depth === parts.length) {
      if (stats.isDirectory()) return undefined;
      if (!stats.isFile() && !stats.isSymbolicLink()) throw changedMeanwhile(path);
      const limits = { ...DEFAULT_PACKAGE_LIMITS, fileBytes: Number.POSITIVE_INFINITY };
      const [, file] = await readEntry(directory, { path, link: stats.isSymbolicLink() }, limits);
      return file;
    }
    if (stats.isSymbolicLink()) throw changedMeanwhile(current);
    if (!stats.isDirectory()) return undefined;
  }
  return undefined;
}

async function lstatIfThere(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** A file that stays executable or plain keeps its own permissions. */
async function stage(staged: string, file: PackageFile, target: string): Promise<void> {
  if (file.mode === '120000') {
    await symlink(Buffer.from(file.bytes).toString(), staged);
    return;
  }
  const executable = file.mode === '100755';
  await writeFile(staged, file.bytes, { mode: executable ? 0o755 : 0o644 });
  const old = await lstatIfThere(target);
  if (old?.isFile() && ((old.mode & 0o100) !== 0) === executable) await chmod(staged, old.mode & 0o777);
}

async function remove(directory: string, path: string): Promise<void> {
  await rm(join(directory, path), { force: true });
  for (let slash = path.lastIndexOf('/'); slash !== -1; slash = path.lastIndexOf('/', slash - 1)) {
    const folder = join(directory, path.slice(0, slash));
    if ((await readdir(folder)).length > 0) return;
    await rmdir(folder);
  }
}

function changedMeanwhile(path: string): ConflictError {
  return new ConflictError('FileChanged', `${JSON.stringify(path)} changed on disk since it was read`, { file: path });
}

function isCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
