import type { GitLock, Lifecycle, RevisionInfo, RevisionKey } from '../types.ts';
import type { GitRepositoryOptions } from './options.ts';
import { branchRef, DirectoryScope, layoutRef, shortRef } from './refs.ts';
import type { RevisionEntry } from './revision-entry.ts';
import type { Oid } from './types.ts';

/** A package on the registered branch. */
export interface HeadPlace {
  readonly commit: Oid;
  readonly tree: Oid;
  /** As {@link RevisionInfo.branchEdited}. */
  readonly edited: boolean;
}

/** Where one Repository keeps its packages in git, and how what lies there is told to callers. */
export class RepositoryLayout {
  readonly repo: string;
  readonly branch: string;
  readonly branchRef: string;
  readonly scope: DirectoryScope;

  constructor(options: GitRepositoryOptions) {
    this.repo = options.repo;
    this.branch = options.branch;
    this.branchRef = branchRef(options.branch);
    this.scope = new DirectoryScope(options.directory);
  }

  draftRef({ package: name, workspace }: RevisionKey): string {
    return layoutRef('draft', this.scope.fullPath(name), workspace);
  }

  proposedRef({ package: name, workspace }: RevisionKey): string {
    return layoutRef('proposed', this.scope.fullPath(name), workspace);
  }

  /** Marks a revision with this ref and workspace as proposed for deletion. */
  deletionRef(revision: { readonly package: string; readonly revision: number; readonly workspace: string }): string {
    const leaf = revision.revision > 0 ? `v${revision.revision}` : revision.workspace;
    return layoutRef('deletionProposed', this.scope.fullPath(revision.package), leaf);
  }

  lock(packageName: string, ref: string, commit: Oid): GitLock {
    const directory = this.scope.fullPath(packageName);
    return { type: 'git', git: { repo: this.repo, directory, ref: shortRef(ref), commit } };
  }

  describe(
    packageName: string,
    ref: string,
    entry: RevisionEntry,
    lifecycle: Lifecycle,
    latest: boolean,
  ): RevisionInfo {
    const { commit, tree, workspace, revision, task, origin, published, handPushed, editedByHand } = entry;
    return {
      package: packageName,
      workspace,
      lifecycle,
      revision,
      ref,
      commit,
      tree,
      latest,
      branchHead: false,
      lock: this.lock(packageName, ref, commit),
      task,
      origin,
      published,
      handPushed,
      editedByHand,
    };
  }

  describeHead(packageName: string, head: HeadPlace, lifecycle: Lifecycle): RevisionInfo {
    const { commit, tree, edited } = head;
    return {
      package: packageName,
      workspace: this.branch,
      lifecycle,
      revision: -1,
      ref: this.branchRef,
      commit,
      tree,
      latest: false,
      branchHead: true,
      ...(edited ? { branchEdited: true } : {}),
      lock: this.lock(packageName, this.branchRef, commit),
      handPushed: false,
      editedByHand: false,
    };
  }
}
