import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isKrmPath, isResource, type KrmFile, parseKrmFile } from '../../../src/krm/file.ts';
import type { KrmValue } from '../../../src/krm/value.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/yaml');

function parse(text: string, path = 'a.yaml'): KrmFile {
  return parseKrmFile(path, Buffer.from(text));
}

function fixture(name: string): KrmFile {
  return parseKrmFile(name, readFileSync(join(FIXTURES, name)));
}

function edited(text: string, changes: readonly (readonly [number, KrmValue | null])[], path?: string): string {
  return Buffer.from(parse(text, path).edit(new Map(changes)).bytes).toString();
}

describe('a file is split into documents', () => {
  test('markers, directives, comment-only and empty documents are kept and not counted', () => {
    const file = fixture('markers.yaml');
    expect(file.problems).toEqual([]);
    expect(file.documents.map(({ index, line, value }) => [index, line, value])).toEqual([
      [0, 3, { kind: 'A' }],
      [1, 9, { kind: 'B', text: 'before\n' }],
      [2, 16, { kind: 'C' }],
      [3, 17, { kind: 'D', list: [1, 2] }],
      [4, 18, 'scalar document\n'],
      [5, 23, { kind: 'E' }],
    ]);
  });

  test('a marker at column 0 ends a block scalar, an indented one does not', () => {
    const file = parse('text: |\n  a\n  ---\n  b\n---\nkind: B\n');
    expect(file.documents.map(({ value }) => value)).toEqual([{ text: 'a\n---\nb\n' }, { kind: 'B' }]);
  });

  test('F-02: a document of comments only is kept when the next one is edited', () => {
    expect(edited('# header\n---\nkind: Namespace\n', [[0, { kind: 'Other' }]])).toBe('# header\n---\nkind: Other\n');
  });

  test('a block map behind a marker is a fault as it is to Go', () => {
    expect(parse('--- a: 1\n').problems).toEqual([expect.objectContaining({ code: 'syntax', line: 1 })]);
  });

  test('a file without a document has none', () => {
    expect(fixture('only-comments.yaml').documents).toEqual([]);
    expect(fixture('empty.yaml').documents).toEqual([]);
  });

  test('byte order mark and CRLF survive an edit', () => {
    expect(edited('\ufeffa: 1\r\nb: 2 # c\r\n', [[0, { a: 1, b: 3, c: { d: 'x' } }]])).toBe(
      '\ufeffa: 1\r\nb: 3 # c\r\nc:\r\n  d: x\r\n',
    );
  });
});

describe('faults are reported with their place in the file', () => {
  test.each([
    ['duplicate.yaml', { code: 'duplicateKey', line: 5, column: 3 }],
    ['tab-indent.yaml', { code: 'syntax', line: 3, column: 1 }],
    ['latin1.yaml', { code: 'encoding', line: 2, column: 1 }],
    ['helm.yaml', { code: 'syntax', line: 5 }],
    ['unclosed.yaml', { code: 'syntax', line: 3 }],
  ])('%s', (name, expected) => {
    expect(fixture(name).problems).toEqual([expect.objectContaining(expected)]);
  });

  test.each([
    ['an alias without an anchor', 'kind: A\n---\na: 1\nb: *x\n', { code: 'syntax', line: 4, column: 5 }],
    ['a map as key', '{a: 1}: b\n', { code: 'syntax', line: 1 }],
    ['a null byte', 'a: \u0000\n', { code: 'syntax', line: 1, column: 4 }],
    ['a merge of a scalar', 'a: &a 1\nb:\n  <<: *a\n', { code: 'syntax', line: 3, column: 3 }],
    ['a wrong tag', 'a: !!int x\n', { code: 'syntax', line: 1, column: 4 }],
  ])('%s', (_, text, expected) => {
    expect(parse(text).problems).toEqual([expect.objectContaining(expected)]);
  });

  test('a file with a fault cannot be edited, and says where the fault is', () => {
    expect(() => parse('kind: A\n---\na: [\n').edit(new Map([[0, { kind: 'B' }]]))).toThrow(
      expect.objectContaining({ reason: 'InvalidYaml', location: expect.objectContaining({ file: 'a.yaml' }) }),
    );
  });
});

