import { ConflictError, TerminalError } from '../../api/errors.ts';
import type { Lifecycle, PersonStamp, RevisionInfo } from '../types.ts';
import { expectRef, type PushUnit, type UnitPlan } from './batcher.ts';
import type { DraftTools } from './draft.ts';
import type { RefView } from './ref-view.ts';
import { layoutRef, shortRef } from './refs.ts';
import type { RefUpdate } from './types.ts';

/** Draft to Proposed or back: the branch moves to its other name, the commit stays. */
export function moveDraft(
  { layout }: DraftTools,
  revision: RevisionInfo,
  to: 'Draft' | 'Proposed',
): PushUnit<RevisionInfo> {
  const { commit } = revision;
  const from = to === 'Draft' ? layout.proposedRef(revision) : layout.draftRef(revision);
  const target = to === 'Draft' ? layout.draftRef(revision) : layout.proposedRef(revision);
  const result = { ...revision, lifecycle: to, ref: target, lock: layout.lock(revision.package, target, commit) };
  return {
    async plan(view) {
      const there = view.get(target);
      if (there !== undefined && there !== commit) expectRef(view, target, null);
      if (there === commit && view.get(from) === undefined) {
        return { updates: [keep(target, commit), keep(from, null)], result };
      }
      expectRef(view, from, commit);
      const put = { ref: target, expected: there ?? null, target: commit };
      return { updates: [put, { ref: from, expected: commit, target: null }], result };
    },
  };
}

/** Published to DeletionProposed: the marker branch is the state. */
export function proposeDeletion({ layout }: DraftTools, revision: RevisionInfo): PushUnit<RevisionInfo> {
  const marker = layout.deletionRef(revision);
  const result: RevisionInfo = { ...revision, lifecycle: 'DeletionProposed' };
  return {
    async plan(view) {
      if (!revision.branchHead) expectRef(view, revision.ref, revision.commit);
      const there = view.get(marker);
      return {
        updates: [there === undefined ? { ref: marker, expected: null, target: revision.commit } : keep(marker, there)],
        result,
      };
    },
  };
}

export function restorePublished({ layout }: DraftTools, revision: RevisionInfo): PushUnit<RevisionInfo> {
  const marker = layout.deletionRef(revision);
  const result: RevisionInfo = { ...revision, lifecycle: 'Published' };
  return {
    async plan(view) {
      if (!revision.branchHead) expectRef(view, revision.ref, revision.commit);
      return { updates: [drop(view, marker)], result };
    },
  };
}

/**
 * The unit that deletes a revision, by what carries it.
 * @throws TerminalError NotProposedForDeletion for a published one, SharedTag for a tag that is not the package's own
 */
export function deletion(tools: DraftTools, revision: RevisionInfo, author: PersonStamp | undefined): PushUnit<void> {
  if (revision.branchHead) return { plan: (view) => planHeadDeletion(tools, revision, author, view) };
  if (!isPublished(revision.lifecycle)) return { plan: (view) => planDraftDeletion(tools, revision, view) };
  if (revision.lifecycle === 'Published') {
    throw new TerminalError(
      'NotProposedForDeletion',
      `${revision.package}/${revision.workspace} is published; it must be proposed for deletion before it can be deleted`,
      { field: 'spec.lifecycle' },
    );
  }
  const leaf = revision.ref.slice(revision.ref.lastIndexOf('/') + 1);
  if (revision.ref !== layoutRef('tag', tools.layout.scope.fullPath(revision.package), leaf)) {
    throw new TerminalError(
      'SharedTag',
      `tag ${shortRef(revision.ref)} is not the tag of package ${revision.package} alone; delete it in git`,
    );
  }
  return { plan: (view) => planTagDeletion(tools, revision, view) };
}

/** The revision must be there still: without it the branches are no strays. */
export function strayDeletion(revision: RevisionInfo): PushUnit<RevisionInfo> {
  const { strays = [], ...rest } = revision;
  return {
    async plan(view) {
      expectRef(view, revision.ref, revision.commit);
      for (const { ref, commit } of strays) if (view.get(ref) !== undefined) expectRef(view, ref, commit);
      return { updates: strays.map(({ ref }) => drop(view, ref)), result: rest };
    },
  };
}

export function isPublished(lifecycle: Lifecycle): boolean {
  return lifecycle === 'Published' || lifecycle === 'DeletionProposed';
}

async function planDraftDeletion(
  { layout }: DraftTools,
  revision: RevisionInfo,
  view: RefView,
): Promise<UnitPlan<void>> {
  const other = revision.lifecycle === 'Draft' ? layout.proposedRef(revision) : layout.draftRef(revision);
  if (view.get(revision.ref) === undefined) {
    if (view.get(other) !== undefined) {
      throw new ConflictError('RefMoved', `${shortRef(revision.ref)} has become ${shortRef(other)}`);
    }
    return { updates: [keep(revision.ref, null)], result: undefined };
  }
  expectRef(view, revision.ref, revision.commit);
  return { updates: [drop(view, revision.ref)], result: undefined };
}

async function planTagDeletion({ layout }: DraftTools, revision: RevisionInfo, view: RefView): Promise<UnitPlan<void>> {
  const marker = layout.deletionRef(revision);
  if (view.get(revision.ref) !== undefined) {
    expectRef(view, revision.ref, revision.commit);
    if (view.get(marker) === undefined) {
      throw new ConflictError('RefMoved', `${shortRef(revision.ref)} is no longer proposed for deletion`);
    }
  }
  return { updates: [drop(view, revision.ref), drop(view, marker)], result: undefined };
}

/** The commit is made on the branch as it is now; only the package itself must be what the caller saw. */
async function planHeadDeletion(
  { remote, layout, commits }: DraftTools,
  revision: RevisionInfo,
  author: PersonStamp | undefined,
  view: RefView,
): Promise<UnitPlan<void>> {
  const marker = drop(view, layout.deletionRef(revision));
  const head = view.get(layout.branchRef);
  if (head === undefined) return { updates: [marker], result: undefined };
  await remote.objects.ensure(layout.branchRef, head);
  const path = layout.scope.fullPath(revision.package);
  const tree = await remote.objects.treeAt((await remote.objects.commit(head)).tree, path);
  if (tree !== undefined && tree !== revision.tree) {
    throw new ConflictError('RefMoved', `package ${revision.package} has changed on branch ${layout.branch}`);
  }
  const commit = tree === undefined ? undefined : await commits.removal(head, path, author);
  const branch = { ref: layout.branchRef, expected: head, target: commit ?? head };
  return { updates: [branch, marker], result: undefined };
}

/** Says that a ref is known to be so, which callers' snapshots must show. */
function keep(ref: string, oid: string | null): RefUpdate {
  return { ref, expected: oid, target: oid };
}

function drop(view: RefView, ref: string): RefUpdate {
  return { ref, expected: view.get(ref) ?? null, target: null };
}
