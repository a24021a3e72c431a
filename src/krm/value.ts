/**
 * Plain data of a KRM document. Integers beyond 2^53 are `bigint`; timestamps stay strings. Values are treated as
 * immutable everywhere: an edit makes new maps and lists along its path and shares the rest, so that `===` tells
 * "unchanged" without a walk.
 */
export type KrmScalar = string | number | bigint | boolean | null;
export type KrmValue = KrmScalar | readonly KrmValue[] | KrmMap;
export interface KrmMap {
  readonly [key: string]: KrmValue | undefined;
}
export type KrmPath = readonly (string | number)[];

export function isMap(value: KrmValue | undefined): value is KrmMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: KrmValue | undefined): value is readonly KrmValue[] {
  return Array.isArray(value);
}

/** The value at `path`, or undefined where a part is missing or not a collection. */
export function getIn(value: KrmValue | undefined, path: KrmPath): KrmValue | undefined {
  let current = value;
  for (const part of path) {
    if (isList(current) && typeof part === 'number') current = current[part];
    else if (isMap(current) && typeof part === 'string' && Object.hasOwn(current, part)) current = current[part];
    else return undefined;
  }
  return current;
}

/** The string at `path`, or undefined when it is missing or of another type. */
export function getString(value: KrmValue | undefined, path: KrmPath): string | undefined {
  const found = getIn(value, path);
  return typeof found === 'string' ? found : undefined;
}

/**
 * A copy of `value` with `next` at `path`, sharing all that did not change. Missing maps on the way are made; list
 * indexes must exist or be the list's length.
 * @throws TypeError when a part of the path meets a value of the wrong shape
 */
export function setIn<T extends KrmValue>(value: T, path: KrmPath, next: KrmValue): T {
  return setAt(value, path, 0, next) as T;
}

function setAt(value: KrmValue | undefined, path: KrmPath, depth: number, next: KrmValue): KrmValue {
  if (depth === path.length) return next;
  const part = path[depth] as string | number;
  if (typeof part === 'number') {
    if (!isList(value) || part > value.length || part < 0) throw new TypeError(`no list item at ${formatPath(path)}`);
    const item = setAt(value[part], path, depth + 1, next);
    if (item === value[part]) return value;
    const copy = value.slice();
    copy[part] = item;
    return copy;
  }
  if (value !== undefined && value !== null && !isMap(value)) throw new TypeError(`no map at ${formatPath(path)}`);
  const map = (value ?? {}) as KrmMap;
  const before = Object.hasOwn(map, part) ? map[part] : undefined;
  const after = setAt(before, path, depth + 1, next);
  return after === before ? map : withKey(map, part, after);
}

/** A copy of `map` with `key` set; an existing key keeps its place. */
export function withKey(map: KrmMap, key: string, value: KrmValue): KrmMap {
  if (key !== '__proto__') return { ...map, [key]: value };
  return Object.defineProperty({ ...map }, key, { value, enumerable: true, configurable: true, writable: true });
}

/** A copy of `value` without what is at `path`; the same value when nothing is there. */
export function deleteIn<T extends KrmValue>(value: T, path: KrmPath): T {
  if (getIn(value, path) === undefined) return value;
  const parent = path.slice(0, -1);
  const last = path.at(-1) as string | number;
  const holder = getIn(value, parent);
  let without: KrmValue;
  if (isList(holder)) without = holder.filter((_, index) => index !== last);
  else without = Object.fromEntries(Object.entries(holder as KrmMap).filter(([key]) => key !== last)) as KrmMap;
  return parent.length === 0 ? (without as T) : setIn(value, parent, without);
}

/** `spec.containers[0].image`; keys that hold dots or brackets are quoted. */
export function formatPath(path: KrmPath): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      if (!/^[^.[\]"\s]+$/.test(part)) return `["${part.replaceAll('"', '\\"')}"]`;
      return index === 0 ? part : `.${part}`;
    })
    .join('');
}

/** Deep equality of plain data; map key order does not count, list order does. */
export function valuesEqual(a: KrmValue | undefined, b: KrmValue | undefined): boolean {
  if (a === b) return true;
  if (isList(a) && isList(b)) return a.length === b.length && a.every((item, index) => valuesEqual(item, b[index]));
  if (isMap(a) && isMap(b)) {
    const keys = Object.keys(a);
    if (keys.length !== Object.keys(b).length) return false;
    return keys.every((key) => Object.hasOwn(b, key) && valuesEqual(a[key], b[key]));
  }
  return typeof a === 'number' && typeof b === 'number' && Number.isNaN(a) && Number.isNaN(b);
}
