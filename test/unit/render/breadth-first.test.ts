import { describe, expect, test } from '@jest/globals';
import { getString, setIn } from '../../../src/krm/value.ts';
import { configMap, kptfile, packageOf, render, testFunction, textOf } from './support.ts';

const BREADTH_FIRST = '  annotations:\n    kpt.dev/bfs-rendering: "TRUE"\n';

function run(label: string): string {
  const step = (phase: string) =>
    `  ${phase}s:\n  - image: record\n    configMap: {as: ${phase.slice(0, 3)}-${label}}\n`;
  return `pipeline:\n${step('mutator')}${step('validator')}`;
}

function recorder() {
  const calls: string[] = [];
  const fn = testFunction('record', ({ functionConfig }) => {
    calls.push(getString(functionConfig, ['data', 'as']) ?? '');
    return {};
  });
  return { calls, fn };
}

describe('parents before children', () => {
  const tree = (root: string, child = '') =>
    packageOf({
      Kptfile: kptfile('r', run('r'), root),
      'a/Kptfile': kptfile('a', run('a'), child),
      'a/x/Kptfile': kptfile('x', run('x')),
      'b/Kptfile': kptfile('b', run('b')),
    });

  test('7.5.84, H 29: the root runs first, then level by level, when the root says so', async () => {
    const { calls, fn } = recorder();
    expect((await render(tree(BREADTH_FIRST), [fn])).report.failure).toBeUndefined();
    expect(calls).toEqual(['mut-r', 'val-r', 'mut-a', 'val-a', 'mut-b', 'val-b', 'mut-x', 'val-x']);
  });

  test('H 29: the annotation of a subpackage has no effect', async () => {
    const { calls, fn } = recorder();
    await render(tree('', BREADTH_FIRST), [fn]);
    expect(calls.filter((call) => call.startsWith('mut'))).toEqual(['mut-x', 'mut-a', 'mut-b', 'mut-r']);
  });

  test('a child has the last word on what its parent set', async () => {
    const labels = (value: string) => `pipeline:\n  mutators:\n  - image: set-labels\n    configMap: {of: ${value}}\n`;
    const { package: rendered } = await render(
      packageOf({
        Kptfile: kptfile('r', labels('root'), BREADTH_FIRST),
        'a/Kptfile': kptfile('a', labels('child')),
        'a/c.yaml': configMap('c'),
        'd.yaml': configMap('d'),
      }),
    );
    expect(textOf(rendered, 'a/c.yaml')).toContain('of: child');
    expect(textOf(rendered, 'd.yaml')).toContain('of: root');
  });

  test('H 30: what the root deletes of a child stays deleted', async () => {
    const clear = testFunction('clear', ({ items }) => ({
      items: items.filter(({ packagePath, path }) => packagePath !== 'a' || path === 'Kptfile'),
    }));
    const pipeline = 'pipeline:\n  mutators:\n  - image: clear\n';
    const { fn } = recorder();
    const { package: rendered, report } = await render(
      packageOf({
        Kptfile: kptfile('r', pipeline, BREADTH_FIRST),
        'a/Kptfile': kptfile('a', run('a')),
        'a/c.yaml': configMap('c'),
        'a/d.yaml': configMap('d'),
      }),
      [clear, fn],
    );
    expect(report.failure).toBeUndefined();
    expect(rendered.paths()).toEqual(['Kptfile', 'a/Kptfile']);
  });

  test('H 31: a resource for a package that there is not is refused', async () => {
    const lose = testFunction('lose', ({ items }) => ({
      items: items.map((item) => (item.path === 'c.yaml' ? { ...item, packagePath: 'a/nowhere' } : item)),
    }));
    const source = packageOf({
      Kptfile: kptfile('r', 'pipeline:\n  mutators:\n  - image: lose\n', BREADTH_FIRST),
      'a/Kptfile': kptfile('a'),
      'a/c.yaml': configMap('c'),
    });
    const { package: rendered, report } = await render(source, [lose]);
    expect(report.failure).toMatchObject({ reason: 'BadOutput', message: expect.stringContaining('a/nowhere') });
    expect(textOf(rendered, 'a/c.yaml')).toBe(configMap('c'));
  });
});

test('H 28: validators of a child are not asked again about what its parent changed', async () => {
  const check = testFunction('check', ({ items }) => ({
    exitCode: items.some(({ value }) => getString(value, ['data', 'bad']) !== undefined) ? 1 : 0,
  }));
  const spoil = testFunction('spoil', ({ items }) => ({
    items: items.map((item) =>
      item.path === 'c.yaml' ? { ...item, value: setIn(item.value, ['data', 'bad'], 'x') } : item,
    ),
  }));
  const { package: rendered, report } = await render(
    packageOf({
      Kptfile: kptfile('r', 'pipeline:\n  mutators:\n  - image: spoil\n'),
      'a/Kptfile': kptfile('a', 'pipeline:\n  validators:\n  - image: check\n'),
      'a/c.yaml': configMap('c'),
    }),
    [check, spoil],
  );
  expect(report.failure).toBeUndefined();
  expect(textOf(rendered, 'a/c.yaml')).toContain('bad: x');
});
