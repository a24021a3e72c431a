import { LRUCache } from 'lru-cache';
import { errorMessage, TerminalError, TransientError } from '../../api/errors.ts';
import type { Commit, GitStore, NewCommit, Oid, TreeEntry } from './types.ts';

const COMMITS = 20_000;
/** Entries of all cached trees together. */
const TREE_ENTRIES = 100_000;

const KPTFILE = 'Kptfile';
const DIRECTORY = '040000';

/** A package found in a tree; `path` is relative to the tree. */
export interface FoundPackage {
  readonly path: string;
  readonly tree: Oid;
}

export interface PackageScan {
  readonly packages: readonly FoundPackage[];
  /** Directories that could not be read. */
  readonly faults: readonly { readonly path: string; readonly message: string }[];
}

/** Objects of one store, cached by id, and the few questions about trees that the package layout asks. */
export class GitObjects {
  readonly #store: GitStore;
  readonly #commits = new LRUCache<Oid, Commit>({ maxSize: COMMITS, sizeCalculation: () => 1 });
  readonly #trees = new LRUCache<Oid, readonly TreeEntry[]>({
    maxSize: TREE_ENTRIES,
    sizeCalculation: (entries) => entries.length + 1,
  });
  readonly #scans = new LRUCache<Oid, PackageScan>({
    maxSize: TREE_ENTRIES,
    sizeCalculation: (scan) => scan.packages.length + 1,
  });

  constructor(store: GitStore) {
    this.#store = store;
  }

  /** Makes sure that a commit is here; `ref` is where the remote shows it. */
  async ensure(ref: string, oid: Oid, signal?: AbortSignal): Promise<void> {
    if (this.#commits.has(oid) || (await this.#store.has(oid))) return;
    await this.#store.fetch(new Map([[ref, oid]]), { signal });
  }

  async commit(oid: Oid): Promise<Commit> {
    const known = this.#commits.get(oid);
    if (known) return known;
    const commit = await this.#store.readCommit(oid);
    this.#commits.set(oid, commit);
    return commit;
  }

  async tree(oid: Oid): Promise<readonly TreeEntry[]> {
    const known = this.#trees.get(oid);
    if (known) return known;
    const entries = await this.#store.readTree(oid);
    this.#trees.set(oid, entries);
    return entries;
  }

  blob(oid: Oid): Promise<Uint8Array> {
    return this.#store.readBlob(oid);
  }

  writeBlob(bytes: Uint8Array): Promise<Oid> {
    return this.#store.writeBlob(bytes);
  }

  writeCommit(commit: NewCommit): Promise<Oid> {
    return this.#store.writeCommit(commit);
  }

  /** The store puts entries in git's order. */
  async writeTree(entries: readonly TreeEntry[]): Promise<Oid> {
    const oid = await this.#store.writeTree(entries);
    this.#trees.set(oid, entries);
    return oid;
  }

  /** The tree at `path` below `root` ('' is the root itself); undefined when no directory is there. */
  async treeAt(root: Oid, path: string): Promise<Oid | undefined> {
    let oid = root;
    for (const name of pathParts(path)) {
      const entry = (await this.tree(oid)).find((candidate) => candidate.name === name);
      if (entry?.mode !== DIRECTORY) return undefined;
      oid = entry.oid;
    }
    return oid;
  }

  /** The package's tree at a commit; undefined when nothing with a Kptfile is there. */
  async packageAt(commit: Oid, path: string): Promise<Oid | undefined> {
    const tree = await this.treeAt((await this.commit(commit)).tree, path);
    return tree !== undefined && hasKptfile(await this.tree(tree)) ? tree : undefined;
  }

  /**
   * `root` with the directory at `path` replaced by the tree `replacement`, or removed together with the directories
   * that this leaves empty. Everything else keeps its id.
   * @throws TerminalError PathConflict when a file lies where the path needs a directory
   */
  async graft(root: Oid | undefined, path: string, replacement: Oid | null): Promise<Oid> {
    const grafted = await this.#graft(root, pathParts(path), replacement, path);
    return grafted ?? this.writeTree([]);
  }

  /**
   * The outermost directories with a Kptfile in and below a tree.
   * @throws TransientError when something could not be read now
   */
  async scan(tree: Oid): Promise<PackageScan> {
    const known = this.#scans.get(tree);
    if (known) return known;
    const entries = await this.tree(tree);
    const scan = hasKptfile(entries) ? { packages: [{ path: '', tree }], faults: [] } : await this.scanChildren(tree);
    if (scan.faults.length === 0) this.#scans.set(tree, scan);
    return scan;
  }

  /** As `scan`, with a Kptfile in the tree itself passed over. */
  async scanChildren(tree: Oid): Promise<PackageScan> {
    const packages: FoundPackage[] = [];
    const faults: { path: string; message: string }[] = [];
    for (const entry of await this.tree(tree)) {
      if (entry.mode !== DIRECTORY) continue;
      const below = (path: string): string => (path === '' ? entry.name : `${entry.name}/${path}`);
      try {
        const scan = await this.scan(entry.oid);
        for (const found of scan.packages) packages.push({ path: below(found.path), tree: found.tree });
        for (const fault of scan.faults) faults.push({ ...fault, path: below(fault.path) });
      } catch (error) {
        if (error instanceof TransientError) throw error;
        faults.push({ path: entry.name, message: errorMessage(error) });
      }
    }
    return { packages, faults };
  }

  /** Undefined for a tree that has become empty. */
  async #graft(
    root: Oid | undefined,
    parts: readonly string[],
    leaf: Oid | null,
    path: string,
  ): Promise<Oid | undefined> {
    const [name, ...rest] = parts;
    if (name === undefined) return leaf ?? undefined;
    const entries = root === undefined ? [] : await this.tree(root);
    const before = entries.find((entry) => entry.name === name);
    if (before && before.mode !== DIRECTORY) {
      if (leaf === null) return root;
      throw new TerminalError(
        'PathConflict',
        `${JSON.stringify(path)} cannot be a package: ${JSON.stringify(name)} is a file`,
        {
          field: 'spec.packageName',
        },
      );
    }
    if (!before && leaf === null) return root;
    const after = await this.#graft(before?.oid, rest, leaf, path);
    if (after === before?.oid) return root;
    const others = entries.filter((entry) => entry !== before);
    if (after === undefined) return others.length === 0 ? undefined : this.writeTree(others);
    return this.writeTree([...others, { mode: DIRECTORY, name, oid: after }]);
  }
}

export function hasKptfile(entries: readonly TreeEntry[]): boolean {
  return entries.some((entry) => entry.name === KPTFILE && (entry.mode === '100644' || entry.mode === '100755'));
}

function pathParts(path: string): string[] {
  return path === '' ? [] : path.split('/');
}
