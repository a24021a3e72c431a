import type { Package } from '../package/package.ts';

export type Lifecycle = 'Draft' | 'Proposed' | 'Published' | 'DeletionProposed';

/** Kptfile `upstreamLock` and PackageRevision `status.{selfLock,upstreamLock}`. Directory without leading slash. */
export interface GitLock {
  readonly type: 'git';
  readonly git: { readonly repo: string; readonly directory: string; readonly ref: string; readonly commit: string };
}

/** The same for a package that was taken from a registry. */
export interface OciLock {
  readonly type: 'oci';
  /** `image` as it was given; `digest` is the reference `host/path@sha256:…` that it led to. */
  readonly oci: { readonly image: string; readonly digest: string };
}

export type UpstreamLock = GitLock | OciLock;

export interface PersonStamp {
  readonly name: string;
  readonly email: string;
}

/** Identity of a package revision inside one repository. */
export interface RevisionKey {
  /** Path of the package below the Repository's directory, for example `apps/shop`. */
  readonly package: string;
  readonly workspace: string;
}

/** What ran to make a commit; stored as the `task` of the `kpt:` trailer (Porch's git layout). */
export interface TaskRecord {
  readonly type: 'init' | 'clone' | 'edit' | 'upgrade' | 'render' | 'replace' | string;
  readonly [field: string]: unknown;
}

/** Our own addition to the trailer JSON, which Porch's reader ignores. */
export interface VariantRecord {
  /** `<namespace>/<name>` of the PackageVariant that asked for the commit. */
  readonly variant?: string;
  /** `v<version>:<hex>` over all inputs of the commit. */
  readonly inputHash?: string;
}

/** A package revision as git shows it at the last sync. */
export interface RevisionInfo extends RevisionKey {
  readonly lifecycle: Lifecycle;
  /** 0 for Draft and Proposed, N >= 1 for published ones, -1 for the head of the registered branch and for other tags. */
  readonly revision: number;
  /** Full name of the ref that carries it: a draft or proposed branch, a tag, or the registered branch. */
  readonly ref: string;
  /** Commit that the ref points at; the expectation of every write. */
  readonly commit: string;
  /** Id of the package's tree: equal trees are equal packages. */
  readonly tree: string;
  /** Highest published revision of its package. */
  readonly latest: boolean;
  /** True for the revision that is the registered branch's content (Porch's placeholder). */
  readonly branchHead: boolean;
  /** Of a branch head: the package has published revisions, and none with this content. Somebody changed it on the branch. */
  readonly branchEdited?: true;
  readonly lock: GitLock;
  /** First task of this revision, from the trailers; absent when somebody made the commits by hand. */
  readonly task?: TaskRecord;
  readonly origin?: VariantRecord;
  /** Only on published revisions. Seconds since the epoch. */
  readonly published?: PersonStamp & { readonly at: number };
  /** True when the newest commit on a draft was not made by us: a push by hand that has not been rendered yet. */
  readonly handPushed: boolean;
  /** True when any commit of a draft was not made by us, also below commits of ours: nobody may make it anew. */
  readonly editedByHand: boolean;
  /**
   * Branches of an earlier state of this revision that a push which arrived late has brought back: same package tree, same
   * trailers. Absent when there are none.
   */
  readonly strays?: readonly { readonly ref: string; readonly commit: string }[];
}

export interface RefWarning {
  readonly ref: string;
  readonly message: string;
  /** Of a branch with packages: the name of the one that could not be read, or '' when none of them could. */
  readonly unread?: string;
  /** CamelCase; only where somebody has to be told at once. */
  readonly reason?: 'TagMoved' | 'HistoryRewritten';
}

export interface RepositorySnapshot {
  /** Head of the registered branch; absent in an empty repository. */
  readonly head?: string;
  readonly revisions: readonly RevisionInfo[];
  /** What is odd about refs, such as why they were left out; one bad ref never spoils the list. */
  readonly warnings: readonly RefWarning[];
  /** Changes when and only when a ref of the repository changed. */
  readonly version: string;
  /** How many there are, without listing them. */
  readonly counts: { readonly revisions: number; readonly packages: number };
  /** The one of `revisions` with this key, without looking at those of other packages. */
  find(key: RevisionKey): RevisionInfo | undefined;
  /** Those of `revisions` of one package. */
  ofPackage(name: string): readonly RevisionInfo[];
  /** Packages of which one of both has other revisions; undefined when they are not of the same repository. */
  changedPackages(since: RepositorySnapshot): ReadonlySet<string> | undefined;
}

export interface CommitInfo {
  readonly task: TaskRecord;
  readonly origin?: VariantRecord;
  /** Who asked; the committer is always the service. */
  readonly author?: PersonStamp;
}

