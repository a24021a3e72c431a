import type { TaskRecord, VariantRecord } from '../types.ts';
import type { GitObjects } from './objects.ts';
import { FIRST_TASKS, parseTrailers, type Trailer, trailerOf } from './trailer.ts';
import type { Commit, Oid } from './types.ts';
import { forEachLimited } from './waiting.ts';

/** How many commits without a trailer of the draft (pushes by hand) are looked behind. */
const HAND_COMMITS = 50;
const DRAFT_COMMITS = 1_000;
const READS = 32;

/** What the commits of one draft say, newest first. */
export interface DraftHistory {
  readonly task?: TaskRecord;
  readonly origin?: VariantRecord;
  /** The newest commit bears no trailer of the draft, or was amended since it got it. */
  readonly handPushed: boolean;
  /** The same of any of the commits. */
  readonly editedByHand: boolean;
}

/**
 * Walks a draft's own commits: by first parent from its tip until the task that it began with, or until a commit that
 * belongs to something else.
 */
export async function readDraftHistory(
  objects: GitObjects,
  tip: Oid,
  path: string,
  workspace: string,
): Promise<DraftHistory> {
  let task: TaskRecord | undefined;
  let origin: VariantRecord | undefined;
  let byHand = 0;
  let commit = await objects.commit(tip);
  let handPushed: boolean | undefined;
  for (let count = 1; count < DRAFT_COMMITS && byHand <= HAND_COMMITS; count++) {
    const trailer = draftTrailer(commit, path, workspace);
    const ours = typeof trailer === 'object' && (await isAsMade(objects, commit, path, trailer));
    handPushed ??= !ours;
    if (trailer === 'foreign' || (trailer === undefined && task !== undefined)) break;
    if (!ours) byHand++;
    origin ??= trailer?.veranda;
    if (trailer?.task && FIRST_TASKS.has(trailer.task.type)) task = trailer.task;
    const parent = commit.parents[0];
    if (parent === undefined || task?.type === 'init' || task?.type === 'clone') break;
    commit = await objects.commit(parent);
  }
  return { task, origin, handPushed: handPushed ?? true, editedByHand: byHand > 0 };
}

/** Who amends a commit keeps its message, and with it the trailer; the tree that the trailer names tells. */
async function isAsMade(objects: GitObjects, commit: Commit, path: string, { tree }: Trailer): Promise<boolean> {
  return tree === undefined || (await objects.treeAt(commit.tree, path)) === tree;
}

function draftTrailer(commit: Commit, path: string, workspace: string): Trailer | 'foreign' | undefined {
  const trailers = parseTrailers(commit.message);
  if (trailers.length === 0) return undefined;
  return trailers.findLast((t) => t.package === path && t.workspaceName === workspace && t.revision === 0) ?? 'foreign';
}

/** How far a branch may have moved between two looks at it and still be followed. */
const FOLLOWED_COMMITS = 20_000;

/** Whether one of the commits that `head` leads to is `ancestor`; true also when that is too far away to tell. */
export async function descendsFrom(objects: GitObjects, head: Oid, ancestor: Oid): Promise<boolean> {
  const seen = new Set([head]);
  let frontier = [head];
  while (frontier.length > 0 && !seen.has(ancestor) && seen.size < FOLLOWED_COMMITS) {
    const next: Oid[] = [];
    await forEachLimited(frontier, READS, async (oid) => {
      for (const parent of (await objects.commit(oid)).parents) {
        if (seen.has(parent)) continue;
        seen.add(parent);
        next.push(parent);
      }
    });
    frontier = next;
  }
  return frontier.length > 0 || seen.has(ancestor);
}

/** The highest revision number of each package that was ever approved on one branch. */
export class ApprovedRevisions {
  readonly #objects: GitObjects;
  readonly #seen = new Set<Oid>();
  readonly #latest = new Map<string, { readonly revision: number; readonly commit: Oid }>();
  #advancing: Promise<void> = Promise.resolve();

  constructor(objects: GitObjects) {
    this.#objects = objects;
  }

  /** Reads the commits that `head` has and earlier heads had not. */
  advance(head: Oid): Promise<void> {
    const next = this.#advancing.catch(() => undefined).then(() => this.#walk(head));
    this.#advancing = next;
    return next;
  }

  /** 0 for packages that were never approved. `path` is from the root of the repository. */
  highest(path: string): number {
    return this.#latest.get(path)?.revision ?? 0;
  }

  /** The commit that approved the highest one: also after its tag was deleted. */
  latestApproval(path: string): Oid | undefined {
    return this.#latest.get(path)?.commit;
  }

  async #walk(head: Oid): Promise<void> {
    const fresh: Oid[] = [];
    const queued = new Set<Oid>();
    let frontier = [head].filter((oid) => !this.#seen.has(oid));
    while (frontier.length > 0) {
      const next: Oid[] = [];
      await forEachLimited(frontier, READS, async (oid) => {
        const commit = await this.#objects.commit(oid);
        fresh.push(oid);
        this.#note(commit);
        for (const parent of commit.parents) {
          if (this.#seen.has(parent) || queued.has(parent)) continue;
          queued.add(parent);
          next.push(parent);
        }
      });
      frontier = next;
    }
    // Only a finished walk counts as seen: one that failed halfway would leave a hole behind the commits it did read.
    for (const oid of fresh) this.#seen.add(oid);
  }

  #note(commit: Commit): void {
    for (const { package: path, revision } of parseTrailers(commit.message)) {
      if (revision > this.highest(path)) this.#latest.set(path, { revision, commit: commit.oid });
    }
  }
}

/** Workspace of a tagged revision: what the approval says, if it speaks of this revision, else the tag's own text. */
export function taggedTrailer(commit: Commit, path: string, revision: number | undefined): Trailer | undefined {
  const trailer = trailerOf(commit.message, path);
  if (!trailer?.workspaceName) return undefined;
  return trailer.revision === 0 || trailer.revision === revision ? trailer : undefined;
}
