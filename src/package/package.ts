import { createHash } from 'node:crypto';
import { checkPackagePath } from './path.ts';
import type { FileChange, PackageFile } from './types.ts';

/**
 * A package's content: an immutable map from POSIX path to bytes and mode. Paths are checked when they come in; order
 * of iteration is by path (byte order of UTF-16 units), so equal packages iterate alike.
 */
export class Package {
  static readonly empty = new Package(new Map());
  readonly #files: ReadonlyMap<string, PackageFile>;

  private constructor(files: ReadonlyMap<string, PackageFile>) {
    this.#files = files;
  }

  /** @throws TerminalError InvalidPath for a bad path, DuplicatePath for one that is a file and a folder at once */
  static of(files: Iterable<readonly [string, PackageFile]>): Package {
    return Package.empty.edit(files);
  }

  get size(): number {
    return this.#files.size;
  }

  get(path: string): PackageFile | undefined {
    return this.#files.get(path);
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  paths(): string[] {
    return [...this.#files.keys()];
  }

  entries(): IterableIterator<[string, PackageFile]> {
    return this.#files.entries();
  }

  /** The same object when no change changes anything. */
  edit(changes: Iterable<FileChange>): Package {
    throw new Error(`not implemented: ${String(changes)} ${String(checkPackagePath)} ${String(createHash)}`);
  }
}
