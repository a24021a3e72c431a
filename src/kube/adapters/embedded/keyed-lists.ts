import { isMap, type Json, type JsonMap, member } from '../../json.ts';

/** Lists whose items have an identity, so that several writers can share one: path and the member that names an item. */
const KEYED_LISTS: readonly { readonly path: readonly [string, string]; readonly key: string | undefined }[] = [
  { path: ['metadata', 'finalizers'], key: undefined },
  { path: ['metadata', 'ownerReferences'], key: 'uid' },
  { path: ['status', 'conditions'], key: 'type' },
];

/** Keeps identities that look like numbers in the order of the list. */
export const KEY_PREFIX = 'k:';

/** The keyed list at a path, if there is one; `key` is undefined where the items are their own identity. */
export function keyedListAt(path: readonly string[]): { readonly key: string | undefined } | undefined {
  return KEYED_LISTS.find(({ path: [outer, inner] }) => path.length === 2 && path[0] === outer && path[1] === inner);
}

/** The object with every keyed list written as a map from identity to item, so that merging knows maps only. */
export function withListsAsMaps(object: JsonMap): JsonMap {
  return KEYED_LISTS.reduce((result, { path, key }) => replaceAt(result, path, (list) => asMap(list, key)), object);
}

/** The reverse of {@link withListsAsMaps}. */
export function withMapsAsLists(object: JsonMap): JsonMap {
  return KEYED_LISTS.reduce((result, { path }) => replaceAt(result, path, asList), object);
}

function replaceAt(object: JsonMap, [outer, inner]: readonly [string, string], change: (value: Json) => Json): JsonMap {
  const parent = member(object, outer);
  if (!isMap(parent)) return object;
  const value = member(parent, inner);
  if (value === undefined) return object;
  return { ...object, [outer]: { ...parent, [inner]: change(value) } };
}

/** A list with items that have no identity, or the same one, stays a list and so atomic. */
function asMap(list: Json, key: string | undefined): Json {
  if (!Array.isArray(list)) return list;
  const entries = list.map((item: Json): [Json | undefined, Json] => [identity(item, key), item]);
  if (!entries.every(([id]) => typeof id === 'string')) return list;
  const map = Object.fromEntries(entries.map(([id, item]) => [`${KEY_PREFIX}${id}`, item]));
  return Object.keys(map).length === entries.length ? map : list;
}

function identity(item: Json, key: string | undefined): Json | undefined {
  if (key === undefined) return item;
  return isMap(item) ? member(item, key) : undefined;
}

function asList(map: Json): Json {
  return isMap(map) ? Object.values(map).filter((item) => item !== undefined) : map;
}
