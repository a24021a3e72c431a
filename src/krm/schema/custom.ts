import { apiGroup } from '../identity.ts';
import { getIn, getString, isList, isMap, type KrmMap, type KrmValue } from '../value.ts';
import type { Schema, SchemaSource, SchemaType } from './schema.ts';

const TYPES: readonly KrmValue[] = ['object', 'array', 'string', 'integer', 'number', 'boolean'];
const OBJECT_META: Schema = { $ref: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' };

/**
 * The kinds that CustomResourceDefinitions (apiextensions.k8s.io) among some resources define. What of a definition
 * cannot be read counts as not said.
 */
export function customSchemas(resources: Iterable<KrmMap>): SchemaSource {
  const found = new Map<string, Schema>();
  for (const resource of resources) {
    const isDefinition = resource.kind === 'CustomResourceDefinition';
    if (!isDefinition || apiGroup(getString(resource, ['apiVersion']) ?? '') !== 'apiextensions.k8s.io') continue;
    const group = getString(resource, ['spec', 'group']) ?? '';
    const kind = getString(resource, ['spec', 'names', 'kind']) ?? '';
    const versions = getIn(resource, ['spec', 'versions']);
    for (const version of isList(versions) ? versions : []) {
      const schema = getIn(version, ['schema', 'openAPIV3Schema']);
      const name = getString(version, ['name']) ?? '';
      if (schema !== undefined) found.set(`${group}/${name}/${kind}`, withObjectFields(readSchema(schema)));
    }
  }
  return { find: (apiVersion, kind) => found.get(`${apiVersion}/${kind}`) };
}

/** Every object has these, whatever its definition says of them. */
function withObjectFields(schema: Schema): Schema {
  const { properties = {} } = schema;
  const fields = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: OBJECT_META } as const;
  return { ...schema, properties: { ...properties, ...fields } };
}

/** A schema as it stands in a resource; keywords with a value of the wrong type are left out. */
export function readSchema(value: KrmValue): Schema {
  if (!isMap(value)) return {};
  const { additionalProperties: more, default: fallback, format, pattern } = value;
  return {
    type: TYPES.includes(value.type ?? null) ? (value.type as SchemaType) : undefined,
    format: typeof format === 'string' ? format : undefined,
    pattern: typeof pattern === 'string' ? pattern : undefined,
    default: fallback,
    enum: isList(value.enum) ? value.enum : undefined,
    properties: schemaMap(value.properties),
    required: texts(value.required),
    additionalProperties: typeof more === 'boolean' ? more : oneSchema(more),
    items: oneSchema(value.items),
    ...combinations(value),
    ...numbers(value),
    ...flags(value),
    ...listType(value),
  };
}

function oneSchema(value: KrmValue | undefined): Schema | undefined {
  return isMap(value) ? readSchema(value) : undefined;
}

function schemaMap(value: KrmValue | undefined): Schema['properties'] {
  if (!isMap(value)) return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, readSchema(item ?? null)]));
}

function texts(value: KrmValue | undefined): readonly string[] | undefined {
  return isList(value) ? value.filter((item) => typeof item === 'string') : undefined;
}

function combinations({ allOf, anyOf, oneOf, not }: KrmMap): Pick<Schema, 'allOf' | 'anyOf' | 'oneOf' | 'not'> {
  const all = (value: KrmValue | undefined) => (isList(value) ? value.map(readSchema) : undefined);
  return { allOf: all(allOf), anyOf: all(anyOf), oneOf: all(oneOf), not: oneSchema(not) };
}

const NUMBERS = [
  'minProperties',
  'maxProperties',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'multipleOf',
] as const;

const FLAGS = [
  'nullable',
  'uniqueItems',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
] as const;

function numbers(value: KrmMap): Schema {
  return Object.fromEntries(
    NUMBERS.flatMap((name) => {
      const found = value[name];
      return typeof found === 'number' || typeof found === 'bigint' ? [[name, Number(found)]] : [];
    }),
  );
}

function flags(value: KrmMap): Schema {
  return Object.fromEntries(FLAGS.flatMap((name) => (value[name] === true ? [[name, true]] : [])));
}

function listType(value: KrmMap): Schema {
  const type = value['x-kubernetes-list-type'];
  if (type !== 'atomic' && type !== 'set' && type !== 'map') return {};
  return {
    'x-kubernetes-list-type': type,
    'x-kubernetes-list-map-keys': texts(value['x-kubernetes-list-map-keys']),
  };
}
