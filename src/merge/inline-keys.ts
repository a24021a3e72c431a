import { listKeysIn } from '../krm/schema/list-keys.ts';
import type { Schema } from '../krm/schema/schema.ts';
import { isMap, type KrmPath, type KrmValue } from '../krm/value.ts';
import { pathKey, readComments } from './comment-map.ts';
import { asSchema, type ListKeyLookup } from './list-keys.ts';

const KUBERNETES_TYPE = /^#\/definitions\//;

/**
 * Lookup over schemas that a document carries in comments, beside or above a field: `ports: # {"type":"array",…}`. A
 * schema holds for all below its field.
 */
export function inlineListKeys(source: string): ListKeyLookup | undefined {
  if (!/#\s*\{\s*"/.test(source)) return undefined;
  const schemas = new Map<string, Schema>();
  for (const [key, { head = [], line }] of readComments(source)) {
    const [schema] = [...head.map((text) => text.replace(/^#+/, '')), line ?? ''].flatMap(
      (text) => parseSchema(text) ?? [],
    );
    if (schema) schemas.set(key, schema);
  }
  if (schemas.size === 0) return undefined;
  return (_resource, path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const schema = schemas.get(pathKey(path.slice(0, length)));
      if (schema) return listKeysIn(schema, path.slice(length) as KrmPath);
    }
    return undefined;
  };
}

function parseSchema(text: string): Schema | undefined {
  if (!text.trim().startsWith('{')) return undefined;
  try {
    return asSchema(withLocalNames(JSON.parse(text) as KrmValue));
  } catch {
    // A comment that looks like JSON is still only a comment.
    return undefined;
  }
}

/** References to Kubernetes' types are written as its OpenAPI document has them; here they go by name alone. */
function withLocalNames(value: KrmValue): KrmValue {
  if (Array.isArray(value)) return value.map(withLocalNames);
  if (!isMap(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => {
    const reference = key === '$ref' && typeof item === 'string';
    return [key, reference ? item.replace(KUBERNETES_TYPE, '') : withLocalNames(item ?? null)] as const;
  });
  return Object.fromEntries(entries);
}
