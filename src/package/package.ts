import { createHash } from 'node:crypto';
import { TerminalError } from '../api/errors.ts';
import { checkPackageFile, filesEqual } from './file.ts';
import { DEFAULT_PACKAGE_LIMITS, type PackageLimits } from './limits.ts';
import { type PackedFiles, packFiles, unpackFiles } from './packed-files.ts';
import { checkPackagePath } from './path.ts';
import type { FileChange, PackageFile } from './types.ts';

/** A whole package in a form that can be posted to a worker thread. */
export interface PackedPackage {
  readonly files: PackedFiles;
  readonly limits: PackageLimits;
}

/**
 * A package's content: an immutable map from POSIX path to bytes and mode. Paths, links and sizes are checked when
 * they come in; iteration is in plain string order of the path, so equal packages iterate alike. The bytes of a file
 * must never be written to.
 */
export class Package {
  static readonly empty = new Package(new Map(), 0, DEFAULT_PACKAGE_LIMITS);
  /** In path order. */
  readonly #files: ReadonlyMap<string, PackageFile>;
  readonly #limits: PackageLimits;
  /** Sum of the sizes of all files. */
  readonly totalBytes: number;
  #sortedPaths: readonly string[] | undefined;
  #hash: string | undefined;

  private constructor(files: ReadonlyMap<string, PackageFile>, totalBytes: number, limits: PackageLimits) {
    this.#files = files;
    this.totalBytes = totalBytes;
    this.#limits = limits;
  }

  /**
   * A later entry for the same path wins.
   * @param limits hold for this package and for everything made from it
   * @throws TerminalError as `edit`
   */
  static of(files: Iterable<readonly [string, PackageFile]>, limits: PackageLimits = DEFAULT_PACKAGE_LIMITS): Package {
    const empty = limits === DEFAULT_PACKAGE_LIMITS ? Package.empty : new Package(new Map(), 0, limits);
    return empty.edit(files);
  }

  /** The package that `pack` was called on; nothing is checked again. */
  static unpack(packed: PackedPackage): Package {
    return new Package(new Map(unpackFiles(packed.files)), packed.files.content.byteLength, packed.limits);
  }

  /** Number of files. */
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