describe('flow collections that are not deeper than their key, as Go accepts them', () => {
  test.each<[string, string, KrmValue]>([
    ['a closing bracket', 'a: {\n  b: 1, # one\n}\nc: [\n  x # last\n]\n', { a: { b: 1 }, c: ['x'] }],
    ['all lines', 'a: {\n"b": [\n1,\n\n# apart\n2\n]\n}\nd: "x # y"\n', { a: { b: [1, 2] }, d: 'x # y' }],
    ['CRLF', 'a: [\r\n  x\r\n]\r\n', { a: ['x'] }],
  ])('%s', (_, text, value) => {
    const file = parse(text);
    expect(file.problems).toEqual([]);
    expect(file.documents[0]?.value).toEqual(value);
    const next = { ...(value as { [key: string]: KrmValue }), a: 'changed' };
    expect(parse(edited(text, [[0, next]])).documents[0]?.value).toEqual(next);
  });

  test('only their own lines change in an edit', () => {
    const text = 'a: {\n  b: 1, # one\n}\nc: [\n  x # last\n]\n';
    expect(edited(text, [[0, { a: { b: 2 }, c: ['x', 'z'] }]])).toBe(
      'a: {\n  b: 2, # one\n}\nc: [\n  x, # last\n  z\n]\n',
    );
  });

  test.each(['a: [\nb: 1\n', 'a: "x\ny"\n', 'a: {\nb\n'])('%j stays a fault', (text) => {
    expect(parse(text).problems).toHaveLength(1);
  });
});

