import type { KrmPath, KrmScalar, KrmValue } from '../value.ts';

/** A value that its schema does not allow, with the keyword that says so. How it is worded is the reader's matter. */
export type SchemaFault = { readonly path: KrmPath } & SchemaRule;

export type SchemaRule =
  /** `want` in the order of `TYPE_ORDER`. */
  | { readonly rule: 'type'; readonly got: string; readonly want: readonly string[] }
  | { readonly rule: 'required'; readonly missing: readonly string[] }
  | { readonly rule: 'additionalProperties'; readonly unknown: readonly string[] }
  | { readonly rule: 'enum'; readonly allowed: readonly KrmValue[] }
  | { readonly rule: 'pattern'; readonly value: string; readonly pattern: string }
  | { readonly rule: 'format'; readonly value: KrmScalar; readonly format: string }
  | { readonly rule: Bound; readonly got: number; readonly want: number }
  | { readonly rule: 'uniqueItems'; readonly first: number; readonly second: number }
  | { readonly rule: 'anyOf' | 'not' }
  /** The alternatives that matched: none, or more than one. */
  | { readonly rule: 'oneOf'; readonly matched: readonly number[] };

export type Bound =
  | 'minLength'
  | 'maxLength'
  | 'minItems'
  | 'maxItems'
  | 'minProperties'
  | 'maxProperties'
  | 'minimum'
  | 'maximum'
  | 'exclusiveMinimum'
  | 'exclusiveMaximum'
  | 'multipleOf';

const TYPE_ORDER: readonly string[] = ['null', 'boolean', 'number', 'integer', 'string', 'array', 'object'];

export function inTypeOrder(types: Iterable<string>): string[] {
  return [...new Set(types)].sort((a, b) => TYPE_ORDER.indexOf(a) - TYPE_ORDER.indexOf(b));
}
