import { type Dirent, existsSync, promises as fs } from 'node:fs';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Oid } from '../types.ts';
import { DeltaBases, PackFile } from './pack-file.ts';

const MAX_KNOWN = 200_000;

/** Tells which objects a bare repository holds, and where. */
export class ObjectIndex {
  readonly #objects: string;
  /** Objects seen or written; a negative answer is never remembered. */
  readonly #known = new LRUCache<Oid, true>({ max: MAX_KNOWN });
  readonly #packs = new Map<string, PackFile>();
  readonly #bases = new DeltaBases();
  #scanned = false;

  constructor(gitDirectory: string) {
    this.#objects = join(gitDirectory, 'objects');
  }

  add(oid: Oid): void {
    this.#known.set(oid, true);
  }

  /** The repository's packs have changed. */
  rescan(): void {
    this.#scanned = false;
  }

  async has(oid: Oid): Promise<boolean> {
    if (this.#known.has(oid)) return true;
    const found = (await this.packOf(oid)) !== undefined || existsSync(this.loosePath(oid));
    if (found) this.add(oid);
    return found;
  }

  /** Where the object is when it is in no pack. */
  loosePath(oid: Oid): string {
    return join(this.#objects, oid.slice(0, 2), oid.slice(2));
  }

  /** @throws RangeError when an index of a pack is damaged */
  async packOf(oid: Oid): Promise<PackFile | undefined> {
    if (!this.#scanned) await this.#scan();
    for (const pack of this.#packs.values()) if (pack.has(oid)) return pack;
    return undefined;
  }

  async #scan(): Promise<void> {
    const folder = join(this.#objects, 'pack');
    const names = (await listFolder(folder)).map(({ name }) => name).filter((name) => name.endsWith('.idx'));
    for (const gone of [...this.#packs.keys()].filter((name) => !names.includes(name))) this.#packs.delete(gone);
    for (const name of names) {
      if (!this.#packs.has(name))
        this.#packs.set(name, await PackFile.open(join(folder, name.replace(/\.idx$/, '')), this.#bases));
    }
    this.#scanned = true;
  }
}

async function listFolder(folder: string): Promise<readonly Dirent[]> {
  try {
    return await fs.readdir(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
