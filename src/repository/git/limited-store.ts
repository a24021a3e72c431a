import type { FairQueue } from '../../concurrency/fair-queue.ts';
import type { CallOptions } from '../types.ts';
import type { Commit, GitStore, NewCommit, Oid, PushOutcome, RefMap, RefUpdate, TreeEntry } from './types.ts';
import { neverAborted } from './waiting.ts';

/** Queues that the calls of all stores to their remotes wait in. */
export interface NetworkLimits {
  /** Lists of refs cost next to nothing but their place, also where they hang. */
  readonly listing: FairQueue;
  /** Fetches and pushes. */
  readonly transfer: FairQueue;
}

/**
 * A store whose calls to its remote wait for their turn among those of all stores. The lane is the URL, so that a remote
 * which hangs holds a few places only, and no others. Objects are read and written without waiting.
 */
export class LimitedGitStore implements GitStore {
  readonly url: string;
  readonly #store: GitStore;
  readonly #network: NetworkLimits;

  constructor(store: GitStore, network: NetworkLimits) {
    this.url = store.url;
    this.#store = store;
    this.#network = network;
  }

  listRemote(options: CallOptions = {}): Promise<RefMap> {
    return this.#inTurn(this.#network.listing, () => this.#store.listRemote(options), options);
  }

  fetch(refs: RefMap, options: CallOptions = {}): Promise<void> {
    return this.#inTurn(this.#network.transfer, () => this.#store.fetch(refs, options), options);
  }

  push(
    updates: readonly RefUpdate[],
    options: CallOptions & { readonly atomic?: boolean } = {},
  ): Promise<ReadonlyMap<string, PushOutcome>> {
    return this.#inTurn(this.#network.transfer, () => this.#store.push(updates, options), options);
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

  writeCommit(commit: NewCommit): Promise<Oid> {
    return this.#store.writeCommit(commit);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #inTurn<T>(queue: FairQueue, call: () => Promise<T>, { signal = neverAborted() }: CallOptions): Promise<T> {
    return queue.run(this.url, call, { signal });
  }
}
