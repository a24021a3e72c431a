import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mirrorDirectory, type OpenOptions, openGitStore } from '../../../src/repository/git/store/open.ts';
import type { GitStore, Oid, RefUpdate } from '../../../src/repository/git/types.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';

export const PERSON = { name: 'Test', email: 'test@example.com' };

/** A temporary folder with what a test opened in it; `dispose` closes and removes all. */
export class Bench {
  readonly root: string;
  readonly #cleanups: (() => Promise<void>)[] = [];

  private constructor(root: string) {
    this.root = root;
  }

  static async create(): Promise<Bench> {
    return new Bench(await mkdtemp(join(tmpdir(), 'veranda-git-')));
  }

  /** Below `<root>/served`, which is what servers serve. */
  repository(name = 'repo.git'): Promise<BareRepository> {
    return BareRepository.create(join(this.served, name));
  }

  get served(): string {
    return join(this.root, 'served');
  }

  async store(url: string, options: Partial<OpenOptions> = {}): Promise<GitStore> {
    const directory = mirrorDirectory(join(this.root, 'mirrors'), url, options.shallow ? 'shallow' : 'full');
    const store = await openGitStore({ url, directory, allowLocal: true, timeoutMs: 20_000, ...options });
    this.closing(() => store.close());
    return store;
  }

  closing(cleanup: () => Promise<void>): void {
    this.#cleanups.unshift(cleanup);
  }

  async dispose(): Promise<void> {
    for (const cleanup of this.#cleanups) await cleanup();
    await rm(this.root, { recursive: true, force: true });
  }
}

/** Brings everything that the remote has. */
export async function fetchAll(store: GitStore): Promise<ReadonlyMap<string, Oid>> {
  const refs = await store.listRemote();
  await store.fetch(refs);
  return refs;
}

/** A commit of one file. */
export async function writeFileCommit(
  store: GitStore,
  content: string,
  parents: readonly Oid[] = [],
  name = 'file.yaml',
): Promise<Oid> {
  const oid = await store.writeBlob(Buffer.from(content));
  const tree = await store.writeTree([{ mode: '100644', name, oid }]);
  return store.writeCommit({ tree, parents, author: PERSON, committer: PERSON, at: 1_700_000_000, message: content });
}

export function update(ref: string, expected: Oid | null, target: Oid | null): RefUpdate {
  return { ref, expected, target };
}

/** Text of one file at the root of a commit. */
export async function readText(store: GitStore, commit: Oid, name = 'file.yaml'): Promise<string> {
  const { tree } = await store.readCommit(commit);
  const entry = (await store.readTree(tree)).find((each) => each.name === name);
  if (entry === undefined) throw new Error(`no ${name} in ${commit}`);
  return Buffer.from(await store.readBlob(entry.oid)).toString();
}
