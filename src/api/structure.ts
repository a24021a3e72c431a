import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { CrdSchema, JsonSchema } from './crd-schema.ts';
import { didYouMean } from './did-you-mean.ts';
import type { FieldPath } from './field-path.ts';
import { CRD_SCHEMAS } from './generated/crd-schemas.ts';

/** One thing wrong with an object. Never holds the value at fault, which may be a secret. */
export interface Finding {
  readonly path: FieldPath;
  readonly message: string;
}

interface CompiledKind extends CrdSchema {
  /** Compiled on first use: the schemas of all kinds take longer than most commands. */
  readonly validator: () => ValidateFunction;
}

const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

const KINDS: readonly CompiledKind[] = CRD_SCHEMAS.map((kind) => ({
  ...kind,
  validator: once(() =>
    new Ajv({
      allErrors: true,
      strict: false,
      verbose: true,
      formats: { int32: true, int64: true, 'date-time': DATE_TIME },
    }).compile(kind.schema),
  ),
}));

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The schema of a kind of ours. */
export function crdSchema(apiVersion: string, kind: string): CrdSchema | undefined {
  return KINDS.find((known) => known.apiVersion === apiVersion && known.kind === kind);
}

/** Differences between an object and the schema of its kind; none for kinds that are not ours. */
export function checkStructure(apiVersion: string, kind: string, object: object): Finding[] {
  const known = KINDS.find((candidate) => candidate.apiVersion === apiVersion && candidate.kind === kind);
  if (known === undefined) return [];
  const validate = known.validator();
  validate(object);
  return (validate.errors ?? []).map((error) => describe(object, error));
}

function describe(object: object, error: ErrorObject): Finding {
  const path = readPointer(object, error.instancePath);
  // What ajv hands back is a part of the schema that it was given.
  const schema = (error.parentSchema ?? {}) as JsonSchema;
  switch (error.keyword) {
    case 'required':
      return { path: [...path, String(error.params.missingProperty)], message: 'is required' };
    case 'additionalProperties':
      return unknownField(path, String(error.params.additionalProperty), schema);
    case 'type':
      return { path, message: `must be ${article(String(error.params.type))}, not ${typeName(error.data)}` };
    case 'enum':
      return { path, message: `must be one of ${(schema.enum ?? []).filter((value) => value !== '').join(', ')}` };
    case 'minLength':
    case 'minItems':
      return { path, message: 'must not be empty' };
    case 'maxLength':
      return { path, message: `must have at most ${schema.maxLength} characters` };
    case 'maxItems':
      return { path, message: `must have at most ${schema.maxItems} entries` };
    case 'format':
      return { path, message: 'must be a time like 2026-01-31T12:00:00Z' };
    case 'pattern':
      return { path, message: `must match ${schema.pattern}` };
    default:
      return { path, message: error.message ?? error.keyword };
  }
}

function unknownField(path: FieldPath, name: string, schema: JsonSchema): Finding {
  const known = didYouMean(name, Object.keys(schema.properties ?? {}));
  const hint = known === undefined ? '' : `; did you mean ${known}?`;
  return { path: [...path, name], message: `unknown field${hint}` };
}

/** A JSON pointer into `object`; numbers are list indices where there is a list. */
function readPointer(object: unknown, pointer: string): FieldPath {
  const path: (string | number)[] = [];
  let here = object;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(here) ? Number(name) : name);
    here = Reflect.get(Object(here), name);
  }
  return path;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return article(Array.isArray(value) ? 'array' : typeof value);
}

function article(type: string): string {
  const name = { array: 'list', object: 'map' }[type] ?? type;
  return /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`;
}
