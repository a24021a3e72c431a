import { type Dirent, existsSync, promises as fs } from 'node:fs';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Oid } from '../types.ts';
import { DeltaBases, PackFile } from './pack-file.ts';

/** As sizes, where the cache lays out nothing beforehand: a fleet may have a repository for each cluster. */
const MAX_KNOWN = 200_000;

/** Tells which objects a bare repository holds, and where. */
export class ObjectIndex {
  readonly #objects: string;
  /** Objects seen or written; a negative answer is never remembered. */
  readonly #known = new LRUCache<Oid, true>({ maxSize: MAX_KNOWN, sizeCalculation: () => 1 });
  readonly #packs = new Map<string, PackFile>();
  readonly #bases = new DeltaBases();
  /** The last look at which packs there are; undefined when they may be others by now. */
  #scanned: Promise<void> | undefined;

  constructor(gitDirectory: string) {
    this.#objects = join(gitDirectory, 'objects');
  }

  add(oid: Oid): void {
    this.#known.set(oid, true);
  }

  /** The repository's packs have changed. */
  rescan(): void {
    this.#scanned = undefined;
  }

  async has(oid: Oid): Promise<boolean> {
    if (this.#known.has(oid)) return true;
    const found = (await this.packOf(oid)) !== undefined || this.isLoose(oid);
    if (found) this.add(oid);
    return found;
  }

  isLoose(oid: Oid): boolean {
    return existsSync(join(this.#objects, oid.slice(0, 2), oid.slice(2)));
  }

  /** @throws RangeError when an index of a pack is damaged */
  async packOf(oid: Oid): Promise<PackFile | undefined> {
    await this.#upToDate();
    for (const pack of this.#packs.values()) if (pack.has(oid)) return pack;
    return undefined;
  }

  /** One look for all who ask at once: a fleet has hundreds of objects under way, and an index of a large pack has megabytes. */
  async #upToDate(): Promise<void> {
    this.#scanned ??= this.#scan();
    const scan = this.#scanned;
    try {
      await scan;
    } catch (error) {
      if (this.#scanned === scan) this.#scanned = undefined;
      throw error;
    }
  }

  async #scan(): Promise<void> {
    const folder = join(this.#objects, 'pack');
    const names = (await listFolder(folder)).map(({ name }) => name).filter((name) => name.endsWith('.idx'));
    for (const gone of [...this.#packs.keys()].filter((name) => !names.includes(name))) this.#packs.delete(gone);
    for (const name of names) {
      if (!this.#packs.has(name))
        this.#packs.set(name, await PackFile.open(join(folder, name.replace(/\.idx$/, '')), this.#bases));
    }
  }
}

async function listFolder(folder: string): Promise<readonly Dirent[]> {
  try {
    return await fs.readdir(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
