import type { CommitInfo, PersonStamp, TaskRecord, VariantRecord } from '../types.ts';
import { commitAuthor, SERVICE_IDENTITY } from './identity.ts';
import type { GitObjects } from './objects.ts';
import type { GitRepositoryOptions } from './options.ts';
import { formatMessage, taskSubject } from './trailer.ts';
import type { Oid } from './types.ts';

const MODE_FILE = '100644';

export interface DraftCommit extends CommitInfo {
  readonly tree: Oid;
  /** Tree of the package in it. */
  readonly packageTree: Oid;
  readonly parent: Oid | undefined;
  /** From the root of the repository. */
  readonly path: string;
  readonly workspace: string;
}

export interface Approval {
  /** Head of the registered branch. */
  readonly head: Oid;
  readonly draft: Oid;
  /** Tree of the package in the draft. */
  readonly packageTree: Oid;
  readonly path: string;
  readonly workspace: string;
  readonly revision: number;
  readonly origin?: VariantRecord;
  readonly author?: PersonStamp;
}

/** Writes the commits of the package layout. Objects only: nothing refers to them before a push. */
export class CommitWriter {
  readonly #objects: GitObjects;
  readonly #options: GitRepositoryOptions;

  constructor(objects: GitObjects, options: GitRepositoryOptions) {
    this.#objects = objects;
    this.#options = options;
  }

  draft({ tree, packageTree, parent, path, workspace, task, origin, author }: DraftCommit): Promise<Oid> {
    const parents = parent === undefined ? [] : [parent];
    const names = { package: path, workspaceName: workspace, revision: 0 };
    const trailer = { ...names, task: taskRecord(task), veranda: origin, tree: packageTree };
    return this.#write(tree, parents, formatMessage(taskSubject(task.type), trailer), author);
  }

  /** The package's tree as the draft has it, on the branch as it is now: other work on the branch stays. */
  async approval({ head, draft, packageTree, path, workspace, revision, origin, author }: Approval): Promise<Oid> {
    const tree = await this.#objects.graft((await this.#objects.commit(head)).tree, path, packageTree);
    const message = formatMessage(`Approving package revision ${path}/${revision}`, {
      package: path,
      workspaceName: workspace,
      revision,
      veranda: origin,
    });
    return this.#write(tree, [head, draft], message, author);
  }

  /** Undefined when the branch has no such directory. */
  async removal(head: Oid, path: string, author?: PersonStamp): Promise<Oid | undefined> {
    const root = (await this.#objects.commit(head)).tree;
    const tree = await this.#objects.graft(root, path, null);
    return tree === root ? undefined : this.#write(tree, [head], formatMessage(`Delete ${path}`), author);
  }

  /** First commit of a new branch, with nothing but a readme. */
  async bootstrap(): Promise<Oid> {
    const readme = await this.#objects.writeBlob(Buffer.from('Created by porch\n'));
    const tree = await this.#objects.writeTree([{ mode: MODE_FILE, name: 'README.md', oid: readme }]);
    return this.#write(tree, [], formatMessage(`Initial commit: Creating ${this.#options.branch} branch`));
  }

  #write(tree: Oid, parents: readonly Oid[], message: string, requested?: PersonStamp): Promise<Oid> {
    return this.#objects.writeCommit({
      tree,
      parents,
      author: commitAuthor(this.#options.author, requested),
      committer: SERVICE_IDENTITY,
      at: Math.floor(this.#options.now() / 1000),
      message,
    });
  }
}

/** Commits that no task made carry none. */
function taskRecord(task: TaskRecord): TaskRecord | undefined {
  return task.type === '' ? undefined : task;
}
