import { describe, expect, test } from '@jest/globals';
import type { KrmMap } from '../../../src/krm/value.ts';
import { setIn } from '../../../src/krm/value.ts';
import { configMap, kptfile, packageOf, render, testFunction } from './support.ts';

function pipeline(...steps: string[]): string {
  return kptfile('r', `pipeline:\n  mutators:\n${steps.map((step) => `  - ${step}\n`).join('')}`);
}

async function configSeen(files: { readonly [path: string]: string }): Promise<KrmMap | undefined> {
  let seen: KrmMap | undefined;
  const look = testFunction('look', ({ functionConfig }) => {
    seen = functionConfig;
    return {};
  });
  const paint = testFunction('paint', ({ items }) => ({
    items: items.map((item) =>
      item.path === 'b.yaml' ? { ...item, value: setIn(item.value, ['data', 'team'], 'blue') } : item,
    ),
  }));
  const { report } = await render(packageOf(files), [look, paint]);
  expect(report.failure).toBeUndefined();
  return seen;
}

describe('configuration of a function', () => {
  test.each(['b.yaml', './b.yaml'])('R-03, H 61: %s is read as the steps before left it', async (path) => {
    const Kptfile = pipeline('image: paint', `{image: look, configPath: ${path}}`);
    const config = await configSeen({ Kptfile, 'b.yaml': configMap('b', 'data:\n  team: red\n') });
    expect(config?.data).toEqual({ team: 'blue' });
  });

  test('a configMap becomes a ConfigMap, an empty one nothing', async () => {
    expect(await configSeen({ Kptfile: pipeline('{image: look, configMap: {a: "1"}}') })).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'function-input' },
      data: { a: '1' },
    });
    expect(await configSeen({ Kptfile: pipeline('{image: look, configMap: {}}') })).toBeUndefined();
  });

  test.each([
    ['R-04, H 10: two documents', 'cfg.yaml', 'cfg.yaml holds 2 documents'],
    ['H 10: a file that there is not', 'none.yaml', 'none.yaml: there is no such file'],
    ['H 10: a resource without a name', 'noname.yaml', 'metadata.name'],
    ['H 11: a file of a subpackage', 'sub/cfg.yaml', 'belongs to package "sub"'],
  ])('%s fails before any function runs', async (_, path, message) => {
    const pkg = packageOf({
      Kptfile: pipeline('image: first', `{image: first, configPath: ${path}}`),
      'cfg.yaml': `${configMap('a')}---\n${configMap('b')}`,
      'noname.yaml': 'apiVersion: v1\nkind: ConfigMap\n',
      'sub/Kptfile': kptfile('sub'),
      'sub/cfg.yaml': configMap('c'),
    });
    let runs = 0;
    const first = testFunction('first', () => {
      runs += 1;
      return {};
    });
    const { report } = await render(pkg, [first]);
    expect(report.failure?.message).toContain(message);
    expect(report.failure?.message).toContain('Kptfile: pipeline.mutators[1].configPath');
    expect(runs).toBe(0);
  });

  test.each([
    ['cfg/fn.yaml', 'cfg/team/secret_made.yaml'],
    ['functions/fn.yaml', 'team/secret_made.yaml'],
  ])('H 56: what a function with its configuration in %s generates comes to %s', async (path, file) => {
    const make = testFunction('make', ({ items }) => ({
      items: [...items, { value: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'made', namespace: 'team' } } }],
    }));
    const pkg = packageOf({ Kptfile: pipeline(`{image: make, configPath: ${path}}`), [path]: configMap('c') });
    const { package: rendered } = await render(pkg, [make]);
    expect(rendered.has(file)).toBe(true);
  });

  test('H 62: a pipeline that a function changes has its effect in the next render only', async () => {
    let runs = 0;
    const grow = testFunction('grow', ({ items }) => {
      runs += 1;
      return {
        items: items.map((item) =>
          item.path === 'Kptfile'
            ? { ...item, value: setIn(item.value, ['pipeline', 'mutators', 1], { image: 'grow' }) }
            : item,
        ),
      };
    });
    const first = await render(packageOf({ Kptfile: pipeline('image: grow') }), [grow]);
    expect(runs).toBe(1);
    await render(first.package, [grow]);
    expect(runs).toBe(3);
  });
});
