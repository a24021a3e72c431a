import type { FileMode } from '../../package/types.ts';
import type { CallOptions, PersonStamp } from '../types.ts';

/** 40 lower-case hex digits. */
export type Oid = string;
/** Full ref name -> commit id (annotated tags are peeled). */
export type RefMap = ReadonlyMap<string, Oid>;

export interface TreeEntry {
  readonly mode: FileMode | '040000';
  /** File name as git has it. */
  readonly name: string;
  readonly oid: Oid;
}

export interface Commit {
  readonly oid: Oid;
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  /** Seconds since the epoch. */
  readonly author: PersonStamp & { readonly at: number };
  readonly committer: PersonStamp & { readonly at: number };
  readonly message: string;
}

export interface NewCommit {
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  readonly author: PersonStamp;
  readonly committer: PersonStamp;
  /** Seconds since the epoch. */
  readonly at: number;
  readonly message: string;
}

/** One compare-and-swap on a remote ref: `expected` null = must not exist, `target` null = delete. */
export interface RefUpdate {
  readonly ref: string;
  readonly expected: Oid | null;
  readonly target: Oid | null;
  /** Sent although it changes nothing, so that the push fails when the ref is no longer what it was when it was read. */
  readonly witness?: true;
}

export type PushOutcome =
  | { readonly ok: true }
  /**
   * `stale`: the remote ref was not what we expected. `collateral`: nothing is wrong with this update, but another one
   * of the same atomic push failed. Neither: the server refused, with its words in `message`.
   */
  | { readonly ok: false; readonly stale: boolean; readonly collateral?: true; readonly message: string };

/**
 * One remote and its local bare mirror. Knows objects and refs, nothing of packages. All Repository objects on one URL
 * share one store.
 */
export interface GitStore {
  /** URL without user information, for messages. */
  readonly url: string;
  /** One ls-remote of heads and tags. */
  listRemote(options?: CallOptions): Promise<RefMap>;
  /**
   * Brings the objects of `refs` (name -> oid) into the mirror, in one fetch; nothing is sent when all are here.
   * @throws TransientError HistoryRewritten when the remote has none of them any more: list it again
   */
  fetch(refs: RefMap, options?: CallOptions): Promise<void>;
  has(oid: Oid): Promise<boolean>;
  /**
   * Reads heal a damaged mirror once by building it anew from the remote.
   * @throws TransientError ObjectMissing when the mirror does not hold it; TerminalError UnexpectedObject for a wrong type
   */
  readCommit(oid: Oid): Promise<Commit>;
  readTree(oid: Oid): Promise<readonly TreeEntry[]>;
  readBlob(oid: Oid): Promise<Uint8Array>;
  /** What is written can be read at once; a crash may lose it until a push needs it. The bytes are copied. */
  writeBlob(bytes: Uint8Array): Promise<Oid>;
  writeTree(entries: readonly TreeEntry[]): Promise<Oid>;
  writeCommit(commit: NewCommit): Promise<Oid>;
  /**
   * Sends all updates in one atomic push with an expectation for each ref. The map has one outcome per ref of `updates`.
   * With `atomic` (the default) either all are ok or none is. A ref that is at its `target` already is ok, so that a
   * push may be repeated after a lost answer.
   * @throws TransientError when the push could not be carried out or its answer was lost: what happened is unknown
   * @throws TerminalError AtomicPushUnsupported when the server has no atomic push; nothing was changed
   */
  push(
    updates: readonly RefUpdate[],
    options?: CallOptions & { readonly atomic?: boolean },
  ): Promise<ReadonlyMap<string, PushOutcome>>;
  close(): Promise<void>;
}

export const GIT_STORE_METHODS = [
  'listRemote',
  'fetch',
  'has',
  'readCommit',
  'readTree',
  'readBlob',
  'writeBlob',
  'writeTree',
  'writeCommit',
  'push',
  'close',
] as const satisfies readonly Exclude<keyof GitStore, 'url'>[];

/** What a remote needs to let us in. All values are secret but `knownHosts` and `caBundle`. */
export interface GitCredentials {
  readonly username?: string;
  readonly password?: string;
  readonly bearerToken?: string;
  /** Private key in OpenSSH or PEM form. */
  readonly sshPrivateKey?: string;
  readonly sshKnownHosts?: string;
  /** PEM, used instead of the system's roots. */
  readonly caBundle?: string;
  /** `.dockerconfigjson` of a Secret: for registries only. */
  readonly dockerConfig?: string;
}

/** Asked before each network call, so that a rotated secret is used at once. */
export type CredentialsProvider = () => Promise<GitCredentials | undefined>;

export interface GitRemoteOptions {
  readonly url: string;
  /** Folder for the bare mirror; made when missing, rebuilt when broken. Belongs to one store at a time. */
  readonly directory: string;
  readonly credentials?: CredentialsProvider;
  /** What they are called in messages: `Secret git-auth`. */
  readonly credentialsName?: string;
  /** `http://host:port` proxy for http(s) remotes. */
  readonly proxy?: string;
  /** Local paths and `file://` are refused unless set (CLI and tests). */
  readonly allowLocal?: boolean;
  /** Deadline of one network call in milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
}
