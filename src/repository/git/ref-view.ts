import { parseRef, revisionOfTag } from './refs.ts';
import type { Oid, RefMap, RefUpdate } from './types.ts';

export interface PackageTag {
  readonly ref: string;
  readonly oid: Oid;
  /** Undefined for tags that are no `v<N>`. */
  readonly revision: number | undefined;
}

/** Refs of a remote, which can be asked for by the packages that they belong to. Follows single changes at their own cost. */
export class RefIndex {
  readonly #refs: Map<string, Oid>;
  #tags: Map<string, Set<string>> | undefined;
  #places: Places | undefined;

  constructor(refs: RefMap) {
    this.#refs = new Map(refs);
  }

  get refs(): RefMap {
    return this.#refs;
  }

  /** Names of the tags of a package. */
  tagsOf(path: string): Iterable<string> {
    this.#tags ??= tagsByPath(this.#refs.keys());
    return this.#tags.get(path) ?? [];
  }

  /** Names of refs of drafts, proposals and tags whose package lies at, above or below a path. */
  around(path: string): Iterable<string> {
    this.#places ??= placesOf(this.#refs.keys());
    return refsAround(this.#places, path);
  }

  apply(updates: readonly RefUpdate[]): void {
    for (const { ref, target } of updates) {
      if (target === null) this.#remove(ref);
      else this.#put(ref, target);
    }
  }

  #put(ref: string, oid: Oid): void {
    this.#refs.set(ref, oid);
    if (this.#tags) indexTag(this.#tags, ref);
    if (this.#places) addPlace(this.#places, ref);
  }

  #remove(ref: string): void {
    this.#refs.delete(ref);
    const parsed = parseRef(ref);
    if (!parsed) return;
    if (this.#tags) removeFrom(this.#tags, parsed.path, ref);
    if (!this.#places) return;
    removeFrom(this.#places.at, parsed.path, ref);
    for (const above of parentsOf(parsed.path)) removeFrom(this.#places.below, above, ref);
  }
}

/** The refs that a unit of a push finds: those of the remote, changed by the units before it in the same push. */
export class RefView {
  readonly #remote: RefIndex;
  readonly #changes = new Map<string, Oid | null>();
  /** What the changes put. */
  readonly #put = new RefIndex(new Map());

  /** @param remote does not change as long as the view is used */
  constructor(remote: RefIndex) {
    this.#remote = remote;
  }

  get(ref: string): Oid | undefined {
    const change = this.#changes.get(ref);
    return change === undefined ? this.#remote.refs.get(ref) : (change ?? undefined);
  }

  /** As the remote has it, without what earlier units will do. */
  onRemote(ref: string): Oid | undefined {
    return this.#remote.refs.get(ref);
  }

  /** All tags of a package, by its path from the root of the repository. */
  tagsOf(path: string): PackageTag[] {
    return [...new Set([...this.#remote.tagsOf(path), ...this.#put.tagsOf(path)])].flatMap((ref) => {
      const oid = this.get(ref);
      return oid === undefined ? [] : [{ ref, oid, revision: revisionOfTag(ref.slice(ref.lastIndexOf('/') + 1)) }];
    });
  }

  /** Refs of drafts, proposals and tags, by their names, whose package would lie at, above or below a path. */
  around(path: string): string[] {
    const found = new Set([...this.#remote.around(path), ...this.#put.around(path)]);
    return [...found].filter((ref) => this.get(ref) !== undefined);
  }

  apply(updates: readonly RefUpdate[]): void {
    for (const { ref, target } of updates) this.#changes.set(ref, target);
    this.#put.apply(updates);
  }
}

export function sameRefs(a: RefMap, b: RefMap): boolean {
  return a.size === b.size && [...a].every(([ref, oid]) => b.get(ref) === oid);
}

/** Refs by the path of their package, and by each path above it. */
interface Places {
  readonly at: Map<string, Set<string>>;
  readonly below: Map<string, Set<string>>;
}

function placesOf(refs: Iterable<string>): Places {
  const places: Places = { at: new Map(), below: new Map() };
  for (const ref of refs) addPlace(places, ref);
  return places;
}

function refsAround({ at, below }: Places, path: string): ReadonlySet<string> {
  const found = new Set([...(at.get(path) ?? []), ...(below.get(path) ?? [])]);
  for (const above of parentsOf(path)) for (const ref of at.get(above) ?? []) found.add(ref);
  return found;
}

function addPlace({ at, below }: Places, ref: string): void {
  const parsed = parseRef(ref);
  if (!parsed || parsed.path === '' || parsed.kind === 'deletionProposed') return;
  addTo(at, parsed.path, ref);
  for (const above of parentsOf(parsed.path)) addTo(below, above, ref);
}

function addTo(map: Map<string, Set<string>>, key: string, ref: string): void {
  const known = map.get(key);
  if (known) known.add(ref);
  else map.set(key, new Set([ref]));
}

function removeFrom(map: Map<string, Set<string>>, key: string, ref: string): void {
  const known = map.get(key);
  known?.delete(ref);
  if (known?.size === 0) map.delete(key);
}

/** `a/b/c` -> `a/b`, `a`. */
function parentsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

function tagsByPath(refs: Iterable<string>): Map<string, Set<string>> {
  const tags = new Map<string, Set<string>>();
  for (const ref of refs) indexTag(tags, ref);
  return tags;
}

function indexTag(tags: Map<string, Set<string>>, ref: string): void {
  const parsed = parseRef(ref);
  if (parsed?.kind === 'tag') addTo(tags, parsed.path, ref);
}
