import type { JsonSchema } from './crd-schema.ts';
import type { KubeObject } from './object.ts';
import { crdSchema } from './structure.ts';

/** The object with the defaults of its CRD filled in, as an API server stores it; the same object when none applies. */
export function withDefaults<T extends KubeObject>(object: T): T {
  const schema = crdSchema(object.apiVersion, object.kind)?.schema;
  return schema === undefined ? object : fill(schema, object);
}

function fill<T extends object>(schema: JsonSchema, object: T): T {
  const filled: { [name: string]: unknown } = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const value: unknown = Reflect.get(object, name);
    const next = value === undefined ? property.default : isMap(value) ? fill(property, value) : value;
    if (next !== value) filled[name] = next;
  }
  return Object.keys(filled).length === 0 ? object : { ...object, ...filled };
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
