import { isWithin } from '../names.ts';

const HEADS = 'refs/heads/';
const TAGS = 'refs/tags/';

export type RefKind = 'draft' | 'proposed' | 'deletionProposed' | 'tag';

const PREFIXES: readonly (readonly [RefKind, string])[] = [
  ['draft', `${HEADS}drafts/`],
  ['proposed', `${HEADS}proposed/`],
  ['deletionProposed', `${HEADS}deletionProposed/`],
  ['tag', TAGS],
];

const PREFIX_OF = new Map(PREFIXES);

/** A ref of the scheme. `path` is '' when the name has no package path, which no reference writer makes. */
export interface LayoutRef {
  readonly kind: RefKind;
  /** Path of the package from the root of the repository. */
  readonly path: string;
  /** Workspace of a draft or proposed branch, revision text of a tag. */
  readonly leaf: string;
}

/** What a ref's name says; undefined for names outside the scheme. */
export function parseRef(ref: string): LayoutRef | undefined {
  for (const [kind, prefix] of PREFIXES) {
    if (!ref.startsWith(prefix)) continue;
    const rest = ref.slice(prefix.length);
    const slash = rest.lastIndexOf('/');
    return { kind, path: slash < 0 ? '' : rest.slice(0, slash), leaf: rest.slice(slash + 1) };
  }
  return undefined;
}

export function layoutRef(kind: RefKind, path: string, leaf: string): string {
  return `${PREFIX_OF.get(kind)}${path}/${leaf}`;
}

export function branchRef(branch: string): string {
  return `${HEADS}${branch}`;
}

/** Without `refs/heads/` and `refs/tags/`: what locks carry. */
export function shortRef(ref: string): string {
  return ref.startsWith(HEADS) ? ref.slice(HEADS.length) : ref.startsWith(TAGS) ? ref.slice(TAGS.length) : ref;
}

/** N of a tag `v<N>` in its one canonical spelling, else undefined. */
export function revisionOfTag(leaf: string): number | undefined {
  const digits = /^v([1-9][0-9]{0,8})$/.exec(leaf)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function tagRef(path: string, revision: number): string {
  return layoutRef('tag', path, `v${revision}`);
}

/** Between package names, which are relative to a Repository's directory, and paths from the root. */
export class DirectoryScope {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  fullPath(packageName: string): string {
    return this.directory === '' ? packageName : `${this.directory}/${packageName}`;
  }

  /** Undefined for paths that do not lie below the directory. */
  packageName(path: string): string | undefined {
    if (path === '' || path === this.directory || !isWithin(path, this.directory)) return undefined;
    return this.directory === '' ? path : path.slice(this.directory.length + 1);
  }
}
