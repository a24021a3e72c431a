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

/** The fields of each kind among many, found once for a kind and not once for a resource. */
export class FieldsByKind<Field extends FieldSpec> {
  readonly #fields: readonly Field[];
  readonly #byKind = new Map<string, readonly Field[]>();

  constructor(fields: readonly Field[]) {
    this.#fields = fields;
  }

  /** Those of a resource's kind, in the order given; `within` is not looked at. */
  of(value: KrmMap): readonly Field[] {
    const kind = `${String(value.apiVersion)} ${String(value.kind)}`;
    let fields = this.#byKind.get(kind);
    if (fields === undefined) {
      fields = this.#fields.filter((spec) => isOfKind(value, spec));
      this.#byKind.set(kind, fields);
    }
    return fields;
  }
}

/** Whether a resource has the kind that a field belongs to, and what the field lies within. */
export function hasField(value: KrmMap, spec: FieldSpec): boolean {
  return isOfKind(value, spec) && hasWithin(value, spec);
}

/** Whether what a field lies within is there. */
export function hasWithin(value: KrmMap, { within }: FieldSpec): boolean {
  return within === undefined || isMap(getIn(value, within.split('/')));
}

function isOfKind(value: KrmMap, spec: Omit<FieldSpec, 'path'>): boolean {
  const apiVersion = getString(value, ['apiVersion']) ?? '';
  if (spec.group !== undefined && spec.group !== apiGroup(apiVersion)) return false;
  if (spec.version !== undefined && spec.version !== apiVersion.slice(apiVersion.lastIndexOf('/') + 1)) return false;
  return spec.kind === undefined || spec.kind === value.kind;
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
