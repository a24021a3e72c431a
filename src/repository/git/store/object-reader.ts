import fs from 'node:fs';
import git from 'isomorphic-git';
import { LRUCache } from 'lru-cache';
import type { Commit, Oid, TreeEntry } from '../types.ts';
import { decodeCommit, decodeTree, type EncodedObject, type ObjectType } from './object-format.ts';
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

/** Reads objects of one bare repository, raw content first: isomorphic-git's own parsers refuse unusual trees. */
export class ObjectReader {
  readonly #gitdir: string;
  readonly #parsed: ParsedObjects;
  readonly #pending: (oid: Oid) => EncodedObject | undefined;
  /** isomorphic-git's pack indexes and packs. One that has met a half-written file keeps the error for ever. */
  #cache: object = {};

  /** @param pending objects that are not on disk yet */
  constructor(gitDirectory: string, parsed: ParsedObjects, pending: (oid: Oid) => EncodedObject | undefined) {
    this.#gitdir = gitDirectory;
    this.#parsed = parsed;
    this.#pending = pending;
  }

  /** Forgets loaded packs. */
  reset(): void {
    this.#cache = {};
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

  async #read(oid: Oid): Promise<{ type: ObjectType; content: Uint8Array }> {
    const cache = this.#cache;
    try {
      const result = await git.readObject({ fs, gitdir: this.#gitdir, oid, format: 'content', cache });
      if (result.format !== 'content') throw new RangeError(`unexpected format ${result.format}`);
      return { type: result.type, content: result.object };
    } catch (cause) {
      const missing = cause instanceof Error && 'code' in cause && cause.code === git.Errors.NotFoundError.code;
      if (!missing && this.#cache === cache) this.reset();
      throw new ObjectReadError(oid, missing ? 'missing' : 'damaged', cause);
    }
  }
}

function parse<T>(oid: Oid, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new ObjectReadError(oid, 'damaged', cause);
  }
}
