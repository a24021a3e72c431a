import { errorMessage, TerminalError, TransientError } from '../../api/errors.ts';
import type { RevisionInfo, TaskRecord, VariantRecord } from '../types.ts';
import { readDraftHistory, taggedTrailer } from './history.ts';
import type { GitObjects } from './objects.ts';
import { type LayoutRef, revisionOfTag } from './refs.ts';
import type { Commit, Oid } from './types.ts';

/** What a draft or proposed branch or a tag holds; a function of the ref's name and its commit, so cached for ever. */
export interface RevisionEntry {
  readonly commit: Oid;
  /** Tree of the package. */
  readonly tree: Oid;
  readonly workspace: string;
  /** The workspace is written in the commit, not guessed from the name of the tag. */
  readonly workspaceKnown: boolean;
  /** 0 for drafts, N for tags `v<N>`, -1 for other tags. */
  readonly revision: number;
  readonly task?: TaskRecord;
  readonly origin?: VariantRecord;
  readonly published?: RevisionInfo['published'];
  readonly handPushed: boolean;
  readonly editedByHand: boolean;
  /** Second parent of an approval: the tip of the draft that was approved. */
  readonly approvedDraft?: Oid;
}

export interface EntryFault {
  readonly fault: string;
}

/**
 * Reads a ref of the layout; what is wrong with it comes back as text, so that one ref never spoils a list.
 * @throws TransientError when it could not be read now: that must not look like a revision that is not there
 */
export async function readEntry(objects: GitObjects, ref: LayoutRef, commit: Oid): Promise<RevisionEntry | EntryFault> {
  if (ref.path === '' || ref.leaf === '') return { fault: malformed(ref) };
  try {
    const tree = await objects.packageAt(commit, ref.path);
    if (tree === undefined) return { fault: `no Kptfile at ${JSON.stringify(ref.path)} in commit ${commit}` };
    return ref.kind === 'tag' ? await readTag(objects, ref, commit, tree) : await readDraft(objects, ref, commit, tree);
  } catch (error) {
    if (error instanceof TransientError) throw error;
    return { fault: `cannot be read: ${errorMessage(error)}` };
  }
}

/** For refs that we have just written ourselves. */
export function requireEntry(entry: RevisionEntry | EntryFault, ref: string): RevisionEntry {
  if ('fault' in entry) throw new TerminalError('InvalidPackage', `${ref} ${entry.fault}`);
  return entry;
}

function malformed(ref: LayoutRef): string {
  return ref.kind === 'tag'
    ? 'names no package: revisions are tagged <package>/v<N>; a tag shared by several packages is no revision of any'
    : 'is malformed: expected <package>/<workspace>';
}

async function readDraft(objects: GitObjects, ref: LayoutRef, commit: Oid, tree: Oid): Promise<RevisionEntry> {
  const history = await readDraftHistory(objects, commit, ref.path, ref.leaf);
  return { commit, tree, workspace: ref.leaf, workspaceKnown: true, revision: 0, ...history };
}

async function readTag(objects: GitObjects, ref: LayoutRef, oid: Oid, tree: Oid): Promise<RevisionEntry> {
  const commit = await objects.commit(oid);
  const revision = revisionOfTag(ref.leaf);
  const trailer = taggedTrailer(commit, ref.path, revision);
  const approvedDraft = trailer && trailer.revision > 0 ? commit.parents[1] : undefined;
  const entry = {
    commit: oid,
    tree,
    workspace: trailer?.workspaceName ?? ref.leaf,
    workspaceKnown: trailer !== undefined,
    revision: revision ?? -1,
    published: publishedStamp(commit),
    handPushed: false,
    editedByHand: false,
    approvedDraft,
  };
  if (!trailer) return entry;
  const tip = trailer.revision === 0 ? oid : approvedDraft;
  const history = tip === undefined ? undefined : await historyOrNone(objects, tip, ref.path, trailer.workspaceName);
  return { ...entry, task: history?.task, origin: trailer.veranda ?? history?.origin };
}

/** A draft whose commits are lost (a shallow or repaired mirror) leaves its revision whole. */
async function historyOrNone(objects: GitObjects, tip: Oid, path: string, workspace: string) {
  try {
    return await readDraftHistory(objects, tip, path, workspace);
  } catch {
    return undefined;
  }
}

function publishedStamp({ author }: Commit): NonNullable<RevisionInfo['published']> {
  return { name: author.name, email: author.email, at: author.at };
}
