import type { KrmPath, KrmScalar } from '../value.ts';
import { kubernetesSchemas } from './kubernetes.ts';
import type { Schema } from './schema.ts';

/** How the items of a list are told apart. */
export type ListKeys =
  /** By the values of some fields; items with the same values are the same item. */
  | { readonly type: 'map'; readonly keys: readonly ListKey[] }
  /** By their own value: each may be there once. */
  | { readonly type: 'set' }
  /** Not at all: the list is one value. */
  | { readonly type: 'atomic' };

export interface ListKey {
  readonly name: string;
  /** What the field counts as where it is missing, for example `TCP`. */
  readonly default?: KrmScalar;
}

/**
 * How Kubernetes tells the items of a list of one of its own kinds apart.
 * @param path of the list, for example `spec.template.spec.containers[0].ports`
 * @returns undefined when the kind or the list is not known, or nothing is said about it
 */
export function listKeys(apiVersion: string, kind: string, path: KrmPath): ListKeys | undefined {
  const schema = kubernetesSchemas.find(apiVersion, kind);
  return schema === undefined ? undefined : listKeysIn(schema, path);
}

/** The same for a schema at hand, such as that of a CustomResourceDefinition. */
export function listKeysIn(schema: Schema, path: KrmPath): ListKeys | undefined {
  const list = schemaAt(schema, path);
  if (list?.type !== 'array') return undefined;
  const type = list['x-kubernetes-list-type'];
  if (type === 'set' || type === 'atomic') return { type };
  const keys = type === 'map' ? list['x-kubernetes-list-map-keys'] : mergeKey(list);
  if (keys !== undefined) return { type: 'map', keys: keys.map((name) => describeKey(list, name)) };
  return list['x-kubernetes-patch-strategy']?.includes('merge') === true ? { type: 'set' } : undefined;
}

/** The schema of the value at a path; undefined where the schema says nothing. References are resolved. */
export function schemaAt(schema: Schema, path: KrmPath): Schema | undefined {
  let current: Schema | undefined = kubernetesSchemas.resolve(schema);
  for (const part of path) {
    const next: Schema | undefined = typeof part === 'number' ? current.items : child(current, part);
    if (next === undefined) return undefined;
    current = kubernetesSchemas.resolve(next);
  }
  return current;
}

function child({ properties = {}, additionalProperties }: Schema, name: string): Schema | undefined {
  if (Object.hasOwn(properties, name)) return properties[name];
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

function mergeKey(list: Schema): readonly string[] | undefined {
  const key = list['x-kubernetes-patch-merge-key'];
  return key === undefined ? undefined : [key];
}

function describeKey(list: Schema, name: string): ListKey {
  const field = list.items === undefined ? undefined : schemaAt(list.items, [name]);
  const fallback = field?.default;
  // A number's default of 0 only says that the field must be given.
  const meant = typeof fallback === 'string' || typeof fallback === 'boolean';
  return meant && fallback !== '' ? { name, default: fallback } : { name };
}
