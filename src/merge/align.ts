import { matchItems } from '../krm/list-match.ts';
import { isList, isMap, type KrmPath, type KrmValue, valuesEqual } from '../krm/value.ts';
import { pathKey } from './comment-map.ts';
import { keyItems } from './keyed-items.ts';
import type { ListKeys } from './list-keys.ts';

/** How a list is keyed, if that is known; every item on the path counts as number 0. */
export type KeysAt = (path: KrmPath) => ListKeys | undefined;

/**
 * Which node of one version of a document continues which node of another: map entries by key, items of keyed lists by
 * theirs, other list items that are maps or lists by a field that looks like a key (else by position), scalar items by
 * equal value at the same position.
 * @returns path in `from` by path in `to`, both as `pathKey`
 */
export function alignPaths(
  from: KrmValue,
  to: KrmValue,
  keysAt: KeysAt = () => undefined,
): ReadonlyMap<string, string> {
  const alignment = new Alignment(keysAt);
  alignment.walk(from, [], to, [], []);
  return alignment.pairs;
}

class Alignment {
  readonly pairs = new Map<string, string>();
  readonly #keysAt: KeysAt;

  constructor(keysAt: KeysAt) {
    this.#keysAt = keysAt;
  }

  walk(from: KrmValue, fromPath: KrmPath, to: KrmValue, toPath: KrmPath, schema: KrmPath): void {
    this.pairs.set(pathKey(toPath), pathKey(fromPath));
    if (isMap(from) && isMap(to)) {
      for (const key of Object.keys(to)) {
        const [old, next] = [Object.hasOwn(from, key) ? from[key] : undefined, to[key]];
        if (old === undefined || next === undefined) continue;
        this.walk(old, [...fromPath, key], next, [...toPath, key], [...schema, key]);
      }
    }
    if (!isList(from) || !isList(to)) return;
    for (const [index, oldIndex] of this.#match(from, to, schema).entries()) {
      const [old, next] = [from[oldIndex], to[index]];
      if (old === undefined || next === undefined) continue;
      this.walk(old, [...fromPath, oldIndex], next, [...toPath, index], [...schema, 0]);
    }
  }

  #match(from: readonly KrmValue[], to: readonly KrmValue[], schema: KrmPath): readonly number[] {
    const keys = this.#keysAt(schema);
    const [old, next] = [keys && keyItems(from, keys), keys && keyItems(to, keys)];
    if (old && next) {
      const places = new Map([...old.keys()].map((key, index) => [key, index]));
      return [...next.keys()].map((key) => places.get(key) ?? -1);
    }
    const scalars = !to.some((item) => isMap(item) || isList(item));
    if (!scalars) return matchItems(from, to);
    return to.map((item, index) => (valuesEqual(item, from[index]) ? index : -1));
  }
}
