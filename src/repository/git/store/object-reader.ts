import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import { TimeSlice } from '../../../concurrency/time-slice.ts';
import type { Commit, Oid, TreeEntry } from '../types.ts';
import { hasCode } from './error-code.ts';
import { decodeCommit, decodeTree, type EncodedObject, isObjectType, type ObjectType } from './object-format.ts';
import type { ObjectIndex } from './object-index.ts';
import type { StoredObject } from './pack-file.ts';
import type { PackObject } from './pack-format.ts';

const TREE_CACHE_BYTES = 48 * 1024 * 1024;
const COMMIT_CACHE_BYTES = 8 * 1024 * 1024;
/** Rough heap cost of a parsed object against its bytes in git. */
const PARSED_FACTOR = 4;

export type ReadFailure = 'missing' | 'damaged';

/** An object could not be read from the mirror: it is not there, or what is there is not whole. */
export class ObjectReadError extends Error {
  readonly failure: ReadFailure;

  constructor(oid: Oid, failure: ReadFailure, cause: unknown) {
    super(`object ${oid} is ${failure}`, { cause });
    this.failure = failure;
  }
}

/** The object is whole but of another type than was asked for. */
export class ObjectTypeError extends Error {}

/** Parsed objects by id. They never change, so the cache outlives every change of the mirror. */
export class ParsedObjects {
  readonly trees = new LRUCache<Oid, readonly TreeEntry[]>({ maxSize: TREE_CACHE_BYTES });
  readonly commits = new LRUCache<Oid, Commit>({ maxSize: COMMIT_CACHE_BYTES });

  addTree(oid: Oid, entries: readonly TreeEntry[], bytes: number): void {
    this.trees.set(oid, entries, { size: (bytes + 64) * PARSED_FACTOR });
  }

  addCommit(commit: Commit, bytes: number): void {
    this.commits.set(commit.oid, commit, { size: (bytes + 256) * PARSED_FACTOR });
  }
}

/** Objects are read on this thread. Of each turn of the event loop the readers of all repositories have so many milliseconds. */
const READING = new TimeSlice(5);
/** Of the tree without entries, which git has although nobody wrote it. */
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Reads objects of one bare repository. */
export class ObjectReader {
  readonly #index: ObjectIndex;
  readonly #parsed: ParsedObjects;
  readonly #pending: (oid: Oid) => EncodedObject | undefined;

  /** @param pending objects that are not on disk yet */
  constructor(index: ObjectIndex, parsed: ParsedObjects, pending: (oid: Oid) => EncodedObject | undefined) {
    this.#index = index;
    this.#parsed = parsed;
    this.#pending = pending;
  }

  /** @throws ObjectReadError, ObjectTypeError */
  async commit(oid: Oid): Promise<Commit> {
    const cached = this.#parsed.commits.get(oid);
    if (cached !== undefined) return cached;
    const content = await this.#content(oid, 'commit');
    const commit = parse(oid, () => decodeCommit(oid, content));
    this.#parsed.addCommit(commit, content.byteLength);
    return commit;
  }

  /** @throws ObjectReadError, ObjectTypeError */
  async tree(oid: Oid): Promise<readonly TreeEntry[]> {
    const cached = this.#parsed.trees.get(oid);
    if (cached !== undefined) return cached;
    const content = await this.#content(oid, 'tree');
    const entries = parse(oid, () => decodeTree(content));
    this.#parsed.addTree(oid, entries, content.byteLength);
    return entries;
  }

  /** @throws ObjectReadError, ObjectTypeError */
  blob(oid: Oid): Promise<Uint8Array> {
    return this.#content(oid, 'blob');
  }

  /**
   * As it is, whatever it is.
   * @throws ObjectReadError
   */
  async object(oid: Oid): Promise<PackObject> {
    const { type, content } = this.#pending(oid) ?? (await this.#read(oid));
    return { oid, type, content };
  }

  async #content(oid: Oid, type: ObjectType): Promise<Uint8Array> {
    const found = this.#pending(oid) ?? (await this.#read(oid));
    if (found.type !== type) throw new ObjectTypeError(`${oid} is a ${found.type}, not a ${type}`);
    return found.content;
  }

  async #read(oid: Oid): Promise<StoredObject> {
    const stored = await this.#stored(oid);
    if (stored === undefined) throw new ObjectReadError(oid, 'missing', undefined);
    if (idOf(stored) !== oid) throw new ObjectReadError(oid, 'damaged', undefined);
    return stored;
  }

  async #stored(oid: Oid): Promise<StoredObject | undefined> {
    if (oid === EMPTY_TREE) return { type: 'tree', content: Buffer.alloc(0) };
    try {
      return (await this.#packed(oid)) ?? readLoose(this.#index.loosePath(oid)) ?? (await this.#packedMeanwhile(oid));
    } catch (cause) {
      throw new ObjectReadError(oid, 'damaged', cause);
    }
  }

  async #packed(oid: Oid): Promise<StoredObject | undefined> {
    const pack = await this.#index.packOf(oid);
    while (READING.isUsedUp) await READING.nextTurn();
    return pack?.read(oid);
  }

  #packedMeanwhile(oid: Oid): Promise<StoredObject | undefined> {
    this.#index.rescan();
    return this.#packed(oid);
  }
}

function idOf({ type, content }: StoredObject): Oid {
  return createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
}

function readLoose(path: string): StoredObject | undefined {
  const file = readIfThere(path);
  if (file === undefined) return undefined;
  const bytes = inflateSync(file);
  const end = bytes.indexOf(0);
  const [type = '', length] = bytes.toString('latin1', 0, Math.max(end, 0)).split(' ');
  const content = bytes.subarray(end + 1);
  if (!isObjectType(type) || Number(length) !== content.length) throw new RangeError('the loose object has no header');
  return { type, content };
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function parse<T>(oid: Oid, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new ObjectReadError(oid, 'damaged', cause);
  }
}
