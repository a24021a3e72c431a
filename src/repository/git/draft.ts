import { ConflictError, TerminalError } from '../../api/errors.ts';
import type { Package } from '../../package/package.ts';
import type { CallOptions, CommitInfo, Draft, RevisionInfo, RevisionKey } from '../types.ts';
import { expectRef } from './batcher.ts';
import type { CommitWriter } from './commits.ts';
import type { RepositoryLayout } from './layout.ts';
import { findPublished } from './publish.ts';
import type { RefView } from './ref-view.ts';
import { parseRef, shortRef } from './refs.ts';
import type { GitRemote } from './remote.ts';
import { readEntry, requireEntry } from './revision-entry.ts';
import { trailerOf } from './trailer.ts';
import type { Oid, RefUpdate } from './types.ts';

export interface DraftStart {
  readonly key: RevisionKey;
  /** Parent of the first commit: the branch head for a new draft, else the draft's tip. */
  readonly base: Oid | undefined;
  /** The revision being continued; absent for a new draft. */
  readonly opened?: RevisionInfo;
}

export interface DraftTools {
  readonly remote: GitRemote;
  readonly layout: RepositoryLayout;
  readonly commits: CommitWriter;
}

/** A draft as a chain of commits that nothing refers to before `close` pushes its branch. */
export class GitDraft implements Draft {
  readonly key: RevisionKey;
  readonly #tools: DraftTools;
  readonly #start: DraftStart;
  readonly #options: CallOptions;
  readonly #path: string;
  #tip: Oid | undefined;
  #inputHash: string | undefined;

  constructor(tools: DraftTools, start: DraftStart, options: CallOptions) {
    this.#tools = tools;
    this.#start = start;
    this.#options = options;
    this.key = start.key;
    this.#path = tools.layout.scope.fullPath(start.key.package);
    this.#tip = start.base;
    this.#inputHash = start.opened?.origin?.inputHash;
  }

