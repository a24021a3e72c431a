import type { RevisionInfo } from '../../repository/types.ts';

/** How the PackageRevision objects of a repository differ from what git holds. Pure. */
export interface DiscoveryPlan {
  /** In git, without an object. */
  readonly create: readonly RevisionInfo[];
  /** Objects whose revision moved, appeared or vanished in git since their status was written. */
  readonly wake: readonly string[];
  /** Objects of published revisions whose tag is gone though nobody asked for that. */
  readonly vanished: readonly KnownRevision[];
}

export interface KnownRevision {
  /** `namespace/name`. */
  readonly key: string;
  readonly package: string;
  readonly workspace: string;
  readonly seenCommit?: string;
  readonly seenTree?: string;
  readonly seenLifecycle?: string;
  readonly seenLatest?: boolean;
  /** Tag that carried the published revision; absent when it may go. */
  readonly seenTag?: string;
  /** It tells of what somebody changed on the branch, or waits because of that. */
  readonly seenBranchEdit?: boolean;
}

const revisionId = (revision: { readonly package: string; readonly workspace: string }): string =>
  `${revision.package}\0${revision.workspace}`;

export function planDiscovery(found: readonly RevisionInfo[], known: readonly KnownRevision[]): DiscoveryPlan {
  const byId = new Map(known.map((revision) => [revisionId(revision), revision]));
  const edited = new Set(found.filter(({ branchEdited }) => branchEdited).map((head) => head.package));
  const create: RevisionInfo[] = [];
  const wake: string[] = [];
  for (const revision of found) {
    const object = byId.get(revisionId(revision));
    if (!object) create.push(revision);
    else if (moved(object, revision) || concernsBranch(object, revision, edited)) wake.push(object.key);
    byId.delete(revisionId(revision));
  }
  const gone = [...byId.values()];
  wake.push(...gone.filter(({ seenCommit }) => seenCommit !== undefined).map(({ key }) => key));
  return { create, wake, vanished: gone.filter(({ seenTag }) => seenTag !== undefined) };
}

function concernsBranch(object: KnownRevision, revision: RevisionInfo, edited: ReadonlySet<string>): boolean {
  return object.seenBranchEdit === true || (revision.latest && edited.has(revision.package));
}

/** The head of a branch moves with every package of the repository; what counts is whether this package's tree moved. */
function moved(object: KnownRevision, revision: RevisionInfo): boolean {
  const place = revision.branchHead ? object.seenTree !== revision.tree : object.seenCommit !== revision.commit;
  return (
    place ||
    revision.strays !== undefined ||
    object.seenLifecycle !== revision.lifecycle ||
    (object.seenLatest ?? false) !== revision.latest
  );
}
