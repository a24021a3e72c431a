import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { FunctionItem } from '../../../src/functions/types.ts';
import { parseKrmFile } from '../../../src/krm/file.ts';
import { getIn, type KrmMap, type KrmValue } from '../../../src/krm/value.ts';
import { isRenderable } from '../../../src/render/item.ts';
import { decodeOutput, encodeInput } from '../../../src/runtimes/wire-format.ts';
import { corpus } from '../krm/corpus.ts';

function item(text: string, place: Partial<FunctionItem> = {}): FunctionItem {
  const value = parse(text) as KrmMap;
  return { value, path: 'a.yaml', index: 0, packagePath: '', text: () => text, ...place };
}

function parse(text: string): KrmValue {
  const file = parseKrmFile('x', new TextEncoder().encode(text));
  expect(file.problems).toEqual([]);
  expect(file.documents).toHaveLength(1);
  return file.documents[0]?.value ?? null;
}

function decode(text: string, given: readonly FunctionItem[] = []) {
  return decodeOutput(new TextEncoder().encode(text), given);
}

const web = item(
  '# head\napiVersion: v1 # version\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports: # all\n  - port: 80\n',
  {
    path: 'web.yaml',
    index: 2,
    packagePath: 'db',
  },
);

describe('what a function reads', () => {
  test('is one ResourceList with comments, places and the configuration', () => {
    const functionConfig = { apiVersion: 'v1', kind: 'ConfigMap', data: { num: '3' } };
    const text = encodeInput({ items: [web], functionConfig });
    expect(text).toContain('items:\n# head\n- apiVersion: v1 # version\n');
    expect(text).toContain('    ports: # all\n');
    const list = parse(text) as KrmMap;
    expect(Object.keys(list)).toEqual(['apiVersion', 'kind', 'items', 'functionConfig']);
    expect(list.functionConfig).toEqual(functionConfig);
    expect(getIn(list, ['items', 0, 'metadata', 'annotations'])).toEqual({
      'internal.config.kubernetes.io/path': 'web.yaml',
      'config.kubernetes.io/path': 'web.yaml',
      'internal.config.kubernetes.io/index': '2',
      'config.kubernetes.io/index': '2',
      'internal.config.kubernetes.io/package-path': '/db',
      'internal.config.kubernetes.io/id': '1',
      'config.k8s.io/id': '1',
      'internal.config.kubernetes.io/seqindent': 'compact',
    });
  });

  test('has an empty list when there is nothing', () => {
    expect(parse(encodeInput({ items: [] }))).toMatchObject({ items: [] });
  });

  test.each([
    ['wide lists', 'list:\n  - a\n', 'wide'],
    ['compact lists', 'list:\n- a\n', 'compact'],
    ['H 81: mixed lists, as the first', 'one:\n  - a\ntwo:\n- b\n', 'wide'],
    ['no list', 'one: 1\n', 'compact'],
    ['a list in flow style', 'one: [1]\n', 'compact'],
  ])('says how %s are indented', (_, extra, expected) => {
    const text = encodeInput({ items: [item(`kind: A\n${extra}`)] });
    const path = ['items', 0, 'metadata', 'annotations', 'internal.config.kubernetes.io/seqindent'];
    expect(getIn(parse(text), path)).toBe(expected);
  });

  test.each(corpus().map((file) => [file.name, file] as const))(
    '%s comes back as it was when it is echoed',
    (_, { name, bytes }) => {
      const file = parseKrmFile(name, bytes);
      const documents = file.problems.length > 0 ? [] : file.documents.filter(({ value }) => isRenderable(value));
      const given = documents.map(({ value, source, index }) => {
        return { value: value as KrmMap, path: name, index, packagePath: '', text: () => source };
      });
      const { items } = decode(encodeInput({ items: given }), given);
      expect(items.map((decoded, at) => decoded === given[at])).toEqual(given.map(() => true));
    },
  );

  test.each([
    ['kept line breaks at the end', 'note: |+\n  a\n\n\n'],
    ['a comment and kept line breaks', 'x: 1 # c\nnote: |+\n  a\n\n\n'],
    ['a text with its own indentation', 'x: 1 # c\nnote: |2\n    a\n   b\n\n  c\n'],
    ['a folded text over several lines', 'x: 1 # c\nnote: one\n  two\n\n  three\n'],
    ['flow style', '{kind: A, metadata: {name: a}} # c\n'],
    ['no line break at the end', 'x: 1 # c'],
  ])('%s comes back as it was', (_, extra) => {
    const text = extra.startsWith('{') ? extra : `kind: A\nmetadata: {name: a}\n${extra}`;
    const given = [item(text), item('kind: B\nmetadata: {name: b}\n')];
    const { items } = decode(encodeInput({ items: given }), given);
    expect(items.map((decoded, at) => decoded === given[at])).toEqual([true, true]);
  });

  test('any data and comments come back as they were', () => {
    const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant('a: b\n  c\n\n'));
    const data = fc.dictionary(
      fc.string({ minLength: 1, maxLength: 5 }),
      fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })),
      { maxKeys: 4 },
    );
    fc.assert(
      fc.property(data, (value) => {
        const given: FunctionItem = { value: { kind: 'A', ...value, metadata: { name: 'a' } } };
        expect(decode(encodeInput({ items: [given] }), [given]).items[0]).toBe(given);
      }),
      { numRuns: 50 },
    );
  });
});

