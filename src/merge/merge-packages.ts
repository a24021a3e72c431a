import { isKrmPath, parseKrmFile } from '../krm/file.ts';
import type { KrmValue } from '../krm/value.ts';
import type { Package } from '../package/package.ts';
import { KPTFILE } from '../package/subpackages.ts';
import { preferenceOf } from './document-merge.ts';
import { builtinListKeys, crdListKeys, firstOf, type ListKeyLookup } from './list-keys.ts';
import { copyMerge, fastForward, forceDeleteReplace } from './overwriting.ts';
import { resourceMerge, type StrategyResult } from './resource-merge.ts';
import {
  MAX_CONFLICTS,
  type MergeConflict,
  type MergeInput,
  type MergeOptions,
  type MergeResult,
  type Preference,
} from './types.ts';

/**
 * Brings a new upstream into a local package. Works on values only: when it throws, nothing has happened.
 * @throws TerminalError InvalidYaml, InvalidKptfile, DuplicateResource, KindMismatch, SubpackageAddedTwice,
 * LocalChanges, with file, line and field where there are any
 */
export function mergePackages(input: MergeInput, options: MergeOptions): MergeResult {
  const prefer = options.prefer ?? packagePreference(input.local);
  const { changes, conflicts, warnings } = applyStrategy(input, prefer ? { ...options, prefer } : options);
  const sorted = [...conflicts].sort(byPlace);
  return {
    pkg: input.local.edit(changes),
    conflicts: sorted.slice(0, MAX_CONFLICTS),
    omittedConflicts: Math.max(0, sorted.length - MAX_CONFLICTS),
    warnings,
  };
}

/** What the root Kptfile says for all resources that say nothing themselves. */
function packagePreference(pkg: Package): Preference | undefined {
  const kptfile = pkg.get(KPTFILE);
  return kptfile && preferenceOf(parseKrmFile(KPTFILE, kptfile.bytes).documents[0]?.value);
}

function applyStrategy(input: MergeInput, options: MergeOptions): StrategyResult {
  switch (options.strategy) {
    case 'resource-merge':
      return resourceMerge(input, options, listKeys(input));
    case 'fast-forward':
      return fastForward(input, options);
    case 'force-delete-replace':
      return forceDeleteReplace(input, options);
    case 'copy-merge':
      return copyMerge(input, options);
  }
}

/** How lists are keyed: by the package's own CRDs, the newest first, else as Kubernetes does. */
function listKeys({ base, local, updated }: MergeInput): ListKeyLookup {
  const crds = [updated, local, base].flatMap((pkg) => [...customResourceDefinitions(pkg)]);
  return firstOf(crdListKeys(crds), builtinListKeys);
}

function* customResourceDefinitions(pkg: Package): Generator<KrmValue> {
  for (const [path, { bytes, mode }] of pkg.entries()) {
    if (!isKrmPath(path) || mode === '120000' || mode === '160000') continue;
    if (!new TextDecoder().decode(bytes).includes('CustomResourceDefinition')) continue;
    const file = parseKrmFile(path, bytes);
    if (file.problems.length === 0) for (const { value } of file.documents) yield value;
  }
}

function byPlace(a: MergeConflict, b: MergeConflict): number {
  const [x, y] = [`${a.file}\0${a.field ?? ''}`, `${b.file}\0${b.field ?? ''}`];
  return x < y ? -1 : x > y ? 1 : 0;
}
