import { TerminalError } from '../../api/errors.ts';
import { SingleFlight } from '../../concurrency/single-flight.ts';
import type { Package } from '../../package/package.ts';
import type {
  CallOptions,
  Draft,
  PackageRepository,
  PersonStamp,
  PublishOptions,
  RepositorySnapshot,
  RevisionInfo,
  RevisionKey,
  TransitionOptions,
} from '../types.ts';
import { branchNotFound, type PushUnit } from './batcher.ts';
import { CommitWriter } from './commits.ts';
import { Discovery } from './discovery.ts';
import { type DraftTools, GitDraft } from './draft.ts';
import { RepositoryLayout } from './layout.ts';
import type { GitRepositoryOptions } from './options.ts';
import { PublishUnit } from './publish.ts';
import { sameRefs } from './ref-view.ts';
import { applyWrites, GitRemote } from './remote.ts';
import type { GitSnapshot } from './snapshot.ts';
import { deletion, isPublished, moveDraft, proposeDeletion, restorePublished, strayDeletion } from './transitions.ts';
import type { GitStore, Oid, RefMap, RefUpdate } from './types.ts';
import { neverAborted, waitFor } from './waiting.ts';

/** Packages in one directory of one branch of a git repository. Repositories on one store share its caches and pushes. */
export function createGitRepository(store: GitStore, options: GitRepositoryOptions): PackageRepository {
  return new GitPackageRepository(GitRemote.of(store), options);
}

class GitPackageRepository implements PackageRepository {
  readonly #options: GitRepositoryOptions;
  readonly #tools: DraftTools;
  readonly #discovery: Discovery;
  readonly #syncs = new SingleFlight<'', RepositorySnapshot>();
  readonly #unsubscribe: () => void;
  /** Refs that show in the snapshot, with our own writes; absent before the first sync. */
  #refs: Map<string, Oid> | undefined;
  #snapshot: Promise<GitSnapshot> | undefined;
  /** The last snapshot that was made in full, and all refs that have moved since. */
  #base: GitSnapshot | undefined;
  #moved = new Set<string>();
  /** Our own writes since the running sync began. */
  #writesDuringSync: RefUpdate[] = [];

  constructor(remote: GitRemote, options: GitRepositoryOptions) {
    const layout = new RepositoryLayout(options);
    this.#options = options;
    this.#tools = { remote, layout, commits: new CommitWriter(remote.objects, options) };
    this.#discovery = new Discovery(remote, layout);
    this.#unsubscribe = remote.onWrite((writes) => this.#onWrite(writes));
  }

  sync(options: CallOptions = {}): Promise<RepositorySnapshot> {
    return this.#syncs.run('', (signal) => this.#sync(signal), options.signal ?? neverAborted());
  }

