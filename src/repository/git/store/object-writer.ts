import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { Oid } from '../types.ts';
import type { EncodedObject } from './object-format.ts';
import type { ObjectIndex } from './object-index.ts';

/** Drafts are small and short-lived; git packs them well when it repacks. */
const DEFLATE_LEVEL = 1;

/**
 * Adds loose objects to a bare repository. An object appears whole or not at all; one that is there is not written
 * again, and of several writers of one object only the first does the work. The calls are synchronous: for objects of a
 * few hundred bytes, of which a fleet writes thousands, the detour over the thread pool costs ten times as much.
 */
export class ObjectWriter {
  readonly #objects: string;
  readonly #index: ObjectIndex;
  readonly #inFlight = new Map<Oid, Promise<void>>();
  #counter = 0;

  constructor(gitDirectory: string, index: ObjectIndex) {
    this.#objects = join(gitDirectory, 'objects');
    this.#index = index;
  }

  async write(object: EncodedObject): Promise<Oid> {
    const running = this.#inFlight.get(object.oid);
    if (running !== undefined) {
      await running;
      return object.oid;
    }
    const work = this.#writeOnce(object).finally(() => this.#inFlight.delete(object.oid));
    this.#inFlight.set(object.oid, work);
    await work;
    return object.oid;
  }

  async #writeOnce({ oid, bytes }: EncodedObject): Promise<void> {
    if (await this.#index.has(oid)) return;
    this.#counter += 1;
    // The prefix is git's own, so that its housekeeping removes what a crash leaves behind.
    const temporary = join(this.#objects, `tmp_obj_veranda_${process.pid}_${this.#counter}`);
    const folder = join(this.#objects, oid.slice(0, 2));
    try {
      writeFileSync(temporary, deflateSync(bytes, { level: DEFLATE_LEVEL }), { mode: 0o444, flag: 'wx' });
      moveInto(temporary, folder, oid.slice(2));
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    this.#index.add(oid);
  }
}

function moveInto(temporary: string, folder: string, name: string): void {
  try {
    renameSync(temporary, join(folder, name));
  } catch (error) {
    if (!isMissing(error)) throw error;
    mkdirSync(folder, { recursive: true });
    renameSync(temporary, join(folder, name));
  }
}

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
