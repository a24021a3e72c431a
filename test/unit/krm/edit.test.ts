import { describe, expect, test } from '@jest/globals';
import { readValue } from '../../../src/krm/fast-reader.ts';
import { editSource } from '../../../src/krm/file.ts';
import { deleteIn, getIn, type KrmPath, type KrmValue, setIn } from '../../../src/krm/value.ts';

function set(source: string, path: KrmPath, value: KrmValue): string {
  return editSource(source, setIn(readValue(source), path, value));
}

function remove(source: string, path: KrmPath): string {
  return editSource(source, deleteIn(readValue(source), path));
}

describe('reported faults of other tools', () => {
  test('F-03: a comment in the Kptfile stays when the status is written', () => {
    const kptfile = 'apiVersion: kpt.dev/v1\nkind: Kptfile\n# owner: ops\npipeline:\n  mutators: []\n';
    const conditions = [{ type: 'Rendered', status: 'True' }];
    expect(set(kptfile, ['status'], { conditions })).toBe(
      `${kptfile}status:\n  conditions:\n  - type: Rendered\n    status: "True"\n`,
    );
  });

  test('F-04: four spaces and quoted keys stay', () => {
    const source = '"spec":\n    \'a\': 1\n    "b":\n        c: 2\n';
    expect(editSource(source, readValue(source))).toBe(source);
    expect(set(source, ['spec', 'b', 'd'], { e: 1 })).toBe(`${source}        d:\n            e: 1\n`);
  });

  test('F-05: an explicit null stays null', () => {
    const source = 'ports: [{name: http, port: 80, nodePort: null}]\n';
    expect(set(source, ['ports', 0, 'port'], 81)).toBe('ports: [{name: http, port: 81, nodePort: null}]\n');
  });

  test('F-06: text and comment of a folded scalar survive', () => {
    const source = 'note: >- # why\n  line one\n  line two\nother: 1\n';
    expect(set(source, ['other'], 2)).toBe('note: >- # why\n  line one\n  line two\nother: 2\n');
    expect(set(source, ['note'], 'short')).toBe('note: >- # why\n  short\nother: 1\n');
  });

  test('F-07: a comment above an item stays, only the changed line changes', () => {
    const source =
      'resources:\n  # pinned for audit\n  - https://git.example.test/base.yaml\nimages: [{name: web, newTag: "1"}]\n';
    expect(set(source, ['images', 0, 'newTag'], '2')).toBe(source.replace('"1"', '"2"'));
  });

  test('F-08: a comment above the second item stays above it', () => {
    const source = 'list:\n- name: a\n# about b\n- name: b\n';
    expect(set(source, ['list', 0, 'x'], 1)).toBe('list:\n- name: a\n  x: 1\n# about b\n- name: b\n');
    expect(remove(source, ['list', 0])).toBe('list:\n# about b\n- name: b\n');
    expect(remove(source, ['list', 1])).toBe('list:\n- name: a\n');
    const [a, b] = readValue(source.replace('list:\n', '')) as readonly KrmValue[];
    expect(set(source, ['list'], [b as KrmValue, a as KrmValue])).toBe('list:\n# about b\n- name: b\n- name: a\n');
  });

  test('F-09: long JSON in a string stays as it is', () => {
    const json = `{"k":"${'v'.repeat(200)} # no comment"}`;
    const source = `metadata:\n  annotations:\n    j: '${json}'\n    k: x\n`;
    expect(set(source, ['metadata', 'annotations', 'k'], 'z')).toBe(source.replace('k: x', 'k: z'));
  });

  test('F-11: a changed field changes nothing around it', () => {
    const source = 'spec:\n  z: 1\n  a: 2 # two\nkind: A\napiVersion: v1\n';
    expect(set(source, ['spec', 'a'], 3)).toBe(source.replace('a: 2', 'a: 3'));
  });
});

