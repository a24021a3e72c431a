import { promises as fs } from 'node:fs';
import { TerminalError, TransientError } from '../../../api/errors.ts';
import { KeyedMutex } from '../../../concurrency/keyed-mutex.ts';
import type { CallOptions } from '../../types.ts';
import type { Commit, GitStore, NewCommit, Oid, PushOutcome, RefMap, RefUpdate, TreeEntry } from '../types.ts';
import { DirectPush } from './direct/direct-push.ts';
import { failureError, historyRewritten } from './failure.ts';
import { writeKeptRefs } from './kept-refs.ts';
import {
  asideDirectory,
  createMirror,
  isThere,
  needsRepack,
  repackMirror,
  swapMirror,
  verifyMirror,
} from './mirror.ts';
import { decodeCommit, encodeCommit, encodeObject, encodeTree, type TreeRows } from './object-format.ts';
import { ObjectIndex } from './object-index.ts';
import { ObjectReadError, ObjectReader, ParsedObjects, readError } from './object-reader.ts';
import { ObjectWriter } from './object-writer.ts';
import { checkUpdates, OutgoingCommits } from './outgoing.ts';
import { pushOutcomes } from './push-outcome.ts';
import { checkOid, checkRefName } from './ref-format.ts';
import type { Remote, RemoteResult } from './remote.ts';
import { SharedLock } from './shared-lock.ts';

export interface MirrorStoreOptions {
  readonly remote: Remote;
  /** A prepared mirror. */
  readonly directory: string;
  /** What its refs hold. */
  readonly kept: ReadonlySet<Oid>;
  /** Fetch single commits without their history; such a mirror is never pushed from. */
  readonly shallow: boolean;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
}

/** One damage is one rebuild: after it, the next is not tried before this has passed. */
const REBUILD_INTERVAL_MS = 300_000;
/** A mirror found sound is not verified again for this long, however many unknown objects are asked for. */
const VERIFY_INTERVAL_MS = 60_000;
const CALLS_BETWEEN_REPACK_CHECKS = 16;

/** The object side of the mirror as it is now; replaced as a whole when the mirror is rebuilt. */
interface Files {
  readonly index: ObjectIndex;
  readonly reader: ObjectReader;
  readonly writer: ObjectWriter;
}

/**
 * `GitStore` over a bare mirror. Two locks: `#objects` is shared by reads and writes of objects, `#network` by calls to
 * the remote; only a repack and the exchange of a rebuilt mirror take both alone. So no read waits for the network.
 */
export class MirrorStore implements GitStore {
  readonly url: string;
  readonly #remote: Remote;
  readonly #directory: string;
  readonly #shallow: boolean;
  readonly #now: () => number;
  readonly #objects = new SharedLock();
  readonly #network = new SharedLock();
  readonly #parsed = new ParsedObjects();
  readonly #treeRows: TreeRows = new WeakMap();
  readonly #closing = new AbortController();
  readonly #directPush: DirectPush;
  readonly #outgoing = new OutgoingCommits();
  #files: Files;
  /** Commits that callers have asked for: what a rebuilt mirror must hold again. */
  #wanted = new Set<Oid>();
  #kept: Set<Oid>;
  /** What the refs of the last listing pointed at. */
  #tips: ReadonlySet<Oid> | undefined;
  /** Fetches run one after the other: the second often finds what the first has brought. */
  readonly #fetches = new KeyedMutex<string>();
  #rebuilding: Promise<void> | undefined;
  #lastRebuild = Number.NEGATIVE_INFINITY;
  #lastVerified = Number.NEGATIVE_INFINITY;
  #callsSinceCheck = 0;
  #repacking: Promise<void> = Promise.resolve();

  constructor(options: MirrorStoreOptions) {
    this.#remote = options.remote;
    this.url = options.remote.url.display;
    this.#directory = options.directory;
    this.#shallow = options.shallow;
    this.#now = options.now;
    this.#kept = new Set(options.kept);
    this.#directPush = new DirectPush(options.remote, options.now);
    this.#files = this.#openFiles();
  }

