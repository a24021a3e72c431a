import { TerminalError } from '../api/errors.ts';
import { isKrmPath, type KrmFile, parseKrmFile } from '../krm/file.ts';
import { type KrmValue, valuesEqual } from '../krm/value.ts';
import { filesEqual } from '../package/file.ts';
import type { Package } from '../package/package.ts';
import type { FileChange, PackageFile } from '../package/types.ts';
import { type ClassifiedFile, classifyFile, type FileSides, plainKind } from './classify.ts';
import { matchKey, upstreamId } from './identity.ts';
import { kptfileContentEqual, mergeKptfile } from './kptfile-merge.ts';
import type { ListKeyLookup } from './list-keys.ts';
import { mergePlainFile } from './plain-merge.ts';
import { mergeResources, type ResourcesMergeOptions, sameContent } from './resources-merge.ts';
import type { MergeConflict, MergeInput, MergeOptions } from './types.ts';
import { kptfilePath, type MergedPackage, mergedPackages, upstreamOf } from './views.ts';

/** What a strategy does to the local package. */
export interface StrategyResult {
  readonly changes: readonly FileChange[];
  readonly conflicts: readonly MergeConflict[];
  readonly warnings: readonly string[];
}

export const NOTHING: StrategyResult = { changes: [], conflicts: [], warnings: [] };

/**
 * Resource by resource, package by package; a parent before its subpackages.
 * @throws TerminalError SubpackageAddedTwice and what merging files throws
 */
export function resourceMerge(input: MergeInput, options: MergeOptions, keys: ListKeyLookup): StrategyResult {
  if (options.nested && wasRepointed(input, '')) return NOTHING;
  const results = mergedPackages(input, options).map((merged) => mergeOne(merged, input, options, keys));
  return {
    changes: results.flatMap(({ changes }) => changes),
    conflicts: results.flatMap(({ conflicts }) => conflicts),
    warnings: results.flatMap(({ warnings }) => warnings),
  };
}

function mergeOne(
  merged: MergedPackage,
  input: MergeInput,
  options: MergeOptions,
  keys: ListKeyLookup,
): StrategyResult {
  const { directory, present, files } = merged;
  const [base, local, updated] = [present.has('base'), present.has('local'), present.has('updated')];
  if (!local) return base || !updated ? deletedHere(merged) : { ...NOTHING, changes: takeUpdated(files) };
  if (!updated) return base ? removedUpstream(merged) : NOTHING;
  if (!base && directory !== '') return addedTwice(merged);
  if (directory !== '' && wasRepointed(input, directory)) return NOTHING;
  return mergeFiles(merged, options, { keys, isOnlyRendered: renderedLookup(input.rendered, merged) });
}

type ResourceRules = Pick<ResourcesMergeOptions, 'keys' | 'isOnlyRendered'>;

/** Compares with what the package's own files became when the base was rendered. */
function renderedLookup(rendered: Package | undefined, { files }: MergedPackage): ResourceRules['isOnlyRendered'] {
  if (!rendered) return () => false;
  const known = new Map<string, KrmValue[]>();
  for (const path of files.keys()) {
    const file = rendered.get(path);
    const documents = file && isKrmPath(path) ? parseKrmFile(path, file.bytes).documents : [];
    for (const document of documents) {
      const key = matchKey(upstreamId(document));
      known.set(key, [...(known.get(key) ?? []), document.value]);
    }
  }
  return (local) => known.get(matchKey(upstreamId(local)))?.some((value) => sameContent(value, local.value)) ?? false;
}

function deletedHere({ directory, files }: MergedPackage): StrategyResult {
  const changed = [...files.values()].some(({ base, updated }) => updated && !(base && filesEqual(base, updated)));
  return changed ? { ...NOTHING, conflicts: [{ file: kptfilePath(directory), resolution: 'deleted' }] } : NOTHING;
}

function takeUpdated(files: MergedPackage['files']): FileChange[] {
  return [...files].flatMap(([path, { updated }]): FileChange[] => (updated ? [[path, updated]] : []));
}

