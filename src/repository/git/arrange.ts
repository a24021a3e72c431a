import type { Lifecycle, RepositorySnapshot, RevisionInfo } from '../types.ts';
import type { RepositoryLayout } from './layout.ts';
import { parseRef, type RefKind } from './refs.ts';
import type { RevisionEntry } from './revision-entry.ts';
import type { RefMap } from './types.ts';

/** A readable ref of the layout. */
export interface FoundRef {
  readonly ref: string;
  readonly kind: RefKind;
  readonly path: string;
  readonly entry: RevisionEntry;
}

type Warning = RepositorySnapshot['warnings'][number];

/** Who has a workspace, and branches that say the same of it: see {@link isStray}. */
interface Claim {
  readonly holder: FoundRef;
  readonly strays: readonly FoundRef[];
}

/** Refs that claim one workspace: a published revision comes before a draft, a draft before a proposal. */
const PRECEDENCE: readonly RefKind[] = ['tag', 'draft', 'proposed'];

/** The way of a revision. */
const PROGRESS: readonly RefKind[] = ['draft', 'proposed', 'tag'];

/** One revision for each package and workspace, in order of both, with the lifecycle that the refs give it. Pure. */
export function arrangeRevisions(
  layout: RepositoryLayout,
  refs: RefMap,
  found: readonly FoundRef[],
): { readonly revisions: RevisionInfo[]; readonly warnings: Warning[] } {
  const claims = new Map<string, Claim>();
  const warnings: Warning[] = [];
  for (const candidate of found.toSorted(byPrecedence)) {
    const named = claimWorkspace(claims, candidate);
    const key = `${named.path}\0${named.entry.workspace}`;
    const claim = claims.get(key);
    if (!claim) claims.set(key, { holder: named, strays: [] });
    else if (isStray(candidate, claim.holder)) claims.set(key, { ...claim, strays: [...claim.strays, candidate] });
    else if (isStray(claim.holder, named)) claims.set(key, { holder: named, strays: [claim.holder] });
    else if (claim.holder.entry.approvedDraft !== candidate.entry.commit) {
      const message = `workspace ${named.entry.workspace} of package ${named.path} is taken by ${claim.holder.ref}`;
      warnings.push({ ref: candidate.ref, message });
    }
  }
  const latest = latestRevisions([...claims.values()].map(({ holder }) => holder));
  const revisions: RevisionInfo[] = [];
  const markers = new Set<string>();
  for (const { holder, strays } of claims.values()) {
    const { ref, kind, path, entry } = holder;
    const name = layout.scope.packageName(path);
    if (name === undefined) continue;
    const marker = layout.deletionRef({ package: name, revision: entry.revision, workspace: entry.workspace });
    const doomed = kind === 'tag' && refs.has(marker);
    if (doomed) markers.add(marker);
    const isLatest = entry.revision > 0 && entry.revision === latest.get(path);
    const info = layout.describe(name, ref, entry, lifecycleOf(kind, doomed), isLatest);
    revisions.push(strays.length === 0 ? info : { ...info, strays: strays.map(strayRef) });
  }
  return { revisions: revisions.sort(byName), warnings: [...warnings, ...orphanMarkers(layout, refs, markers)] };
}

/**
 * The push of a process that died may reach the server late, when the next process has made, proposed or even published the
 * same draft: then it brings back a branch that says nothing which `kept` does not say. Only such a branch is one of ours to
 * remove; a draft that a publication has left behind is what the publication is finished by.
 */
function isStray(branch: FoundRef, kept: FoundRef): boolean {
  const later = PROGRESS.indexOf(kept.kind) > PROGRESS.indexOf(branch.kind);
  const [ours, theirs] = [branch.entry, kept.entry];
  const isOurs = ours.task !== undefined && !ours.handPushed && !ours.editedByHand;
  const separate = ours.commit !== theirs.commit && ours.commit !== theirs.approvedDraft;
  if (!later || !isOurs || !separate || !theirs.workspaceKnown) return false;
  const says = ({ tree, workspace, task, origin }: RevisionEntry): string =>
    JSON.stringify([tree, workspace, task, origin]);
  return says(ours) === says(theirs);
}

function strayRef({ ref, entry }: FoundRef): NonNullable<RevisionInfo['strays']>[number] {
  return { ref, commit: entry.commit };
}

/** A tag that says nothing of its workspace gives way to one that does: `v2` may be the workspace of another revision. */
function claimWorkspace(claims: ReadonlyMap<string, unknown>, candidate: FoundRef): FoundRef {
  const { kind, path, ref, entry } = candidate;
  if (kind !== 'tag' || !claims.has(`${path}\0${entry.workspace}`)) return candidate;
  const workspace = ref.slice(ref.lastIndexOf('/') + 1);
  return { ...candidate, entry: { ...entry, workspace: entry.workspaceKnown ? workspace : `tag-${workspace}` } };
}

function byPrecedence(a: FoundRef, b: FoundRef): number {
  return (
    PRECEDENCE.indexOf(a.kind) - PRECEDENCE.indexOf(b.kind) ||
    Number(b.entry.workspaceKnown) - Number(a.entry.workspaceKnown) ||
    a.entry.revision - b.entry.revision ||
    (a.ref < b.ref ? -1 : 1)
  );
}

function latestRevisions(found: Iterable<FoundRef>): Map<string, number> {
  const latest = new Map<string, number>();
  for (const { path, entry } of found) {
    if (entry.revision > (latest.get(path) ?? 0)) latest.set(path, entry.revision);
  }
  return latest;
}

function lifecycleOf(kind: RefKind, doomed: boolean): Lifecycle {
  if (kind === 'tag') return doomed ? 'DeletionProposed' : 'Published';
  return kind === 'draft' ? 'Draft' : 'Proposed';
}

function byName(a: RevisionInfo, b: RevisionInfo): number {
  if (a.package !== b.package) return a.package < b.package ? -1 : 1;
  return a.revision - b.revision || (a.workspace < b.workspace ? -1 : 1);
}

/** Markers of revisions that are not there, other than that of the branch's own content. */
function orphanMarkers(layout: RepositoryLayout, refs: RefMap, used: ReadonlySet<string>): Warning[] {
  const warnings: Warning[] = [];
  for (const ref of refs.keys()) {
    if (used.has(ref) || parseRef(ref)?.kind !== 'deletionProposed' || ref.endsWith(`/${layout.branch}`)) continue;
    warnings.push({ ref, message: 'proposes the deletion of a revision that does not exist' });
  }
  return warnings;
}
