import { describe, expect, test } from '@jest/globals';
import type { FunctionItem } from '../../../src/functions/types.ts';
import { MAX_REPORT_BYTES } from '../../../src/render/bounds.ts';
import { MAX_FUNCTIONS, MAX_KPTFILE_BYTES } from '../../../src/render/discovery.ts';
import { MAX_OUTPUT_ITEMS } from '../../../src/render/output.ts';
import { configMap, kptfile, packageOf, render, testFunction, textOf } from './support.ts';

const steps = (count: number, image: string) => `pipeline:\n  mutators:\n${`  - image: ${image}\n`.repeat(count)}`;

describe('what is too much is refused with its limit, and the package stays', () => {
  test.each([
    ['a Kptfile of 5 MB', kptfile('r', `# ${'x'.repeat(5_000_000)}\n`), String(MAX_KPTFILE_BYTES)],
    ['a pipeline without end', kptfile('r', steps(MAX_FUNCTIONS + 1, 'same')), String(MAX_FUNCTIONS)],
  ])('%s', async (_, Kptfile, limit) => {
    const source = packageOf({ Kptfile, 'a.yaml': configMap('a') });
    const { package: rendered, report } = await render(source);
    expect(report.failure).toMatchObject({ reason: 'InvalidKptfile', message: expect.stringContaining(limit) });
    expect(rendered).toBe(source);
  });

  test('more resources than a package can have', async () => {
    const added = Array.from({ length: MAX_OUTPUT_ITEMS }, (_, at): FunctionItem => {
      return { value: { apiVersion: 'v1', kind: 'A', metadata: { name: `a${at}` } }, path: 'all.yaml' };
    });
    const flood = testFunction('flood', ({ items }) => ({ items: [...items, ...added] }));
    const source = packageOf({ Kptfile: kptfile('r', steps(1, 'flood')), 'a.yaml': configMap('a') });
    const { package: rendered, report } = await render(source, [flood]);
    const message = expect.stringContaining(String(MAX_OUTPUT_ITEMS));
    expect(report.failure).toMatchObject({ reason: 'BadOutput', message });
    expect(rendered.paths()).toEqual(['Kptfile', 'a.yaml']);
  });
});

test('what many steps tell does not fill the Kptfile, and every step is still named', async () => {
  const message = 'x'.repeat(4000);
  const talk = testFunction('talk', () => ({ results: Array.from({ length: 50 }, () => ({ message })) }));
  const { package: rendered, report } = await render(packageOf({ Kptfile: kptfile('r', steps(100, 'talk')) }), [talk]);
  expect(report.failure).toBeUndefined();
  expect(report.steps).toHaveLength(100);
  expect(report.steps.at(-1)?.results).toEqual([
    expect.objectContaining({ message: expect.stringContaining('50 results') }),
  ]);
  expect(rendered.totalBytes).toBeLessThan(4 * MAX_REPORT_BYTES);
  expect(textOf(rendered, 'Kptfile')).toContain('RenderSuccess');
});

test('the value of a field in a result is bounded', async () => {
  const field = { path: 'spec', currentValue: 'x'.repeat(2000), proposedValue: 3n };
  const talk = testFunction('talk', () => ({ results: [{ message: 'm', field }] }));
  const { report } = await render(packageOf({ Kptfile: kptfile('r', steps(1, 'talk')) }), [talk]);
  expect(report.steps[0]?.results[0]?.field).toEqual({ path: 'spec', currentValue: undefined, proposedValue: 3n });
});
