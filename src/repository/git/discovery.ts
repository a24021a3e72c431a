import { createHash } from 'node:crypto';
import { errorMessage, TransientError } from '../../api/errors.ts';
import type { RepositorySnapshot, RevisionInfo, RefWarning as Warning } from '../types.ts';
import { arrangeRevisions, type FoundRef } from './arrange.ts';
import { descendsFrom } from './history.ts';
import type { RepositoryLayout } from './layout.ts';
import { hasKptfile } from './objects.ts';
import { parseRef } from './refs.ts';
import type { GitRemote } from './remote.ts';
import { type EntryFault, type RevisionEntry, readEntry } from './revision-entry.ts';
import type { Oid, RefMap } from './types.ts';
import { forEachLimited } from './waiting.ts';

const READS = 16;

const ROOT_PACKAGE =
  'the Kptfile in the directory of the Repository itself is ignored: a package needs a path below it';

type Entry = RevisionEntry | EntryFault;

interface CachedEntry {
  readonly commit: Oid;
  readonly entry: Entry;
}

/**
 * Makes snapshots of a repository from its refs. What a ref holds is read once for each commit that it ever points at,
 * so the work of a new snapshot is that of the refs that moved.
 */
export class Discovery {
  readonly #remote: GitRemote;
  readonly #layout: RepositoryLayout;
  readonly #entries = new Map<string, CachedEntry>();
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
    return new Map([...refs].filter(([ref]) => this.concerns(ref)));
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

  /** All commits of `refs` must be in the mirror. */
  async snapshot(refs: RefMap): Promise<RepositorySnapshot> {
    const entries = await this.#readEntries(refs);
    const found: FoundRef[] = [];
    const warnings: Warning[] = this.#rewritten ? [this.#rewritten] : [];
    for (const [ref, oid] of refs) {
      const parsed = parseRef(ref);
      if (!parsed || ref === this.#layout.branchRef || parsed.kind === 'deletionProposed') continue;
      const entry = entries.get(ref);
      if (!entry) continue;
      if ('fault' in entry) warnings.push({ ref, message: entry.fault });
      else found.push({ ref, kind: parsed.kind, path: parsed.path, entry });
      const first = this.#firstSeen.get(ref);
      if (parsed.kind === 'tag' && first !== undefined && first !== oid) {
        const message = `the tag of a published revision was moved from commit ${first} to ${oid}`;
        warnings.push({ ref, message, reason: 'TagMoved' });
      }
    }
    const arranged = arrangeRevisions(this.#layout, refs, found);
    const head = await this.#headRevisions(refs);
    const revisions = [...arranged.revisions, ...head.revisions];
    return {
      head: refs.get(this.#layout.branchRef),
      revisions,
      warnings: [...warnings, ...arranged.warnings, ...head.warnings, ...this.#submoduleWarnings(revisions)],
      version: fingerprint(refs),
    };
  }

  #commitRead(ref: string): Oid | undefined {
    return ref === this.#layout.branchRef ? this.#headRead : this.#entries.get(ref)?.commit;
  }

  /** What each ref holds at its commit in `refs`; snapshots of different refs may be made at the same time. */
  async #readEntries(refs: RefMap): Promise<ReadonlyMap<string, Entry>> {
    const entries = new Map<string, Entry>();
    for (const [ref, { commit, entry }] of this.#entries) {
      if (!refs.has(ref)) this.#entries.delete(ref);
      else if (refs.get(ref) === commit) entries.set(ref, entry);
    }
    await forEachLimited(this.unread(refs), READS, async ([ref, commit]) => {
      const parsed = parseRef(ref);
      if (!parsed || ref === this.#layout.branchRef) return;
      const entry = await readEntry(this.#remote.objects, parsed, commit);
      entries.set(ref, entry);
      this.#entries.set(ref, { commit, entry });
      if (parsed.kind === 'tag' && !this.#firstSeen.has(ref)) this.#firstSeen.set(ref, commit);
    });
    return entries;
  }

  /** The packages on the registered branch. */
  async #headRevisions(refs: RefMap): Promise<{ revisions: RevisionInfo[]; warnings: Warning[] }> {
    const { branchRef, scope } = this.#layout;
    const head = refs.get(branchRef);
    if (head === undefined) return { revisions: [], warnings: [] };
    try {
      const { objects } = this.#remote;
      const tree = await objects.treeAt((await objects.commit(head)).tree, scope.directory);
      this.#headRead = head;
      if (tree === undefined) return { revisions: [], warnings: [] };
      const scan = await objects.scanChildren(tree);
      const found = scan.packages.toSorted((a, b) => (a.path < b.path ? -1 : 1));
      const revisions = found.map(({ path, tree: packageTree }) => {
        const marker = this.#layout.deletionRef({ package: path, revision: -1, workspace: this.#layout.branch });
        return this.#layout.describeHead(path, head, packageTree, refs.has(marker) ? 'DeletionProposed' : 'Published');
      });
      const faults = scan.faults.map(({ path, message }) => `${scope.fullPath(path)} cannot be read: ${message}`);
      if (hasKptfile(await objects.tree(tree))) faults.push(ROOT_PACKAGE);
      return { revisions, warnings: faults.map((message) => ({ ref: branchRef, message })) };
    } catch (error) {
      if (error instanceof TransientError) throw error;
      return { revisions: [], warnings: [{ ref: branchRef, message: `cannot be read: ${errorMessage(error)}` }] };
    }
  }

  #submoduleWarnings(revisions: readonly RevisionInfo[]): Warning[] {
    return revisions.flatMap(({ ref, tree, package: name }) =>
      this.#remote.contents.submodules(tree).map((path) => ({
        ref,
        message: `package ${name} holds a submodule at ${path}; it is kept, its files are not read`,
      })),
    );
  }
}

function isMarker(ref: string): boolean {
  return parseRef(ref)?.kind === 'deletionProposed';
}

function fingerprint(refs: RefMap): string {
  const hash = createHash('sha256');
  for (const ref of [...refs.keys()].sort()) hash.update(`${ref} ${refs.get(ref)}\n`);
  return hash.digest('hex');
}