  #openFiles(): Files {
    const index = new ObjectIndex(this.#directory);
    const writer = new ObjectWriter(this.#directory, index);
    const reader = new ObjectReader(this.#directory, index, this.#parsed, (oid) => writer.pending(oid));
    return { index, reader, writer };
  }

  async listRemote(options: CallOptions = {}): Promise<RefMap> {
    const signal = this.#signal(options);
    const refs = await this.#list(signal);
    const tips = new Set(refs.values());
    this.#tips = tips;
    this.#wanted = new Set([...this.#wanted].filter((oid) => tips.has(oid)));
    return refs;
  }

  async #list(signal: AbortSignal): Promise<RefMap> {
    const attempt = () => this.#overNetwork(() => this.#remote.list(this.#directory, { signal }));
    try {
      return await attempt();
    } catch (error) {
      const unexplained = error instanceof TransientError && error.reason === 'GitFailed';
      if (!unexplained || !(await this.#isDamaged(signal))) throw error;
    }
    await this.#rebuild();
    return attempt();
  }

  async fetch(refs: RefMap, options: CallOptions = {}): Promise<void> {
    for (const [name, oid] of refs) {
      checkRefName(name);
      checkOid(oid);
    }
    const signal = this.#signal(options);
    await this.#fetches.run(this.url, (inner) => this.#fetchMissing(refs, inner), signal);
    for (const oid of refs.values()) this.#wanted.add(oid);
    this.#scheduleRepack();
  }

  async #fetchMissing(refs: RefMap, signal: AbortSignal): Promise<void> {
    const missing = await this.#missing(refs);
    if (missing.size === 0) return;
    const first = await this.#tryFetch(missing, signal);
    if (first === 'done') return;
    if (await this.#isDamaged(signal)) {
      await this.#rebuild();
      if ((await this.#tryFetch(await this.#missing(refs), signal)) === 'done') return;
    }
    await this.#fetchByName(missing, signal);
  }

  async #missing(refs: RefMap): Promise<RefMap> {
    const missing = new Map<string, Oid>();
    for (const [name, oid] of refs) if (!(await this.has(oid))) missing.set(name, oid);
    return missing;
  }

  /**
   * By object id: exact, whatever happens to the refs meanwhile.
   * @returns `refused` when it may help to ask by name
   */
  async #tryFetch(refs: RefMap, signal: AbortSignal): Promise<'done' | 'refused'> {
    const oids = [...new Set(refs.values())];
    if (oids.length === 0) return 'done';
    const result = await this.#fetchSpecs(oids, signal);
    if (result.failure === undefined) {
      await this.#keep(oids);
      return 'done';
    }
    if (result.failure === 'Other' || result.failure === 'ObjectMissing') return 'refused';
    throw failureError(result.failure, this.#remote.url, result.stderr);
  }

  /** For servers that do not serve object ids, and for commits that went away between the listing and now. */
  async #fetchByName(refs: RefMap, signal: AbortSignal): Promise<void> {
    const current = await this.listRemote({ signal });
    const names = [...refs.keys()].filter((name) => current.has(name));
    if (names.length > 0) {
      const result = await this.#fetchSpecs(names, signal);
      if (result.failure !== undefined) throw failureError(result.failure, this.#remote.url, result.stderr);
    }
    const missing = await this.#missing(refs);
    await this.#keep([...refs].filter(([name]) => !missing.has(name)).map(([, oid]) => oid));
    const gone = [...missing.keys()];
    if (gone.length > 0) throw historyRewritten(this.url, gone);
  }

  /** @param refspecs object ids or ref names; no ref of ours is written by git */
  async #fetchSpecs(refspecs: readonly string[], signal: AbortSignal): Promise<RemoteResult> {
    const options = { signal, shallow: this.#shallow };
    const result = await this.#overNetwork(() => this.#remote.fetch(this.#directory, refspecs, options));
    this.#files.index.rescan();
    return result;
  }

  async #keep(oids: readonly Oid[]): Promise<void> {
    for (const oid of oids) this.#kept.add(oid);
    await this.#objects.shared(() => writeKeptRefs(this.#directory, this.#kept));
  }

  has(oid: Oid): Promise<boolean> {
    checkOid(oid);
    return this.#objects.shared(async () => {
      const { index, writer } = this.#files;
      if (writer.pending(oid) !== undefined) return true;
      try {
        return await index.has(oid);
      } catch {
        // A pack index that cannot be read holds nothing; the fetch that follows finds the damage.
        return false;
      }
    });
  }