  /**
   * The package with some files put or removed; of several changes to one path the last counts. The same object when
   * no change changes anything. Removing what is not there is no change.
   * @throws TerminalError InvalidPath; DuplicatePath for a path that would be a file and a folder; LinkEscapes,
   * InvalidLink, InvalidSubmodule; PackageTooLarge. All name the file.
   */
  edit(changes: Iterable<FileChange>): Package {
    const files = new Map(this.#files);
    const added: string[] = [];
    let totalBytes = this.totalBytes;
    let touched = false;
    for (const [path, file] of new Map(changes)) {
      const before = this.#files.get(path);
      if (file === null ? before === undefined : before !== undefined && filesEqual(before, file)) continue;
      touched = true;
      totalBytes += (file?.bytes.byteLength ?? 0) - (before?.bytes.byteLength ?? 0);
      if (file === null) {
        files.delete(path);
        continue;
      }
      if (before === undefined) {
        checkPackagePath(path);
        added.push(path);
      }
      checkPackageFile(path, file);
      checkFileSize(path, file, this.#limits);
      files.set(path, { bytes: file.bytes, mode: file.mode });
    }
    if (!touched) return this;
    if (added.length === 0) return new Package(files, totalBytes, this.#limits).#checkTotals();
    const next = new Package(inPathOrder(files), totalBytes, this.#limits);
    for (const path of added) next.#checkFolders(path);
    return next.#checkTotals();
  }

  /**
   * The files below `directory` ('' is the root), with paths relative to it. A link that leads out of the directory,
   * though not out of this package, is kept.
   */
  subtree(directory: string): Package {
    if (directory === '') return this;
    const prefix = `${directory}/`;
    const files = new Map<string, PackageFile>();
    let totalBytes = 0;
    const paths = this.#paths();
    for (let index = lowerBound(paths, prefix); paths[index]?.startsWith(prefix); index++) {
      const path = paths[index] as string;
      const file = this.#files.get(path) as PackageFile;
      files.set(path.slice(prefix.length), file);
      totalBytes += file.bytes.byteLength;
    }
    return new Package(files, totalBytes, this.#limits);
  }

  /**
   * This package with exactly the files of `content` below `directory` ('' replaces everything).
   * @throws TerminalError as `edit`
   */
  withSubtree(directory: string, content: Package): Package {
    const prefix = directory === '' ? '' : `${directory}/`;
    const changes = new Map<string, PackageFile | null>();
    for (const path of this.subtree(directory).#files.keys()) changes.set(prefix + path, null);
    for (const [path, file] of content.#files) changes.set(prefix + path, file);
    return this.edit(changes);
  }

  /**
   * This package moved below `directory` ('' leaves it where it is).
   * @throws TerminalError InvalidPath for a bad directory
   */
  withPrefix(directory: string): Package {
    if (directory === '') return this;
    checkPackagePath(directory);
    const files = new Map([...this.#files].map(([path, file]) => [`${directory}/${path}`, file]));
    return new Package(files, this.totalBytes, this.#limits);
  }

  /** SHA-256 over paths, modes and bytes, 64 hex digits; made once. Limits do not count. */
  hash(): string {
    this.#hash ??= hashFiles(this.#files);
    return this.#hash;
  }

  /** For `postMessage`; transfer `files.content`. Copies the bytes, so this package stays usable. */
  pack(): PackedPackage {
    return { files: packFiles(this.#files), limits: this.#limits };
  }

  #paths(): readonly string[] {
    this.#sortedPaths ??= [...this.#files.keys()];
    return this.#sortedPaths;
  }

  #checkFolders(path: string): void {
    const paths = this.#paths();
    const inside = paths[lowerBound(paths, `${path}/`)];
    if (inside?.startsWith(`${path}/`)) throw duplicatePath(path);
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      const folder = path.slice(0, slash);
      if (this.#files.has(folder)) throw duplicatePath(folder);
    }
  }

  #checkTotals(): Package {
    const { files, packageBytes } = this.#limits;
    if (this.size <= files && this.totalBytes <= packageBytes) return this;
    const [largest] = [...this.#files].sort(([, a], [, b]) => b.bytes.byteLength - a.bytes.byteLength);
    const size =
      this.size > files
        ? `${this.size} files, ${files} are allowed`
        : `${this.totalBytes} bytes, ${packageBytes} are allowed`;
    const message = `package has ${size}; its largest file is ${JSON.stringify(largest?.[0])}`;
    throw new TerminalError('PackageTooLarge', message, { file: largest?.[0] });
  }
}

function inPathOrder(files: ReadonlyMap<string, PackageFile>): Map<string, PackageFile> {
  const paths = [...files.keys()].sort();
  return new Map(paths.map((path) => [path, files.get(path) as PackageFile]));
}

/** Index of the first path that is not less than `bound`. */
function lowerBound(paths: readonly string[], bound: string): number {
  let low = 0;
  let high = paths.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((paths[middle] as string) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function checkFileSize(path: string, file: PackageFile, limits: PackageLimits): void {
  if (file.bytes.byteLength <= limits.fileBytes) return;
  const message = `file ${JSON.stringify(path)} has ${file.bytes.byteLength} bytes, ${limits.fileBytes} are allowed`;
  throw new TerminalError('PackageTooLarge', message, { file: path });
}

function duplicatePath(path: string): TerminalError {
  return new TerminalError('DuplicatePath', `path ${JSON.stringify(path)} is both a file and a folder`, { file: path });
}

function hashFiles(files: ReadonlyMap<string, PackageFile>): string {
  const hash = createHash('sha256');
  for (const [path, file] of files) {
    hash.update(`${file.mode} ${file.bytes.byteLength} ${path}\0`);
    hash.update(file.bytes);
  }
  return hash.digest('hex');
}
