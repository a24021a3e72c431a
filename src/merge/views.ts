import { readKptfile } from '../krm/kptfile.ts';
import type { Package } from '../package/package.ts';
import { KPTFILE, packageTree } from '../package/subpackages.ts';
import type { FileSides } from './classify.ts';
import type { SideName } from './pairing.ts';
import type { MergeInput, MergeOptions } from './types.ts';

const SIDES = ['base', 'local', 'updated'] as const;

/** One package of the tree of packages, with its own files on the three sides. */
export interface MergedPackage {
  /** Relative to the root; '' is the root. */
  readonly directory: string;
  readonly files: ReadonlyMap<string, FileSides>;
  /** Sides that have anything at the directory. The root is on all of them. */
  readonly present: ReadonlySet<SideName>;
  /** Files that a side's `.krmignore` hides. */
  readonly ignored: ReadonlySet<string>;
}

/**
 * The packages that a merge looks at, each before its subpackages, in plain string order. A directory that is a
 * subpackage on any side is one on all. Subpackages with an upstream of their own are left out, unless they are to be
 * merged.
 * @throws TerminalError InvalidKptfile
 */
export function mergedPackages(
  input: MergeInput,
  { independent = 'leave' }: Pick<MergeOptions, 'independent'>,
): MergedPackage[] {
  const directories = new Set<string>(['']);
  const left = new Set<string>();
  const ignored = new Set<string>();
  for (const side of SIDES) {
    for (const { directory, ignored: hidden } of packageTree(input[side]).values()) {
      for (const path of hidden) ignored.add(path);
      directories.add(directory);
      if (directory !== '' && independent === 'leave' && hasUpstream(input[side], directory)) left.add(directory);
    }
  }
  const packages = new Map<string, { directory: string; files: Map<string, FileSides>; present: Set<SideName> }>();
  for (const directory of [...directories].sort()) {
    if (isInside(directory, left)) continue;
    const present = new Set(SIDES.filter((side) => directory === '' || input[side].subtree(directory).size > 0));
    packages.set(directory, { directory, files: new Map(), present });
  }
  const paths = new Set(SIDES.flatMap((side) => input[side].paths()));
  for (const path of [...paths].sort()) {
    if (isInside(path, left)) continue;
    packages.get(ownerOf(path, packages))?.files.set(path, sidesOf(input, path));
  }
  return [...packages.values()].map((merged) => ({ ...merged, ignored }));
}

export function sidesOf({ base, local, updated }: MergeInput, path: string): FileSides {
  const [o, l, u] = [base.get(path), local.get(path), updated.get(path)];
  return { ...(o ? { base: o } : {}), ...(l ? { local: l } : {}), ...(u ? { updated: u } : {}) };
}

export function kptfilePath(directory: string): string {
  return directory === '' ? KPTFILE : `${directory}/${KPTFILE}`;
}

/** Where the package at a directory says that it comes from. */
export function upstreamOf(pkg: Package, directory: string) {
  const path = kptfilePath(directory);
  const file = pkg.get(path);
  return file && readKptfile(path, file.bytes).kptfile.upstream;
}

function hasUpstream(pkg: Package, directory: string): boolean {
  return upstreamOf(pkg, directory)?.git !== undefined;
}

function isInside(path: string, directories: ReadonlySet<string>): boolean {
  if (directories.has(path)) return true;
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    if (directories.has(path.slice(0, slash))) return true;
  }
  return false;
}

function ownerOf(path: string, packages: ReadonlyMap<string, unknown>): string {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const directory = path.slice(0, slash);
    if (packages.has(directory)) return directory;
  }
  return '';
}