  readCommit(oid: Oid): Promise<Commit> {
    return this.#read(oid, (reader) => reader.commit(oid));
  }

  readTree(oid: Oid): Promise<readonly TreeEntry[]> {
    return this.#read(oid, (reader) => reader.tree(oid));
  }

  readBlob(oid: Oid): Promise<Uint8Array> {
    return this.#read(oid, (reader) => reader.blob(oid));
  }

  async #read<T>(oid: Oid, what: (reader: ObjectReader) => Promise<T>): Promise<T> {
    checkOid(oid);
    const attempt = () => this.#objects.shared(() => what(this.#files.reader));
    try {
      return await attempt();
    } catch (error) {
      if (!(await this.#canRetry(error))) throw readError(error, this.url);
    }
    try {
      return await attempt();
    } catch (error) {
      throw readError(error, this.url);
    }
  }

  /** True when the mirror was damaged and has been rebuilt. */
  async #canRetry(error: unknown): Promise<boolean> {
    if (!(error instanceof ObjectReadError)) return false;
    if (error.failure === 'missing' && !(await this.#isDamaged(this.#closing.signal))) return false;
    await this.#rebuild();
    return true;
  }

  writeBlob(bytes: Uint8Array): Promise<Oid> {
    return this.#objects.shared(() => this.#files.writer.write(encodeObject('blob', bytes)));
  }

  async writeTree(entries: readonly TreeEntry[]): Promise<Oid> {
    const object = encodeObject('tree', encodeTree(entries, this.#treeRows));
    return this.#objects.shared(() => this.#files.writer.write(object));
  }

  async writeCommit(commit: NewCommit): Promise<Oid> {
    for (const oid of [commit.tree, ...commit.parents]) checkOid(oid);
    const content = encodeCommit(commit);
    const object = encodeObject('commit', content);
    await this.#objects.shared(() => this.#files.writer.write(object));
    this.#parsed.addCommit(decodeCommit(object.oid, content), content.byteLength);
    this.#outgoing.add(object.oid);
    return object.oid;
  }

  async push(
    updates: readonly RefUpdate[],
    options: CallOptions & { readonly atomic?: boolean } = {},
  ): Promise<ReadonlyMap<string, PushOutcome>> {
    if (this.#shallow) throw new TerminalError('ReadOnlyMirror', `${this.url} was opened for reading only`);
    await checkUpdates(updates, (oid) => this.has(oid), this.url);
    if (updates.length === 0) return new Map();
    const signal = this.#signal(options);
    const atomic = options.atomic ?? true;
    const direct = atomic ? await this.#pushDirectly(updates, signal) : undefined;
    const outcomes = direct ?? (await this.#pushByGit(updates, signal, atomic));
    this.#outgoing.pushed(updates, outcomes);
    for (const { target } of updates) if (target !== null) this.#wanted.add(target);
    this.#scheduleRepack();
    return outcomes;
  }

  /** Undefined when git has to do it. */
  #pushDirectly(
    updates: readonly RefUpdate[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, PushOutcome> | undefined> {
    return this.#overNetwork(async () => {
      const missing = await this.#objects.shared(() => this.#outgoing.missing(this.#files.reader, updates));
      // The mirror stands for what the remote has.
      await this.#objects.shared(() => this.#files.writer.flush());
      return missing && this.#directPush.push(updates, missing, { signal });
    });
  }

  async #pushByGit(
    updates: readonly RefUpdate[],
    signal: AbortSignal,
    atomic: boolean,
  ): Promise<ReadonlyMap<string, PushOutcome>> {
    const result = await this.#overNetwork(async () => {
      await this.#objects.shared(() => this.#files.writer.flush());
      return this.#remote.push(this.#directory, updates, { signal, atomic });
    });
    if (result.failure === 'Other' && result.stdout.length === 0 && (await this.#isDamaged(signal))) {
      await this.#rebuild();
      throw new TransientError('MirrorRebuilt', `the mirror of ${this.url} was damaged; objects must be written again`);
    }
    return pushOutcomes(updates, result, this.#remote.url, () => this.listRemote({ signal }));
  }

  async close(): Promise<void> {
    this.#closing.abort(new TransientError('Closed', `the store of ${this.url} is closed`));
    await Promise.allSettled([this.#rebuilding, this.#repacking]);
    // Every call to the remote has ended when this one's turn comes.
    await this.#network.exclusive(async () => undefined);
  }

  #signal({ signal }: CallOptions): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }

  async #overNetwork<T>(call: () => Promise<T>): Promise<T> {
    if (!(await isThere(this.#directory))) await this.#rebuild();
    return this.#network.shared(call);
  }

  async #isDamaged(signal: AbortSignal): Promise<boolean> {
    if (this.#now() - this.#lastVerified < VERIFY_INTERVAL_MS) return false;
    const sound = await this.#network.shared(() => verifyMirror(this.#directory, signal));
    if (sound) this.#lastVerified = this.#now();
    return !sound;
  }

  /** Builds the mirror anew from the remote; concurrent callers share one. */
  #rebuild(): Promise<void> {
    this.#rebuilding ??= this.#rebuildOnce().finally(() => {
      this.#rebuilding = undefined;
    });
    return this.#rebuilding;
  }

  async #rebuildOnce(): Promise<void> {
    if (this.#now() - this.#lastRebuild < REBUILD_INTERVAL_MS) {
      throw new TransientError(
        'MirrorDamaged',
        `the mirror of ${this.url} is damaged again right after it was rebuilt`,
      );
    }
    const { signal } = this.#closing;
    const aside = asideDirectory(this.#directory);
    await fs.rm(aside, { recursive: true, force: true });
    await createMirror(aside);
    const tips = new Set((await this.#remote.list(aside, { signal })).values());
    const oids = [...this.#wanted].filter((oid) => tips.has(oid));
    if (oids.length > 0) {
      const result = await this.#remote.fetch(aside, oids, { signal, shallow: this.#shallow });
      if (result.failure !== undefined) throw failureError(result.failure, this.#remote.url, result.stderr);
    }
    await writeKeptRefs(aside, new Set(oids));
    await this.#network.exclusive(() =>
      this.#objects.exclusive(async () => {
        await swapMirror(this.#directory);
        this.#kept = new Set(oids);
        this.#files = this.#openFiles();
      }),
    );
    this.#lastRebuild = this.#now();
  }

  #scheduleRepack(): void {
    this.#callsSinceCheck += 1;
    if (this.#callsSinceCheck < CALLS_BETWEEN_REPACK_CHECKS) return;
    this.#callsSinceCheck = 0;
    // A repack that fails leaves the mirror as it was; damage shows on the next read.
    this.#repacking = this.#repacking.then(() => this.#repackIfNeeded()).catch(() => undefined);
  }

  async #repackIfNeeded(): Promise<void> {
    if (!(await needsRepack(this.#directory))) return;
    await this.#network.exclusive(() =>
      this.#objects.exclusive(async () => {
        await this.#files.writer.flush();
        this.#kept = await this.#keepable();
        await repackMirror(this.#directory, this.#kept, this.#closing.signal);
        this.#files = this.#openFiles();
      }),
    );
  }

  /** What is held or asked for and still is the remote's. */
  async #keepable(): Promise<Set<Oid>> {
    const keep = new Set<Oid>();
    for (const oid of new Set([...this.#kept, ...this.#wanted])) {
      if ((this.#tips?.has(oid) ?? true) && (await this.#files.index.has(oid))) keep.add(oid);
    }
    return keep;
  }
}
