import { ConflictError } from '../../api/errors.ts';
import type { PublishOptions, RevisionInfo } from '../types.ts';
import { branchNotFound, type PushUnit, refMoved, type UnitPlan } from './batcher.ts';
import type { DraftTools } from './draft.ts';
import type { ApprovedRevisions } from './history.ts';
import type { PackageTag, RefView } from './ref-view.ts';
import { parseRef, revisionOfTag, tagRef } from './refs.ts';
import type { GitRemote } from './remote.ts';
import { type RevisionEntry, readEntry, requireEntry } from './revision-entry.ts';
import type { Oid, RefUpdate } from './types.ts';

export interface PublishedTag extends PackageTag {
  readonly entry: RevisionEntry;
}

/** The tag that carries a workspace's published revision. `path` is from the root of the repository. */
export async function findPublished(
  remote: GitRemote,
  view: RefView,
  path: string,
  workspace: string,
): Promise<PublishedTag | undefined> {
  for (const tag of view.tagsOf(path)) {
    const leaf = tag.ref.slice(tag.ref.lastIndexOf('/') + 1);
    await remote.objects.ensure(tag.ref, tag.oid);
    const entry = await readEntry(remote.objects, { kind: 'tag', path, leaf }, tag.oid);
    if (!('fault' in entry) && entry.workspace === workspace) return { ...tag, entry };
  }
  return undefined;
}

type PublicationOptions = Pick<PublishOptions, 'author' | 'base' | 'onBranchEdit'>;

/** Publishes a draft or proposal: approval commit on the branch, tag, and end of the draft, all or nothing. */
export class PublishUnit implements PushUnit<RevisionInfo> {
  readonly #tools: DraftTools;
  readonly #revision: RevisionInfo;
  readonly #options: PublicationOptions;
  readonly #path: string;

  constructor(tools: DraftTools, revision: RevisionInfo, options: PublicationOptions) {
    this.#tools = tools;
    this.#revision = revision;
    this.#options = options;
    this.#path = tools.layout.scope.fullPath(revision.package);
  }

