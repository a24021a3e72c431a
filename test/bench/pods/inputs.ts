import { createHash } from 'node:crypto';
import type { KrmMap, KrmValue } from '../../../src/krm/value.ts';
import type { SeededRandom } from '../support/random.ts';

/** What one evaluation is given, in plain data. */
export interface Input {
  readonly items: readonly KrmMap[];
  readonly functionConfig: KrmMap;
}

/** A ResourceList of ConfigMaps. @param bytes of text in each */
export function makeInput(random: SeededRandom, items: number, bytes: number, config: KrmMap): Input {
  return {
    items: Array.from({ length: items }, (_, at) => configMap(`${random.word()}-${at}`, textOf(random, bytes))),
    functionConfig: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'config' }, data: config },
  };
}

export function configMap(name: string, text: string): KrmMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'example' }, data: { text } };
}

/** The items as `set-namespace` has to leave them. */
export function inNamespace({ items }: Input, namespace: string): readonly KrmMap[] {
  return items.map((item) => ({ ...item, metadata: { ...(item.metadata as KrmMap), namespace } }));
}

/** Equal for equal items, whatever their order and that of their fields: functions may sort them. */
export function digestOf(items: readonly KrmValue[]): string {
  return createHash('sha256')
    .update(
      items
        .map((item) => JSON.stringify(sorted(item)))
        .sort()
        .join(),
    )
    .digest('hex');
}

function sorted(value: KrmValue): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, sorted(inner as KrmValue)]);
}

function textOf(random: SeededRandom, bytes: number): string {
  const words: string[] = [];
  for (let length = 0; length < bytes; length += 8) words.push(random.word());
  return words.join(' ').slice(0, bytes);
}
