import type { KptfileCondition } from './kptfile.ts';
import { deleteIn, getIn, isList, isMap, type KrmMap, type KrmValue, setIn, valuesEqual, withKey } from './value.ts';

/*
 * Changes to a Kptfile's data, for use inside `editKptfile`. Each returns the same map when nothing changes, so that
 * the file keeps its bytes.
 */

/** Replaces the condition of that type where it stands, or appends it; other conditions stay. */
export function setKptfileCondition(kptfile: KrmMap, condition: KptfileCondition): KrmMap {
  const found = getIn(kptfile, ['status', 'conditions']);
  const conditions = isList(found) ? found : [];
  const next: KrmMap = Object.fromEntries(Object.entries(condition).filter(([, value]) => value !== undefined));
  const index = conditions.findIndex((item) => isMap(item) && item.type === condition.type);
  if (index < 0) return setPath(kptfile, ['status', 'conditions'], [...conditions, next]);
  return valuesEqual(conditions[index], next)
    ? kptfile
    : setPath(kptfile, ['status', 'conditions'], conditions.with(index, next));
}

/** Removes the condition of that type. */
export function removeKptfileCondition(kptfile: KrmMap, type: string): KrmMap {
  const conditions = getIn(kptfile, ['status', 'conditions']);
  if (!isList(conditions)) return kptfile;
  const kept = conditions.filter((item) => !(isMap(item) && item.type === type));
  if (kept.length === conditions.length) return kptfile;
  if (kept.length > 0) return setIn(kptfile, ['status', 'conditions'], kept);
  return dropEmpty(deleteIn(kptfile, ['status', 'conditions']), 'status');
}

/**
 * Makes `info.readinessGates` name exactly these condition types: gates that stay keep their place and their other
 * fields, missing ones are appended in the order given, doubled ones are written once.
 */
export function setReadinessGates(kptfile: KrmMap, conditionTypes: readonly string[]): KrmMap {
  const found = getIn(kptfile, ['info', 'readinessGates']);
  const gates = isList(found) ? found : [];
  const missing = new Set(conditionTypes);
  const kept = gates.filter((gate) => {
    const type = getIn(gate, ['conditionType']);
    return typeof type === 'string' && missing.delete(type);
  });
  const next = [...kept, ...[...missing].map((conditionType) => ({ conditionType }))];
  if (valuesEqual(gates, next)) return kptfile;
  if (next.length > 0) return setPath(kptfile, ['info', 'readinessGates'], next);
  return dropEmpty(deleteIn(kptfile, ['info', 'readinessGates']), 'info');
}

/** Sets these labels or annotations; others stay. A value of null removes the key. */
export function mergeKptfileMetadata(
  kptfile: KrmMap,
  field: 'labels' | 'annotations',
  changes: { readonly [key: string]: string | null },
): KrmMap {
  const found = getIn(kptfile, ['metadata', field]);
  let map: KrmMap = isMap(found) ? found : {};
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) map = deleteIn(map, [key]);
    else if (!Object.hasOwn(map, key) || map[key] !== value) map = withKey(map, key, value);
  }
  if (valuesEqual(map, isMap(found) ? found : {})) return kptfile;
  return Object.keys(map).length > 0
    ? setPath(kptfile, ['metadata', field], map)
    : deleteIn(kptfile, ['metadata', field]);
}

/** As `setIn`, but explicit nulls on the way become maps. */
function setPath(kptfile: KrmMap, [outer, inner]: readonly [string, string], value: KrmValue): KrmMap {
  const parent = kptfile[outer];
  return withKey(kptfile, outer, withKey(isMap(parent) ? parent : {}, inner, value));
}

function dropEmpty(kptfile: KrmMap, key: string): KrmMap {
  const value = kptfile[key];
  return isMap(value) && Object.keys(value).length === 0 ? deleteIn(kptfile, [key]) : kptfile;
}
