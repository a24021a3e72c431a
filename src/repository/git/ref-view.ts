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

  apply(updates: readonly RefUpdate[]): void {
    for (const { ref, target } of updates) {
      this.#changes.set(ref, target);
      if (this.#tags) indexTag(this.#tags, ref);
    }
  }

  #indexTags(): Map<string, Set<string>> {
    const tags = new Map<string, Set<string>>();
    for (const ref of this.#remote.keys()) indexTag(tags, ref);
    for (const ref of this.#changes.keys()) indexTag(tags, ref);
    return tags;
  }
}

function indexTag(tags: Map<string, Set<string>>, ref: string): void {
  const parsed = parseRef(ref);
  if (parsed?.kind !== 'tag') return;
  const known = tags.get(parsed.path);
  if (known) known.add(ref);
  else tags.set(parsed.path, new Set([ref]));
}
