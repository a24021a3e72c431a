import { describe, expect, test } from '@jest/globals';
import { createBuiltinRuntime } from '../../../../src/functions/builtin-runtime.ts';
import { searchReplace } from '../../../../src/functions/catalog/search-replace/function.ts';
import { globPattern } from '../../../../src/functions/catalog/search-replace/glob.ts';
import { matchesPath, parsePathPattern } from '../../../../src/functions/catalog/search-replace/path-pattern.ts';
import { getIn, type KrmMap } from '../../../../src/krm/value.ts';
import { Package } from '../../../../src/package/package.ts';
import { createRenderer } from '../../../../src/render/renderer.ts';
import { itemsOf, messages, run, values } from './support.ts';

const TEXT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deployment
spec:
  replicas: 3
  foo: 3
  list:
  - a
  - b
`;

function search(config: KrmMap, text = TEXT, path = 'a.yaml') {
  return run(searchReplace, itemsOf(text, path), config);
}

function places(output: ReturnType<typeof search>) {
  return output.results.map(({ message, field, file }) => [message, field?.path, file?.path]);
}

describe('search-replace: finding', () => {
  test('by value, path or expression, fields are listed', () => {
    expect(places(search({ 'by-value': '3' }))).toEqual([
      ['Matched field value "3"', 'spec.replicas', 'a.yaml'],
      ['Matched field value "3"', 'spec.foo', 'a.yaml'],
    ]);
    expect(places(search({ 'by-path': 'spec.list[1]' }))).toEqual([
      ['Matched field value "b"', 'spec.list[1]', 'a.yaml'],
    ]);
    expect(places(search({ 'by-value-regex': 'nginx-(.*)' }))).toEqual([
      ['Matched field value "nginx-deployment"', 'metadata.name', 'a.yaml'],
    ]);
    expect(places(search({ 'by-value': '3', 'by-path': '**.foo' }))).toEqual([
      ['Matched field value "3"', 'spec.foo', 'a.yaml'],
    ]);
  });

  test('an expression is found anywhere in the value', () => {
    expect(places(search({ 'by-value-regex': '-deploy' })).length).toBe(1);
  });

  test('nothing is changed without a value or comment', () => {
    const items = itemsOf(TEXT);
    expect(run(searchReplace, items, { 'by-path': '**' }).items[0]).toBe(items[0]);
  });

  test('no match is told', () => {
    expect(search({ 'by-value': 'none' })).toMatchObject({ exitCode: 0, results: [{ message: 'no matches' }] });
    expect(messages(search({ 'put-value': 'foo' }))).toEqual(['no matches']);
  });

  test.each([
    ['db/**', 'db/a/b.yaml', true],
    ['db/**', 'dbx/a.yaml', false],
    ['**/*.yaml', 'a.yaml', true],
    ['**/b/*.yaml', 'a/c/b/x.yaml', true],
    ['*.yaml', 'a/b.yaml', false],
    ['a?.yaml', 'a1.yaml', true],
    ['[a-c]{1,2}.yaml', 'b2.yaml', true],
    ['[!a].yaml', 'a.yaml', false],
    ['a.yaml', 'axyaml', false],
    ['a\\*.yaml', 'a*.yaml', true],
  ])('the glob %s for %s', (glob, path, expected) => {
    expect(new RegExp(globPattern(glob)).test(path)).toBe(expected);
    expect(messages(search({ 'by-value': '3', 'by-file-path': glob }, TEXT, path))[0] !== 'no matches').toBe(expected);
  });

  test.each([
    ['a.b.c', 'a.b.c', true],
    ['a.*.c', 'a.b.c', true],
    ['a.*', 'a.b.c', false],
    ['**.c', 'a.b.c', true],
    ['**', 'a', true],
    ['a.**.b', 'a.b', true],
    ['a.**.b', 'a.x.y', false],
    ['a[*].b', 'a[3].b', true],
    ['*[3].b', 'a[3].b', true],
    ['a[2].b', 'a[3].b', false],
    ['a', 'a[0]', false],
  ])('the path %s for %s', (pattern, path, expected) => {
    expect(matchesPath(parsePathPattern(pattern), path)).toBe(expected);
  });
});

describe('search-replace: putting', () => {
  test.each<[string, KrmMap, readonly string[], unknown]>([
    ['a number stays one', { 'by-value': '3', 'put-value': '4' }, ['spec', 'replicas'], 4],
    ['a number takes a text that is none', { 'by-value': '3', 'put-value': 'four' }, ['spec', 'foo'], 'four'],
    [
      'a text stays text',
      { 'by-path': 'metadata.name', 'put-value': '4', 'by-value-regex': '.' },
      ['metadata', 'name'],
      '4',
    ],
    [
      'groups',
      { 'by-value-regex': '(\\w+)-(\\w+)', 'put-value': '${2}-${1}' },
      ['metadata', 'name'],
      'deployment-nginx',
    ],
    [
      'H 163: a field that is missing is made',
      { 'by-path': 'metadata.namespace', 'put-value': 's' },
      ['metadata', 'namespace'],
      's',
    ],
    ['with the type that the text has', { 'by-path': 'spec.new.deep', 'put-value': '5' }, ['spec', 'new', 'deep'], 5],
    ['but a label is a text', { 'by-path': 'metadata.labels.n', 'put-value': '5' }, ['metadata', 'labels', 'n'], '5'],
  ])('%s', (_, config, path, expected) => {
    expect(getIn(values(search(config))[0], path)).toBe(expected);
  });

  test('H 163: the field is made on all resources, but a Kptfile gets no field that it does not know', () => {
    const kptfile = itemsOf('apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: p\n', 'Kptfile');
    const items = [...itemsOf(TEXT), ...itemsOf(TEXT, 'b.yaml'), ...kptfile];
    const output = run(searchReplace, items, { 'by-path': 'spec.ref.name', 'put-value': 'x' });
    expect(output.items.map(({ value }) => getIn(value, ['spec', 'ref', 'name']))).toEqual(['x', 'x', undefined]);
    expect(places(output)).toEqual([
      ['Mutated field value to "x"', 'spec.ref.name', 'a.yaml'],
      ['Mutated field value to "x"', 'spec.ref.name', 'b.yaml'],
    ]);
  });

  test('a comment on a field, and on the key of a list', () => {
    const comment = { 'by-value': '3', 'put-comment': 'kpt-set: ${n}' };
    const output = search(comment);
    expect(output.items[0]?.text?.()).toBe(TEXT.replaceAll(': 3', ': 3 # kpt-set: ${n}'));
    expect(messages(output)).toEqual(Array(2).fill('Mutated field value to "3 # kpt-set: ${n}"'));
    const list = search({ 'by-path': 'spec.list', 'put-comment': 'kpt-set: ${l}' });
    expect(list.items[0]?.text?.()).toBe(TEXT.replace('list:', 'list: # kpt-set: ${l}'));
    expect(places(list)).toEqual([['Mutated field value to "[a, b]"', 'spec.list # kpt-set: ${l}', 'a.yaml']]);
  });

  test('a value and a comment, both with groups', () => {
    const output = search({
      'by-value-regex': 'nginx-(.*)',
      'put-value': 'web-${1}',
      'put-comment': 'kpt-set: ${kind}-${1}',
    });
    expect(output.items[0]?.text?.()).toContain('  name: web-deployment # kpt-set: ${kind}-deployment\n');
    expect(messages(output)).toEqual(['Mutated field value to "web-deployment # kpt-set: ${kind}-deployment"']);
  });
});

describe('search-replace: in a pipeline', () => {
  test('S-10: a selector limits it to one kind', async () => {
    const kptfile = `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: p
