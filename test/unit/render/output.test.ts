import { describe, expect, test } from '@jest/globals';
import type { FunctionItem } from '../../../src/functions/types.ts';
import { configMap, kptfile, packageOf, render, testFunction, textOf } from './support.ts';

const RUN = 'pipeline:\n  mutators:\n  - image: f\n';

function cm(name: string): FunctionItem['value'] {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
}

function adding(...made: FunctionItem[]) {
  return testFunction('f', ({ items }) => ({ items: [...items, ...made] }));
}

describe('what a function returns', () => {
  test.each([
    ['H 53: a path out of the package', { path: '../x.yaml' }, 'PathEscapes', '../x.yaml'],
    ['R-07: a path that leaves in the middle', { path: 'a/../../x.yaml' }, 'PathEscapes', 'a/../../x.yaml'],
    ['R-07: a path with backslashes', { path: '..\\x.yaml' }, 'PathEscapes', '..\\\\x.yaml'],
    ["a path into git's own folder", { path: '.git/config' }, 'InvalidPath', '.git/config'],
    [
      'R-06: a place that is taken',
      { path: 'app.yaml', index: 0 },
      'PathTaken',
      'ConfigMap app in app.yaml (document 0)',
    ],
    ['an ignored file', { path: 'hidden.yaml' }, 'PathTaken', 'hidden.yaml'],
    ['a file that holds no resources', { path: 'README.md' }, 'PathTaken', 'README.md'],
    ['H 59: an index that is no number', { path: 'x.yaml', index: Number.NaN }, 'BadOutput', 'index NaN'],
    ['a package that there is not', { path: 'x.yaml', packagePath: 'nowhere' }, 'BadOutput', 'nowhere'],
  ])('%s is refused and nothing is written', async (_, place, reason, named) => {
    const pkg = packageOf({
      Kptfile: kptfile('r', RUN),
      '.krmignore': 'hidden.yaml\n',
      'README.md': 'read me\n',
      'app.yaml': configMap('app'),
      'hidden.yaml': configMap('hidden'),
    });
    const { package: rendered, report } = await render(pkg, [adding({ value: cm('made'), ...place })]);
    expect(report.failure).toMatchObject({ reason });
    expect(report.failure?.message).toContain(named);
    expect(rendered.edit([['Kptfile', null]]).hash()).toBe(pkg.edit([['Kptfile', null]]).hash());
  });

  test('R-07: a child package cannot write into the package above', async () => {
    const pkg = packageOf({ Kptfile: kptfile('r'), 'a/Kptfile': kptfile('a', RUN) });
    const { report } = await render(pkg, [adding({ value: cm('made'), path: '../shared.yaml' })]);
    expect(report.failure).toMatchObject({ reason: 'PathEscapes' });
    expect(report.failure?.message).toContain('package "a"');
  });

  test('H 52: the Kptfile cannot be dropped', async () => {
    const pkg = packageOf({ Kptfile: kptfile('r', RUN), 'a.yaml': configMap('a') });
    const { package: rendered, report } = await render(pkg, [testFunction('f', () => ({ items: [] }))]);
    expect(report.failure).toMatchObject({ reason: 'KptfileRemoved' });
    expect(textOf(rendered, 'a.yaml')).toBe(configMap('a'));
  });

  test('what is no resource is refused', async () => {
    const pkg = packageOf({ Kptfile: kptfile('r', RUN) });
    const { report } = await render(pkg, [adding({ value: { hello: 'world' }, path: 'x.yaml' })]);
    expect(report.failure).toMatchObject({ reason: 'BadOutput' });
  });

  test.each([
    ['H 54: an absolute path is taken from the package', { path: '/a/b.yaml', index: 0 }, 'a/b.yaml'],
    ['H 58: dots in a name are no harm', { path: 'foo..bar.yaml', index: 0 }, 'foo..bar.yaml'],
    ['H 56: a path that is missing', {}, 'configmap_made.yaml'],
    ['a path into a subpackage', { path: 'sub/made.yaml' }, 'sub/made.yaml'],
  ])('%s', async (_, place, file) => {
    const pkg = packageOf({ Kptfile: kptfile('r', RUN), 'sub/Kptfile': kptfile('sub') });
    const { package: rendered, report } = await render(pkg, [adding({ value: cm('made'), ...place })]);
    expect(report.failure).toBeUndefined();
    expect(textOf(rendered, file)).toBe(configMap('made'));
  });

  test('H 57: equal kind and name in two groups are two files', async () => {
    const one = { apiVersion: 'a.example/v1', kind: 'Thing', metadata: { name: 'x' } };
    const two = { apiVersion: 'b.example/v1', kind: 'Thing', metadata: { name: 'x' } };
    const pkg = packageOf({ Kptfile: kptfile('r', RUN) });
    const { package: rendered } = await render(pkg, [adding({ value: one }, { value: two })]);
    expect(rendered.paths()).toEqual(['Kptfile', 'thing.b.example_x.yaml', 'thing_x.yaml']);
  });

  test('a generator that runs twice makes one document', async () => {
    const pkg = packageOf({ Kptfile: kptfile('r', RUN) });
    const generator = adding({ value: cm('made') });
    const first = await render(pkg, [generator]);
    const second = await render(first.package, [generator]);
    expect(second.package.hash()).toBe(first.package.hash());
    expect(textOf(first.package, 'configmap_made.yaml')).toBe(configMap('made'));
  });

  test('the same resource generated twice in one step is refused', async () => {
    const pkg = packageOf({ Kptfile: kptfile('r', RUN) });
    const { report } = await render(pkg, [adding({ value: cm('made') }, { value: cm('made') })]);
    expect(report.failure).toMatchObject({ reason: 'PathTaken' });
  });

  test('H 55: two documents of one file, by their index', async () => {
    const pkg = packageOf({ Kptfile: kptfile('r', RUN) });
    const made = adding({ value: cm('b'), path: 'x.yaml', index: 1 }, { value: cm('a'), path: 'x.yaml', index: 0 });
    const { package: rendered } = await render(pkg, [made]);
    expect(textOf(rendered, 'x.yaml')).toBe(`${configMap('a')}---\n${configMap('b')}`);
  });

  test('an item that moves takes its comments along, and its old file goes', async () => {
    const text = `# who\n${configMap('a')}data:\n  k: v # why\n`;
    const pkg = packageOf({ Kptfile: kptfile('r', RUN), 'a.yaml': text });
    const move = testFunction('f', ({ items }) => ({
      items: items.map((item) => (item.path === 'a.yaml' ? { ...item, path: 'dir/b.yaml' } : item)),
    }));
    const { package: rendered, report } = await render(pkg, [move]);
    expect(report.failure).toBeUndefined();
    expect(rendered.paths()).toEqual(['Kptfile', 'dir/b.yaml']);
    expect(textOf(rendered, 'dir/b.yaml')).toBe(text);
  });

  test('H 63: what a validator changes is dropped', async () => {
    const pkg = packageOf({
      Kptfile: kptfile('r', 'pipeline:\n  validators:\n  - image: f\n'),
      'a.yaml': configMap('a'),
    });
    const { package: rendered, report } = await render(pkg, [adding({ value: cm('made') })]);
    expect(report.failure).toBeUndefined();
    expect(rendered.paths()).toEqual(['Kptfile', 'a.yaml']);
  });
});
