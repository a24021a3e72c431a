import type { Commit, Oid, TreeEntry } from '../../types.ts';
import type { EncodedObject } from '../object-format.ts';

/** Reads the mirror. */
export interface ObjectSource {
  commit(oid: Oid): Promise<Commit>;
  tree(oid: Oid): Promise<readonly TreeEntry[]>;
  object(oid: Oid): Promise<EncodedObject>;
}

export interface PushedCommits {
  readonly wanted: readonly Oid[];
  /** Commits that the server has, with all that they need. */
  readonly had: readonly Oid[];
  /** Whether a commit was made here and not pushed since. */
  readonly isNew: (oid: Oid) => boolean;
}

/** Content beyond which git's deltas are worth their time. */
const MAX_BYTES = 1024 * 1024;
/** How far back from what the server has a new commit may begin. */
const MAX_ANCESTORS = 200;

const DIRECTORY = '040000';
const SUBMODULE = '160000';

/**
 * What a server lacks of some commits. Never too little: whatever is left out hangs on a commit that the server is known to have.
 * @returns undefined when that takes more than a look at the new commits and what they were made from
 */
export async function missingObjects(
  source: ObjectSource,
  commits: PushedCommits,
): Promise<readonly EncodedObject[] | undefined> {
  const fresh = await newCommits(source, commits);
  if (fresh === undefined) return undefined;
  const missing = new MissingObjects(source);
  for (const commit of fresh) if (!(await missing.addCommit(commit))) return undefined;
  return missing.all;
}

/** The commits to send; undefined when one is neither new nor the server's for all that can be told. */
async function newCommits(
  source: ObjectSource,
  { wanted, had, isNew }: PushedCommits,
): Promise<readonly Commit[] | undefined> {
  const ancestry = new Ancestry(source, had);
  const fresh = new Map<Oid, Commit>();
  const queue = [...wanted];
  for (let oid = queue.pop(); oid !== undefined; oid = queue.pop()) {
    if (fresh.has(oid) || had.includes(oid)) continue;
    if (isNew(oid)) {
      const commit = await source.commit(oid);
      fresh.set(oid, commit);
      queue.push(...commit.parents);
    } else if (!(await ancestry.holds(oid))) return undefined;
  }
  return [...fresh.values()];
}

/** The commits that some commits were made from, as far as it was necessary to look. */
class Ancestry {
  readonly #source: ObjectSource;
  readonly #seen: Set<Oid>;
  #frontier: Oid[];

  constructor(source: ObjectSource, heads: readonly Oid[]) {
    this.#source = source;
    this.#seen = new Set(heads);
    this.#frontier = [...heads];
  }

  async holds(oid: Oid): Promise<boolean> {
    while (!this.#seen.has(oid) && this.#frontier.length > 0 && this.#seen.size < MAX_ANCESTORS) {
      const commits = await Promise.all(this.#frontier.map((head) => this.#source.commit(head)));
      this.#frontier = commits.flatMap(({ parents }) => parents).filter((parent) => !this.#seen.has(parent));
      for (const parent of this.#frontier) this.#seen.add(parent);
    }
    return this.#seen.has(oid);
  }
}

class MissingObjects {
  readonly #source: ObjectSource;
  readonly #objects = new Map<Oid, EncodedObject>();
  #bytes = 0;

  constructor(source: ObjectSource) {
    this.#source = source;
  }

  get all(): readonly EncodedObject[] {
    return [...this.#objects.values()];
  }

  /** False when it has become too much. The parents are the server's or added as well. */
  async addCommit({ oid, tree, parents }: Commit): Promise<boolean> {
    await this.#add(oid);
    const bases = await Promise.all(parents.map(async (parent) => (await this.#source.commit(parent)).tree));
    await this.#addTree(tree, bases);
    return this.#bytes <= MAX_BYTES;
  }

  /** @param bases trees at the same place of the commits before */
  async #addTree(oid: Oid, bases: readonly Oid[]): Promise<void> {
    if (bases.includes(oid) || this.#objects.has(oid) || this.#bytes > MAX_BYTES) return;
    await this.#add(oid);
    const before = (await Promise.all(bases.map((base) => this.#source.tree(base)))).flat();
    const there = new Set(before.map((entry) => entry.oid));
    for (const entry of await this.#source.tree(oid)) {
      if (there.has(entry.oid) || entry.mode === SUBMODULE) continue;
      if (entry.mode === DIRECTORY) await this.#addTree(entry.oid, foldersNamed(entry.name, before));
      else await this.#add(entry.oid);
    }
  }

  async #add(oid: Oid): Promise<void> {
    if (this.#objects.has(oid)) return;
    const object = await this.#source.object(oid);
    this.#objects.set(oid, object);
    this.#bytes += object.content.byteLength;
  }
}

function foldersNamed(name: string, entries: readonly TreeEntry[]): readonly Oid[] {
  return entries.filter((entry) => entry.name === name && entry.mode === DIRECTORY).map(({ oid }) => oid);
}
