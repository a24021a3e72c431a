import { isUtf8 } from 'node:buffer';
import { TerminalError } from '../../api/errors.ts';
import { isKrmPath, parseKrmFile } from '../../krm/file.ts';
import type { Package } from '../../package/package.ts';
import type { FileChange, PackageFile } from '../../package/types.ts';
import { readRootKptfile } from '../root-kptfile.ts';
import type { Mutation } from '../types.ts';

/**
 * Replaces the package's content by what a user sent back. A file that is missing from it is deleted, but only if the
 * user can have seen it: readers are shown text, so binary files, links and submodules stay. A file keeps its
 * executable bit, which the reader was not shown either.
 * @param wanted the whole content; its paths were checked when it was made
 * @throws TerminalError InvalidYaml with file and line for a file that was readable before or is new;
 * KptfileMissing, InvalidKptfile
 */
export function replaceResources(wanted: Package): Mutation {
  return {
    name: 'replace',
    async apply(_context, pkg) {
      const changes: FileChange[] = [];
      for (const [path, file] of pkg.entries()) {
        if (!wanted.has(path) && isShown(file)) changes.push([path, null]);
      }
      for (const [path, file] of wanted.entries()) {
        const before = pkg.get(path);
        const next = before?.mode === '100755' && file.mode === '100644' ? { ...file, mode: before.mode } : file;
        changes.push([path, next]);
      }
      const replaced = pkg.edit(changes);
      readRootKptfile(replaced);
      for (const [path, file] of replaced.entries()) checkYaml(path, file, pkg.get(path));
      return { pkg: replaced, result: {} };
    },
  };
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