  async plan(view: RefView): Promise<UnitPlan<RevisionInfo>> {
    const { remote, layout } = this.#tools;
    const { commit, workspace } = this.#revision;
    const published = await findPublished(remote, view, this.#path, workspace);
    if (published) return this.#finish(view, published);
    const source = this.#draftRef(view);
    if (source === undefined) throw refMoved(view, this.#revision.ref, commit);
    this.#refuseOvertaken(view);
    const head = view.get(layout.branchRef);
    if (head === undefined) throw branchNotFound(layout.branchRef, remote.store.url);
    await remote.objects.ensure(layout.branchRef, head);
    await this.#mindBranchEdit(view, head);
    const revision = await this.#nextRevision(view);
    const approval = await this.#approve(head, revision);
    const tag = tagRef(this.#path, revision);
    const updates = [
      { ref: tag, expected: null, target: approval },
      { ref: layout.branchRef, expected: head, target: approval },
      { ref: source, expected: commit, target: null },
    ];
    return { updates, result: await this.#describe(tag, approval) };
  }

  /** A push of ours went through (or halfway, on a server without atomic pushes) before: what is left is done. */
  async #finish(view: RefView, { ref, oid, entry }: PublishedTag): Promise<UnitPlan<RevisionInfo>> {
    if (entry.approvedDraft !== this.#revision.commit) {
      const { package: name, workspace } = this.#revision;
      throw new ConflictError(
        'WorkspaceExists',
        `workspace ${workspace} of package ${name} was published as ${ref} from another commit`,
      );
    }
    const source = this.#draftRef(view);
    const updates = [{ ref, expected: oid, target: oid }, ...(await this.#finishBranch(view, oid, source, entry))];
    const draft = { ref: source ?? this.#revision.ref, expected: source ? this.#revision.commit : null, target: null };
    return { updates: [...updates, draft], result: await this.#describe(ref, oid) };
  }

  /** While the draft is there the branch may lack the approval; without it the branch is only looked at. */
  async #finishBranch(
    view: RefView,
    tagged: Oid,
    source: string | undefined,
    entry: RevisionEntry,
  ): Promise<RefUpdate[]> {
    const { remote, layout, commits } = this.#tools;
    const head = view.get(layout.branchRef);
    if (head === undefined) return [];
    await remote.objects.ensure(layout.branchRef, head);
    const branch = { ref: layout.branchRef, expected: head, target: head };
    if (source === undefined) return [branch];
    const approved = remote.approved(layout.branchRef);
    await approved.advance(head);
    if (approved.highest(this.#path) >= entry.revision) return [branch];
    const { parents } = await remote.objects.commit(tagged);
    const approval = { ...this.#approvalOf(head, entry.revision), draft: tagged };
    return [{ ...branch, target: parents[0] === head ? tagged : await commits.approval(approval) }];
  }

  /** The branch that still holds the draft at the expected commit; proposing keeps the commit and moves the branch. */
  #draftRef(view: RefView): string | undefined {
    const { layout } = this.#tools;
    const candidates = [this.#revision.ref, layout.proposedRef(this.#revision), layout.draftRef(this.#revision)];
    return candidates.find((ref) => view.get(ref) === this.#revision.commit);
  }

  /** What somebody published since would be lost, for the content knows nothing of it. */
  #refuseOvertaken(view: RefView): void {
    const { base } = this.#options;
    const highest = this.#highestTag(view);
    if (base === undefined || highest <= base) return;
    const { package: name, workspace } = this.#revision;
    const since = base > 0 ? `${workspace} was made from revision ${base}` : `${workspace} began it`;
    const message = `revision ${highest} of package ${name} was published since ${since}`;
    throw new ConflictError('Overtaken', message);
  }

  /** What clusters deploy may be a repair that somebody made on the branch. */
  async #mindBranchEdit(view: RefView, head: Oid): Promise<void> {
    const tree = this.#options.onBranchEdit && (await this.#editedTree(view, head));
    if (tree === undefined || this.#options.onBranchEdit?.(tree) === 'replace') return;
    const { package: name } = this.#revision;
    const message = `branch ${this.#tools.layout.branch} has content of package ${name} that no revision has: tree ${tree}`;
    throw new ConflictError('BranchDiverged', message);
  }

  /** The package's tree on the branch, if it is another than that of each published revision, and than ours. */
  async #editedTree(view: RefView, head: Oid): Promise<Oid | undefined> {
    const { objects } = this.#tools.remote;
    const there = await objects.packageAt(head, this.#path);
    if (there === undefined || there === this.#revision.tree) return undefined;
    const approval = (await this.#approvals(view)).latestApproval(this.#path);
    if (approval !== undefined && (await objects.packageAt(approval, this.#path)) === there) return undefined;
    const tags = view.tagsOf(this.#path).sort((a, b) => (b.revision ?? 0) - (a.revision ?? 0));
    for (const { ref, oid } of tags) {
      await objects.ensure(ref, oid);
      if ((await objects.packageAt(oid, this.#path)) === there) return undefined;
    }
    // What is published of a package within changes the outer one, too.
    const hasInner = view.around(this.#path).some((ref) => parseRef(ref)?.path.startsWith(`${this.#path}/`));
    return tags.length === 0 || hasInner ? undefined : there;
  }

  /** Those on the branch, without what earlier units will do. */
  async #approvals(view: RefView): Promise<ApprovedRevisions> {
    const { remote, layout } = this.#tools;
    const approved = remote.approved(layout.branchRef);
    const head = view.onRemote(layout.branchRef);
    if (head !== undefined) await approved.advance(head);
    return approved;
  }

  #highestTag(view: RefView): number {
    const numbers = view.tagsOf(this.#path).map(({ ref }) => revisionOfTag(ref.slice(ref.lastIndexOf('/') + 1)) ?? 0);
    return Math.max(0, ...numbers);
  }

  /** One above the highest number that the package ever had: on the branch, in tags, in this very push. */
  async #nextRevision(view: RefView): Promise<number> {
    const approved = await this.#approvals(view);
    return Math.max(approved.highest(this.#path), this.#highestTag(view)) + 1;
  }

  #approve(head: Oid, revision: number): Promise<Oid> {
    return this.#tools.commits.approval(this.#approvalOf(head, revision));
  }

  #approvalOf(head: Oid, revision: number) {
    const { commit, tree, workspace, origin } = this.#revision;
    return {
      head,
      draft: commit,
      packageTree: tree,
      path: this.#path,
      workspace,
      revision,
      origin,
      author: this.#options.author,
    };
  }

  async #describe(ref: string, commit: Oid): Promise<RevisionInfo> {
    const leaf = ref.slice(ref.lastIndexOf('/') + 1);
    const entry = await readEntry(this.#tools.remote.objects, { kind: 'tag', path: this.#path, leaf }, commit);
    return this.#tools.layout.describe(this.#revision.package, ref, requireEntry(entry, ref), 'Published', true);
  }
}