function removedUpstream({ directory, files }: MergedPackage): StrategyResult {
  const untouched = [...files].every(([path, sides]) => isUntouched(path, sides, kptfilePath(directory)));
  if (!untouched) return { ...NOTHING, conflicts: [{ file: kptfilePath(directory), resolution: 'kept' }] };
  return {
    ...NOTHING,
    changes: [...files].flatMap(([path, { local }]): FileChange[] => (local ? [[path, null]] : [])),
  };
}

/** A file is as it came, a Kptfile but for what clones and renders write into it. */
export function isUntouched(path: string, { base, local }: FileSides, kptfile: string): boolean {
  if (path === kptfile) return kptfileContentEqual(path, base, local);
  return base && local ? filesEqual(base, local) : base === local;
}

function addedTwice({ directory, files }: MergedPackage): StrategyResult {
  const same = [...files.values()].every(({ local, updated }) => local && updated && filesEqual(local, updated));
  if (same) return NOTHING;
  throw new TerminalError(
    'SubpackageAddedTwice',
    `subpackage ${JSON.stringify(directory)} was added both upstream and locally`,
    { file: kptfilePath(directory) },
  );
}

/** Users gave the package another upstream than it came with: it is theirs now. */
function wasRepointed(input: MergeInput, directory: string): boolean {
  const [base, local] = [input.base, input.local].map((side) => upstreamOf(side, directory)?.git);
  return base !== undefined && local !== undefined && !valuesEqual({ ...base }, { ...local });
}

function mergeFiles(
  { directory, files, ignored }: MergedPackage,
  options: MergeOptions,
  rules: ResourceRules,
): StrategyResult {
  const prefer = options.prefer ?? 'upstream';
  const changes: FileChange[] = [];
  const conflicts: MergeConflict[] = [];
  const resourceFiles: Extract<ClassifiedFile, { kind: 'resources' }>[] = [];
  for (const [path, sides] of files) {
    if (path === kptfilePath(directory)) {
      const own = mergeOwnKptfile(path, sides, options);
      changes.push(...own.changes);
      conflicts.push(...own.conflicts);
      continue;
    }
    // What is ignored is nobody's resource, whatever its name.
    const file: ClassifiedFile = ignored.has(path) ? { kind: plainKind(sides), path } : classifyFile(path, sides);
    if (file.kind === 'resources') resourceFiles.push(file);
    else {
      const merged = mergePlainFile(path, sides, file.kind === 'text');
      if (merged.file !== sides.local) changes.push([path, merged.file ?? null]);
      if (merged.conflict) conflicts.push(merged.conflict);
    }
  }
  const side = (name: 'base' | 'local' | 'updated'): KrmFile[] =>
    resourceFiles.flatMap(({ files }) => files[name] ?? []);
  const merged = mergeResources(
    { base: side('base'), local: side('local'), updated: side('updated') },
    { prefer, ...rules },
  );
  for (const [path, bytes] of merged.files) {
    changes.push([path, bytes === null ? null : { bytes, mode: modeOf(files.get(path)) }]);
  }
  return { changes, conflicts: [...conflicts, ...merged.conflicts], warnings: [] };
}

function modeOf(sides: FileSides | undefined): PackageFile['mode'] {
  const { base, local, updated } = sides ?? {};
  if (!local) return updated?.mode ?? '100644';
  return base?.mode === local.mode ? (updated?.mode ?? local.mode) : local.mode;
}

function mergeOwnKptfile(path: string, sides: FileSides, options: MergeOptions): StrategyResult {
  const { base, local, updated } = sides;
  if (!local) return updated && !base ? { ...NOTHING, changes: [[path, updated]] } : NOTHING;
  const lock = options.nested || path !== kptfilePath('') ? 'updated' : 'local';
  const merged = mergeKptfile(path, { ...sides, local }, { prefer: options.prefer ?? 'upstream', lock });
  return { ...NOTHING, changes: [[path, merged.file]], conflicts: merged.conflicts };
}
