import ignore from 'ignore';
import type { Package } from './package.ts';

/** Name of the ignore file at the root of a package. */
export const IGNORE_FILE = '.krmignore';

/** Whether a path, relative to the package whose rules these are, is ignored. */
export interface IgnoreRules {
  /** A file inside an ignored directory is ignored. */
  file(path: string): boolean;
  directory(path: string): boolean;
}

const NOTHING_IGNORED: IgnoreRules = { file: () => false, directory: () => false };

/**
 * The rules of the package at `directory` ('' is the root): its own `.krmignore`, in the syntax of gitignore, and no
 * other. Case counts. A link of that name is no ignore file.
 */
export function readIgnoreRules(pkg: Package, directory: string): IgnoreRules {
  const file = pkg.get(directory === '' ? IGNORE_FILE : `${directory}/${IGNORE_FILE}`);
  if (file === undefined || file.mode === '120000' || file.mode === '160000') return NOTHING_IGNORED;
  const rules = ignore({ ignorecase: false }).add(new TextDecoder().decode(file.bytes));
  return {
    file: (path) => rules.ignores(path),
    directory: (path) => rules.ignores(`${path}/`),
  };
}
