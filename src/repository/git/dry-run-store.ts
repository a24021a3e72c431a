import type { CallOptions } from '../types.ts';
import type { Commit, GitStore, NewCommit, Oid, PushOutcome, RefMap, RefUpdate, TreeEntry } from './types.ts';

/**
 * A store whose pushes change what it answers itself, and nothing else: the remote is listed and fetched from, never written. What
 * is carried out on it comes out as it would on the remote, as long as nobody else pushes.
 */
export class DryRunGitStore implements GitStore {
  readonly url: string;
  readonly #store: GitStore;
  /** Refs that a push changed; null: deleted. */
  readonly #pushed = new Map<string, Oid | null>();
  readonly #written = new Set<Oid>();
  #listed: RefMap | undefined;

  constructor(store: GitStore) {
    this.url = store.url;
    this.#store = store;
  }

  /** Whether a commit was made by this run. */
  isWritten(commit: Oid): boolean {
    return this.#written.has(commit);
  }

  get isListed(): boolean {
    return this.#listed !== undefined;
  }

  /** Where the remote had the ref when it was listed last. */
  remoteRef(ref: string): Oid | undefined {
    return this.#listed?.get(ref);
  }

  /** Where the ref would be now. */
  plannedRef(ref: string): Oid | undefined {
    const pushed = this.#pushed.get(ref);
    return pushed === undefined ? this.remoteRef(ref) : (pushed ?? undefined);
  }

  async listRemote(options?: CallOptions): Promise<RefMap> {
    this.#listed = await this.#store.listRemote(options);
    const refs = new Map(this.#listed);
    for (const [ref, oid] of this.#pushed) {
      if (oid === null) refs.delete(ref);
      else refs.set(ref, oid);
    }
    return refs;
  }

  /** What was written here is nowhere else. */
  async fetch(refs: RefMap, options?: CallOptions): Promise<void> {
    const remote = [...refs].filter(([, oid]) => !this.#written.has(oid));
    if (remote.length > 0) await this.#store.fetch(new Map(remote), options);
  }

  async push(
    updates: readonly RefUpdate[],
    { atomic = true }: CallOptions & { readonly atomic?: boolean } = {},
  ): Promise<ReadonlyMap<string, PushOutcome>> {
    const stale = new Set(updates.filter((update) => this.#isStale(update)).map(({ ref }) => ref));
    const outcomes = new Map<string, PushOutcome>();
    for (const { ref, target, witness } of updates) {
      if (stale.has(ref)) outcomes.set(ref, { ok: false, stale: true, message: 'stale info' });
      else if (atomic && stale.size > 0) {
        outcomes.set(ref, { ok: false, stale: false, collateral: true, message: 'atomic push failed' });
      } else {
        if (!witness) this.#pushed.set(ref, target);
        outcomes.set(ref, { ok: true });
      }
    }
    return outcomes;
  }

  has(oid: Oid): Promise<boolean> {
    return this.#store.has(oid);
  }

  readCommit(oid: Oid): Promise<Commit> {
    return this.#store.readCommit(oid);
  }

  readTree(oid: Oid): Promise<readonly TreeEntry[]> {
    return this.#store.readTree(oid);
  }

  readBlob(oid: Oid): Promise<Uint8Array> {
    return this.#store.readBlob(oid);
  }

  writeBlob(bytes: Uint8Array): Promise<Oid> {
    return this.#store.writeBlob(bytes);
  }

  writeTree(entries: readonly TreeEntry[]): Promise<Oid> {
    return this.#store.writeTree(entries);
  }

  async writeCommit(commit: NewCommit): Promise<Oid> {
    const oid = await this.#store.writeCommit(commit);
    this.#written.add(oid);
    return oid;
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** A ref that is at its target already is right, as for a push that is repeated. */
  #isStale({ ref, expected, target }: RefUpdate): boolean {
    const current = this.plannedRef(ref) ?? null;
    return current !== expected && current !== target;
  }
}
