import { Package } from '../../package/package.ts';
import { PackageContents } from '../../repository/git/content.ts';
import { DryRunGitStore } from '../../repository/git/dry-run-store.ts';
import { GitObjects } from '../../repository/git/objects.ts';
import { layoutRef, type RefKind, tagRef } from '../../repository/git/refs.ts';
import { openGitStore } from '../../repository/git/store/open.ts';
import type { Oid } from '../../repository/git/types.ts';
import type { Lifecycle } from '../../repository/types.ts';

interface PlannedStore {
  readonly url: string;
  readonly store: DryRunGitStore;
  readonly objects: GitObjects;
  readonly contents: PackageContents;
}

/** A package before and after a planned commit. */
export interface PackageChange {
  readonly before: Package;
  readonly after: Package;
  /** A draft of the same workspace was there. */
  readonly wasDraft: boolean;
}

/** A revision as its refs tell it; undefined: it is not there. */
export interface RevisionMove {
  readonly before: Lifecycle | undefined;
  readonly after: Lifecycle | undefined;
}

/** The place of a revision in git. */
export interface RevisionPlace {
  readonly repo: string;
  readonly path: string;
  readonly workspace: string;
  /** Of one that was published. */
  readonly revision: number;
}

/** The repositories of a plan, all of them dry: what they were asked to push can be read, and is nowhere else. */
export class PlannedStores {
  readonly #stores: PlannedStore[] = [];

  /** Opens a store for `RepositoryGateway`. */
  readonly open = async (options: Parameters<typeof openGitStore>[0]): Promise<DryRunGitStore> => {
    const store = new DryRunGitStore(await openGitStore(options));
    const objects = new GitObjects(store);
    this.#stores.push({ url: options.url, store, objects, contents: new PackageContents(objects) });
    return store;
  };

  /** What a planned commit makes of the package at `path`; undefined for a commit that was there before. */
  async change(commit: Oid, path: string, workspace: string): Promise<PackageChange | undefined> {
    const planned = this.#stores.find(({ store }) => store.isWritten(commit));
    if (!planned) return undefined;
    const { store, objects, contents } = planned;
    const draft = (['draft', 'proposed'] as const)
      .map((kind) => store.remoteRef(layoutRef(kind, path, workspace)))
      .find((oid) => oid !== undefined);
    const read = async (at: Oid | undefined): Promise<Package> => {
      const tree = at === undefined ? undefined : await objects.packageAt(at, path);
      return tree === undefined ? Package.empty : await contents.read(tree);
    };
    const before = await read(draft ?? (await branchBefore(planned, commit)));
    return { before, after: await read(commit), wasDraft: draft !== undefined };
  }

  /** What the plan makes of a revision's refs; undefined for repositories that the plan has not opened. */
  move(place: RevisionPlace): RevisionMove | undefined {
    const planned = this.#stores.find(({ url, store }) => url === place.repo && store.isListed);
    if (!planned) return undefined;
    const { store } = planned;
    return {
      before: lifecycleOf(place, (ref) => store.remoteRef(ref)),
      after: lifecycleOf(place, (ref) => store.plannedRef(ref)),
    };
  }

  /** A package at a commit of the remote. */
  async content({ repo, path }: RevisionPlace, commit: Oid): Promise<Package> {
    for (const { url, store, objects, contents } of this.#stores) {
      if (url !== repo || !(await store.has(commit))) continue;
      const tree = await objects.packageAt(commit, path);
      if (tree !== undefined) return await contents.read(tree);
    }
    return Package.empty;
  }
}

function lifecycleOf({ path, workspace, revision }: RevisionPlace, get: (ref: string) => Oid | undefined) {
  const isThere = (kind: RefKind, leaf: string): boolean => get(layoutRef(kind, path, leaf)) !== undefined;
  if (isThere('draft', workspace)) return 'Draft';
  if (isThere('proposed', workspace)) return 'Proposed';
  if (revision <= 0 || get(tagRef(path, revision)) === undefined) return undefined;
  return isThere('deletionProposed', `v${revision}`) ? 'DeletionProposed' : 'Published';
}

/** Where the first parents of a planned commit leave the plan. */
async function branchBefore({ store, objects }: PlannedStore, commit: Oid): Promise<Oid | undefined> {
  let oid: Oid | undefined = commit;
  while (oid !== undefined && store.isWritten(oid)) [oid] = (await objects.commit(oid)).parents;
  return oid;
}
