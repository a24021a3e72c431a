import { describe, expect, test } from '@jest/globals';
import { configMap, kptfile, names, packageOf, render, testFunction, textOf } from './support.ts';

function step(text: string): string {
  return kptfile('r', `pipeline:\n  mutators:\n  - ${text}\n`);
}

function marking() {
  const seen: string[][] = [];
  const fn = testFunction('mark', ({ items, functionConfig }) => {
    seen.push([String((functionConfig?.metadata as { name?: string })?.name), ...names(items)]);
    return {};
  });
  return { seen, fn };
}

describe('a step with a condition', () => {
  test('H 16: is skipped when it does not hold, which the status says', async () => {
    const { seen, fn } = marking();
    const Kptfile = step(`{image: mark, when: "resources.exists(r, r.kind == 'Deployment')"}`);
    const { package: rendered, report } = await render(packageOf({ Kptfile, 'a.yaml': configMap('a') }), [fn]);
    expect(report.failure).toBeUndefined();
    expect(seen).toEqual([]);
    expect(report.steps).toMatchObject([{ skipped: true, exitCode: 0 }]);
    expect(textOf(rendered, 'a.yaml')).toBe(configMap('a'));
    for (const line of ['skipped: true', 'exitCode: 0', 'when:']) expect(textOf(rendered, 'Kptfile')).toContain(line);
  });

  test('H 16: is not even looked for when it does not hold', async () => {
    const { report } = await render(packageOf({ Kptfile: step('{image: example.com/none, when: "false"}') }));
    expect(report.failure).toBeUndefined();
  });

  test.each([
    ['1 + 1', 'boolean'],
    ['resources.map(', 'end of input'],
  ])('H 17: %s fails the render', async (when, word) => {
    const { fn } = marking();
    const { report } = await render(packageOf({ Kptfile: step(`{image: mark, when: "${when}"}`) }), [fn]);
    expect(report.failure).toMatchObject({ reason: 'InvalidCondition', message: expect.stringContaining(word) });
    expect(report.failure?.message).toContain('Kptfile: pipeline.mutators[0]');
    expect(report.steps).toMatchObject([{ exitCode: 1, executionError: expect.stringContaining(word) }]);
  });

  test('H 18: a missing namespace is empty', async () => {
    const { seen, fn } = marking();
    const when = `resources.exists(r, r.kind == 'Namespace' && r.metadata.namespace == '')`;
    const files = {
      Kptfile: step(`{image: mark, when: "${when}"}`),
      'a.yaml': configMap('a').replace('ConfigMap', 'Namespace'),
    };
    await render(packageOf(files), [fn]);
    expect(seen).toHaveLength(1);
  });

  test('H 19: sees the selected resources only', async () => {
    const { seen, fn } = marking();
    const when = 'resources.size() == 1';
    const files = {
      Kptfile: step(`{image: mark, selectors: [{name: b}], when: "${when}"}`),
      'a.yaml': configMap('a'),
      'b.yaml': configMap('b'),
    };
    await render(packageOf(files), [fn]);
    expect(seen).toEqual([['undefined', 'b']]);
  });
});

describe('H 20: a configRef', () => {
  const reference = '{image: mark, configRef: {kind: ConfigMap, name: settings}}';

  test('names a resource as the steps before left it', async () => {
    const { seen, fn } = marking();
    const rename = testFunction('rename', ({ items }) => ({
      items: items.map((item) => {
        if (item.path !== 'a.yaml') return item;
        return { ...item, value: { ...item.value, metadata: { name: 'settings' } } };
      }),
    }));
    const Kptfile = kptfile('r', `pipeline:\n  mutators:\n  - image: rename\n  - ${reference}\n`);
    const { report } = await render(packageOf({ Kptfile, 'a.yaml': configMap('a') }), [fn, rename]);
    expect(report.failure).toBeUndefined();
    expect(seen[0]?.[0]).toBe('settings');
  });

  test.each([
    ['no resource', {}],
    ['2 resources', { 'a.yaml': configMap('settings'), 'b.yaml': configMap('settings', '  namespace: n\n') }],
    ['no resource', { 'sub/Kptfile': kptfile('sub'), 'sub/a.yaml': configMap('settings') }],
  ])('that %s match fails the render', async (words, files) => {
    const { fn } = marking();
    const { report } = await render(packageOf({ Kptfile: step(reference), ...files }), [fn]);
    expect(report.failure).toMatchObject({ reason: 'InvalidFunctionConfig' });
    expect(report.failure?.message).toContain(words);
    expect(report.failure?.message).toContain('pipeline.mutators[0]');
  });
});
