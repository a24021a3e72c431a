const BANNER = '// Generated from crds/ by `npm run generate`. Do not edit.\n';

const KEPT = [
  'type',
  'format',
  'enum',
  'default',
  'pattern',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
  'required',
];

/**
 * A module with the schemas of all kinds, for validation without a cluster and without reading files.
 * @param {import('./crds.mjs').Crd[]} crds
 */
export function generateSchemas(crds) {
  const kinds = crds.map(({ group, version, kind, plural, namespaced, schema }) => ({
    apiVersion: `${group}/${version}`,
    kind,
    plural,
    namespaced,
    schema: closed(schema, true),
  }));
  return [
    BANNER,
    "import type { CrdSchema } from '../crd-schema.ts';\n\n",
    '/** Schemas of our kinds; objects are closed, so that unknown fields are found. */\n',
    `export const CRD_SCHEMAS: readonly CrdSchema[] = ${JSON.stringify(kinds, null, 1)};\n`,
  ].join('');
}

/** JSON Schema of a structural schema: without texts, and without fields that the schema does not name. */
function closed(schema, isRoot = false) {
  const result = Object.fromEntries(KEPT.filter((key) => key in schema).map((key) => [key, schema[key]]));
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema.items) result.items = closed(schema.items);
  if (schema.properties) {
    const entries = Object.entries(schema.properties);
    result.properties = Object.fromEntries(
      entries.map(([name, value]) => [name, isRoot && name === 'metadata' ? { type: 'object' } : closed(value)]),
    );
  }
  if (schema.additionalProperties) result.additionalProperties = closed(schema.additionalProperties);
  else if (schema.type === 'object' && !open) result.additionalProperties = false;
  return result;
}