pipeline:
  mutators:
  - image: search-replace:v0.2.0
    configMap: {by-path: spec.ref.name, put-value: new}
    selectors:
    - kind: One
`;
    const resource = (kind: string) =>
      `apiVersion: x.test/v1\nkind: ${kind}\nmetadata:\n  name: a\nspec:\n  ref:\n    name: old\n`;
    const files = { Kptfile: kptfile, 'one.yaml': resource('One'), 'two.yaml': resource('Two') };
    const encoded = Object.entries(files).map(([path, text]) => {
      return [path, { bytes: new TextEncoder().encode(text), mode: '100644' }] as const;
    });
    const renderer = createRenderer({ runtime: createBuiltinRuntime() });
    const outcome = await renderer.render(Package.of(encoded), { signal: new AbortController().signal });
    expect(outcome.report.failure).toBeUndefined();
    const content = (path: string) => new TextDecoder().decode(outcome.package.get(path)?.bytes);
    expect(content('one.yaml')).toBe(resource('One').replace('old', 'new'));
    expect(content('two.yaml')).toBe(resource('Two'));
  });
});

describe('search-replace: failures', () => {
  test.each<[string, KrmMap, string]>([
    [
      'H 163: an unknown key',
      { 'by-name': 'a' },
      'invalid matcher "by-name", must be one of ["by-value" "by-file-path" "by-value-regex" "by-path" "put-value" "put-comment"]',
    ],
    [
      'both values',
      { 'by-value': 'a', 'by-value-regex': 'b' },
      'only one of ["by-value", "by-value-regex"] can be provided',
    ],
    [
      'a group that is not there',
      { 'by-value-regex': '(n)ginx', 'put-value': '${2}' },
      'unable to resolve capture groups',
    ],
    [
      'a field of something else than a map',
      { 'by-path': 'spec.replicas.x', 'put-value': 'a' },
      'a.yaml: spec.replicas is no map',
    ],
    ['a value for a list', { 'by-path': 'spec.list', 'put-value': 'a' }, 'a.yaml: spec.list is no single value'],
  ])('%s', (_, config, message) => {
    const items = itemsOf(TEXT);
    const output = run(searchReplace, items, config);
    expect(output).toMatchObject({ exitCode: 1, items });
    expect(messages(output)).toEqual([`failed to perform search-replace operation: ${JSON.stringify(message)}`]);
  });

  test.each(['(', '(?=a)', '\\1', '(a{1000}){1000}'])('the expression %s is none of RE2', (pattern) => {
    expect(search({ 'by-value-regex': pattern }).exitCode).toBe(1);
  });

  test('an expression that would take other engines for ever', () => {
    const text = `apiVersion: v1\nkind: A\nmetadata:\n  name: ${'a'.repeat(30_000)}\n`;
    expect(messages(search({ 'by-value-regex': '^(a+)+$|^(a|aa)+b$' }, text))).toHaveLength(1);
    expect(messages(search({ 'by-value-regex': '^(a|a?)+b$' }, text))).toEqual(['no matches']);
  });
});