/**
 * A draft being written. Nothing is visible to others before `close`, which is one compare-and-swap on the remote.
 */
export interface Draft {
  readonly key: RevisionKey;
  /**
   * Adds a commit with `pkg` as the package's whole content; no commit when that is what is there already, unless the
   * draft is new or `info` brings another input hash, which the commit then records.
   * @throws TerminalError InvalidPackage without a Kptfile, PathConflict when a file lies on the package's path
   */
  update(pkg: Package, info: CommitInfo): Promise<void>;
  /**
   * Makes the commits visible as Draft or Proposed. Returns the revision as it now stands; without any new commit and
   * without a change of lifecycle it touches nothing.
   * @throws ConflictError reason RefMoved when the draft's branch is not what it was at `open`; WorkspaceExists when a
   * new draft's workspace exists with other content than ours; TransientError PushRejected when the server refused;
   * TerminalError EmptyDraft for a new draft without content
   */
  close(lifecycle: 'Draft' | 'Proposed'): Promise<RevisionInfo>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface TransitionOptions extends CallOptions {
  /** Asked right before the push, which others may have held up; false ends the call with ConflictError reason Superseded. */
  readonly wanted?: () => boolean;
}

export interface PublishOptions extends CallOptions {
  readonly author?: PersonStamp;
  /** Number of the revision that the content goes on from, 0 for none. */
  readonly base?: number;
  /**
   * Asked when the branch holds content of the package that neither the revision nor a published one has, right before the push
   * that replaces it. Without it, it is replaced.
   * @param tree of the package on the branch
   */
  readonly onBranchEdit?: (tree: string) => 'replace' | 'refuse';
}

/**
 * One registered repository of packages. Every write names the commit it expects and loses with ConflictError if that
 * has moved; every write is idempotent in its effect, so that a caller may repeat it after a crash.
 */
export interface PackageRepository {
  /**
   * One ls-remote; fetches only what moved. Concurrent calls share one round trip.
   * @throws TerminalError BranchNotFound when the registered branch is missing and is not to be created
   */
  sync(options?: CallOptions): Promise<RepositorySnapshot>;
  /** The last snapshot, with our own writes since; syncs once if there is none. */
  snapshot(options?: CallOptions): Promise<RepositorySnapshot>;
  /** Content of a package at a commit that the repository knows. */
  read(commit: string, packagePath: string, options?: CallOptions): Promise<Package>;
  /** Starts a new draft from the branch head; loses with ConflictError on close if the workspace exists by then. */
  createDraft(key: RevisionKey, options?: CallOptions): Promise<Draft>;
  /** Opens an existing draft or proposed revision for another commit. */
  openDraft(revision: RevisionInfo, options?: CallOptions): Promise<Draft>;
  propose(revision: RevisionInfo, options?: TransitionOptions): Promise<RevisionInfo>;
  reject(revision: RevisionInfo, options?: CallOptions): Promise<RevisionInfo>;
  /**
   * From Draft or Proposed; the revision number is one above the highest ever used for the package.
   * @throws ConflictError Overtaken when a revision above `options.base` is there by then; BranchDiverged when
   * `options.onBranchEdit` refuses
   */
  publish(revision: RevisionInfo, options?: PublishOptions): Promise<RevisionInfo>;
  proposeDeletion(revision: RevisionInfo, options?: CallOptions): Promise<RevisionInfo>;
  /** DeletionProposed back to Published. */
  restore(revision: RevisionInfo, options?: CallOptions): Promise<RevisionInfo>;
  /** Deletes a draft, proposed, deletion-proposed or branch-head revision; one that is gone already is a success. */
  delete(revision: RevisionInfo, options?: CallOptions & { readonly author?: PersonStamp }): Promise<void>;
  /**
   * Deletes the strays of a revision; returns it without them.
   * @throws ConflictError RefMoved when one of them, or the revision itself, is no longer what it was
   */
  dropStrays(revision: RevisionInfo, options?: CallOptions): Promise<RevisionInfo>;
  close(): Promise<void>;
}

/** The fault tests wrap every method named here and below, and fail when a method that is not named is called. */
export const PACKAGE_REPOSITORY_METHODS = [
  'sync',
  'snapshot',
  'read',
  'createDraft',
  'openDraft',
  'propose',
  'reject',
  'publish',
  'proposeDeletion',
  'restore',
  'delete',
  'dropStrays',
  'close',
] as const satisfies readonly (keyof PackageRepository)[];

export const DRAFT_METHODS = ['update', 'close'] as const satisfies readonly (keyof Draft)[];
