import { filesEqual } from './file.ts';
import type { Package } from './package.ts';
import type { FileChange } from './types.ts';

/** Paths in path order. */
export interface PackageDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Other bytes or another mode. */
  readonly changed: readonly string[];
}

/** What leads from `before` to `after`. */
export function diffPackages(before: Package, after: Package): PackageDiff {
  const added: string[] = [];
  const changed: string[] = [];
  for (const [path, file] of after.entries()) {
    const old = before.get(path);
    if (old === undefined) added.push(path);
    else if (!filesEqual(old, file)) changed.push(path);
  }
  return { added, removed: before.paths().filter((path) => !after.has(path)), changed };
}

/** The edit that makes `after` of `before`: removals first, then new and changed files, each in path order. */
export function changesBetween(before: Package, after: Package): FileChange[] {
  const { removed } = diffPackages(before, after);
  const changes: FileChange[] = removed.map((path) => [path, null]);
  for (const [path, file] of after.entries()) {
    const old = before.get(path);
    if (old === undefined || !filesEqual(old, file)) changes.push([path, file]);
  }
  return changes;
}
