import { describe, expect, test } from '@jest/globals';
import { getString, setIn } from '../../../src/krm/value.ts';
import { configMap, kptfile, names, packageOf, render, testFunction, textOf } from './support.ts';

function recorder() {
  const calls: string[] = [];
  const seen = new Map<string, string[]>();
  const fn = testFunction('record', ({ items, functionConfig }) => {
    const label = getString(functionConfig, ['data', 'as']) ?? '';
    calls.push(label);
    seen.set(label, names(items));
    return {};
  });
  return { calls, seen, fn };
}

function pipeline(label: string): string {
  return [
    'pipeline:',
    '  mutators:',
    `  - image: record\n    configMap: {as: mut-${label}}`,
    '  validators:',
    `  - image: record\n    configMap: {as: val-${label}}\n`,
  ].join('\n');
}

describe('order of a render', () => {
  test('7.5.84, H 24: subpackages come first, mutators before validators', async () => {
    const { calls, fn } = recorder();
    const pkg = packageOf({
      Kptfile: kptfile('r', pipeline('r')),
      'a/Kptfile': kptfile('a', pipeline('a')),
      'a/x/Kptfile': kptfile('x', pipeline('x')),
      'b/Kptfile': kptfile('b', pipeline('b')),
      'dir/c/Kptfile': kptfile('c', pipeline('c')),
    });
    const { report } = await render(pkg, [fn]);
    expect(report.failure).toBeUndefined();
    expect(calls).toEqual(['mut-x', 'val-x', 'mut-a', 'val-a', 'mut-b', 'val-b', 'mut-c', 'val-c', 'mut-r', 'val-r']);
  });

  test('H 25: siblings run in plain string order of their path', async () => {
    const { calls, fn } = recorder();
    const pkg = packageOf({
      Kptfile: kptfile('r'),
      'b/Kptfile': kptfile('b', pipeline('b')),
      'a/Kptfile': kptfile('a', pipeline('a')),
      'a-1/Kptfile': kptfile('a-1', pipeline('a-1')),
    });
    await render(pkg, [fn]);
    expect(calls.filter((call) => call.startsWith('mut'))).toEqual(['mut-a', 'mut-a-1', 'mut-b']);
  });

  test('7.5.84: a parent sees what its children’s functions made', async () => {
    const label = testFunction('label', ({ items }) => ({
      items: items.map((item) => ({ ...item, value: setIn(item.value, ['data', 'seen'], 'by the child') })),
    }));
    const seen: unknown[] = [];
    const look = testFunction('look', ({ items }) => {
      seen.push(
        ...items.filter(({ path }) => path === 'c.yaml').map(({ value }) => getString(value, ['data', 'seen'])),
      );
      return {};
    });
    const step = (image: string) => `pipeline:\n  mutators:\n  - image: ${image}\n    selectors: [{kind: ConfigMap}]\n`;
    const pkg = (annotations = '') =>
      packageOf({
        Kptfile: kptfile('r', step('look'), annotations),
        'a/Kptfile': kptfile('a', step('label')),
        'a/c.yaml': configMap('c'),
      });
    await render(pkg(), [label, look]);
    expect(seen).toEqual(['by the child']);
    await render(pkg('  annotations:\n    kpt.dev/bfs-rendering: "true"\n'), [label, look]);
    expect(seen).toEqual(['by the child', undefined]);
  });

  test('S-07: accounts of one name in two bundles: each binding follows that of its own', async () => {
    const bundle = (name: string) => ({
      [`${name}/Kptfile`]: kptfile(
        name,
        `pipeline:\n  mutators:\n  - image: set-namespace:v0.4.1\n    configMap: {namespace: ${name}-new}\n`,
      ),
      [`${name}/account.yaml`]: `apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: app\n  namespace: ${name}\n`,
      [`${name}/binding.yaml`]: `apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: ${name}\nsubjects:\n- {kind: ServiceAccount, name: app, namespace: ${name}}\n`,
    });
    const { package: rendered, report } = await render(
      packageOf({ Kptfile: kptfile('r'), ...bundle('a'), ...bundle('b') }),
    );
    expect(report.failure).toBeUndefined();
    for (const name of ['a', 'b']) {
      expect(textOf(rendered, `${name}/binding.yaml`)).toContain(`name: app, namespace: ${name}-new}`);
      expect(textOf(rendered, `${name}/account.yaml`)).toContain(`namespace: ${name}-new`);
    }
  });

  test('H 26, 27: a package sees its own resources and those below, never those above or beside', async () => {
    const { seen, fn } = recorder();
    const pkg = packageOf({
      Kptfile: kptfile('r', pipeline('r')),
      'own.yaml': configMap('own'),
      'a/Kptfile': kptfile('a', pipeline('a')),
      'a/in-a.yaml': configMap('in-a'),
      'b/Kptfile': kptfile('b', pipeline('b')),
      'b/in-b.yaml': configMap('in-b'),
    });
    await render(pkg, [fn]);
    expect(seen.get('mut-a')).toEqual(['a', 'in-a']);
    expect(seen.get('mut-b')).toEqual(['b', 'in-b']);
    expect(seen.get('mut-r')).toEqual(['r', 'own', 'a', 'in-a', 'b', 'in-b']);
  });

  test('R-24, H 88: the status lists only steps that ran, in the root Kptfile', async () => {
    const { fn } = recorder();
    const pkg = packageOf({
      Kptfile: kptfile('r', pipeline('r')),
      'a/Kptfile': kptfile('a'),
      'b/Kptfile': kptfile('b'),
    });
    const { package: rendered, report } = await render(pkg, [fn]);
    expect(report.steps.map((step) => [step.packagePath, step.phase])).toEqual([
      ['', 'mutator'],
      ['', 'validator'],
    ]);
    expect(textOf(rendered, 'a/Kptfile')).toBe(textOf(pkg, 'a/Kptfile'));
    expect(textOf(rendered, 'Kptfile')).toContain('reason: RenderSuccess');
  });

  test('a package without a Kptfile is left alone, with a warning', async () => {
    const pkg = packageOf({ 'a.yaml': configMap('a') });
    const outcome = await render(pkg);
    expect(outcome.package).toBe(pkg);
    expect(outcome.report).toEqual({ steps: [], warnings: [expect.stringContaining('no Kptfile')] });
  });

  test('an aborted render throws the reason of the signal', async () => {
    const abort = new AbortController();
    const { createRenderer } = await import('../../../src/render/renderer.ts');
    const { createBuiltinRuntime } = await import('../../../src/functions/builtin-runtime.ts');
    const renderer = createRenderer({ runtime: createBuiltinRuntime({ functions: [recorder().fn] }) });
    abort.abort(new Error('shutting down'));
    const pkg = packageOf({ Kptfile: kptfile('r', pipeline('r')) });
    await expect(renderer.render(pkg, { signal: abort.signal })).rejects.toThrow('shutting down');
  });
});