  snapshot(options: CallOptions = {}): Promise<RepositorySnapshot> {
    if (!this.#refs) return this.sync(options);
    this.#snapshot ??= this.#makeSnapshot();
    return waitFor(this.#snapshot, options.signal);
  }

  async read(commit: string, packagePath: string, options: CallOptions = {}): Promise<Package> {
    const { remote, layout } = this.#tools;
    await remote.objects.ensure(layout.branchRef, commit, options.signal);
    const tree = await remote.objects.treeAt(
      (await remote.objects.commit(commit)).tree,
      layout.scope.fullPath(packagePath),
    );
    if (tree === undefined) {
      throw new TerminalError('PackageNotFound', `there is no package ${packagePath} in commit ${commit}`);
    }
    return waitFor(remote.contents.read(tree), options.signal);
  }

  async createDraft(key: RevisionKey, options: CallOptions = {}): Promise<Draft> {
    const { head } = await this.snapshot(options);
    return new GitDraft(this.#tools, { key, base: head }, options);
  }

  async openDraft(revision: RevisionInfo, options: CallOptions = {}): Promise<Draft> {
    requireUnpublished(revision, 'be edited');
    await this.#tools.remote.objects.ensure(revision.ref, revision.commit, options.signal);
    const key = { package: revision.package, workspace: revision.workspace };
    return new GitDraft(this.#tools, { key, base: revision.commit, opened: revision }, options);
  }

  async propose(revision: RevisionInfo, options: TransitionOptions = {}): Promise<RevisionInfo> {
    requireUnpublished(revision, 'be proposed');
    return this.#tools.remote.batcher.submit(moveDraft(this.#tools, revision, 'Proposed'), options);
  }

  async reject(revision: RevisionInfo, options: CallOptions = {}): Promise<RevisionInfo> {
    requireUnpublished(revision, 'be rejected');
    return this.#tools.remote.batcher.submit(moveDraft(this.#tools, revision, 'Draft'), options);
  }

  async publish(revision: RevisionInfo, options: PublishOptions = {}): Promise<RevisionInfo> {
    if (isPublished(revision.lifecycle)) return revision;
    return this.#tools.remote.batcher.submit(new PublishUnit(this.#tools, revision, options), options);
  }

  async proposeDeletion(revision: RevisionInfo, options: CallOptions = {}): Promise<RevisionInfo> {
    requirePublished(revision, 'proposed for deletion');
    return this.#tools.remote.batcher.submit(proposeDeletion(this.#tools, revision), options);
  }

  async restore(revision: RevisionInfo, options: CallOptions = {}): Promise<RevisionInfo> {
    requirePublished(revision, 'restored');
    return this.#tools.remote.batcher.submit(restorePublished(this.#tools, revision), options);
  }

  async delete(revision: RevisionInfo, options: CallOptions & { readonly author?: PersonStamp } = {}): Promise<void> {
    return this.#tools.remote.batcher.submit(deletion(this.#tools, revision, options.author), options);
  }

  async dropStrays(revision: RevisionInfo, options: CallOptions = {}): Promise<RevisionInfo> {
    return this.#tools.remote.batcher.submit(strayDeletion(revision), options);
  }

  /** The store stays open: others may use it. */
  async close(): Promise<void> {
    this.#unsubscribe();
  }

  #makeSnapshot(): Promise<GitSnapshot> {
    const refs = this.#refs ?? new Map<string, Oid>();
    const moved = new Map([...this.#moved].map((ref) => [ref, refs.get(ref)]));
    const making = this.#discovery.next(this.#base, moved);
    making.then(
      (snapshot) => {
        if (this.#snapshot === making) this.#settle(snapshot);
      },
      () => {
        if (this.#snapshot === making) this.#snapshot = undefined;
      },
    );
    return making;
  }

  #settle(snapshot: GitSnapshot): void {
    this.#base = snapshot;
    this.#moved = new Set();
  }

  async #sync(signal: AbortSignal): Promise<RepositorySnapshot> {
    this.#writesDuringSync = [];
    const { remote, layout } = this.#tools;
    const before = this.#refs?.get(layout.branchRef);
    const listed = await this.#listAndFetch({ signal });
    if (!listed.has(layout.branchRef) && !this.#options.createBranch)
      throw branchNotFound(layout.branchRef, remote.store.url);
    if (!listed.has(layout.branchRef)) await this.#createBranch({ signal });
    const head = listed.get(layout.branchRef);
    if (before !== undefined && head !== undefined) await this.#discovery.branchMoved(before, head);
    // Read in full before it counts: when something cannot be read, the last good snapshot stays.
    const snapshot = await this.#discovery.next(this.#base, this.#movedTo(listed));
    signal.throwIfAborted();
    this.#refs = listed;
    this.#snapshot = Promise.resolve(snapshot);
    this.#settle(snapshot);
    if (this.#writesDuringSync.length > 0) this.#apply(listed, this.#writesDuringSync);
    return this.snapshot();
  }

  /** The refs that `listed` has otherwise than the base, and some that it has as well; the branch is always looked at. */
  #movedTo(listed: RefMap): ReadonlyMap<string, Oid | undefined> {
    const before: RefMap = this.#refs ?? new Map();
    const differing = [...listed].filter(([ref, oid]) => before.get(ref) !== oid).map(([ref]) => ref);
    const gone = [...before.keys()].filter((ref) => !listed.has(ref));
    const refs = new Set([this.#tools.layout.branchRef, ...differing, ...gone, ...this.#moved]);
    return new Map([...refs].map((ref) => [ref, listed.get(ref)]));
  }

  /** A ref that goes away between listing and fetching makes the fetch fail once; then the new list counts. */
  async #listAndFetch(options: CallOptions): Promise<Map<string, Oid>> {
    const { remote } = this.#tools;
    const listed = this.#discovery.ofInterest(await remote.list(options));
    try {
      await this.#fetch(listed, options);
      return listed;
    } catch (error) {
      const again = this.#discovery.ofInterest(await remote.relist(options));
      if (sameRefs(listed, again)) throw error;
      await this.#fetch(again, options);
      return again;
    }
  }

  async #fetch(refs: RefMap, options: CallOptions): Promise<void> {
    const unread = this.#discovery.unread(refs);
    if (unread.size > 0) await this.#tools.remote.store.fetch(unread, options);
  }

  #createBranch({ signal }: CallOptions): Promise<void> {
    const { remote, layout, commits } = this.#tools;
    const unit: PushUnit<void> = {
      async plan(view) {
        const there = view.get(layout.branchRef);
        if (there !== undefined) await remote.objects.ensure(layout.branchRef, there);
        const target = there ?? (await commits.bootstrap());
        return { updates: [{ ref: layout.branchRef, expected: there ?? null, target }], result: undefined };
      },
    };
    return remote.batcher.submit(unit, { signal });
  }

  #onWrite(writes: readonly RefUpdate[]): void {
    const ours = writes.filter(({ ref }) => this.#discovery.concerns(ref));
    if (ours.length === 0) return;
    if (this.#syncs.size > 0) this.#writesDuringSync.push(...ours);
    if (this.#refs) this.#apply(this.#refs, ours);
  }

  #apply(refs: Map<string, Oid>, writes: readonly RefUpdate[]): void {
    applyWrites(refs, writes);
    for (const { ref } of writes) this.#moved.add(ref);
    this.#snapshot = undefined;
  }
}

function requireUnpublished(revision: RevisionInfo, what: string): void {
  if (!isPublished(revision.lifecycle)) return;
  throw new TerminalError(
    'IllegalTransition',
    `${revision.package}/${revision.workspace} is published and cannot ${what}`,
    {
      field: 'spec.lifecycle',
    },
  );
}

function requirePublished(revision: RevisionInfo, what: string): void {
  if (isPublished(revision.lifecycle)) return;
  throw new TerminalError(
    'IllegalTransition',
    `${revision.package}/${revision.workspace} is not published and cannot be ${what}`,
    {
      field: 'spec.lifecycle',
    },
  );
}
