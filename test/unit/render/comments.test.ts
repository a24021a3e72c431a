import { describe, expect, test } from '@jest/globals';
import type { FunctionItem } from '../../../src/functions/types.ts';
import { setLineComments } from '../../../src/krm/comments.ts';
import { setIn } from '../../../src/krm/value.ts';
import { configMap, kptfile, names, packageOf, render, testFunction, textOf } from './support.ts';

const steps = (...images: string[]) =>
  kptfile('r', `pipeline:\n  mutators:\n${images.map((image) => `  - image: ${image}\n`).join('')}`);

function onConfig(change: (item: FunctionItem) => FunctionItem) {
  return ({ items }: { readonly items: readonly FunctionItem[] }) => ({
    items: items.map((item) => {
      const concerned = item.value.kind === 'ConfigMap' && names([item])[0] !== 'other';
      return concerned ? change(item) : item;
    }),
  });
}

/** Adds a comment behind `data.k`, as create-setters does. */
const comment = testFunction(
  'comment',
  onConfig((item) => {
    const text = setLineComments(item.text?.() ?? '', [{ path: ['data', 'k'], text: 'kpt-set: ${k}' }]);
    return { ...item, text: () => text };
  }),
);
const change = testFunction(
  'change',
  onConfig((item) => ({ ...item, value: setIn(item.value, ['data', 'k'], 'new') })),
);
const move = testFunction(
  'move',
  onConfig((item) => ({ ...item, path: `moved/${item.path}` })),
);

describe('comments that a function changes', () => {
  const text = `# head\n${configMap('a', 'data:\n  k: old\n  l: x # stays\n')}`;
  const commented = text.replace('k: old', 'k: old # kpt-set: ${k}');

  test.each([
    ['are written', [comment], commented],
    ['stay when the value changes afterwards', [comment, change], commented.replace('old', 'new')],
    ['follow a change of the value', [change, comment], commented.replace('old', 'new')],
  ])('%s', async (_, functions, expected) => {
    const files = {
      Kptfile: steps(...functions.map(({ name }) => name)),
      'a.yaml': `${configMap('other')}---\n# of b\n---\n${text}`,
    };
    const first = await render(packageOf(files), functions);
    expect(first.report.failure).toBeUndefined();
    expect(textOf(first.package, 'a.yaml')).toBe(`${configMap('other')}---\n# of b\n---\n${expected}`);
    const second = await render(first.package, functions);
    expect(second.package.hash()).toBe(first.package.hash());
  });

  test('move with their resource', async () => {
    const { package: rendered } = await render(packageOf({ Kptfile: steps('comment', 'move'), 'a.yaml': text }), [
      comment,
      move,
    ]);
    expect(textOf(rendered, 'moved/a.yaml')).toBe(commented);
  });
});

describe('the form of a document', () => {
  test('H 81: lists keep their indentation, each document its own', async () => {
    const wide = configMap('w', 'list:\n  - a\n');
    const compact = configMap('c', 'list:\n- a\n');
    const add = testFunction(
      'add',
      onConfig((item) => ({ ...item, value: setIn(item.value, ['list', 1], 'b') })),
    );
    const { package: rendered } = await render(
      packageOf({ Kptfile: steps('add'), 'a.yaml': `${wide}---\n${compact}` }),
      [add],
    );
    expect(textOf(rendered, 'a.yaml')).toBe(`${wide}  - b\n---\n${compact}- b\n`);
  });

  test('H 83: order and comments come back when a function loses them; a new key stands last', async () => {
    const text = configMap('a', 'data: # all\n  x: "1" # one\n  y: "2"\n');
    const shuffle = testFunction(
      'shuffle',
      onConfig((item) => {
        const { apiVersion, kind, metadata } = item.value;
        return { ...item, value: { data: { z: '3', y: '2', x: '1' }, metadata, kind, apiVersion }, text: undefined };
      }),
    );
    const { package: rendered } = await render(packageOf({ Kptfile: steps('shuffle'), 'a.yaml': text }), [shuffle]);
    expect(textOf(rendered, 'a.yaml')).toBe(`${text}  z: "3"\n`);
  });

  test('H 84: the comment of a list in flow style stays with its key when it becomes a block', async () => {
    const text = configMap('a', 'list: [] # mine\nnext: 1\n');
    const fill = testFunction(
      'fill',
      onConfig((item) => ({ ...item, value: setIn(item.value, ['list'], [{ a: 1, b: 2 }]) })),
    );
    const first = await render(packageOf({ Kptfile: steps('fill'), 'a.yaml': text }), [fill]);
    const second = await render(first.package, [fill]);
    expect(textOf(first.package, 'a.yaml')).toMatch(/^list:.* # mine$/m);
    expect(textOf(first.package, 'a.yaml')).not.toMatch(/next: 1 #/);
    expect(textOf(second.package, 'a.yaml')).toBe(textOf(first.package, 'a.yaml'));
  });

  test.each([
    ['H 85: one resource', '{"metadata": {"name": "<a>"},\n "kind": "A", "apiVersion": "v1", "x": 1.0}', undefined],
    [
      'changed',
      '{\n  "metadata": {"name": "a"},\n  "kind": "ConfigMap", "apiVersion": "v1", "data": {"k": "old"}\n}\n',
      'new',
    ],
  ])('a JSON file stays one: %s', async (_, text, changed) => {
    const { package: rendered, report } = await render(packageOf({ Kptfile: steps('change'), 'a.json': text }), [
      change,
    ]);
    expect(report.failure).toBeUndefined();
    expect(textOf(rendered, 'a.json')).toBe(changed === undefined ? text : text.replace('old', changed));
  });

  test('a generated resource for a JSON file is written as JSON', async () => {
    const value = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } };
    const make = testFunction('make', ({ items }) => ({ items: [...items, { value, path: 'x.json' }] }));
    const { package: rendered } = await render(packageOf({ Kptfile: steps('make') }), [make]);
    expect(JSON.parse(textOf(rendered, 'x.json') ?? '')).toEqual(value);
  });
});

test('H 51, 52: an empty list is taken for what it says, except that a Kptfile stays', async () => {
  const clear = testFunction('clear', ({ items }) => ({ items: items.filter(({ path }) => path === 'Kptfile') }));
  const { package: rendered } = await render(packageOf({ Kptfile: steps('clear'), 'a.yaml': configMap('a') }), [clear]);
  expect(rendered.paths()).toEqual(['Kptfile']);
  const clearAll = testFunction('clear', () => ({ items: [] }));
  const { report } = await render(packageOf({ Kptfile: steps('clear'), 'a.yaml': configMap('a') }), [clearAll]);
  expect(report.failure?.reason).toBe('KptfileRemoved');
});
