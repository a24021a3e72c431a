import { errorMessage, TransientError } from '../../api/errors.ts';
import type { RefWarning as Warning } from '../types.ts';
import { descendsFrom } from './history.ts';
import type { RepositoryLayout } from './layout.ts';
import { hasKptfile } from './objects.ts';
import { arrangePackage, type ReadRef } from './package-refs.ts';
import { type LayoutRef, parseRef } from './refs.ts';
import { moveRef } from './refs-digest.ts';
import type { GitRemote } from './remote.ts';
import { readEntry } from './revision-entry.ts';
import { GitSnapshot, type HeadPackages, type SnapshotState } from './snapshot.ts';
import type { Oid, RefMap } from './types.ts';
import { forEachLimited } from './waiting.ts';

const READS = 16;

const ROOT_PACKAGE =
  'the Kptfile in the directory of the Repository itself is ignored: a package needs a path below it';

/**
 * Makes snapshots of a repository from its refs. What a ref holds is read once for each commit that it ever points at,
 * so the work of a new snapshot is that of the refs that moved.
 */
export class Discovery {
  readonly #remote: GitRemote;
  readonly #layout: RepositoryLayout;
  readonly #entries = new Map<string, ReadRef>();
  #headRead: Oid | undefined;
  /** First commit that each tag was seen at; tags are published revisions and must not move. */
  readonly #firstSeen = new Map<string, Oid>();
  /** Stays until the branch moves again, on top of what it holds. */
  #rewritten: Warning | undefined;

  constructor(remote: GitRemote, layout: RepositoryLayout) {
    this.#remote = remote;
    this.#layout = layout;
  }

