import { type IgnoreRules, readIgnoreRules } from './ignore.ts';
import type { Package } from './package.ts';

/** Name of the file that makes a directory a package. */
export const KPTFILE = 'Kptfile';

/** One package of a tree of packages. */
export interface PackageNode {
  /** Relative to the root package; '' is the root. */
  readonly directory: string;
  /** The package right above; absent for the root. */
  readonly parent?: string;
  /** Directories of the direct subpackages, in plain string order. */
  readonly subpackages: readonly string[];
  /** The package's own files that are not ignored, relative to the root package, in path order. */
  readonly files: readonly string[];
  /** Its own files that its `.krmignore` hides, likewise. They are never read as resources, changed or deleted. */
  readonly ignored: readonly string[];
}

/**
 * The packages inside a package: the root and every directory that holds a file `Kptfile`, by directory, each before
 * its subpackages. Every file belongs to the package nearest above it.
 *
 * A package's `.krmignore` decides about the package's own files and directories only. What is ignored is ignored
 * wholly: a directory that its owner ignores is no subpackage, even with a `Kptfile` in it, and its files are ignored
 * files of the owner. Rendering and reading follow this one rule, so no file is seen by one and hidden from the other.
 */
export function packageTree(pkg: Package): ReadonlyMap<string, PackageNode> {
  const nodes = new Map<string, MutableNode>([['', newNode(pkg, '')]]);
  for (const directory of directoriesWithKptfile(pkg)) {
    const owner = ownerOf(nodes, directory);
    if (owner.rules.directory(relativeTo(owner, directory))) continue;
    nodes.set(directory, newNode(pkg, directory, owner.directory));
    owner.subpackages.push(directory);
  }
  for (const path of pkg.paths()) {
    const owner = ownerOf(nodes, path);
    (owner.rules.file(relativeTo(owner, path)) ? owner.ignored : owner.files).push(path);
  }
  return nodes;
}

/** The directory of the package in `tree` that a path belongs to; a package's own directory belongs to the one above. */
export function ownerPackage(tree: ReadonlyMap<string, PackageNode>, path: string): string {
  for (let slash = path.lastIndexOf('/'); slash !== -1; slash = path.lastIndexOf('/', slash - 1)) {
    const directory = path.slice(0, slash);
    if (tree.has(directory)) return directory;
  }
  return '';
}

interface MutableNode extends PackageNode {
  readonly subpackages: string[];
  readonly files: string[];
  readonly ignored: string[];
  readonly rules: IgnoreRules;
}

function newNode(pkg: Package, directory: string, parent?: string): MutableNode {
  const rules = readIgnoreRules(pkg, directory);
  return { directory, parent, subpackages: [], files: [], ignored: [], rules };
}

function ownerOf(nodes: ReadonlyMap<string, MutableNode>, path: string): MutableNode {
  return nodes.get(ownerPackage(nodes, path)) as MutableNode;
}

function relativeTo(owner: PackageNode, path: string): string {
  return owner.directory === '' ? path : path.slice(owner.directory.length + 1);
}

/** Below the root, in plain string order, so that a directory comes before what is inside it. */
function directoriesWithKptfile(pkg: Package): string[] {
  const directories: string[] = [];
  for (const [path, file] of pkg.entries()) {
    if (path.endsWith(`/${KPTFILE}`) && file.mode !== '120000' && file.mode !== '160000') {
      directories.push(path.slice(0, -KPTFILE.length - 1));
    }
  }
  return directories.sort();
}