describe('scalars keep their quotes where they may', () => {
  test.each<[string, KrmValue, string]>([
    ['a: x # c', 'z', 'a: z # c'],
    ['a: "x" # c', 'z', 'a: "z" # c'],
    ["a: 'x'", "it's", "a: 'it''s'"],
    ['a: "x"', 'say "hi"', 'a: "say \\"hi\\""'],
    ['a: "x"', 5, 'a: 5'],
    ['a: 5', '5', 'a: "5"'],
    ['a:', 'x', 'a: x'],
    ['a: # c', 'x', 'a: x # c'],
    ['a: null', true, 'a: true'],
    ['a: 0644', 493, 'a: 493'],
    ['a: !!str 5', 'x', 'a: x'],
    ['a: x   # c', 'one\ntwo', 'a: |-   # c\n  one\n  two'],
    ['a: |\n  one\n  two', 'one\nthree\n', 'a: |\n  one\n  three'],
    ['a: |-   # c\n      one\n      two', 'one', 'a: one   # c'],
    ['a: "one\\ntwo"', 'one\nthree', 'a: "one\\nthree"'],
    ['a: plain\n  goes on # c', 'short', 'a: short # c'],
    ['a: x', 1e21, 'a: 1e+21'],
    ['a: x', 2n ** 64n, 'a: 18446744073709551616'],
    ['a: x', Number.NEGATIVE_INFINITY, 'a: -.inf'],
  ])('%j set to %p', (source, value, expected) => {
    expect(set(`${source}\n`, ['a'], value)).toBe(`${expected}\n`);
    expect(set(`${source}\nb: 1\n`, ['a'], value)).toBe(`${expected}\nb: 1\n`);
    expect(set(source, ['a'], value)).toBe(expected);
  });
});

describe('maps', () => {
  const source = 'm: # on m\n  # about a\n  a: 1 # one\n  # about b\n  b: {c: 2}\n\n  # apart\n\n  d: 3\n# end\n';

  test.each<[string, KrmPath, KrmValue, string]>([
    ['a key is added at the end', ['m', 'e'], [1], source.replace('d: 3\n', 'd: 3\n  e:\n  - 1\n')],
    ['a key is added to a flow map', ['m', 'b', 'e'], ['x'], source.replace('{c: 2}', '{c: 2, e: [x]}')],
    ['a key is added at the root', ['o'], 1, `${source.replace('# end\n', '')}o: 1\n# end\n`],
    ['a map becomes a scalar', ['m'], 1, 'm: 1 # on m\n# end\n'],
    ['a map becomes empty', ['m'], {}, 'm: {} # on m\n# end\n'],
    ['a flow map becomes a list', ['m', 'b'], [1, 2], source.replace('b: {c: 2}', 'b:\n  - 1\n  - 2')],
  ])('%s', (_, path, value, expected) => {
    expect(set(source, path, value)).toBe(expected);
  });

  test.each<[string, KrmPath, string]>([
    ['first', ['m', 'a'], source.replace('  # about a\n  a: 1 # one\n', '')],
    ['middle', ['m', 'b'], source.replace('  # about b\n  b: {c: 2}\n', '')],
    ['last, a comment set off by a blank line stays', ['m', 'd'], source.replace('  d: 3\n', '')],
    ['only', ['m'], '{}\n# end\n'],
  ])('a key goes with its own comments: %s', (_, path, expected) => {
    expect(remove(source, path)).toBe(expected);
  });

  test('what stood behind the dash is replaced by the next key', () => {
    expect(remove('- a: 1 # c\n  # about b\n  b: 2\n', [0, 'a'])).toBe('- # about b\n  b: 2\n');
    expect(remove('- a: 1 # c\n  b: 2\n', [0, 'a'])).toBe('- b: 2\n');
  });

  test('the header of a file outlives its first key', () => {
    expect(remove('# licence\nkind: A\nb: 1\n', ['kind'])).toBe('# licence\nb: 1\n');
  });

  test('an empty collection or null gets content', () => {
    expect(set('a: {} # c\nb: 1\n', ['a', 'x'], 'yes')).toBe('a: # c\n  x: "yes"\nb: 1\n');
    expect(set('a: [] # c\n', ['a'], [{ x: 1, z: 2 }])).toBe('a: # c\n- x: 1\n  z: 2\n');
    expect(set('a:\nb: 1\n', ['a'], { x: 1 })).toBe('a:\n  x: 1\nb: 1\n');
    expect(set('l:\n- {} # c\n', ['l', 0], { x: { z: 1 } })).toBe('l:\n- x: # c\n    z: 1\n');
  });

  test('a list of the same map tells how new lists are indented', () => {
    expect(set('a:\n  - 1\n', ['b'], [2])).toBe('a:\n  - 1\nb:\n  - 2\n');
    expect(set('a:\n- 1\n', ['b'], [2])).toBe('a:\n- 1\nb:\n- 2\n');
  });
});

