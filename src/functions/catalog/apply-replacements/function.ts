import type { KrmMap, KrmValue } from '../../../krm/value.ts';
import { defineFunction, FunctionFault } from '../../define-function.ts';
import { findFields, parseFieldPath, updateFields } from '../../field-path.ts';
import type { FunctionItem } from '../../types.ts';
import { type Replacement, type ResourceSelector, readReplacements, type Target } from './config.ts';
import { describeSelector, isSelected } from './selecting.ts';
import { sourceValue, targetValue } from './values.ts';

/** Copies values between fields of resources. */
export const applyReplacements = defineFunction({
  name: 'apply-replacements',
  versions: '>=0.1.0 <0.2.0',
  summary: 'Copies values from fields of resources into fields of others, as replacements of kustomize do.',
  readConfig: readReplacements,
  transform: (items, replacements) => replacements.reduce(applyReplacement, items),
});

function applyReplacement(items: readonly FunctionItem[], { source, targets }: Replacement): readonly FunctionItem[] {
  const value = typeof source === 'string' ? source : readSource(items, source);
  return targets.reduce((current, target) => applyToTarget(current, target, value), items);
}

function readSource(items: readonly FunctionItem[], source: Exclude<Replacement['source'], string>): KrmValue {
  const item = selectSource(items, source.select);
  const [found] = findFields(item.value, parseFieldPath(source.fieldPath));
  if (found === undefined || found === null) {
    throw new FunctionFault(
      `fieldPath \`${source.fieldPath}\` is missing for replacement source ${describeSelector(source.select)}`,
    );
  }
  return sourceValue(found, source.options);
}

/** The one resource that is selected; of several the one in the outermost package, for a package may hold others. */
function selectSource(items: readonly FunctionItem[], selector: ResourceSelector): FunctionItem {
  const selected = items.filter(({ value }) => isSelected(value, selector));
  const outermost = Math.min(...selected.map(packageDepth));
  const candidates = selected.filter((item) => packageDepth(item) === outermost);
  const [item] = candidates;
  if (item === undefined) throw new FunctionFault(`nothing selected by ${describeSelector(selector)}`);
  if (candidates.length === 1) return item;
  const places = candidates.map(({ path, index }) => `${path} (document ${index})`).join(', ');
  throw new FunctionFault(`multiple matches for selector ${describeSelector(selector)}: ${places}`);
}

function packageDepth({ packagePath }: FunctionItem): number {
  return packagePath === undefined || packagePath === '' ? 0 : packagePath.split('/').length;
}

function applyToTarget(items: readonly FunctionItem[], target: Target, value: KrmValue): readonly FunctionItem[] {
  return items.map((item) => {
    if (!isSelected(item.value, target.select)) return item;
    if (target.reject.some((selector) => isSelected(item.value, selector))) return item;
    const next = target.fieldPaths.reduce((current, path) => applyToField(current, path, target, value), item.value);
    return next === item.value ? item : { ...item, value: next };
  });
}

function applyToField(resource: KrmMap, path: string, { options, select }: Target, value: KrmValue): KrmMap {
  const updated = updateFields(resource, parseFieldPath(path), options.create, (current) => {
    return targetValue(current, value, options);
  });
  if (updated.count > 0) return updated.value as KrmMap;
  throw new FunctionFault(
    `unable to find field ${JSON.stringify(path)} in replacement target ${describeSelector(select)}`,
  );
}