const list = (items: string, extra = '') =>
  `apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n${extra}items:${items}`;

describe('what a function prints', () => {
  test.each([
    ['H 50: nothing', ''],
    ['H 50: only comments', '# done\n---\n'],
    ['X-13: two documents', `${list(' []')}\n---\n${list(' []')}\n`],
    ['X-13: another kind', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n'],
    ['X-13: text', 'all is well\n'],
    ['a list', '- a\n'],
    ['a ResourceList without items', 'apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n'],
    ['items that are no list', list(' {}')],
    ['an item that is no map', list('\n- a')],
    ['what is no YAML', list('\n- a: [')],
    [
      'H 59: an index that is no number',
      list("\n- kind: A\n  metadata: {annotations: {config.kubernetes.io/index: 'abc'}}"),
    ],
  ])('%s is refused', (_, text) => {
    expect(() => decode(text)).toThrow(expect.objectContaining({ reason: 'BadOutput' }));
  });

  test('X-13: bytes that are no UTF-8 are refused', () => {
    const bytes = Uint8Array.from([...new TextEncoder().encode(list('\n- kind: ')), 0xff, 0xfe]);
    expect(() => decodeOutput(bytes, [])).toThrow(
      expect.objectContaining({ reason: 'BadOutput', message: expect.stringContaining('UTF-8') }),
    );
  });

  test('H 51: an empty list of items is meant', () => {
    expect(decode(list(' []'), [web])).toEqual({ items: [], results: [] });
  });

  test('H 49: an item that lost its annotations is a new one', () => {
    const [back] = decode(list('\n- apiVersion: v1\n  kind: Service\n  metadata:\n    name: web\n'), [web]).items;
    expect(back).toEqual({ value: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' } } });
  });

  test('H 22: results of older functions are understood', () => {
    const results = [
      'results:',
      '  name: check',
      '  items:',
      '  - message: m',
      '    resourceRef: {kind: A, metadata: {name: n, namespace: s}}',
      '    field: {path: p, suggestedValue: v}\n',
    ].join('\n');
    expect(decode(list(' []\n', results)).results).toEqual([
      { message: 'm', resourceRef: { kind: 'A', name: 'n', namespace: 's' }, field: { path: 'p', proposedValue: 'v' } },
    ]);
  });

  test.each([
    [
      'the older name',
      (text: string) =>
        text.replace('\n      config.kubernetes.io/path: web.yaml', '\n      config.kubernetes.io/path: b.yaml'),
      'b.yaml',
    ],
    [
      'the newer name',
      (text: string) =>
        text.replace('internal.config.kubernetes.io/path: web.yaml', 'internal.config.kubernetes.io/path: b.yaml'),
      'b.yaml',
    ],
    [
      'both alike',
      (text: string) => text.replaceAll('config.kubernetes.io/path: web.yaml', 'config.kubernetes.io/path: b.yaml'),
      'b.yaml',
    ],
  ])('H 60: a path is changed by %s', (_, change, path) => {
    const sent = encodeInput({ items: [web] });
    const answer = change(sent);
    expect(answer).not.toBe(sent);
    expect(decode(answer, [web]).items).toMatchObject([{ path }]);
  });

  test('H 60: two names with two new paths are refused', () => {
    const answer = encodeInput({ items: [web] })
      .replace('internal.config.kubernetes.io/path: web.yaml', 'internal.config.kubernetes.io/path: b.yaml')
      .replace('\n      config.kubernetes.io/path: web.yaml', '\n      config.kubernetes.io/path: c.yaml');
    expect(() => decode(answer, [web])).toThrow(
      expect.objectContaining({ reason: 'BadOutput', message: expect.stringContaining('contradict') }),
    );
  });

  test('comments that it wrote are kept, those that it lost come back', () => {
    const answer = encodeInput({ items: [web] })
      .replace('port: 80', 'port: 81 # kpt-set: ${port}')
      .replace(' # version', '');
    const [back] = decode(answer, [web]).items;
    expect(back?.text?.()).toBe(web.text?.().replace('port: 80', 'port: 81 # kpt-set: ${port}'));
  });
});
