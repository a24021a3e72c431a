import type { Lifecycle, RepositorySnapshot, RevisionInfo, RevisionKey, RefWarning as Warning } from '../types.ts';
import type { PackageContents } from './content.ts';
import type { RepositoryLayout } from './layout.ts';
import type { PackageRefs } from './package-refs.ts';
import type { Oid } from './types.ts';

/** The packages on the registered branch. */
export interface HeadPackages {
  readonly commit: Oid;
  /** Trees by the names of the packages. */
  readonly trees: ReadonlyMap<string, Oid>;
  readonly warnings: readonly Warning[];
  /** It could not be read as it should: to be tried again. */
  readonly failed?: true;
}

export interface SnapshotState {
  /** By the paths of the packages from the root of the repository. */
  readonly packages: ReadonlyMap<string, PackageRefs>;
  readonly head: HeadPackages | undefined;
  /** Names of those on the branch that have published revisions and, there, content that was never published. */
  readonly edited: ReadonlySet<string>;
  /** What is odd about the branch as a whole. */
  readonly warnings: readonly Warning[];
  /** As of `moveRef`. */
  readonly digest: bigint;
}

/**
 * A repository at one state of its refs. Answers about a package cost what that package has; the lists of everything are made when
 * somebody asks for them.
 */
export class GitSnapshot implements RepositorySnapshot {
  readonly state: SnapshotState;
  readonly version: string;
  readonly #layout: RepositoryLayout;
  readonly #contents: Pick<PackageContents, 'submodules' | 'anySubmodules'>;
  #revisions: readonly RevisionInfo[] | undefined;

  constructor(
    layout: RepositoryLayout,
    state: SnapshotState,
    contents: Pick<PackageContents, 'submodules' | 'anySubmodules'>,
  ) {
    this.state = state;
    this.version = state.digest.toString(16);
    this.#layout = layout;
    this.#contents = contents;
  }

  get head(): string | undefined {
    return this.state.head?.commit;
  }

  get revisions(): readonly RevisionInfo[] {
    this.#revisions ??= this.#allRevisions();
    return this.#revisions;
  }

  get warnings(): readonly Warning[] {
    const { packages, head, warnings } = this.state;
    // By name: which of them a report has room for must not depend on the order in which the packages were read.
    const ofPackages = [...packages]
      .filter(([, arranged]) => arranged.warnings.length > 0)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([, arranged]) => arranged.warnings);
    return [...warnings, ...ofPackages, ...(head?.warnings ?? []), ...this.#submoduleWarnings()];
  }

  get counts(): RepositorySnapshot['counts'] {
    const { packages, head } = this.state;
    const arranged = [...packages].filter(([, { revisions }]) => revisions.length > 0);
    const published = [...(head?.trees.keys() ?? [])].map((name) => this.#layout.scope.fullPath(name));
    return {
      revisions: arranged.reduce((sum, [, { revisions }]) => sum + revisions.length, published.length),
      packages: new Set([...arranged.map(([path]) => path), ...published]).size,
    };
  }

  find({ package: name, workspace }: RevisionKey): RevisionInfo | undefined {
    return this.ofPackage(name).find((revision) => revision.workspace === workspace);
  }

  ofPackage(name: string): readonly RevisionInfo[] {
    const arranged = this.state.packages.get(this.#layout.scope.fullPath(name))?.revisions ?? [];
    const tree = this.state.head?.trees.get(name);
    return tree === undefined ? arranged : [...arranged, this.#headRevision(name, tree)];
  }

  changedPackages(since: RepositorySnapshot): ReadonlySet<string> | undefined {
    if (!(since instanceof GitSnapshot) || since.#layout !== this.#layout) return undefined;
    const paths = differences(since.state.packages, this.state.packages);
    const names = paths.map((path) => this.#layout.scope.packageName(path)).filter((name) => name !== undefined);
    return new Set([...names, ...differences(treesOf(since), treesOf(this))]);
  }

  #allRevisions(): readonly RevisionInfo[] {
    const { packages, head } = this.state;
    const arranged = [...packages].sort(byKey).flatMap(([, { revisions }]) => revisions);
    const placeholders = [...(head?.trees ?? [])].sort(byKey).map(([name, tree]) => this.#headRevision(name, tree));
    return [...arranged, ...placeholders];
  }

  #headRevision(name: string, tree: Oid): RevisionInfo {
    const place = { commit: this.state.head?.commit ?? '', tree, edited: this.state.edited.has(name) };
    return this.#layout.describeHead(name, place, this.#headLifecycle(name));
  }

  #headLifecycle(name: string): Lifecycle {
    const marker = this.#layout.deletionRef({ package: name, revision: -1, workspace: this.#layout.branch });
    const refs = this.state.packages.get(this.#layout.scope.fullPath(name))?.refs;
    return refs?.has(marker) ? 'DeletionProposed' : 'Published';
  }

  #submoduleWarnings(): readonly Warning[] {
    if (!this.#contents.anySubmodules()) return [];
    return this.revisions.flatMap(({ ref, tree, package: name }) =>
      this.#contents.submodules(tree).map((path) => ({
        ref,
        message: `package ${name} holds a submodule at ${path}; it is kept, its files are not read`,
      })),
    );
  }
}

function treesOf({ state }: GitSnapshot): ReadonlyMap<string, Oid> {
  return state.head?.trees ?? new Map();
}

/** Keys under which two maps hold something else. */
function differences<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): readonly string[] {
  const changed = [...after].filter(([key, value]) => before.get(key) !== value).map(([key]) => key);
  return [...changed, ...[...before.keys()].filter((key) => !after.has(key))];
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
