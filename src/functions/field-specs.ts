import { apiGroup } from '../krm/identity.ts';
import { getIn, getString, isList, isMap, type KrmMap, type KrmPath, type KrmValue, withKey } from '../krm/value.ts';
import type { FieldPathPart } from './field-path.ts';

/** A field of some kinds that holds labels or annotations. */
export interface FieldSpec {
  /** '' is the core group; absent means any. */
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  /** Parts separated by slashes; `[]` stands for every item of a list. */
  readonly path: string;
  /** Missing maps on the way are made. */
  readonly create?: boolean;
  /** Where given, nothing happens unless this field exists. */
  readonly within?: string;
}

/** `spec/containers[]/image` as a field path, for fields that are no maps; `[]` and `*` are every item. */
export function fieldPathOf(path: string): FieldPathPart[] {
  const parts = path.replaceAll('[]', '/[]').split('/');
  return parts
    .filter((part) => part !== '')
    .map((part) => (part === '[]' || part === '*' ? { type: 'all' } : { type: 'key', key: part }));
}

/** Whether a resource has the kind that a field belongs to. */
export function hasField(value: KrmMap, spec: FieldSpec): boolean {
  const apiVersion = getString(value, ['apiVersion']) ?? '';
  if (spec.group !== undefined && spec.group !== apiGroup(apiVersion)) return false;
  if (spec.version !== undefined && spec.version !== apiVersion.slice(apiVersion.lastIndexOf('/') + 1)) return false;
  if (spec.kind !== undefined && spec.kind !== value.kind) return false;
  return spec.within === undefined || isMap(getIn(value, spec.within.split('/')));
}

/**
 * The resource with every map at a field's path replaced by what `update` makes of it.
 * @param update gets an empty map for one that is created
 */
export function updateField(
  value: KrmMap,
  spec: FieldSpec,
  update: (current: KrmMap, path: KrmPath) => KrmMap,
): KrmMap {
  return updateAt(value, spec.path.split('/'), spec.create === true, update, []) as KrmMap;
}

function updateAt(
  value: KrmValue | undefined,
  parts: readonly string[],
  create: boolean,
  update: (current: KrmMap, path: KrmPath) => KrmMap,
  path: KrmPath,
): KrmValue | undefined {
  const [part, ...rest] = parts;
  if (part === '[]') {
    if (!isList(value)) return value;
    const items = value.map((item, index) => updateAt(item, rest, create, update, [...path, index]) as KrmValue);
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  const map = value === undefined || value === null ? (create ? {} : undefined) : value;
  if (!isMap(map)) return value;
  if (part === undefined) return update(map, path);
  const child = Object.hasOwn(map, part) ? map[part] : undefined;
  const next = updateAt(child, rest, create, update, [...path, part]);
  return next === child || next === undefined ? value : withKey(map, part, next);
}

/** The map with the given entries; the same object when they are all there. New keys come last, in string order. */
export function withEntries(map: KrmMap, entries: { readonly [key: string]: string }): KrmMap {
  let next = map;
  for (const key of Object.keys(entries).sort()) {
    const value = entries[key] as string;
    if (!Object.hasOwn(next, key) || next[key] !== value) next = withKey(next, key, value);
  }
  return next;
}