describe('lists', () => {
  const source = 'l:\n# about a\n- name: a # first\n  v: 1\n\n# about b\n- name: b\n  v: 2\n';
  const items = getIn(readValue(source), ['l']) as readonly KrmValue[];

  test('an item is matched by its name', () => {
    const next = [{ name: 'b', v: 3 }];
    expect(set(source, ['l'], next)).toBe('l:\n# about b\n- name: b\n  v: 3\n');
  });

  test('items are added at both ends', () => {
    expect(set(source, ['l'], [{ name: 'z' }, ...items, { name: 'y' }])).toBe(
      `${source.replace('l:\n', 'l:\n- name: z\n')}- name: "y"\n`,
    );
  });

  test('a renamed item keeps its comments', () => {
    expect(set(source, ['l', 0, 'name'], 'c')).toBe(source.replace('name: a', 'name: c'));
  });

  test.each<[string, KrmValue, string]>([
    ['[1, 2, 3] # c', [1, 3], '[1, 3] # c'],
    ['[1, 2, 3]', [2, 3], '[2, 3]'],
    ['[1, 2, 3]', [1, 2, 3, 4], '[1, 2, 3, 4]'],
    ['[1,2,3]', [0, 1, 2, 3], '[0,1,2,3]'],
    ['[ 1, 2 ]', [1], '[ 1 ]'],
    ['[1, 2]', [2, 1], '[2, 1]'],
    ['[1, 2]', [], '[]'],
    ['[a, b,]', ['a'], '[a,]'],
    ['[\n  a, # one\n  b # two\n  ]', ['a', 'b', 'c'], '[\n  a, # one\n  b, # two\n  c\n  ]'],
    ['[\n  a, # one\n  b # two\n  ]', ['a'], '[\n  a # one\n  ]'],
    ['[\n  a, # one\n  b # two\n  ]', ['b'], '[\n  b # two\n  ]'],
    ['[x: 1, y: 2]', [{ x: 3 }, { y: 2 }], '[x: 3, y: 2]'],
  ])('flow list %j to %j', (flow, next, expected) => {
    expect(set(`l: ${flow}\n`, ['l'], next)).toBe(`l: ${expected}\n`);
  });
});

describe('anchors and merge keys', () => {
  const source = 'base: &b {x: 1, w: 2}\nuse:\n  <<: *b\n  z: 3 # own\nsame: *b\n';

  test('an own key beside a merge key changes in place', () => {
    expect(set(source, ['use', 'z'], 4)).toBe(source.replace('z: 3', 'z: 4'));
  });

  test('a merged key is overridden', () => {
    expect(set(source, ['use', 'x'], 9)).toBe(source.replace('z: 3 # own\n', 'z: 3 # own\n  x: 9\n'));
  });

  test('a merged key that goes makes the merge explicit', () => {
    const text = remove(source, ['use', 'x']);
    expect(readValue(text)).toEqual(deleteIn(readValue(source), ['use', 'x']));
    expect(text).toContain('z: 3 # own\n  w: 2\n');
  });

  test('a changed anchor does not reach through its aliases', () => {
    const text = set(source, ['base', 'x'], 5);
    expect(readValue(text)).toEqual(setIn(readValue(source), ['base', 'x'], 5));
    expect(text).toContain('z: 3 # own');
  });

  test('an alias gets a value of its own', () => {
    expect(set(source, ['same'], 'text')).toBe(source.replace('same: *b', 'same: text'));
  });
});

describe('forms that splices do not reach', () => {
  test('explicit keys are written anew with their comments', () => {
    const source = '# head\n? a\n: 1 # one\nl: # kpt-set: list\n- x\n';
    const text = set(source, ['a'], 2);
    expect(readValue(text)).toEqual({ a: 2, l: ['x'] });
    expect(text).toContain('# head');
    expect(text).toContain('# one');
    expect(text).toContain('l: # kpt-set: list\n');
  });

  test('a source that cannot be read is refused', () => {
    expect(() => editSource('a: [', { a: 1 })).toThrow(expect.objectContaining({ reason: 'InvalidYaml' }));
  });
});
