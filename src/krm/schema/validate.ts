import { RE2JS, RE2JSException } from 're2js';
import { isList, isMap, type KrmMap, type KrmPath, type KrmScalar, type KrmValue, valuesEqual } from '../value.ts';
import { type Bound, inTypeOrder, type SchemaFault, type SchemaRule } from './faults.ts';
import { hasFormat } from './formats.ts';
import { kubernetesSchemas } from './kubernetes.ts';
import type { Schema } from './schema.ts';

export interface ValidateOptions {
  /** Fields that the schema does not name are faults. */
  readonly strict: boolean;
  /** Expressions that were compiled already; given to all calls for one list of resources. */
  readonly patterns?: PatternCache;
}

/** Compiles each regular expression once. */
export class PatternCache {
  readonly #compiled = new Map<string, RE2JS | undefined>();

  /** Whether an expression is found in a text. One that cannot be read fits all: the API server refuses its schema. */
  matches(pattern: string, text: string): boolean {
    if (!this.#compiled.has(pattern)) this.#compiled.set(pattern, compile(pattern));
    return this.#compiled.get(pattern)?.matcher(text).find() ?? true;
  }
}

function compile(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSException) return undefined;
    throw error;
  }
}

/**
 * What of a value its schema does not allow, in document order: a value's own faults, then its fields'. A field that
 * need not be there may be null. Regular expressions are Go's, so no pattern can take long.
 */
export function validate(schema: Schema, value: KrmValue, options: ValidateOptions): SchemaFault[] {
  const validator = new Validator(options.strict, options.patterns ?? new PatternCache());
  validator.check(schema, value, [], false);
  return validator.faults;
}

/** Nested deeper than anything real: schemas may refer to themselves. */
const MAX_DEPTH = 200;

class Validator {
  readonly faults: SchemaFault[] = [];
  readonly #strict: boolean;
  readonly #patterns: PatternCache;

  constructor(strict: boolean, patterns: PatternCache) {
    this.#strict = strict;
    this.#patterns = patterns;
  }

  check(given: Schema, value: KrmValue, path: KrmPath, required: boolean): void {
    const schema = kubernetesSchemas.resolve(given);
    if (value === null && (!required || schema.nullable === true)) return;
    if (path.length > MAX_DEPTH || !this.#checkType(schema, value, path, required)) return;
    if (schema.enum !== undefined && !schema.enum.some((allowed) => valuesEqual(allowed, value))) {
      this.#fault(path, { rule: 'enum', allowed: schema.enum });
    }
    if (isMap(value)) this.#checkMap(schema, value, path);
    else if (isList(value)) this.#checkList(schema, value, path);
    else this.#checkScalar(schema, value, path);
    this.#checkCombinations(schema, value, path, required);
  }

  #fault(path: KrmPath, rule: SchemaRule): void {
    this.faults.push({ path, ...rule });
  }