describe('hostile input is refused without harm', () => {
  test.each([
    ['flow lists', '['.repeat(10_000)],
    ['closed flow lists', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['flow maps', '{a: '.repeat(10_000)],
    ['lists in one line', '- '.repeat(10_000)],
    ['indented maps', Array.from({ length: 1_000 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')],
    ['101 lists', '['.repeat(101) + ']'.repeat(101)],
  ])('%s nested too deep', (_, text) => {
    expect(parse(text).problems).toEqual([expect.objectContaining({ code: 'tooDeep' })]);
  });

  test('100 levels are read', () => {
    expect(parse('['.repeat(100) + ']'.repeat(100)).problems).toEqual([]);
    expect(parse(`${'{a: '.repeat(100)}1${'}'.repeat(100)}`).problems).toEqual([]);
  });

  test('aliases that stand for a billion nodes', () => {
    const lines = Array.from({ length: 9 }, (_, level) => {
      const item = level === 0 ? 'lol' : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array(10).fill(item).join(', ')}]`;
    });
    expect(parse(`${lines.join('\n')}\n`).problems).toEqual([expect.objectContaining({ code: 'tooLarge', line: 5 })]);
  });

  test('a map of 16,000 keys', () => {
    const text = Array.from({ length: 16_000 }, (_, at) => `key-${at}: ${at}\n`).join('');
    expect(parse(text).problems).toEqual([]);
    expect(parse(`${text}key-7: again\n`).problems).toEqual([
      expect.objectContaining({ code: 'duplicateKey', line: 16_001 }),
    ]);
  });

  test('too many bytes and too many documents', () => {
    expect(parseKrmFile('a.yaml', new Uint8Array(17 * 1024 * 1024)).problems[0]?.code).toBe('tooLarge');
    expect(parse('a\n---\n'.repeat(20_001)).problems[0]?.code).toBe('tooLarge');
  });

  test('data that nest too deep cannot be written', () => {
    let value: KrmValue = 1;
    for (let depth = 0; depth < 200; depth += 1) value = [value];
    expect(() => parse('a: 1\n').edit(new Map([[0, { a: value }]]))).toThrow(
      expect.objectContaining({ reason: 'InvalidYaml' }),
    );
  });
});

describe('documents are edited, removed and appended', () => {
  const two = '# head\nkind: A # a\n---\n# b\nkind: B\n';

  test('only the document that changed is touched, and keeps its number', () => {
    const file = parse(two).edit(new Map([[1, { kind: 'C' }]]));
    expect(Buffer.from(file.bytes).toString()).toBe('# head\nkind: A # a\n---\n# b\nkind: C\n');
    expect(file.documents.map(({ index, line, value }) => [index, line, value])).toEqual([
      [0, 1, { kind: 'A' }],
      [1, 4, { kind: 'C' }],
    ]);
  });

  test.each<[string, string, [number, KrmValue | null][], string]>([
    ['the first is removed', two, [[0, null]], '# b\nkind: B\n'],
    ['the last is removed', two, [[1, null]], '# head\nkind: A # a\n'],
    ['one is appended', 'kind: A\n', [[1, { kind: 'B' }]], 'kind: A\n---\nkind: B\n'],
    ['one is appended without a final line break', 'kind: A', [[1, { kind: 'B' }]], 'kind: A\n---\nkind: B\n'],
    [
      'two are appended in order',
      'kind: A\n',
      [
        [9, { c: 1 }],
        [5, { b: 1 }],
      ],
      'kind: A\n---\nb: 1\n---\nc: 1\n',
    ],
    ['one is appended to nothing', '', [[0, { a: 1 }]], 'a: 1\n'],
    ['one is appended to comments', '# c\n', [[0, { a: 1 }]], '# c\na: 1\n'],
    ['one is appended behind a marker', 'a: 1\n---\n', [[1, { b: 1 }]], 'a: 1\n---\nb: 1\n'],
    ['one is appended behind an end marker', 'a: 1\n...\n', [[1, { b: 1 }]], 'a: 1\n...\n---\nb: 1\n'],
    ['content behind a marker changes', '--- {a: 1} # c\n', [[0, { a: 2 }]], '--- {a: 2} # c\n'],
  ])('%s', (_, text, changes, expected) => {
    expect(edited(text, changes)).toBe(expected);
  });

  test('content behind a marker that becomes a block is read back', () => {
    const text = edited('--- text\n', [[0, { a: { b: [1] } }]]);
    expect(parse(text).problems).toEqual([]);
    expect(parse(text).documents[0]?.value).toEqual({ a: { b: [1] } });
  });

  test('an edited file can be edited again', () => {
    const once = parse(two).edit(new Map([[0, null]]));
    const twice = once.edit(new Map([[0, { kind: 'B', list: ['x'] }]]));
    expect(Buffer.from(twice.bytes).toString()).toBe('# b\nkind: B\nlist:\n- x\n');
  });
});

describe('JSON files', () => {
  test('stay JSON with their layout', () => {
    const file = fixture('pretty.json');
    const value = file.documents[0]?.value as { [key: string]: KrmValue };
    const next = { ...value, list: [1, { a: true }, { b: [true] }], metadata: { name: 'new', labels: { app: '1' } } };
    const text = Buffer.from(file.edit(new Map([[0, next]])).bytes).toString();
    expect(text).toBe(`{
  "apiVersion": "v1",
  "kind": "ConfigMap",
  "metadata": {
    "name": "new",
    "labels": {
      "app": "1"
    }
  },
  "list": [
    1,
    {"a": true},
    {
      "b": [
        true
      ]
    }
  ],
  "unicode": "\\u00e9\\/",
  "big": 12345678901234567890
}
`);
  });

  test('tabs as indentation are read, and what is new is JSON', () => {
    const file = fixture('tabs.json');
    const text = Buffer.from(file.edit(new Map([[0, { kind: 'A', list: [1, 2, 3], more: 'x' }]])).bytes).toString();
    expect(JSON.parse(text)).toEqual({ kind: 'A', list: [1, 2, 3], more: 'x' });
    expect(text).toContain('\t\t2,\n\t\t3\n');
  });

  test('an empty object gets JSON in a JSON file and YAML in a YAML file', () => {
    expect(edited('{}\n', [[0, { a: { b: 1 } }]], 'a.json')).toBe('{\n  "a": {\n    "b": 1\n  }\n}\n');
    expect(edited('{}\n', [[0, { a: { b: 1 } }]])).toBe('a:\n  b: 1\n');
  });

  test('keys set to undefined are not there', () => {
    const file = parse('a: 1\nb: 2\n').edit(new Map([[0, { a: 1, b: undefined } as KrmValue]]));
    expect(Buffer.from(file.bytes).toString()).toBe('a: 1\n');
    expect(file.documents[0]?.value).toEqual({ a: 1 });
  });

  test('a new JSON document is JSON', () => {
    expect(edited('', [[0, { a: [1], b: 'yes', c: 2n ** 64n }]], 'a.json')).toBe(
      '{\n  "a": [\n    1\n  ],\n  "b": "yes",\n  "c": 18446744073709551616\n}\n',
    );
  });
});

test('names and resources', () => {
  expect(['a.yaml', 'x/b.yml', 'Kptfile', 'x/Kptfile'].every(isKrmPath)).toBe(true);
  expect(['a.json', 'aKptfile', 'Kptfile.md', 'yaml'].some(isKrmPath)).toBe(false);
  expect(isResource({ apiVersion: 'v1', kind: 'A' })).toBe(true);
  expect(isResource({ apiVersion: '', kind: 'A' })).toBe(false);
  expect(isResource(['v1'])).toBe(false);
});
