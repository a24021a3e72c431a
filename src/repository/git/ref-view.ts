import { parseRef, revisionOfTag } from './refs.ts';
import type { Oid, RefMap, RefUpdate } from './types.ts';

export interface PackageTag {
  readonly ref: string;
  readonly oid: Oid;
  /** Undefined for tags that are no `v<N>`. */
  readonly revision: number | undefined;
}

/** The refs that a unit of a push finds: those of the remote, changed by the units before it in the same push. */
export class RefView {
  readonly #remote: RefMap;
  readonly #changes = new Map<string, Oid | null>();
  #tags: Map<string, Set<string>> | undefined;
  #places: Places | undefined;

  constructor(remote: RefMap) {
    this.#remote = new Map(remote);
  }

  get(ref: string): Oid | undefined {
    const change = this.#changes.get(ref);
    return change === undefined ? this.#remote.get(ref) : (change ?? undefined);
  }

  /** As the remote has it, without what earlier units will do. */
  onRemote(ref: string): Oid | undefined {
    return this.#remote.get(ref);
  }

  /** All tags of a package, by its path from the root of the repository. */
  tagsOf(path: string): PackageTag[] {
    this.#tags ??= this.#indexTags();
    const tags: PackageTag[] = [];
    for (const ref of this.#tags.get(path) ?? []) {
      const oid = this.get(ref);
      if (oid !== undefined) tags.push({ ref, oid, revision: revisionOfTag(ref.slice(ref.lastIndexOf('/') + 1)) });
    }
    return tags;
  }

  /** Refs of drafts, proposals and tags, by their names, whose package would lie at, above or below a path. */
  around(path: string): string[] {
    this.#places ??= placesOf([...this.#remote.keys(), ...this.#changes.keys()]);
    const { at, below } = this.#places;
    const found = new Set([...(at.get(path) ?? []), ...(below.get(path) ?? [])]);
    for (const above of parentsOf(path)) for (const ref of at.get(above) ?? []) found.add(ref);
    return [...found].filter((ref) => this.get(ref) !== undefined);
  }

  apply(updates: readonly RefUpdate[]): void {
    for (const { ref, target } of updates) {
      this.#changes.set(ref, target);
      if (this.#tags) indexTag(this.#tags, ref);
      if (this.#places) addPlace(this.#places, ref);
    }
  }

  #indexTags(): Map<string, Set<string>> {
    const tags = new Map<string, Set<string>>();
    for (const ref of this.#remote.keys()) indexTag(tags, ref);
    for (const ref of this.#changes.keys()) indexTag(tags, ref);
    return tags;
  }
}

/** Refs by the path of their package, and by each path above it. */
interface Places {
  readonly at: Map<string, Set<string>>;
  readonly below: Map<string, Set<string>>;
}

function placesOf(refs: readonly string[]): Places {
  const places: Places = { at: new Map(), below: new Map() };
  for (const ref of refs) addPlace(places, ref);
  return places;
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

/** `a/b/c` -> `a/b`, `a`. */
function parentsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

function indexTag(tags: Map<string, Set<string>>, ref: string): void {
  const parsed = parseRef(ref);
  if (parsed?.kind !== 'tag') return;
  addTo(tags, parsed.path, ref);
}
