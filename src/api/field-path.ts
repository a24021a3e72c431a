import type { JsonSchema } from './crd-schema.ts';

/** Way to a field: names of map keys and numbers of list items. */
export type FieldPath = readonly (string | number)[];

/** `spec.targets[1].template` as users write it; keys that are not plain names stand in brackets and quotes. */
export function formatFieldPath(path: FieldPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[A-Za-z_][\w-]*$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** Order in which the schema lists fields; what it does not list comes last. */
export function compareBySchema(schema: JsonSchema, a: FieldPath, b: FieldPath): number {
  const [left, right] = [a[0], b[0]];
  if (left === undefined || right === undefined) return (left === undefined ? 0 : 1) - (right === undefined ? 0 : 1);
  if (left === right) return compareBySchema(childSchema(schema, left), a.slice(1), b.slice(1));
  return rank(schema, left) - rank(schema, right);
}

function rank(schema: JsonSchema, part: string | number): number {
  if (typeof part === 'number') return part;
  const index = Object.keys(schema.properties ?? {}).indexOf(part);
  return index === -1 ? Number.MAX_SAFE_INTEGER : index;
}

function childSchema(schema: JsonSchema, part: string | number): JsonSchema {
  if (typeof part === 'number') return schema.items ?? {};
  const rest = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {};
  return schema.properties?.[part] ?? rest;
}
