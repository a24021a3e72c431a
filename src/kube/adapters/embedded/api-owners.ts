import { isMap, type JsonMap, member } from '../../json.ts';
import { KEY_PREFIX, keyedListAt, withListsAsMaps } from './keyed-lists.ts';
import { type FieldSet, fieldsOf, type Managers, managerKey, union } from './managed-fields.ts';
import { writablePart } from './metadata.ts';

/** An item of `metadata.managedFields`, as far as ownership needs it. */
export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: JsonMap;
}

/** What an API server says of who owns an object's fields, in this store's terms. */
export function managersOf(entries: readonly ManagedFieldsEntry[]): Managers {
  const owners = new Map<string, FieldSet>();
  for (const { manager = '', operation, subresource, fieldsV1 = {} } of entries) {
    if (subresource !== undefined && subresource !== 'status') continue;
    const key = managerKey(manager, operation === 'Apply' ? 'Apply' : 'Update', subresource);
    const owned = fieldSet(fieldsV1, []);
    // One entry for each version of the API that the manager used.
    if (Object.keys(owned).length > 0) owners.set(key, union(owners.get(key) ?? {}, owned));
  }
  return Object.fromEntries(owners);
}

/** What an apply of an object owns. kubectl notes `annotations: {}` of every object: that is nobody's claim to all of them. */
export function appliedFields(object: JsonMap): FieldSet {
  const { metadata = {}, ...rest } = fieldsOf(withListsAsMaps(writablePart(object, true)));
  const named = Object.entries(metadata).filter(([, below]) => Object.keys(below).length > 0);
  return named.length === 0 ? rest : { ...rest, metadata: Object.fromEntries(named) };
}

function fieldSet(fields: JsonMap, path: readonly string[]): FieldSet {
  const list = keyedListAt(path);
  const entries = Object.entries(fields).flatMap(([key, below]): readonly (readonly [string, FieldSet])[] => {
    const name = key.startsWith('f:') ? key.slice(2) : list && itemKey(key, list.key);
    // `.` is the map itself, and items of a list that is one value here make the list a leaf.
    return name === undefined ? [] : [[name, isMap(below) ? fieldSet(below, [...path, name]) : {}]];
  });
  return Object.fromEntries(entries);
}

/** `k:{"type":"Ready"}` and `v:"a"`. */
function itemKey(key: string, identity: string | undefined): string | undefined {
  if (!/^[kv]:/.test(key)) return undefined;
  const value: unknown = JSON.parse(key.slice(2));
  const id = identity !== undefined && isMap(value) ? member(value, identity) : value;
  return typeof id === 'string' ? `${KEY_PREFIX}${id}` : undefined;
}
