import { isList, isMap, type KrmMap, type KrmPath, type KrmValue, valuesEqual } from '../krm/value.ts';
import { keyItems } from './keyed-items.ts';
import { kptfileKeys } from './kptfile-merge.ts';
import { builtinListKeys } from './list-keys.ts';
import { fieldOf } from './value-merge.ts';

/** A field that differs; a side that lacks it has no value. */
export interface FieldDifference {
  readonly field: string;
  readonly before?: KrmValue;
  readonly after?: KrmValue;
}

/** What differs between two states of a resource, in the order of fields; items of keyed lists by their key. */
export function diffFields(before: KrmMap, after: KrmMap): FieldDifference[] {
  const differences: FieldDifference[] = [];
  walk(before, after, '', [], after, differences);
  return differences;
}

function walk(
  before: KrmValue | undefined,
  after: KrmValue | undefined,
  field: string,
  path: KrmPath,
  resource: KrmMap,
  differences: FieldDifference[],
): void {
  if (valuesEqual(before, after)) return;
  if (isMap(before) && isMap(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      walk(before[key], after[key], fieldOf(field, key), [...path, key], resource, differences);
    }
    return;
  }
  if (isList(before) && isList(after)) {
    const keys = resource.kind === 'Kptfile' ? kptfileKeys(path) : builtinListKeys(resource, path);
    const [old, next] = [keys && keyItems(before, keys), keys && keyItems(after, keys)];
    if (old && next) {
      const seen = differences.length;
      for (const key of new Set([...old.keys(), ...next.keys()])) {
        const label = (next.get(key) ?? old.get(key))?.label ?? key;
        walk(old.get(key)?.value, next.get(key)?.value, `${field}[${label}]`, [...path, 0], resource, differences);
      }
      // Only the order differs.
      if (differences.length > seen) return;
    }
  }
  differences.push({
    field,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  });
}
