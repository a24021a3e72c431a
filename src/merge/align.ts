import { matchItems } from '../krm/list-match.ts';
import { isList, isMap, type KrmPath, type KrmValue, valuesEqual } from '../krm/value.ts';
import { pathKey } from './comment-map.ts';

/**
 * Which node of one version of a document continues which node of another: map entries by key, list items that are maps
 * or lists by a key field (else by position), scalar items by equal value at the same position.
 * @returns path in `from` by path in `to`, both as `pathKey`
 */
export function alignPaths(from: KrmValue, to: KrmValue): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  walk(from, [], to, [], pairs);
  return pairs;
}

function walk(from: KrmValue, fromPath: KrmPath, to: KrmValue, toPath: KrmPath, pairs: Map<string, string>): void {
  pairs.set(pathKey(toPath), pathKey(fromPath));
  if (isMap(from) && isMap(to)) {
    for (const key of Object.keys(to)) {
      const [old, next] = [Object.hasOwn(from, key) ? from[key] : undefined, to[key]];
      if (old !== undefined && next !== undefined) walk(old, [...fromPath, key], next, [...toPath, key], pairs);
    }
  }
  if (!isList(from) || !isList(to)) return;
  for (const [index, oldIndex] of matchOf(from, to).entries()) {
    const [old, next] = [from[oldIndex], to[index]];
    if (old !== undefined && next !== undefined) walk(old, [...fromPath, oldIndex], next, [...toPath, index], pairs);
  }
}

function matchOf(from: readonly KrmValue[], to: readonly KrmValue[]): readonly number[] {
  const scalars = !to.some((item) => isMap(item) || isList(item));
  if (!scalars) return matchItems(from, to);
  return to.map((item, index) => (valuesEqual(item, from[index]) ? index : -1));
}
