import type { Buffer } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { TerminalError } from '../api/errors.ts';
import { DEFAULT_PACKAGE_LIMITS, type PackageLimits } from './limits.ts';
import { Package } from './package.ts';
import type { PackageFile } from './types.ts';

/** Folders that a write stages in start with this; they are no part of a package. */
export const STAGING_PREFIX = '.veranda-staging-';

/**
 * Files handled in one turn of the event loop. Synchronous calls on small files take a fraction of what the detour over
 * the thread pool costs.
 */
export const FILES_PER_TURN = 64;

export interface ReadDirectoryOptions {
  readonly signal: AbortSignal;
  readonly limits?: PackageLimits;
}

export interface DirectoryEntry {
  readonly path: string;
  readonly link: boolean;
}

/**
 * Reads a package from a local directory. Links inside are kept as links and never followed; the directory itself may
 * be one. `.git` is passed over. Nothing above the limits is read into memory.
 * @throws TerminalError as `Package.of`; UnsupportedFile for sockets, devices and the like; errors of node:fs
 */
export async function readPackageDirectory(directory: string, options: ReadDirectoryOptions): Promise<Package> {
  const { signal, limits = DEFAULT_PACKAGE_LIMITS } = options;
  const root = await realpath(directory);
  const entries = await listEntries(root, signal, limits);
  const files: [string, PackageFile][] = [];
  let totalBytes = 0;
  for (const [index, entry] of entries.entries()) {
    if (index % FILES_PER_TURN === 0) await setImmediate();
    signal.throwIfAborted();
    const [path, file] = readEntry(root, entry, limits);
    totalBytes += file.bytes.byteLength;
    if (totalBytes > limits.packageBytes) throw tooLarge(path, `package has more than ${limits.packageBytes} bytes`);
    files.push([path, file]);
  }
  return Package.of(files, limits);
}

/** One file, link or nothing at `path` below `root`; what a link points to is never read. */
export function readEntry(root: string, entry: DirectoryEntry, limits: PackageLimits): [string, PackageFile] {
  const full = join(root, entry.path);
  if (entry.link) {
    const target = readlinkSync(full, { encoding: 'buffer' });
    return [entry.path, { bytes: Uint8Array.from(target), mode: '120000' }];
  }
  const descriptor = openSync(full, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size, mode } = fstatSync(descriptor);
    if (size > limits.fileBytes) {
      throw tooLarge(
        entry.path,
        `file ${JSON.stringify(entry.path)} has ${size} bytes, ${limits.fileBytes} are allowed`,
      );
    }
    const bytes = readFileSync(descriptor);
    return [entry.path, { bytes: ownMemory(bytes), mode: (mode & 0o100) === 0 ? '100644' : '100755' }];
  } finally {
    closeSync(descriptor);
  }
}

async function listEntries(root: string, signal: AbortSignal, limits: PackageLimits): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted();
    for (const item of await readdir(join(root, folder), { withFileTypes: true })) {
      if (item.name === '.git' || item.name.startsWith(STAGING_PREFIX)) continue;
      const path = folder === '' ? item.name : `${folder}/${item.name}`;
      if (item.isDirectory()) folders.push(path);
      else if (item.isFile() || item.isSymbolicLink()) entries.push({ path, link: item.isSymbolicLink() });
      else
        throw new TerminalError('UnsupportedFile', `${JSON.stringify(path)} is neither file nor link`, { file: path });
      if (entries.length > limits.files) throw tooLarge(path, `package has more than ${limits.files} files`);
    }
  }
  return entries;
}

/** A small file read by Node may be a view on a pool; kept for long it would hold the whole pool. */
function ownMemory(bytes: Buffer): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes);
}

function tooLarge(path: string, message: string): TerminalError {
  return new TerminalError('PackageTooLarge', message, { file: path });
}