  /**
   * The first commit of a new draft is made even when the branch has the same content, and a commit that brings no
   * content but a new input hash is made to record the hash.
   */
  async update(pkg: Package, info: CommitInfo): Promise<void> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const { objects, contents } = this.#tools.remote;
    if (!pkg.has('Kptfile')) {
      throw new TerminalError('InvalidPackage', `package ${this.key.package} has no Kptfile`, { file: 'Kptfile' });
    }
    const parentTree = this.#tip === undefined ? undefined : (await objects.commit(this.#tip)).tree;
    const packageTree = await contents.write(pkg);
    const tree = await objects.graft(parentTree, this.#path, packageTree);
    const inputHash = info.origin?.inputHash ?? this.#inputHash;
    const isFirst = this.#start.opened === undefined && this.#tip === this.#start.base;
    if (tree === parentTree && inputHash === this.#inputHash && !isFirst) return;
    const { workspace } = this.key;
    const place = { parent: this.#tip, path: this.#path, workspace };
    this.#tip = await this.#tools.commits.draft({ ...info, ...place, tree, packageTree });
    this.#inputHash = inputHash;
  }

  async close(lifecycle: 'Draft' | 'Proposed'): Promise<RevisionInfo> {
    const { opened, base } = this.#start;
    const { layout, remote } = this.#tools;
    const tip = this.#tip;
    if (tip === base && (opened === undefined || opened.lifecycle === lifecycle)) {
      if (opened) return opened;
      throw new TerminalError(
        'EmptyDraft',
        `draft ${this.key.package}/${this.key.workspace} was closed without content`,
      );
    }
    if (tip === undefined) throw new TerminalError('EmptyDraft', 'a draft without commits cannot be closed');
    const target = lifecycle === 'Draft' ? layout.draftRef(this.key) : layout.proposedRef(this.key);
    const plan = (view: RefView) =>
      opened ? this.#planMove(view, opened, target, tip) : this.#planNew(view, target, tip);
    const unit = {
      plan: async (view: RefView) => {
        const { updates, commit } = await plan(view);
        return { updates, result: await this.#describe(target, commit, lifecycle) };
      },
    };
    return remote.batcher.submit(unit, this.#options);
  }

  async #planMove(view: RefView, opened: RevisionInfo, target: string, tip: Oid): Promise<Planned> {
    const gone = opened.ref === target || view.get(opened.ref) === undefined;
    if (view.get(target) === tip && gone) {
      return { commit: tip, updates: [{ ref: target, expected: tip, target: tip }] };
    }
    if (opened.ref !== target) expectRef(view, target, null);
    expectRef(view, opened.ref, opened.commit);
    if (opened.ref === target) return { commit: tip, updates: [{ ref: target, expected: opened.commit, target: tip }] };
    return {
      commit: tip,
      updates: [
        { ref: target, expected: null, target: tip },
        { ref: opened.ref, expected: opened.commit, target: null },
      ],
    };
  }

  async #planNew(view: RefView, target: string, tip: Oid): Promise<Planned> {
    const { layout, remote } = this.#tools;
    const there = view.get(target);
    if (there !== undefined) {
      if (there !== tip && !(await this.#isOurs(target, there, tip))) throw this.#exists(target);
      return { commit: there, updates: [{ ref: target, expected: there, target: there }] };
    }
    for (const other of [layout.draftRef(this.key), layout.proposedRef(this.key)]) {
      if (view.get(other) !== undefined) throw this.#exists(other);
    }
    const published = await findPublished(remote, view, this.#path, this.key.workspace);
    if (published) throw this.#exists(published.ref);
    await this.#refuseOverlap(view);
    return {
      commit: tip,
      updates: [{ ref: target, expected: null, target: tip }, ...(await this.#branchAsSeen(view))],
    };
  }

  /**
   * Packages that appeared since the caller looked, in this very push too: the publication of the outer one of two nested
   * packages would take the inner one off the branch. Packages that are nested already may go on.
   */
  async #refuseOverlap(view: RefView): Promise<void> {
    const { layout, remote } = this.#tools;
    const around = view.around(this.#path);
    if (around.length === 0 || around.some((ref) => parseRef(ref)?.path === this.#path)) return;
    const head = view.get(layout.branchRef);
    if (head !== undefined) {
      await remote.objects.ensure(layout.branchRef, head, this.#options.signal);
      if ((await remote.objects.packageAt(head, this.#path)) !== undefined) return;
    }
    for (const ref of around) {
      const [parsed, oid] = [parseRef(ref), view.get(ref)];
      if (!parsed || oid === undefined) continue;
      await remote.objects.ensure(ref, oid, this.#options.signal);
      if ('fault' in (await readEntry(remote.objects, parsed, oid))) continue;
      throw new ConflictError(
        'PackageOverlap',
        `package ${this.key.package} overlaps the package of ${shortRef(ref)}`,
        {
          field: 'spec.packageName',
        },
      );
    }
  }

  /**
   * Somebody may have made, published and so removed the very draft since the refs were listed: the draft's own ref does
   * not tell, but the branch has moved then.
   */
  async #branchAsSeen(view: RefView): Promise<readonly RefUpdate[]> {
    const { layout, remote } = this.#tools;
    const head = view.get(layout.branchRef);
    if (head === undefined) return [];
    await remote.objects.ensure(layout.branchRef, head, this.#options.signal);
    return [{ ref: layout.branchRef, expected: head, target: head, witness: true }];
  }

  /** What another run of ours made of the same inputs: same content, same trailer. */
  async #isOurs(ref: string, there: Oid, tip: Oid): Promise<boolean> {
    const { objects } = this.#tools.remote;
    await objects.ensure(ref, there, this.#options.signal);
    const [theirs, ours] = await Promise.all([objects.commit(there), objects.commit(tip)]);
    const trailers = [theirs, ours].map(({ message }) => trailerOf(message, this.#path, this.key.workspace));
    if (!trailers[0] || JSON.stringify(trailers[0]) !== JSON.stringify(trailers[1])) return false;
    return (await objects.treeAt(theirs.tree, this.#path)) === (await objects.treeAt(ours.tree, this.#path));
  }

  async #describe(ref: string, commit: Oid, lifecycle: 'Draft' | 'Proposed'): Promise<RevisionInfo> {
    const { layout, remote } = this.#tools;
    const kind = lifecycle === 'Draft' ? 'draft' : 'proposed';
    const entry = await readEntry(remote.objects, { kind, path: this.#path, leaf: this.key.workspace }, commit);
    return layout.describe(this.key.package, ref, requireEntry(entry, ref), lifecycle, false);
  }

  #exists(ref: string): ConflictError {
    const { package: name, workspace } = this.key;
    return new ConflictError(
      'WorkspaceExists',
      `workspace ${workspace} of package ${name} exists already: ${shortRef(ref)}`,
      {
        field: 'spec.workspaceName',
      },
    );
  }
}

interface Planned {
  readonly commit: Oid;
  readonly updates: readonly RefUpdate[];
}
