import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Oid } from '../types.ts';
import { deflated } from './compress.ts';
import { hasCode } from './error-code.ts';
import { type EncodedObject, objectHeader } from './object-format.ts';
import type { ObjectIndex } from './object-index.ts';
import { encodePack } from './pack-format.ts';

/** Up to so many objects become loose ones, as in git itself (`transfer.unpackLimit`): each pack is one more to search. */
const LOOSE_LIMIT = 64;
/** Content that waits in memory; beyond it nothing waits for the push. */
const PENDING_BYTES = 8 * 1024 * 1024;

/**
 * Adds objects to a bare repository. They wait in memory until `flush`, which must come before git needs them: a fleet
 * writes thousands of a few hundred bytes, and one pack costs a small part of as many files. What a crash loses nobody
 * has seen. An object appears whole or not at all; one that is there is not written again.
 */
export class ObjectWriter {
  readonly #objects: string;
  readonly #index: ObjectIndex;
  /** In the order of writing, so that whatever part of them is on disk refers to nothing that is not. */
  readonly #pending = new Map<Oid, EncodedObject>();
  #pendingBytes = 0;
  #flushing: Promise<void> = Promise.resolve();
  #counter = 0;

  constructor(gitDirectory: string, index: ObjectIndex) {
    this.#objects = join(gitDirectory, 'objects');
    this.#index = index;
  }

  /** An object that waits in memory. */
  pending(oid: Oid): EncodedObject | undefined {
    return this.#pending.get(oid);
  }

  async write(object: EncodedObject): Promise<Oid> {
    const { oid, content } = object;
    if (this.#pending.has(oid) || (await this.#index.has(oid)) || this.#pending.has(oid)) return oid;
    this.#pending.set(oid, object);
    this.#pendingBytes += content.length;
    if (this.#pendingBytes > PENDING_BYTES) await this.flush();
    return oid;
  }

  /** Brings everything that was written before the call to disk. */
  flush(): Promise<void> {
    const flushed = this.#flushing.then(() => this.#flushOnce());
    // What failed still waits, for the next flush.
    this.#flushing = flushed.catch(() => undefined);
    return flushed;
  }

  async #flushOnce(): Promise<void> {
    const objects = [...this.#pending.values()];
    if (objects.length === 0) return;
    if (objects.length <= LOOSE_LIMIT) for (const object of objects) this.#writeLoose(object);
    else await this.#writePack(objects);
    for (const { oid, content } of objects) {
      this.#index.add(oid);
      this.#pending.delete(oid);
      this.#pendingBytes -= content.length;
    }
  }

  #writeLoose({ oid, type, content }: EncodedObject): void {
    const path = join(this.#objects, oid.slice(0, 2), oid.slice(2));
    this.#writeFile('tmp_obj', path, deflated(Buffer.concat([Buffer.from(objectHeader(type, content)), content])));
  }

  async #writePack(objects: readonly EncodedObject[]): Promise<void> {
    const { checksum, pack, index } = await encodePack(objects);
    const path = join(this.#objects, 'pack', `pack-${checksum}`);
    this.#writeFile('pack/tmp_pack', `${path}.pack`, pack);
    // The index last: a pack is there when its index is.
    this.#writeFile('pack/tmp_idx', `${path}.idx`, index);
    this.#index.rescan();
  }

  /** @param prefix one of git's own, so that its housekeeping removes what a crash leaves behind */
  #writeFile(prefix: string, path: string, content: Buffer): void {
    this.#counter += 1;
    const temporary = join(this.#objects, `${prefix}_veranda_${process.pid}_${this.#counter}`);
    try {
      writeFileSync(temporary, content, { mode: 0o444, flag: 'wx' });
      moveTo(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }
}

function moveTo(temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    mkdirSync(join(path, '..'), { recursive: true });
    renameSync(temporary, path);
  }
}
