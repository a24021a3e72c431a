import { apiGroup } from '../krm/identity.ts';
import { type ListKeys as DeclaredKeys, listKeys, listKeysIn } from '../krm/schema/list-keys.ts';
import type { Schema } from '../krm/schema/schema.ts';
import { getIn, getString, isList, isMap, type KrmMap, type KrmPath, type KrmValue } from '../krm/value.ts';

/** How the items of a list are told apart: as a schema declares it, or by a rule that names each item of a list. */
export type ListKeys = DeclaredKeys | ItemNames;

export interface ItemNames {
  readonly type: 'named';
  /** One name an item; undefined when the items cannot be told apart. */
  readonly names: (items: readonly KrmValue[]) => readonly string[] | undefined;
}

/**
 * Looks up how a list of a resource is keyed; undefined where nothing is known.
 * @param path of the list; every item counts as number 0
 */
export type ListKeyLookup = (resource: KrmMap, path: KrmPath) => ListKeys | undefined;

/** Kubernetes' own kinds, and what kustomize merges by name. */
export const builtinListKeys: ListKeyLookup = (resource, path) => {
  const [apiVersion, kind] = [String(resource.apiVersion ?? ''), String(resource.kind ?? '')];
  // Metadata is the same for all kinds.
  if (path[0] === 'metadata') return listKeys('v1', 'ConfigMap', path);
  return listKeys(apiVersion, kind, path) ?? kustomizeListKeys(kind, path);
};

function kustomizeListKeys(kind: string, path: KrmPath): ListKeys | undefined {
  const generator = path.length === 1 && (path[0] === 'configMapGenerator' || path[0] === 'secretGenerator');
  return kind === 'Kustomization' && generator ? { type: 'map', keys: [{ name: 'name' }] } : undefined;
}

/** Lookup over the CustomResourceDefinitions among some resources; earlier ones win. */
export function crdListKeys(resources: Iterable<KrmValue>): ListKeyLookup {
  const schemas = new Map<string, Schema>();
  for (const resource of resources) {
    if (!isCrd(resource)) continue;
    const group = getString(resource, ['spec', 'group']) ?? '';
    const kind = getString(resource, ['spec', 'names', 'kind']) ?? '';
    for (const { version, schema } of crdVersions(resource)) {
      // A version that is not defined here is keyed as another one of its kind.
      for (const key of [`${group}/${version} ${kind}`, `${group} ${kind}`]) {
        if (schema && !schemas.has(key)) schemas.set(key, schema);
      }
    }
  }
  return (resource, path) => {
    const [apiVersion, kind] = [String(resource.apiVersion ?? ''), String(resource.kind ?? '')];
    const schema = schemas.get(`${apiVersion} ${kind}`) ?? schemas.get(`${apiGroup(apiVersion)} ${kind}`);
    return schema && listKeysIn(schema, path);
  };
}

function isCrd(resource: KrmValue): boolean {
  return (
    getString(resource, ['kind']) === 'CustomResourceDefinition' &&
    apiGroup(getString(resource, ['apiVersion']) ?? '') === 'apiextensions.k8s.io'
  );
}

function crdVersions(crd: KrmValue): { readonly version: string; readonly schema: Schema | undefined }[] {
  const versions = getIn(crd, ['spec', 'versions']);
  // v1beta1 has one schema for all versions.
  const shared = getIn(crd, ['spec', 'validation', 'openAPIV3Schema']);
  return (isList(versions) ? versions : []).map((version) => ({
    version: getString(version, ['name']) ?? '',
    schema: asSchema(getIn(version, ['schema', 'openAPIV3Schema']) ?? shared),
  }));
}

/**
 * The parts of a schema that say how lists are keyed. A package may hold anything in the place of a schema: what has the
 * wrong type says nothing.
 */
export function asSchema(value: KrmValue | undefined): Schema | undefined {
  if (!isMap(value)) return undefined;
  const type = TYPES.find((candidate) => candidate === value.type);
  const listType = LIST_TYPES.find((candidate) => candidate === value['x-kubernetes-list-type']);
  const mapKeys = value['x-kubernetes-list-map-keys'];
  const text = (key: string) => (typeof value[key] === 'string' ? { [key]: value[key] } : {});
  const items = asSchema(value.items);
  const rest = asSchema(value.additionalProperties);
  return {
    ...text('$ref'),
    ...text('x-kubernetes-patch-strategy'),
    ...text('x-kubernetes-patch-merge-key'),
    ...(type ? { type } : {}),
    ...(isMap(value.properties) ? { properties: schemasOf(value.properties) } : {}),
    ...(items ? { items } : {}),
    ...(rest ? { additionalProperties: rest } : {}),
    ...(listType ? { 'x-kubernetes-list-type': listType } : {}),
    ...(isList(mapKeys) ? { 'x-kubernetes-list-map-keys': mapKeys.map(String) } : {}),
  };
}

const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean'] as const;
const LIST_TYPES = ['atomic', 'set', 'map'] as const;

function schemasOf(properties: KrmMap): { readonly [name: string]: Schema } {
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, value]) => {
      const schema = asSchema(value);
      return schema ? [[name, schema]] : [];
    }),
  );
}

/** The first lookup that knows a list wins. */
export function firstOf(...lookups: readonly ListKeyLookup[]): ListKeyLookup {
  return (resource, path) => {
    for (const lookup of lookups) {
      const keys = lookup(resource, path);
      if (keys) return keys;
    }
    return undefined;
  };
}
