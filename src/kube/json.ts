/** Plain data as an API server exchanges it; integers beyond 2^53 are `bigint`. A value that is undefined is absent. */
export type Json = string | number | bigint | boolean | null | readonly Json[] | JsonMap;
export interface JsonMap {
  readonly [key: string]: Json | undefined;
}

export function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A typed object as plain data. */
export function asMap(object: object): JsonMap {
  return { ...object };
}

/** A deep copy that shares nothing with `value`, deeply frozen, without members that are undefined. */
export function frozenCopy<T>(value: T): T {
  return copy(value, () => false) as T;
}

/** As {@link frozenCopy}, but parts that are frozen are shared: all of them must come from frozen copies. */
export function frozenAround<T>(value: T): T {
  return copy(value, Object.isFrozen) as T;
}

function copy(value: unknown, isShared: (value: object) => boolean): unknown {
  if (typeof value !== 'object' || value === null || isShared(value)) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item) => copy(item, isShared) ?? null));
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  // From entries, because an assignment to the key `__proto__` would not make a member.
  return Object.freeze(Object.fromEntries(entries.map(([key, item]) => [key, copy(item, isShared)])));
}

/** Freezes in place and deeply; what is frozen already is taken to be frozen down to its leaves. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}

/** The value with the keys of its maps in order, deeply: so an API server keeps objects. */
export function inKeyOrder<T>(value: T): T {
  return ordered(value) as T;
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, ordered(value[key])]),
  );
}

/** Whether two values say the same: order of keys does not count, and undefined is the same as absent. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => sameJson(item, right[index]));
  }
  if (!isMap(left) || !isMap(right)) return false;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const key of keys) {
    if (!sameJson(member(left, key), member(right, key))) return false;
  }
  return true;
}

/** The map's own member; `toString` and the like are no members. */
export function member(map: JsonMap, key: string): Json | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
