import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, TerminalError } from '../api/errors.ts';

const MANIFEST = /\.(ya?ml|json)$/;

export interface ManifestFiles {
  readonly files: readonly string[];
  /** Paths that could not be looked at. */
  readonly errors: readonly TerminalError[];
}

/** Files as named, and those of folders without descending: `.yaml`, `.yml` and `.json`, as `kubectl apply -f` does. */
export async function listManifestFiles(paths: readonly string[]): Promise<ManifestFiles> {
  const files = new Set<string>();
  const errors: TerminalError[] = [];
  for (const path of paths) {
    try {
      for (const file of await filesAt(path)) files.add(file);
    } catch (error) {
      errors.push(unreadable(path, error));
    }
  }
  return { files: [...files], errors };
}

async function filesAt(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true });
  return entries
    .filter((entry) => MANIFEST.test(entry.name) && !entry.isDirectory())
    .map((entry) => join(path, entry.name))
    .sort();
}

/** Equal as long as no file below the paths has been added, changed or removed. Never throws. */
export async function fingerprintFiles(paths: readonly string[]): Promise<string> {
  const { files, errors } = await listManifestFiles(paths);
  const stamps = await Promise.all(files.map(stampOf));
  return JSON.stringify([stamps, errors.map((error) => error.location.file)]);
}

async function stampOf(file: string): Promise<readonly unknown[]> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return [file, ino, size, mtimeMs];
  } catch (error) {
    return [file, errorMessage(error)];
  }
}

/** A system error's own message repeats the path that stands in front of it. */
export function unreadable(file: string, cause: unknown): TerminalError {
  const code = String(Reflect.get(Object(cause), 'code'));
  const message = { ENOENT: 'no such file or folder', EACCES: 'permission denied' }[code] ?? errorMessage(cause);
  return new TerminalError('UnreadableFile', message, { file, cause });
}
