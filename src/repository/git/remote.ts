import { SingleFlight } from '../../concurrency/single-flight.ts';
import type { CallOptions } from '../types.ts';
import { GitBatcher } from './batcher.ts';
import { PackageContents } from './content.ts';
import { ApprovedRevisions } from './history.ts';
import { GitObjects } from './objects.ts';
import { RefIndex, sameRefs } from './ref-view.ts';
import type { GitStore, Oid, RefMap, RefUpdate } from './types.ts';
import { neverAborted } from './waiting.ts';

type WriteListener = (writes: readonly RefUpdate[]) => void;

/**
 * What all Repository objects on one store share: the refs as last seen, with our own writes since, the caches of
 * objects, and the one queue of pushes.
 */
export class GitRemote {
  readonly store: GitStore;
  readonly objects: GitObjects;
  readonly contents: PackageContents;
  readonly batcher: GitBatcher;
  /** Look-ups of packages in repositories that nobody registered. */
  readonly sources = new SingleFlight<string, Oid>();
  readonly #approved = new Map<string, ApprovedRevisions>();
  readonly #listeners = new Set<WriteListener>();
  readonly #listing = new SingleFlight<'', RefMap>();
  #refs: RefIndex | undefined;

  constructor(store: GitStore) {
    this.store = store;
    this.objects = new GitObjects(store);
    this.contents = new PackageContents(this.objects);
    this.batcher = new GitBatcher(this);
  }

  /** The one for a store; it lives as long as the store. */
  static of(store: GitStore): GitRemote {
    let remote = REMOTES.get(store);
    if (!remote) {
      remote = new GitRemote(store);
      REMOTES.set(store, remote);
    }
    return remote;
  }

  /** One ls-remote, shared with callers that come while it runs. */
  list(options: CallOptions = {}): Promise<RefMap> {
    return this.#listing.run('', (signal) => this.relist({ signal }), options.signal ?? neverAborted());
  }

  /** An ls-remote that begins now. */
  async relist(options: CallOptions = {}): Promise<RefMap> {
    const since: RefUpdate[] = [];
    const unsubscribe = this.onWrite((writes) => since.push(...writes));
    try {
      const listed = new Map(await this.store.listRemote(options));
      applyWrites(listed, since);
      // A view on what it was before may be in use: it is replaced, not changed.
      if (!this.#refs || !sameRefs(this.#refs.refs, listed)) this.#refs = new RefIndex(listed);
      return listed;
    } finally {
      unsubscribe();
    }
  }

  /** The refs as last seen; lists once if they never were. */
  async known(): Promise<RefIndex> {
    if (!this.#refs) await this.list();
    return this.#refs ?? new RefIndex(new Map());
  }

  /** Called with each change that we made on the remote, before its caller hears of it. */
  onWrite(listener: WriteListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Records what a push has done. */
  wrote(writes: readonly RefUpdate[]): void {
    this.#refs?.apply(writes);
    for (const listener of this.#listeners) listener(writes);
  }

  /** The revision numbers used on a branch (full ref name). */
  approved(branch: string): ApprovedRevisions {
    let approved = this.#approved.get(branch);
    if (!approved) {
      approved = new ApprovedRevisions(this.objects);
      this.#approved.set(branch, approved);
    }
    return approved;
  }
}

/** Callers hold only the store, and everything on one store must meet in one queue. */
const REMOTES = new WeakMap<GitStore, GitRemote>();

export function applyWrites(refs: Map<string, Oid>, writes: readonly RefUpdate[]): void {
  for (const { ref, target } of writes) {
    if (target === null) refs.delete(ref);
    else refs.set(ref, target);
  }
}
