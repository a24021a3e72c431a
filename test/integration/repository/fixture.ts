import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Package } from '../../../src/package/package.ts';
import type { FileMode } from '../../../src/package/types.ts';
import type { GitRepositoryOptions } from '../../../src/repository/git/options.ts';
import { createGitRepository } from '../../../src/repository/git/repository.ts';
import { openGitStore } from '../../../src/repository/git/store/open.ts';
import type { GitStore } from '../../../src/repository/git/types.ts';
import type { Draft, PackageRepository, RevisionInfo, VariantRecord } from '../../../src/repository/types.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';

/** A remote behind `git http-backend`, and any number of clients, each with a mirror of its own. */
export class Fixture {
  readonly root: string;
  readonly server: GitServer;
  readonly remote: BareRepository;
  readonly #stores: GitStore[] = [];
  #mirrors = 0;

  private constructor(root: string, server: GitServer, remote: BareRepository) {
    this.root = root;
    this.server = server;
    this.remote = remote;
  }

  static async start(): Promise<Fixture> {
    const root = await mkdtemp(join(tmpdir(), 'veranda-repository-'));
    const remote = await BareRepository.create(join(root, 'remotes', 'r.git'));
    return new Fixture(root, await startGitServer({ root: join(root, 'remotes') }), remote);
  }

  get url(): string {
    return this.server.url('r.git');
  }

  async store(url = this.url): Promise<GitStore> {
    const directory = join(this.root, `mirror-${this.#mirrors++}`);
    const store = await openGitStore({ url, directory, allowLocal: true });
    this.#stores.push(store);
    return store;
  }

  /** A repository with a mirror of its own, unless a store is given. */
  async open(options: Partial<GitRepositoryOptions> = {}, store?: GitStore): Promise<PackageRepository> {
    const defaults = {
      repo: this.url,
      branch: 'main',
      directory: '',
      createBranch: false,
      now: () => 1_800_000_000_000,
    };
    return createGitRepository(store ?? (await this.store()), { ...defaults, ...options });
  }

  /** Ends everything; the remote must be sound whatever the test did. */
  async stop(): Promise<void> {
    try {
      await this.remote.fsck();
    } finally {
      for (const store of this.#stores) await store.close();
      await this.server.close();
      await rm(this.root, { recursive: true, force: true });
    }
  }

  /** Paths below `main` (or another revision), with modes. */
  async files(revision = 'main'): Promise<string[]> {
    const text = await this.remote.git('ls-tree', '-r', '--format=%(objectmode) %(path)', revision);
    return text.split('\n').filter((line) => line !== '');
  }

  /** Lines of `git update-ref --stdin`, in one go. */
  async updateRefs(commands: readonly string[]): Promise<void> {
    const update = promisify(execFile)('git', ['-C', this.remote.path, 'update-ref', '--stdin']);
    update.child.stdin?.end(commands.join(''));
    await update;
  }

  /** A commit on `main` by somebody else that adds one file and touches nothing. */
  async addFile(path: string): Promise<void> {
    const { remote } = this;
    const blob = await remote.git('hash-object', '-w', join(remote.path, 'HEAD'));
    const tree = await remote.git('ls-tree', 'main');
    const make = promisify(execFile)('git', ['-C', remote.path, 'mktree']);
    make.child.stdin?.end(`${tree}\n100644 blob ${blob}\t${path}\n`);
    const identity = ['-c', 'user.name=Foreign', '-c', 'user.email=f@x'];
    const commit = await remote.git(...identity, 'commit-tree', '-p', 'main', '-m', 'x', (await make).stdout.trim());
    await remote.git('update-ref', 'refs/heads/main', commit);
  }

  async refNames(): Promise<string[]> {
    return [...(await this.remote.refs()).keys()];
  }
}

export interface FileSpec {
  readonly mode: FileMode;
  readonly text: string;
}

export function packageOf(files: Readonly<Record<string, string | FileSpec>>): Package {
  return Package.of(
    Object.entries(files).map(([path, file]) => {
      const { mode, text } = typeof file === 'string' ? { mode: '100644' as const, text: file } : file;
      return [path, { mode, bytes: Buffer.from(text) }] as const;
    }),
  );
}

export const kptfile = (name: string): string => `apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: ${name}\n`;

export const simplePackage = (name: string, value = '1'): Package =>
  packageOf({ Kptfile: kptfile(name), 'config.yaml': `value: ${value}\n` });

export const INIT = { task: { type: 'init', init: { description: 'test' } } };

/** Writes a draft that is not closed yet. */
export async function startDraft(
  repository: PackageRepository,
  name: string,
  workspace: string,
  value = '1',
  origin?: VariantRecord,
): Promise<Draft> {
  const draft = await repository.createDraft({ package: name, workspace });
  await draft.update(simplePackage(name, value), { ...INIT, origin });
  return draft;
}

export async function makeDraft(
  repository: PackageRepository,
  name: string,
  workspace: string,
  value = '1',
): Promise<RevisionInfo> {
  return (await startDraft(repository, name, workspace, value)).close('Draft');
}

export async function publishNew(
  repository: PackageRepository,
  name: string,
  workspace: string,
  value = '1',
): Promise<RevisionInfo> {
  return repository.publish(await repository.propose(await makeDraft(repository, name, workspace, value)));
}

export async function find(
  repository: PackageRepository,
  name: string,
  workspace: string,
): Promise<RevisionInfo | undefined> {
  const { revisions } = await repository.snapshot();
  return revisions.find((revision) => revision.package === name && revision.workspace === workspace);
}

/** `package workspace lifecycle revision` of each, with a star on the latest. */
export async function listed(repository: PackageRepository): Promise<string[]> {
  const { revisions } = await repository.snapshot();
  return revisions.map((r) => `${r.package} ${r.workspace} ${r.lifecycle} ${r.revision}${r.latest ? '*' : ''}`);
}