  /** The refs that can show in a snapshot. */
  ofInterest(refs: RefMap): Map<string, Oid> {
    return new Map([...refs].filter(([ref]) => this.#entries.has(ref) || this.concerns(ref)));
  }

  concerns(ref: string): boolean {
    if (ref === this.#layout.branchRef) return true;
    const parsed = parseRef(ref);
    if (!parsed) return false;
    const { scope } = this.#layout;
    return parsed.path === '' ? scope.directory === '' : scope.packageName(parsed.path) !== undefined;
  }

  /** Those of `refs` whose commits have not been read, so may have to be fetched. */
  unread(refs: RefMap): Map<string, Oid> {
    return new Map([...refs].filter(([ref, oid]) => this.#commitRead(ref) !== oid && !isMarker(ref)));
  }

  /**
   * Tells that the registered branch was at `before` and later, by others or by us, at `now`, whose commits are in the mirror.
   * What a branch held must not be lost: packages are published by it.
   */
  async branchMoved(before: Oid, now: Oid): Promise<void> {
    if (before === now) return;
    const ref = this.#layout.branchRef;
    const message = `the branch was rewritten: its commit ${now} is not made on top of ${before}, where it was before`;
    const kept = await descendsFrom(this.#remote.objects, now, before);
    this.#rewritten = kept ? undefined : { ref, message, reason: 'HistoryRewritten' };
  }

  /**
   * The snapshot after some refs have moved; undefined stands for one that is gone, and refs that have not moved may be among them.
   * Only the packages of these refs are arranged anew. All commits must be in the mirror.
   * @param base the snapshot that they have moved from; none when `moved` is all there is
   */
  async next(base: GitSnapshot | undefined, moved: ReadonlyMap<string, Oid | undefined>): Promise<GitSnapshot> {
    const read = await this.#readAll(moved);
    const before = base?.state ?? NOTHING;
    const { branchRef } = this.#layout;
    const touched = new Map<string, Map<string, ReadRef>>();
    let { digest } = before;
    for (const [ref, oid] of moved) {
      const path = ref === branchRef ? undefined : parseRef(ref)?.path;
      const known = path === undefined ? undefined : (touched.get(path) ?? before.packages.get(path)?.refs);
      const from = ref === branchRef ? before.head?.commit : known?.get(ref)?.commit;
      if (from === oid) continue;
      digest = moveRef(digest, ref, from, oid);
      if (path === undefined) continue;
      const refs = touched.get(path) ?? new Map(known);
      const now = read.get(ref);
      if (now) refs.set(ref, now);
      else refs.delete(ref);
      touched.set(path, refs);
    }
    const head = moved.has(branchRef) ? await this.#headPackages(moved.get(branchRef), before.head) : before.head;
    const warnings = this.#rewritten ? [this.#rewritten] : [];
    if (base && touched.size === 0 && head === before.head && sameList(warnings, before.warnings)) return base;
    const packages = new Map(before.packages);
    for (const [path, refs] of touched) {
      if (refs.size === 0) packages.delete(path);
      else packages.set(path, arrangePackage(this.#layout, refs));
    }
    const edited = await this.#editedPackages(head, packages);
    return new GitSnapshot(this.#layout, { packages, head, edited, warnings, digest }, this.#remote.contents);
  }

  /** What was approved counts as published when its tag is gone as well. */
  async #editedPackages(
    head: HeadPackages | undefined,
    packages: SnapshotState['packages'],
  ): Promise<ReadonlySet<string>> {
    const suspects = [...(head?.trees ?? [])].filter(([name, tree]) => this.#isUnknown(name, tree, packages));
    if (!head || suspects.length === 0) return NOTHING.edited;
    const approved = this.#remote.approved(this.#layout.branchRef);
    await approved.advance(head.commit);
    const edited = new Set<string>();
    for (const [name, tree] of suspects) {
      const path = this.#layout.scope.fullPath(name);
      const approval = approved.latestApproval(path);
      const there = approval === undefined ? undefined : await this.#remote.objects.packageAt(approval, path);
      if (there !== tree) edited.add(name);
    }
    return edited;
  }

  #isUnknown(name: string, tree: Oid, packages: SnapshotState['packages']): boolean {
    const path = this.#layout.scope.fullPath(name);
    const revisions = packages.get(path)?.revisions ?? [];
    // Mostly it is the latest, which comes last.
    if (revisions.findLast((revision) => revision.revision !== 0 && revision.tree === tree)) return false;
    if (!revisions.some(({ revision }) => revision !== 0)) return false;
    // What is published of a package within changes the outer one, too.
    return ![...packages.keys()].some((other) => other.startsWith(`${path}/`));
  }

  #commitRead(ref: string): Oid | undefined {
    return ref === this.#layout.branchRef ? this.#headRead : this.#entries.get(ref)?.commit;
  }

  /** What each of these refs holds at its commit; none for those that are gone. */
  async #readAll(refs: ReadonlyMap<string, Oid | undefined>): Promise<ReadonlyMap<string, ReadRef>> {
    const read = new Map<string, ReadRef>();
    await forEachLimited(refs, READS, async ([ref, commit]) => {
      const parsed = parseRef(ref);
      if (!parsed || ref === this.#layout.branchRef) return;
      if (commit === undefined) this.#entries.delete(ref);
      else if (parsed.kind === 'deletionProposed') read.set(ref, { commit });
      else read.set(ref, await this.#readRef(ref, parsed, commit));
    });
    return read;
  }

  async #readRef(ref: string, parsed: LayoutRef, commit: Oid): Promise<ReadRef> {
    const known = this.#entries.get(ref);
    if (known?.commit === commit) return known;
    const entry = await readEntry(this.#remote.objects, parsed, commit);
    const first = this.#firstSeen.get(ref) ?? commit;
    if (parsed.kind === 'tag') this.#firstSeen.set(ref, first);
    const read = parsed.kind === 'tag' && first !== commit ? { commit, entry, movedFrom: first } : { commit, entry };
    this.#entries.set(ref, read);
    return read;
  }

  /** The packages on the registered branch. */
  async #headPackages(commit: Oid | undefined, known: HeadPackages | undefined): Promise<HeadPackages | undefined> {
    if (commit === undefined) return undefined;
    if (known?.commit === commit && !known.failed) return known;
    const { branchRef, scope } = this.#layout;
    try {
      const { objects } = this.#remote;
      const tree = await objects.treeAt((await objects.commit(commit)).tree, scope.directory);
      this.#headRead = commit;
      if (tree === undefined) return { commit, trees: new Map(), warnings: [] };
      const { packages, faults } = await objects.scanChildren(tree);
      const warnings: Warning[] = faults.map(({ path, message }) => ({
        ref: branchRef,
        message: `${scope.fullPath(path)} cannot be read: ${message}`,
        unread: path,
      }));
      if (hasKptfile(await objects.tree(tree))) warnings.push({ ref: branchRef, message: ROOT_PACKAGE });
      const trees = new Map(packages.map(({ path, tree: packageTree }) => [path, packageTree]));
      return { commit, trees, warnings };
    } catch (error) {
      if (error instanceof TransientError) throw error;
      const message = `cannot be read: ${errorMessage(error)}`;
      return { commit, trees: new Map(), warnings: [{ ref: branchRef, message, unread: '' }], failed: true };
    }
  }
}

const NOTHING: SnapshotState = {
  packages: new Map(),
  head: undefined,
  edited: new Set(),
  warnings: [],
  digest: 0n,
};

function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

function isMarker(ref: string): boolean {
  return parseRef(ref)?.kind === 'deletionProposed';
}
