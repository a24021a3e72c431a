import type { RevisionInfo, RefWarning as Warning } from '../types.ts';
import { arrangeRevisions, type FoundRef } from './arrange.ts';
import type { RepositoryLayout } from './layout.ts';
import { parseRef } from './refs.ts';
import type { EntryFault, RevisionEntry } from './revision-entry.ts';
import type { Oid } from './types.ts';

/** A ref of the layout as it was read. */
export interface ReadRef {
  readonly commit: Oid;
  /** Absent for marks of deletion, which hold nothing. */
  readonly entry?: RevisionEntry | EntryFault;
  /** Of a tag that was moved: the commit that it was seen at first. */
  readonly movedFrom?: Oid;
}

/** All refs of one package, and what they come to. Never changed: another state is another object. */
export interface PackageRefs {
  readonly refs: ReadonlyMap<string, ReadRef>;
  /** In order of their numbers, then of their workspaces. */
  readonly revisions: readonly RevisionInfo[];
  readonly warnings: readonly Warning[];
}

/** What the refs of one package come to. Depends on nothing else, so that only packages whose refs moved are arranged anew. Pure. */
export function arrangePackage(layout: RepositoryLayout, refs: ReadonlyMap<string, ReadRef>): PackageRefs {
  const found: FoundRef[] = [];
  const warnings: Warning[] = [];
  const commits = new Map<string, Oid>();
  for (const [ref, { commit, entry, movedFrom }] of inOrder(refs)) {
    commits.set(ref, commit);
    const parsed = parseRef(ref);
    if (!entry || !parsed) continue;
    if ('fault' in entry) warnings.push({ ref, message: entry.fault });
    else found.push({ ref, kind: parsed.kind, path: parsed.path, entry });
    if (movedFrom !== undefined) {
      const message = `the tag of a published revision was moved from commit ${movedFrom} to ${commit}`;
      warnings.push({ ref, message, reason: 'TagMoved' });
    }
  }
  const arranged = arrangeRevisions(layout, commits, found);
  return { refs, revisions: arranged.revisions, warnings: [...warnings, ...arranged.warnings] };
}

/** By name, whatever the order in which they came. */
function inOrder<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}