  #checkType(schema: Schema, value: KrmValue, path: KrmPath, required: boolean): boolean {
    const wanted = schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : [schema.type];
    const types = wanted.filter((type) => type !== undefined);
    if (types.length === 0 || types.some((type) => isOfType(value, type))) return true;
    const want = inTypeOrder(required && schema.nullable !== true ? types : ['null', ...types]);
    this.#fault(path, { rule: 'type', got: typeOf(value), want });
    return false;
  }

  #checkMap(schema: Schema, map: KrmMap, path: KrmPath): void {
    const names = Object.keys(map);
    const { properties = {}, required = [], additionalProperties } = schema;
    this.#bound(path, 'minProperties', names.length, schema.minProperties);
    this.#bound(path, 'maxProperties', names.length, schema.maxProperties);
    const missing = required.filter((name) => !Object.hasOwn(map, name));
    if (missing.length > 0) this.#fault(path, { rule: 'required', missing });
    const unknown: string[] = [];
    for (const name of names) {
      const value = map[name] ?? null;
      if (Object.hasOwn(properties, name)) {
        this.check(properties[name] as Schema, value, [...path, name], required.includes(name));
      } else if (typeof additionalProperties === 'object') {
        this.check(additionalProperties, value, [...path, name], false);
      } else if (!this.#allowsMore(schema, name)) unknown.push(name);
    }
    if (unknown.length > 0) this.#fault(path, { rule: 'additionalProperties', unknown: unknown.sort() });
  }

  #allowsMore(schema: Schema, name: string): boolean {
    if (schema.additionalProperties === false) return false;
    if (schema.additionalProperties === true || schema['x-kubernetes-preserve-unknown-fields'] === true) return true;
    if (schema['x-kubernetes-embedded-resource'] === true && ['apiVersion', 'kind', 'metadata'].includes(name))
      return true;
    return !this.#strict || schema.properties === undefined;
  }

  #checkList(schema: Schema, list: readonly KrmValue[], path: KrmPath): void {
    this.#bound(path, 'minItems', list.length, schema.minItems);
    this.#bound(path, 'maxItems', list.length, schema.maxItems);
    if (schema.uniqueItems === true || schema['x-kubernetes-list-type'] === 'set') this.#checkUnique(list, path);
    const { items } = schema;
    if (items === undefined) return;
    for (const [index, item] of list.entries()) this.check(items, item, [...path, index], false);
  }

  #checkUnique(list: readonly KrmValue[], path: KrmPath): void {
    const seen = new Map<string, number>();
    for (const [second, item] of list.entries()) {
      const key = JSON.stringify(item, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
      const first = seen.get(key);
      if (first !== undefined) {
        this.#fault(path, { rule: 'uniqueItems', first, second });
        return;
      }
      seen.set(key, second);
    }
  }

  #checkScalar(schema: Schema, value: KrmScalar, path: KrmPath): void {
    const { format, pattern } = schema;
    if (format !== undefined && !hasFormat(value, format)) this.#fault(path, { rule: 'format', value, format });
    if (typeof value === 'string') {
      const length = [...value].length;
      this.#bound(path, 'minLength', length, schema.minLength);
      this.#bound(path, 'maxLength', length, schema.maxLength);
      if (pattern !== undefined && !this.#patterns.matches(pattern, value))
        this.#fault(path, { rule: 'pattern', value, pattern });
    }
    if (typeof value === 'number' || typeof value === 'bigint') this.#checkNumber(schema, Number(value), path);
  }

  #checkNumber(schema: Schema, value: number, path: KrmPath): void {
    this.#bound(path, schema.exclusiveMinimum === true ? 'exclusiveMinimum' : 'minimum', value, schema.minimum);
    this.#bound(path, schema.exclusiveMaximum === true ? 'exclusiveMaximum' : 'maximum', value, schema.maximum);
    this.#bound(path, 'multipleOf', value, schema.multipleOf);
  }

  #bound(path: KrmPath, rule: Bound, got: number, want: number | undefined): void {
    if (want !== undefined && !BOUNDS[rule](got, want)) this.#fault(path, { rule, got, want });
  }

  #checkCombinations(schema: Schema, value: KrmValue, path: KrmPath, required: boolean): void {
    const { allOf = [], anyOf, oneOf, not } = schema;
    for (const part of allOf) this.check(part, value, path, required);
    const accepts = (part: Schema) => this.#accepts(part, value, required);
    if (anyOf !== undefined && !anyOf.some(accepts)) this.#fault(path, { rule: 'anyOf' });
    if (oneOf !== undefined) {
      const matched = [...oneOf.keys()].filter((index) => accepts(oneOf[index] as Schema));
      if (matched.length !== 1) this.#fault(path, { rule: 'oneOf', matched });
    }
    if (not !== undefined && accepts(not)) this.#fault(path, { rule: 'not' });
  }

  /** Alternatives name a part of the fields only, so they never close an object. */
  #accepts(schema: Schema, value: KrmValue, required: boolean): boolean {
    const validator = new Validator(false, this.#patterns);
    validator.check(schema, value, [], required);
    return validator.faults.length === 0;
  }
}

const BOUNDS: { readonly [rule in Bound]: (got: number, want: number) => boolean } = {
  minLength: (got, want) => got >= want,
  maxLength: (got, want) => got <= want,
  minItems: (got, want) => got >= want,
  maxItems: (got, want) => got <= want,
  minProperties: (got, want) => got >= want,
  maxProperties: (got, want) => got <= want,
  minimum: (got, want) => got >= want,
  maximum: (got, want) => got <= want,
  exclusiveMinimum: (got, want) => got > want,
  exclusiveMaximum: (got, want) => got < want,
  multipleOf: (got, want) => Number.isInteger(got / want),
};

function typeOf(value: KrmValue): string {
  if (value === null) return 'null';
  if (isList(value)) return 'array';
  return typeof value === 'bigint' ? 'number' : typeof value;
}

function isOfType(value: KrmValue, type: string): boolean {
  if (type === 'integer') return typeof value === 'bigint' || Number.isInteger(value);
  return typeOf(value) === type;
}
