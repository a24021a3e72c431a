import { getIn, isList, isMap, type KrmMap, type KrmScalar, type KrmValue, valuesEqual } from './value.ts';

/** Fields that name a list's items in Kubernetes objects, likeliest first. */
const KEY_FIELDS = [
  'name',
  'key',
  'conditionType',
  'type',
  'containerPort',
  'port',
  'mountPath',
  'devicePath',
  'topologyKey',
  'ip',
  'image',
];

/**
 * For each item of `next` the index of the `old` item that it continues, or -1 for a new one. Items are matched from
 * both ends while equal, then by a key field or by equal value, and what is left between two matches by position.
 */
export function matchItems(old: readonly KrmValue[], next: readonly KrmValue[]): number[] {
  const match = new Array<number>(next.length).fill(-1);
  let head = 0;
  const shorter = Math.min(old.length, next.length);
  while (head < shorter && valuesEqual(old[head], next[head])) {
    match[head] = head;
    head += 1;
  }
  let tail = 0;
  while (tail < shorter - head && valuesEqual(old[old.length - 1 - tail], next[next.length - 1 - tail])) {
    match[next.length - 1 - tail] = old.length - 1 - tail;
    tail += 1;
  }
  matchByIdentity(old, next, match, head, tail);
  if (isIncreasing(match)) fillGaps(old, next, match);
  return match;
}

/** True when the matched items keep their order. */
export function isIncreasing(match: readonly number[]): boolean {
  let last = -1;
  for (const index of match) {
    if (index < 0) continue;
    if (index <= last) return false;
    last = index;
  }
  return true;
}

function matchByIdentity(
  old: readonly KrmValue[],
  next: readonly KrmValue[],
  match: number[],
  head: number,
  tail: number,
): void {
  const identity = identityOf(old, next);
  const places = new Map<string, number[]>();
  for (let index = old.length - 1 - tail; index >= head; index -= 1) {
    const key = identity(old[index] as KrmValue);
    const list = places.get(key);
    if (list === undefined) places.set(key, [index]);
    else list.push(index);
  }
  for (let index = head; index < next.length - tail; index += 1) {
    match[index] = places.get(identity(next[index] as KrmValue))?.pop() ?? -1;
  }
}

/** Leftovers between two matches continue each other when they are as many on both sides and of the same kind. */
function fillGaps(old: readonly KrmValue[], next: readonly KrmValue[], match: number[]): void {
  let oldAt = 0;
  for (let at = 0; at <= next.length; ) {
    let end = at;
    while (end < next.length && match[end] === -1) end += 1;
    const oldEnd = end < next.length ? (match[end] as number) : old.length;
    if (end - at === oldEnd - oldAt) {
      for (let offset = 0; at + offset < end; offset += 1) {
        if (kindOf(old[oldAt + offset]) === kindOf(next[at + offset])) match[at + offset] = oldAt + offset;
      }
    }
    oldAt = oldEnd + 1;
    at = end + 1;
  }
}

function kindOf(value: KrmValue | undefined): string {
  return isList(value) ? 'list' : isMap(value) ? 'map' : 'scalar';
}

function identityOf(old: readonly KrmValue[], next: readonly KrmValue[]): (value: KrmValue) => string {
  const field = KEY_FIELDS.find((candidate) => isUniqueKey(old, candidate) && isUniqueKey(next, candidate));
  return field === undefined ? canonical : (value) => canonical(getIn(value, [field]) ?? null);
}

function isUniqueKey(items: readonly KrmValue[], field: string): boolean {
  const seen = new Set<string>();
  for (const item of items) {
    if (!isMap(item) || !Object.hasOwn(item, field)) return false;
    const value = item[field];
    if (value === undefined || value === null || isList(value) || isMap(value)) return false;
    const key = canonical(value);
    if (seen.has(key)) return false;
    seen.add(key);
  }
  return true;
}

/** A string that is the same for equal values only. */
function canonical(value: KrmValue): string {
  if (isList(value)) return `[${value.map(canonical).join()}]`;
  if (isMap(value))
    return `{${Object.keys(value)
      .sort()
      .map((key) => entryText(value, key))
      .join()}}`;
  return scalarText(value);
}

function entryText(map: KrmMap, key: string): string {
  return `${JSON.stringify(key)}:${canonical(map[key] ?? null)}`;
}

function scalarText(value: KrmScalar): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
