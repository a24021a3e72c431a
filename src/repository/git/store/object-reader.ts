import fs from 'node:fs';
import git from 'isomorphic-git';
import { LRUCache } from 'lru-cache';
import { TerminalError, TransientError } from '../../../api/errors.ts';
import { TimeSlice } from '../../../concurrency/time-slice.ts';
import type { Commit, Oid, TreeEntry } from '../types.ts';
import {
  decodeCommit,
  decodeTree,
  type EncodedObject,
  encodeObject,
  type KnownEntries,
  type ObjectType,
} from './object-format.ts';
import type { ObjectIndex } from './object-index.ts';
import type { StoredObject } from './pack-file.ts';

const TREE_CACHE_BYTES = 16 * 1024 * 1024;
const COMMIT_CACHE_BYTES = 8 * 1024 * 1024;
/** Rough heap cost of a parsed commit against its bytes in git. */
const PARSED_FACTOR = 4;
/** Rough heap cost of an entry of a tree, and of another tree that holds it. */
const [ENTRY_BYTES, REFERENCE_BYTES] = [320, 8];
/** Entries of trees of all repositories. */
const MAX_ENTRIES = 100_000;

const ENTRIES = new LRUCache<string, TreeEntry>({ maxSize: MAX_ENTRIES, sizeCalculation: () => 1 });

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

/** What a caller of the store gets for a read that failed. */
export function readError(error: unknown, url: string): unknown {
  if (error instanceof ObjectTypeError) return new TerminalError('UnexpectedObject', error.message, { cause: error });
  if (!(error instanceof ObjectReadError)) return error;
  const reason = error.failure === 'missing' ? 'ObjectMissing' : 'MirrorDamaged';
  return new TransientError(reason, `in the mirror of ${url}, ${error.message}`, { cause: error });
}

/** Parsed objects by id. They never change, so the cache outlives every change of the mirror. */
export class ParsedObjects {
  readonly trees = new LRUCache<Oid, readonly TreeEntry[]>({ maxSize: TREE_CACHE_BYTES });
  readonly commits = new LRUCache<Oid, Commit>({ maxSize: COMMIT_CACHE_BYTES });

  /** @param made how many of the entries no other tree shares, as far as is known */
  addTree(oid: Oid, entries: readonly TreeEntry[], made: number): void {
    this.trees.set(oid, entries, { size: 64 + entries.length * REFERENCE_BYTES + made * ENTRY_BYTES });
  }

  addCommit(commit: Commit, bytes: number): void {
    this.commits.set(commit.oid, commit, { size: (bytes + 256) * PARSED_FACTOR });
  }
}

/** Objects are read on this thread. Of each turn of the event loop the readers of all repositories have so many milliseconds. */
const READING = new TimeSlice(5);
/** Of the tree without entries, which git has although nobody wrote it. */
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Objects that are not on disk yet. */
type PendingObjects = (oid: Oid) => EncodedObject | undefined;

/** Reads objects of one bare repository. */
export class ObjectReader {
  readonly #gitDirectory: string;
  readonly #index: ObjectIndex;
  readonly #parsed: ParsedObjects;
  readonly #pending: PendingObjects;

  constructor(gitDirectory: string, index: ObjectIndex, parsed: ParsedObjects, pending: PendingObjects) {
    this.#gitDirectory = gitDirectory;
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
    let made = 0;
    const known: KnownEntries = {
      get: (bytes) => ENTRIES.get(bytes),
      set: (bytes, entry) => {
        made += 1;
        ENTRIES.set(bytes, entry);
      },
    };
    const entries = parse(oid, () => decodeTree(content, known));
    this.#parsed.addTree(oid, entries, made);
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
  async object(oid: Oid): Promise<EncodedObject> {
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
    if (encodeObject(stored.type, stored.content).oid !== oid) throw new ObjectReadError(oid, 'damaged', undefined);
    return stored;
  }

  async #stored(oid: Oid): Promise<StoredObject | undefined> {
    if (oid === EMPTY_TREE) return { type: 'tree', content: Buffer.alloc(0) };
    try {
      return (await this.#packed(oid)) ?? (await this.#loose(oid)) ?? (await this.#packedMeanwhile(oid));
    } catch (cause) {
      throw new ObjectReadError(oid, 'damaged', cause);
    }
  }

  async #packed(oid: Oid): Promise<StoredObject | undefined> {
    const pack = await this.#index.packOf(oid);
    while (READING.isUsedUp) await READING.nextTurn();
    return pack?.read(oid);
  }

  async #loose(oid: Oid): Promise<StoredObject | undefined> {
    if (!this.#index.isLoose(oid)) return undefined;
    const loose = await git.readObject({ fs, gitdir: this.#gitDirectory, oid, format: 'content', cache: {} });
    if (loose.format !== 'content') throw new RangeError(`unexpected format ${loose.format}`);
    const { buffer, byteOffset, byteLength } = loose.object;
    return { type: loose.type, content: Buffer.from(buffer, byteOffset, byteLength) };
  }

  #packedMeanwhile(oid: Oid): Promise<StoredObject | undefined> {
    this.#index.rescan();
    return this.#packed(oid);
  }
}

function parse<T>(oid: Oid, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new ObjectReadError(oid, 'damaged', cause);
  }
}
