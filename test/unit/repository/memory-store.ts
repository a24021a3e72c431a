import { createHash } from 'node:crypto';
import { TransientError } from '../../../src/api/errors.ts';
import type {
  Commit,
  GitStore,
  NewCommit,
  Oid,
  PushOutcome,
  RefUpdate,
  TreeEntry,
} from '../../../src/repository/git/types.ts';

/** A remote and its mirror in memory: everything that is written is on both sides at once. */
export class MemoryStore implements GitStore {
  readonly url = 'memory://remote';
  readonly refs = new Map<string, Oid>();
  /** Objects whose reading fails, and how. */
  readonly broken = new Map<Oid, Error>();
  readonly #objects = new Map<Oid, Commit | readonly TreeEntry[] | Uint8Array>();

  async listRemote(): Promise<Map<string, Oid>> {
    return new Map(this.refs);
  }

  async fetch(): Promise<void> {}

  async has(oid: Oid): Promise<boolean> {
    return this.#objects.has(oid);
  }

  async readCommit(oid: Oid): Promise<Commit> {
    const object = this.#read(oid);
    if (object instanceof Uint8Array || !('tree' in object)) throw new Error(`${oid} is no commit`);
    return object;
  }

  async readTree(oid: Oid): Promise<readonly TreeEntry[]> {
    const object = this.#read(oid);
    if (!Array.isArray(object)) throw new Error(`${oid} is no tree`);
    return object;
  }

  async readBlob(oid: Oid): Promise<Uint8Array> {
    const object = this.#read(oid);
    if (!(object instanceof Uint8Array)) throw new Error(`${oid} is no blob`);
    return object;
  }

  async writeBlob(bytes: Uint8Array): Promise<Oid> {
    return this.#write(`blob ${Buffer.from(bytes).toString('hex')}`, () => bytes);
  }

  async writeTree(entries: readonly TreeEntry[]): Promise<Oid> {
    const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return this.#write(`tree ${JSON.stringify(sorted)}`, () => sorted);
  }

  async writeCommit(commit: NewCommit): Promise<Oid> {
    const stamped = { author: { ...commit.author, at: commit.at }, committer: { ...commit.committer, at: commit.at } };
    return this.#write(`commit ${JSON.stringify(commit)}`, (oid) => ({ ...commit, ...stamped, oid }));
  }

  async push(updates: readonly RefUpdate[]): Promise<ReadonlyMap<string, PushOutcome>> {
    const stale = updates.filter(({ ref, expected }) => (this.refs.get(ref) ?? null) !== expected);
    const failed: PushOutcome = { ok: false, stale: true, message: 'stale' };
    if (stale.length > 0) return new Map(updates.map(({ ref }) => [ref, failed]));
    for (const { ref, target } of updates) {
      if (target === null) this.refs.delete(ref);
      else this.refs.set(ref, target);
    }
    return new Map(updates.map(({ ref }) => [ref, { ok: true }]));
  }

  async close(): Promise<void> {}

  #read(oid: Oid): Commit | readonly TreeEntry[] | Uint8Array {
    const fault = this.broken.get(oid);
    if (fault) throw fault;
    const object = this.#objects.get(oid);
    if (object === undefined) throw new TransientError('ObjectMissing', `${oid} is missing`);
    return object;
  }

  #write(text: string, make: (oid: Oid) => Commit | readonly TreeEntry[] | Uint8Array): Oid {
    const oid = createHash('sha1').update(text).digest('hex');
    this.#objects.set(oid, make(oid));
    return oid;
  }
}
