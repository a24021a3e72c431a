import type { ListKey } from '../krm/schema/list-keys.ts';
import { isList, isMap, type KrmValue } from '../krm/value.ts';
import type { ListKeys } from './list-keys.ts';

export interface KeyedItem {
  readonly value: KrmValue;
  /** `name=web`, for messages. */
  readonly label: string;
}

/** Items of a list by their key, in list order. */
export interface KeyedItems extends ReadonlyMap<string, KeyedItem> {
  /** Fields that make the key; none where items are named otherwise. */
  readonly fields: readonly string[];
}

/** Undefined when the list is one value: an item has none of the keys, or two items have the same. */
export function keyItems(list: readonly KrmValue[], keys: ListKeys): KeyedItems | undefined {
  const names = itemKeys(list, keys);
  if (!names) return undefined;
  const items = new Map<string, KeyedItem>();
  for (const [index, value] of list.entries()) {
    const key = names[index];
    if (key === undefined || items.has(key.id)) return undefined;
    items.set(key.id, { value, label: key.label });
  }
  return Object.assign(items, { fields: keys.type === 'map' ? keys.keys.map(({ name }) => name) : [] });
}

interface ItemKey {
  readonly id: string;
  readonly label: string;
}

function itemKeys(list: readonly KrmValue[], keys: ListKeys): readonly (ItemKey | undefined)[] | undefined {
  switch (keys.type) {
    case 'atomic':
      return undefined;
    case 'set':
      return list.map(scalarKey);
    case 'map':
      return list.map((value) => mapKey(value, keys.keys));
    case 'named':
      return keys.names(list)?.map((name) => ({ id: name, label: name }));
  }
}

function scalarKey(value: KrmValue): ItemKey | undefined {
  if (isMap(value) || isList(value)) return undefined;
  return { id: `${typeof value} ${String(value)}`, label: String(value) };
}

/** A key field that is missing counts as its default: `80` and `80/TCP` are the same port. */
function mapKey(value: KrmValue, keys: readonly ListKey[]): ItemKey | undefined {
  if (!isMap(value)) return undefined;
  const parts: string[] = [];
  const labels: string[] = [];
  for (const { name, default: fallback = '' } of keys) {
    const part = value[name];
    if (isMap(part) || isList(part)) return undefined;
    const given = part !== undefined && part !== null;
    if (given) labels.push(`${name}=${String(part)}`);
    parts.push(String(given ? part : fallback));
  }
  return labels.length === 0 ? undefined : { id: JSON.stringify(parts), label: labels.join(',') };
}
