import { isMap, type Json, type JsonMap, member, sameJson } from '../../json.ts';

/**
 * Fields as a tree of keys; a node without children is a leaf, which stands for its value as a whole. Lists are leaves
 * (see keyed-lists.ts for those that are not).
 */
export interface FieldSet {
  readonly [key: string]: FieldSet;
}

/** What each writer owns, by {@link managerKey}. */
export interface Managers {
  readonly [manager: string]: FieldSet;
}

/** Applies and other writes of one name are two owners, and so are its writes to the object and to its status. */
export function managerKey(fieldManager: string, operation: 'Apply' | 'Update', subresource?: 'status'): string {
  return [operation, ...(subresource ? [subresource] : []), fieldManager].join(' ');
}

/**
 * Server-side apply, forced: `applied` wins where it differs from `live`; what the manager applied the last time, leaves out
 * now and nobody else owns is removed; everything else stays.
 */
export function applyFields(
  live: JsonMap,
  applied: JsonMap,
  manager: string,
  managers: Managers,
): { readonly value: JsonMap; readonly managers: Managers } {
  const owned = fieldsOf(applied);
  const overlaid = overlay(live, applied);
  const others = keepUnchanged(without(managers, manager), live, overlaid);
  const value = prune(overlaid, managers[manager] ?? {}, owned, Object.values(others));
  return { value, managers: withOwner(keepUnchanged(others, overlaid, value), manager, owned) };
}

/** Owners after a write that is no apply: the writer owns what it changed, the others what they had and still is so. */
export function updateOwners(before: JsonMap, after: JsonMap, manager: string, managers: Managers): Managers {
  const kept = keepUnchanged(managers, before, after);
  return withOwner(kept, manager, union(kept[manager] ?? {}, changedFields(before, after)));
}

function withOwner(managers: Managers, manager: string, owned: FieldSet): Managers {
  const rest = without(managers, manager);
  return isLeaf(owned) ? rest : { ...rest, [manager]: owned };
}

function without(managers: Managers, manager: string): Managers {
  return Object.fromEntries(Object.entries(managers).filter(([key]) => key !== manager));
}

function isLeaf(set: FieldSet): boolean {
  return Object.keys(set).length === 0;
}

function child(set: FieldSet | undefined, key: string): FieldSet | undefined {
  return set && Object.hasOwn(set, key) ? set[key] : undefined;
}

/** Every leaf of a value. */
export function fieldsOf(value: Json): FieldSet {
  if (!isMap(value)) return {};
  const entries = Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, fieldsOf(item)]]));
  return Object.fromEntries(entries);
}

function overlay(live: JsonMap, applied: JsonMap): JsonMap {
  const entries = Object.entries(applied).map(([key, value]) => {
    const old = member(live, key);
    return [key, isMap(old) && isMap(value) ? overlay(old, value) : value];
  });
  return { ...live, ...Object.fromEntries(entries) };
}

/** Removes the leaves of `old` that are not in `now` and that no other set holds, and maps that this leaves empty. */
function prune(value: JsonMap, old: FieldSet, now: FieldSet | undefined, others: readonly FieldSet[]): JsonMap {
  const result: { [key: string]: Json | undefined } = { ...value };
  for (const key of Object.keys(old)) {
    const current = member(value, key);
    const below = child(old, key) ?? {};
    const stillApplied = child(now, key);
    const heldByOthers = others.flatMap((set) => child(set, key) ?? []);
    const mayGo = stillApplied === undefined && heldByOthers.length === 0;
    if (isLeaf(below) || !isMap(current)) {
      if (mayGo) delete result[key];
      continue;
    }
    const pruned = prune(current, below, stillApplied, heldByOthers);
    if (mayGo && Object.keys(pruned).length === 0) delete result[key];
    else result[key] = pruned;
  }
  return result;
}

/** Each owner's fields that have the same value before and after; an owner of nothing is dropped. */
function keepUnchanged(managers: Managers, before: JsonMap, after: JsonMap): Managers {
  const entries = Object.entries(managers).map(([name, set]) => [name, unchanged(set, before, after)] as const);
  return Object.fromEntries(entries.filter(([, set]) => !isLeaf(set)));
}

function unchanged(set: FieldSet, before: JsonMap, after: JsonMap): FieldSet {
  if (before === after) return set;
  const entries = Object.keys(set).flatMap((key) => {
    const below = child(set, key) ?? {};
    const [old, now] = [member(before, key), member(after, key)];
    if (now === undefined) return [];
    if (isLeaf(below)) return sameJson(old, now) ? [[key, below]] : [];
    if (!isMap(old) || !isMap(now)) return [];
    const kept = unchanged(below, old, now);
    return isLeaf(kept) ? [] : [[key, kept]];
  });
  return Object.fromEntries(entries);
}

function changedFields(before: JsonMap, after: JsonMap): FieldSet {
  const entries = Object.entries(after).flatMap(([key, now]) => {
    const old = member(before, key);
    if (now === undefined || sameJson(old, now)) return [];
    if (!isMap(now) || !isMap(old)) return [[key, fieldsOf(now)]];
    const changed = changedFields(old, now);
    return isLeaf(changed) ? [] : [[key, changed]];
  });
  return Object.fromEntries(entries);
}

export function union(left: FieldSet, right: FieldSet): FieldSet {
  const entries = Object.keys(right).map((key) => [key, union(child(left, key) ?? {}, child(right, key) ?? {})]);
  return { ...left, ...Object.fromEntries(entries) };
}
