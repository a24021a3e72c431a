import { describe, expect, test } from '@jest/globals';
import { applyReplacements } from '../../../../src/functions/catalog/apply-replacements/function.ts';
import { getIn, type KrmMap, type KrmPath, type KrmValue } from '../../../../src/krm/value.ts';
import { itemsOf, messages, run, values } from './support.ts';

const SOURCE =
  'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: src\ndata:\n  text: fresh\n  number: "7"\n  joined: a/b/c\n';
const TARGET = `apiVersion: example.com/v1
kind: Thing
metadata:
  name: one-two
  labels: {keep: me}
  annotations:
    example.com/owner: x
spec:
  count: 1
  text: old
  list:
  - name: a
    v: 1
  - name: b
    image: host.test/path/fn:v0.1
    v: 2
  args: [--x, --y]
`;

function config(source: KrmMap, target: KrmMap): KrmMap {
  const replacements = [{ source, targets: [{ select: { kind: 'Thing' }, ...target }] }];
  return { apiVersion: 'fn.kpt.dev/v1alpha1', kind: 'ApplyReplacements', metadata: { name: 'x' }, replacements };
}

function replace(fieldPath: string, target: KrmMap, options: KrmMap = {}) {
  const source = { kind: 'ConfigMap', name: 'src', fieldPath, options };
  return run(applyReplacements, itemsOf(`${SOURCE}---\n${TARGET}`), config(source, target));
}

describe('apply-replacements', () => {
  test.each<[string, string, KrmPath, KrmValue]>([
    ['a plain path', 'spec.text', ['spec', 'text'], 'fresh'],
    ['a selector', 'spec.list.[name=b].v', ['spec', 'list', 1, 'v'], 'fresh'],
    [
      'a selector whose value holds slashes and colons',
      'spec.list.[image=host.test/path/fn:v0.1].v',
      ['spec', 'list', 1, 'v'],
      'fresh',
    ],
    ['a position', 'spec.list.0.v', ['spec', 'list', 0, 'v'], 'fresh'],
    ['every item', 'spec.list.*.v', ['spec', 'list', 1, 'v'], 'fresh'],
    ['an item that is the value', 'spec.args.[=--y]', ['spec', 'args', 1], 'fresh'],
    [
      'a key with dots in brackets',
      'metadata.annotations.[example.com/owner]',
      ['metadata', 'annotations', 'example.com/owner'],
      'fresh',
    ],
    [
      'a quoted key',
      'metadata.annotations["example.com/owner"]',
      ['metadata', 'annotations', 'example.com/owner'],
      'fresh',
    ],
    [
      'a key with escaped dots',
      'metadata.annotations.example\\.com/owner',
      ['metadata', 'annotations', 'example.com/owner'],
      'fresh',
    ],
  ])('follows %s', (_, fieldPath, path, expected) => {
    const output = replace('data.text', { fieldPaths: [fieldPath] });
    expect(messages(output)).toEqual([]);
    expect(getIn(values(output)[1], path)).toEqual(expected);
  });

  test.each<[string, KrmMap, KrmValue]>([
    ['the first part', { delimiter: '-', index: 0 }, 'fresh-two'],
    ['the last part', { delimiter: '-', index: 1 }, 'one-fresh'],
    ['in front', { delimiter: '-', index: -1 }, 'fresh-one-two'],
    ['behind', { delimiter: '-', index: 9 }, 'one-two-fresh'],
  ])('replaces %s of a text', (_, options, expected) => {
    const output = replace('data.text', { fieldPaths: ['metadata.name'], options });
    expect(getIn(values(output)[1], ['metadata', 'name'])).toBe(expected);
  });

  test('takes a part of the source', () => {
    const output = replace('data.joined', { fieldPaths: ['spec.text'] }, { delimiter: '/', index: 2 });
    expect(getIn(values(output)[1], ['spec', 'text'])).toBe('c');
  });

  test('keeps the type of the target', () => {
    const output = replace('data.number', { fieldPaths: ['spec.count', 'spec.text'] });
    expect(getIn(values(output)[1], ['spec'])).toMatchObject({ count: 7, text: '7' });
  });

  test('creates what is missing only when it is told to', () => {
    const fieldPaths = ['spec.new.[name=c].v'];
    const created = replace('data.text', { fieldPaths, options: { create: true } });
    expect(getIn(values(created)[1], ['spec', 'new'])).toEqual([{ name: 'c', v: 'fresh' }]);
    const refused = replace('data.text', { fieldPaths });
    expect(refused.exitCode).toBe(1);
    expect(messages(refused)[0]).toContain('unable to find field "spec.new.[name=c].v" in replacement target');
  });

  test.each<[string, KrmMap]>([
    ['by name', { reject: [{ name: 'one-two' }] }],
    ['by label', { select: { kind: 'Thing', labelSelector: 'keep!=me' } }],
    ['by annotation', { select: { kind: 'Thing', annotationSelector: '!example.com/owner' } }],
    ['by version', { select: { kind: 'Thing', version: 'v2' } }],
  ])('a target that is ruled out %s is the same object', (_, target) => {
    const output = replace('data.text', { fieldPaths: ['spec.text'], ...target });
    expect(output.exitCode).toBe(0);
    expect(getIn(values(output)[1], ['spec', 'text'])).toBe('old');
  });

  test('a replacement that changes nothing gives the same objects', () => {
    const items = itemsOf(`${SOURCE}---\n${TARGET.replace('text: old', 'text: fresh')}`);
    const output = run(
      applyReplacements,
      items,
      config({ kind: 'ConfigMap', fieldPath: 'data.text' }, { fieldPaths: ['spec.text'] }),
    );
    expect(output.items.map((item, index) => item === items[index])).toEqual([true, true]);
  });

  test('R-11: of two sources that are alike the one of the outer package counts', () => {
    const items = [
      ...itemsOf(SOURCE.replace('fresh', 'inner'), 'src.yaml', 'sub'),
      ...itemsOf(SOURCE, 'src.yaml'),
      ...itemsOf(TARGET),
    ];
    const output = run(
      applyReplacements,
      items,
      config({ kind: 'ConfigMap', name: 'src', fieldPath: 'data.text' }, { fieldPaths: ['spec.text'] }),
    );
    expect(getIn(values(output)[2], ['spec', 'text'])).toBe('fresh');
  });

  test.each<[string, KrmMap | undefined, string]>([
    ['missing', undefined, 'FunctionConfig is missing'],
    ['of another kind', { data: 'x' }, 'received functionConfig of kind ConfigMap'],
    ['without a source that exists', config({ kind: 'Nothing' }, {}), 'nothing selected by Nothing'],
    [
      'without the source field',
      config({ kind: 'ConfigMap', fieldPath: 'data.none' }, {}),
      'fieldPath `data.none` is missing',
    ],
    ['ambiguous', config({}, {}), 'multiple matches for selector everything'],
  ])('fails when the configuration is %s', (_, functionConfig, message) => {
    const output = run(applyReplacements, itemsOf(`${SOURCE}---\n${TARGET}`), functionConfig);
    expect(output.exitCode).toBe(1);
    expect(messages(output)[0]).toContain(message);
  });
});
