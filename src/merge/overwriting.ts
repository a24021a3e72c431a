import { TerminalError } from '../api/errors.ts';
import { parseKrmFile } from '../krm/file.ts';
import { filesEqual } from '../package/file.ts';
import type { FileChange, PackageFile } from '../package/types.ts';
import type { FileSides } from './classify.ts';
import { classifyFile } from './classify.ts';
import { mergeKptfile } from './kptfile-merge.ts';
import { isUntouched, NOTHING, type StrategyResult } from './resource-merge.ts';
import { sameContent } from './resources-merge.ts';
import type { MergeConflict, MergeInput, MergeOptions } from './types.ts';
import { kptfilePath, mergedPackages, sidesOf } from './views.ts';

/*
 * Strategies that take upstream's files whole. The root Kptfile is merged by all of them, and its upstream follows
 * that of the new one where that has any.
 */

/** Everything is upstream's; what is only here goes. */
export function forceDeleteReplace(input: MergeInput, options: MergeOptions): StrategyResult {
  const root = mergeRootKptfile(input, options);
  const changes = mergedPackages(input, options).flatMap(({ files }) =>
    [...files].flatMap(([path, { updated }]): FileChange[] => (path === ROOT ? [] : [[path, updated ?? null]])),
  );
  const lost = localChanges(input, options).filter((path) => path !== ROOT);
  const warnings = lost.length === 0 ? [] : [`local changes are gone: ${listed(lost)}`];
  return { changes: [...changes, ...root.changes], conflicts: root.conflicts, warnings };
}

/**
 * Everything is upstream's, provided that nothing was changed here.
 * @throws TerminalError LocalChanges naming the files
 */
export function fastForward(input: MergeInput, options: MergeOptions): StrategyResult {
  const changed = localChanges(input, options);
  if (changed.length > 0) {
    throw new TerminalError(
      'LocalChanges',
      `local package files have been modified: ${listed(changed)}; use another strategy than fast-forward`,
      { file: changed[0] },
    );
  }
  return forceDeleteReplace(input, options);
}

const SHOWN_FILES = 20;

function listed(paths: readonly string[]): string {
  const more = paths.length > SHOWN_FILES ? ` and ${paths.length - SHOWN_FILES} more` : '';
  return `${paths.slice(0, SHOWN_FILES).join(', ')}${more}`;
}

function localChanges(input: MergeInput, options: MergeOptions): string[] {
  return mergedPackages(input, options).flatMap(({ directory, files, present }) => {
    if (present.has('base') !== present.has('local')) return [directory];
    return [...files].flatMap(([path, sides]) => (isAsCloned(path, sides, kptfilePath(directory)) ? [] : [path]));
  });
}

/** As it came from upstream, but for the markers and the package context that a clone adds. */
function isAsCloned(path: string, sides: FileSides, kptfile: string): boolean {
  if (isUntouched(path, sides, kptfile)) return true;
  const { base, local } = sides;
  if (!local) return false;
  if (!base) return isPackageContext(path, local);
  const file = classifyFile(path, { base, local });
  if (file.kind !== 'resources' || base.mode !== local.mode) return false;
  const [before, after] = [file.files.base?.documents ?? [], file.files.local?.documents ?? []];
  return (
    before.length === after.length &&
    before.every(({ value }, index) => sameContent(value, after[index]?.value ?? null) || isPackageContext(path, local))
  );
}

/** The ConfigMap that deployments get, and that differs from package to package. */
function isPackageContext(path: string, file: PackageFile): boolean {
  if (!/(^|\/)package-context\.yaml$/.test(path)) return false;
  const [document, ...more] = parseKrmFile(path, file.bytes).documents;
  const id = document?.value;
  return more.length === 0 && JSON.stringify(id ?? null).includes('"name":"kptfile.kpt.dev"');
}

/** Upstream's files overwrite the ones here, those that it dropped are deleted, files that are only here stay. */
export function copyMerge(input: MergeInput, options: MergeOptions): StrategyResult {
  const root = mergeRootKptfile(input, options);
  const changes: FileChange[] = [];
  const conflicts: MergeConflict[] = [];
  for (const path of new Set([...input.base.paths(), ...input.updated.paths()])) {
    if (path === ROOT) continue;
    const { base, local, updated } = sidesOf(input, path);
    if (updated || local) changes.push([path, updated ?? null]);
    const edited = local && !(base && filesEqual(base, local)) && !(updated && filesEqual(local, updated));
    if (edited) conflicts.push({ file: path, resolution: updated ? 'upstream' : 'deleted' });
  }
  return { changes: [...changes, ...root.changes], conflicts: [...root.conflicts, ...conflicts], warnings: [] };
}

const ROOT = kptfilePath('');

function mergeRootKptfile(input: MergeInput, { prefer = 'upstream' }: MergeOptions): StrategyResult {
  const { base, local, updated } = sidesOf(input, ROOT);
  if (!local) return updated ? { ...NOTHING, changes: [[ROOT, updated]] } : NOTHING;
  const sides = { ...(base ? { base } : {}), ...(updated ? { updated } : {}), local };
  const merged = mergeKptfile(ROOT, sides, { prefer, lock: 'updated' });
  return { ...NOTHING, changes: [[ROOT, merged.file]], conflicts: merged.conflicts };
}
