import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { ALL_KINDS } from '../../../src/api/kinds.ts';

interface Schema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: { readonly [name: string]: Schema };
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message: string }[];
}

const folder = join(import.meta.dirname, '../../../crds');
const crds = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => ({ file, crd: parse(readFileSync(join(folder, file), 'utf8')) }));

function* walk(schema: Schema, path = ''): Generator<{ readonly path: string; readonly schema: Schema }> {
  yield { path, schema };
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* walk(child, `${path}.${name}`);
  if (schema.items) yield* walk(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* walk(schema.additionalProperties, `${path}{}`);
}

describe('there is one CRD for each kind', () => {
  test.each(ALL_KINDS)('$kind', (kind) => {
    const found = crds.filter(({ crd }) => crd.spec.names.kind === kind.kind).map(({ crd }) => crd.spec);

    expect(found).toHaveLength(1);
    expect(`${found[0].group}/${found[0].versions[0].name}`).toBe(kind.apiVersion);
    expect(found[0].names.plural).toBe(kind.plural);
    expect(found[0].scope === 'Namespaced').toBe(kind.namespaced);
  });
});

describe.each(crds)('$file', ({ file, crd }) => {
  const [version] = crd.spec.versions;
  const root: Schema = version.schema.openAPIV3Schema;
  const nodes = [...walk(root)];

  test('is named after its group and plural, is in category veranda and has a status subresource', () => {
    expect(file).toBe(`${crd.spec.group}_${crd.spec.names.plural}.yaml`);
    expect(crd.metadata.name).toBe(`${crd.spec.names.plural}.${crd.spec.group}`);
    expect(crd.spec.names.categories).toEqual(['veranda']);
    expect(crd.spec.names.shortNames.length).toBeGreaterThan(0);
    expect(version.subresources).toEqual({ status: {} });
  });

  test('describes every field in one sentence', () => {
    // An API server refuses anything more than the type on metadata.
    const described = nodes.filter(({ path }) => path !== '.metadata');
    const missing = described.filter(({ schema }) => !/^[A-Z].*[^.]\.$/s.test(schema.description ?? ''));
    expect(missing.map(({ path }) => path)).toEqual([]);
  });

  test('gives every object with fields a title, and every other node a type', () => {
    const untitled = nodes.filter(({ path, schema }) => path !== '' && schema.properties && !schema.title);
    const untyped = nodes.filter(({ schema }) => !schema.type && !schema['x-kubernetes-preserve-unknown-fields']);

    expect(untitled.map(({ path }) => path)).toEqual([]);
    expect(untyped.map(({ path }) => path)).toEqual([]);
  });

  test('has no default that would show up as drift', () => {
    const defaults = nodes.filter(({ schema }) => schema.default !== undefined).map(({ path }) => path);
    const allowed = crd.spec.names.kind === 'PackageRevision' ? ['.spec.lifecycle', '.status'] : ['.status'];
    expect(defaults).toEqual(allowed);
  });

  test('requires only fields that it has', () => {
    const wrong = nodes.flatMap(({ path, schema }) =>
      (schema.required ?? []).filter((name) => !schema.properties?.[name]).map((name) => `${path}.${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test('merges conditions by type', () => {
    const conditions = root.properties?.status?.properties?.conditions;
    expect(conditions?.['x-kubernetes-list-type']).toBe('map');
    expect(conditions?.['x-kubernetes-list-map-keys']).toEqual(['type']);
  });

  test('bounds every list and text that a rule walks through, so that the API server can bound its cost', () => {
    const unbounded = [...rulesInLists(root, false)];
    expect(unbounded).toEqual([]);
  });

  test('prints and selects only fields that exist', () => {
    const paths = [
      ...(version.selectableFields ?? []).map((field: { jsonPath: string }) => field.jsonPath),
      ...version.additionalPrinterColumns.map((column: { jsonPath: string }) => column.jsonPath),
    ].filter((path: string) => !path.startsWith('.metadata'));
    const known = new Set(nodes.map(({ path }) => path));
    const normal = (path: string) => path.replace(/\[[^\]]*\]/g, '[]');
    expect(paths.filter((path: string) => !known.has(normal(path)))).toEqual([]);
  });
});

/** Lists without maxItems that hold rules somewhere below. */
function* rulesInLists(schema: Schema, unbounded: boolean, path = ''): Generator<string> {
  if (unbounded && schema['x-kubernetes-validations']) yield path;
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    yield* rulesInLists(child, unbounded, `${path}.${name}`);
  }
  if (schema.items) yield* rulesInLists(schema.items, unbounded || !('maxItems' in schema), `${path}[]`);
  if (schema.additionalProperties) yield* rulesInLists(schema.additionalProperties, true, `${path}{}`);
}
