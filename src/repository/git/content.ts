import { LRUCache } from 'lru-cache';
import { Package } from '../../package/package.ts';
import type { FileMode, PackageFile } from '../../package/types.ts';
import type { GitObjects } from './objects.ts';
import type { Oid, TreeEntry } from './types.ts';
import { forEachLimited } from './waiting.ts';

const CACHE_BYTES = 32 * 1024 * 1024;
const FILE_OVERHEAD = 200;
const READS = 16;
const SUBMODULE = '160000';

/** Packages to trees and back. Packages are cached by the id of their tree, so equal ones are read once. */
export class PackageContents {
  readonly #objects: GitObjects;
  readonly #packages = new LRUCache<Oid, Package>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (pkg) => pkg.totalBytes + pkg.size * FILE_OVERHEAD + 1,
  });
  readonly #reading = new Map<Oid, Promise<Package>>();
  /** Tree of a package -> paths of the submodule entries in it. */
  readonly #submodules = new Map<Oid, readonly string[]>();

  constructor(objects: GitObjects) {
    this.#objects = objects;
  }

  /** @throws TerminalError when the tree holds what no package may hold */
  read(tree: Oid): Promise<Package> {
    const known = this.#packages.get(tree);
    if (known) return Promise.resolve(known);
    const running = this.#reading.get(tree);
    if (running) return running;
    const reading = this.#load(tree).finally(() => this.#reading.delete(tree));
    this.#reading.set(tree, reading);
    return reading;
  }

  /** Paths of the submodule entries of a package that was read or written before. */
  submodules(tree: Oid): readonly string[] {
    return this.#submodules.get(tree) ?? [];
  }

  /** Whether `submodules` has anything to say of any tree. */
  anySubmodules(): boolean {
    return this.#submodules.size > 0;
  }

  /** Writes what is not there yet. */
  async write(pkg: Package): Promise<Oid> {
    const root: Folder = { files: [], folders: new Map() };
    await forEachLimited(pkg.entries(), READS, async ([path, file]) => {
      const parts = path.split('/');
      const name = parts.pop() as string;
      const oid =
        file.mode === SUBMODULE
          ? Buffer.from(file.bytes).toString('latin1')
          : await this.#objects.writeBlob(file.bytes);
      folderAt(root, parts).files.push({ mode: file.mode, name, oid });
    });
    const tree = await this.#writeFolder(root);
    this.#keep(tree, pkg);
    return tree;
  }

  async #load(tree: Oid): Promise<Package> {
    const leaves: { path: string; mode: FileMode; oid: Oid }[] = [];
    await this.#collect(tree, '', leaves);
    const files: [string, PackageFile][] = [];
    await forEachLimited(leaves, READS, async ({ path, mode, oid }) => {
      const bytes = mode === SUBMODULE ? Buffer.from(oid, 'latin1') : await this.#objects.blob(oid);
      files.push([path, { mode, bytes }]);
    });
    const pkg = Package.of(files);
    this.#keep(tree, pkg);
    return pkg;
  }

  #keep(tree: Oid, pkg: Package): void {
    this.#packages.set(tree, pkg);
    const submodules = [...pkg.entries()].filter(([, { mode }]) => mode === SUBMODULE).map(([path]) => path);
    if (submodules.length > 0) this.#submodules.set(tree, submodules);
  }

  async #collect(tree: Oid, prefix: string, into: { path: string; mode: FileMode; oid: Oid }[]): Promise<void> {
    for (const { mode, name, oid } of await this.#objects.tree(tree)) {
      if (mode === '040000') await this.#collect(oid, `${prefix}${name}/`, into);
      else into.push({ path: prefix + name, mode, oid });
    }
  }

  async #writeFolder(folder: Folder): Promise<Oid> {
    const entries: TreeEntry[] = [...folder.files];
    for (const [name, child] of folder.folders) {
      entries.push({ mode: '040000', name, oid: await this.#writeFolder(child) });
    }
    return this.#objects.writeTree(entries);
  }
}

interface Folder {
  readonly files: TreeEntry[];
  readonly folders: Map<string, Folder>;
}

function folderAt(root: Folder, parts: readonly string[]): Folder {
  let folder = root;
  for (const part of parts) {
    let child = folder.folders.get(part);
    if (!child) {
      child = { files: [], folders: new Map() };
      folder.folders.set(part, child);
    }
    folder = child;
  }
  return folder;
}
