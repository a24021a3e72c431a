import { describe, expect, test } from '@jest/globals';
import { TransientError } from '../../../src/api/errors.ts';
import type { FunctionRuntime } from '../../../src/functions/types.ts';
import { setIn } from '../../../src/krm/value.ts';
import { createRenderer } from '../../../src/render/renderer.ts';
import { configMap, kptfile, packageOf, render, testFunction, textOf } from './support.ts';

const mark = testFunction('mark', ({ items }) => ({
  items: items.map((item) => ({ ...item, value: setIn(item.value, ['metadata', 'labels', 'marked'], 'yes') })),
}));
const fail = testFunction('fail', () => ({
  exitCode: 1,
  results: [{ message: 'a fault', severity: 'error' }],
  stderr: 'x'.repeat(20_000),
}));

const THREE = 'pipeline:\n  mutators:\n  - image: mark\n  - image: fail\n    name: second\n  - image: mark\n';

describe('a failing render', () => {
  test('R-13, H 64: leaves the content as it was and names the step', async () => {
    const pkg = packageOf({ Kptfile: kptfile('r', THREE), 'a.yaml': configMap('a') });
    const { package: rendered, report } = await render(pkg, [mark, fail]);
    expect(textOf(rendered, 'a.yaml')).toBe(configMap('a'));
    expect(report.steps.map((step) => step.exitCode)).toEqual([0, 1]);
    expect(report.failure).toMatchObject({ reason: 'RenderFailed' });
    expect(report.failure?.message).toBe(
      'Kptfile: pipeline.mutators[1]: function "second" of the root package: failed with exit code 1: a fault',
    );
    const text = textOf(rendered, 'Kptfile') ?? '';
    expect(text).toContain('reason: RenderFailed');
    expect(text).toMatch(/errorSummary: ["']second: exit code 1["']/);
    expect(text).not.toContain('marked');
  });

  test('what a function prints is bounded', async () => {
    const pkg = packageOf({ Kptfile: kptfile('r', THREE) });
    const { report } = await render(pkg, [mark, fail]);
    expect(report.steps[1]?.stderr?.length).toBeLessThan(8 * 1024 + 64);
  });

  test('H 87: one Rendered condition, last, others untouched', async () => {
    const status =
      'status:\n  conditions:\n  - type: Rendered\n    status: "False"\n    reason: RenderFailed\n  - type: Ready # ours\n    status: "True"\n';
    const pkg = packageOf({ Kptfile: `${kptfile('r', 'pipeline:\n  mutators:\n  - image: mark\n')}${status}` });
    const { package: rendered } = await render(pkg, [mark]);
    const text = textOf(rendered, 'Kptfile') ?? '';
    expect(text.match(/type: Rendered/g)).toHaveLength(1);
    expect(text.indexOf('type: Ready')).toBeLessThan(text.indexOf('type: Rendered'));
    expect(text).toContain('# ours');
  });

  test('a function that no runtime knows is named with its package and field', async () => {
    const pkg = packageOf({
      Kptfile: kptfile('r'),
      'db/Kptfile': kptfile('db', 'pipeline:\n  mutators:\n  - image: mark\n  - image: registry.test/other:v1\n'),
    });
    const { report } = await render(pkg, [mark], { allowedImages: ['registry.test'] });
    expect(report.failure?.reason).toBe('FunctionNotFound');
    for (const part of ['db/Kptfile', 'pipeline.mutators[1]', 'registry.test/other:v1', 'package "db"']) {
      expect(report.failure?.message).toContain(part);
    }
    expect(report.steps).toHaveLength(2);
    expect(report.steps[1]?.executionError).toContain('registry.test/other:v1');
  });

  test.each([
    ['{image: none}', 'ghcr.io/kptdev/krm-functions-catalog/none:latest'],
    ['{image: none:v1}', 'ghcr.io/kptdev/krm-functions-catalog/none:v1'],
    ['{image: "none:v1", tag: ~0.4}', 'ghcr.io/kptdev/krm-functions-catalog/none:~0.4'],
    [`{image: "none@sha256:${'0'.repeat(64)}"}`, `ghcr.io/kptdev/krm-functions-catalog/none@sha256:${'0'.repeat(64)}`],
  ])('H 73: the image of a step that did not run is told in full: %s', async (step, image) => {
    const { report } = await render(packageOf({ Kptfile: kptfile('r', `pipeline:\n  mutators:\n  - ${step}\n`) }));
    expect(report.steps).toMatchObject([{ image, exitCode: 1 }]);
  });

  test('H 63: the first failing validator stops the render', async () => {
    const pkg = packageOf({ Kptfile: kptfile('r', 'pipeline:\n  validators:\n  - image: fail\n  - image: mark\n') });
    const { report } = await render(pkg, [mark, fail]);
    expect(report.steps.map((step) => [step.phase, step.exitCode])).toEqual([['validator', 1]]);
  });

  test('H 65: an error among the results with exit code 0 is no failure', async () => {
    const warn = testFunction('warn', () => ({ results: [{ message: 'bad', severity: 'error' }] }));
    const { report } = await render(
      packageOf({ Kptfile: kptfile('r', 'pipeline:\n  validators:\n  - image: warn\n') }),
      [warn],
    );
    expect(report.failure).toBeUndefined();
    expect(report.steps[0]?.results).toEqual([{ message: 'bad', severity: 'error' }]);
  });

  test('H 152: a function that throws does not take the process down', async () => {
    const panic = testFunction('panic', () => {
      throw new Error('out of cheese');
    });
    const { report } = await render(
      packageOf({ Kptfile: kptfile('r', 'pipeline:\n  mutators:\n  - image: panic\n') }),
      [panic],
    );
    expect(report.failure).toMatchObject({
      reason: 'FunctionPanicked',
      message: expect.stringContaining('out of cheese'),
    });
  });

  test('a fault that may pass says so', async () => {
    const runtime: FunctionRuntime = {
      name: 'far',
      runner: () => ({
        resolved: 'far:v1',
        runtime: 'far',
        run: async () => {
          throw new TransientError('Unreachable', 'no answer');
        },
      }),
    };
    const pkg = packageOf({ Kptfile: kptfile('r', 'pipeline:\n  mutators:\n  - image: far\n') });
    const { report } = await createRenderer({ runtime }).render(pkg, { signal: new AbortController().signal });
    expect(report.failure).toMatchObject({ reason: 'Unreachable', retry: 'backoff' });
  });

  test('H 3: a Kptfile without a name is refused', async () => {
    const { report } = await render(packageOf({ Kptfile: 'apiVersion: kpt.dev/v1\nkind: Kptfile\n' }));
    expect(report.failure).toMatchObject({
      reason: 'InvalidKptfile',
      message: expect.stringContaining('metadata.name'),
    });
  });

  test('a Kptfile that cannot be read fails the render and keeps its bytes', async () => {
    const pkg = packageOf({ Kptfile: 'apiVersion: [\n' });
    const { package: rendered, report } = await render(pkg);
    expect(report.failure?.reason).toBe('InvalidKptfile');
    expect(rendered).toBe(pkg);
  });
});
