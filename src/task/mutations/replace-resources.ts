import { isUtf8 } from 'node:buffer';
import { TerminalError } from '../../api/errors.ts';
import { isKrmPath, parseKrmFile } from '../../krm/file.ts';
import { valuesEqual } from '../../krm/value.ts';
import { healComments } from '../../merge/heal-comments.ts';
import { Package } from '../../package/package.ts';
import type { FileChange, PackageFile } from '../../package/types.ts';
import { readRootKptfile } from '../root-kptfile.ts';
import type { Mutation } from '../types.ts';

/**
 * What a user sends back: the whole content, or only the files that change (null deletes).
 */
export type WantedContent = Package | readonly FileChange[];

/**
 * Replaces the package's content by what a user sent back. A file that is missing from a whole content is deleted, but
 * only if the user can have seen it: readers are shown text, so binary files, links and submodules stay. A file keeps
 * its executable bit, which the reader was not shown either. Comments that the user's editor dropped come back; those
 * that a person deleted do not.
 * @param wanted its paths are checked when a Package is made of it
 * @throws TerminalError InvalidPath; InvalidYaml with file and line for a file that was readable before or is new;
 * KptfileMissing, InvalidKptfile
 */
export function replaceResources(wanted: WantedContent): Mutation {
  return {
    name: 'replace',
    async apply(_context, pkg) {
      const replaced = pkg.edit(changesTo(pkg, wanted));
      const kptfile = readRootKptfile(replaced);
      for (const [path, file] of replaced.entries()) checkYaml(path, file, pkg.get(path));
      const warnings = pkg.has('Kptfile') ? originWarnings(pkg, kptfile) : [];
      return { pkg: healComments(pkg, replaced), result: { warnings } };
    },
  };
}

function changesTo(pkg: Package, wanted: WantedContent): FileChange[] {
  if (!(wanted instanceof Package)) return wanted.map(([path, file]) => [path, file && withMode(file, pkg.get(path))]);
  const changes: FileChange[] = [];
  for (const [path, file] of pkg.entries()) {
    if (!wanted.has(path) && isShown(file)) changes.push([path, null]);
  }
  for (const [path, file] of wanted.entries()) changes.push([path, withMode(file, pkg.get(path))]);
  return changes;
}

function withMode(file: PackageFile, before: PackageFile | undefined): PackageFile {
  return before?.mode === '100755' && file.mode === '100644' ? { ...file, mode: before.mode } : file;
}

/** Whether a reader of the package's resources, which are text, is shown a file. */
export function isShown({ mode, bytes }: PackageFile): boolean {
  return mode !== '120000' && mode !== '160000' && isUtf8(bytes) && !bytes.includes(0);
}

/** A file that was broken before may stay so: users must be able to repair a package one file at a time. */
function checkYaml(path: string, file: PackageFile, before: PackageFile | undefined): void {
  if (!isKrmPath(path) || file === before || file.mode === '120000' || file.mode === '160000') return;
  const [problem] = parseKrmFile(path, file.bytes).problems;
  if (!problem) return;
  if (before && parseKrmFile(path, before.bytes).problems.length > 0) return;
  throw new TerminalError('InvalidYaml', problem.message, { file: path, line: problem.line, column: problem.column });
}

/** Upgrades start from what the Kptfile says of the package's origin: whoever changes it by hand is told. */
function originWarnings(before: Package, after: ReturnType<typeof readRootKptfile>): string[] {
  let old: ReturnType<typeof readRootKptfile>;
  try {
    old = readRootKptfile(before);
  } catch (error) {
    // What was unreadable is being repaired.
    if (error instanceof TerminalError) return [];
    throw error;
  }
  return (['upstream', 'upstreamLock'] as const)
    .filter((field) => !valuesEqual(old.raw[field], after.raw[field]))
    .map((field) => `Kptfile: ${field} was changed by hand; later upgrades start from what it says now`);
}
