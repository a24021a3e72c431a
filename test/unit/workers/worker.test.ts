import { expect, test } from '@jest/globals';
import { createBuiltinRuntime } from '../../../src/functions/builtin-runtime.ts';
import type { FunctionRuntime } from '../../../src/functions/types.ts';
import { diffPackages } from '../../../src/package/diff.ts';
import { Package } from '../../../src/package/package.ts';
import { createRenderer } from '../../../src/render/renderer.ts';
import type { RenderReport } from '../../../src/render/types.ts';
import { WorkerRenderer } from '../../../src/workers/pool.ts';

const KPTFILE = `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: app
pipeline:
  mutators:
    - image: example.com/mirror/set-namespace:v0.4.1 # mirrored
      configMap:
        namespace: staging
    - image: example.com/team/annotate:v1
`;

const RESOURCE = `apiVersion: v1
kind: ConfigMap
metadata:
  name: app # the name
data: {}
`;

/** Sets an annotation on every ConfigMap; stands for a function that runs in a pod. */
const hosted: FunctionRuntime = {
  name: 'pod',
  runner: ({ image = '' }) =>
    image.startsWith('example.com/team/annotate')
      ? {
          resolved: image,
          runtime: 'pod',
          run: async ({ items }) => ({
            items: items.map((item) => {
              if (item.value.kind !== 'ConfigMap') return item;
              const metadata = { ...(item.value.metadata as object), annotations: { team: 'blue' } };
              return { ...item, value: { ...item.value, metadata } };
            }),
            results: [],
            exitCode: 0,
          }),
        }
      : undefined,
};

test('a thread renders what this process renders, with functions of its own and of the main thread', async () => {
  const { signal } = new AbortController();
  const prefixes = ['example.com/mirror'];
  const builtin = createBuiltinRuntime({ prefixes });
  const runtime = {
    name: 'both',
    runner: (spec: Parameters<typeof builtin.runner>[0]) => builtin.runner(spec) ?? hosted.runner(spec),
  };
  const inProcess = createRenderer({ runtime, allowedImages: ['example.com'] });
  const small = { files: 0, bytes: 0 };
  const threaded = new WorkerRenderer({
    inProcess,
    hosted,
    renderer: { allowedImages: ['example.com/team'] },
    builtinPrefixes: prefixes,
    small,
    maxThreads: 1,
  });
  try {
    const encoder = new TextEncoder();
    const files = { Kptfile: KPTFILE, 'app.yaml': RESOURCE, 'README.md': '# app\n' };
    const pkg = Package.of(
      Object.entries(files).map(([path, text]) => [path, { bytes: encoder.encode(text), mode: '100644' }]),
    );
    const [here, there] = await Promise.all([inProcess.render(pkg, { signal }), threaded.render(pkg, { signal })]);
    const timeless = ({ steps, ...report }: RenderReport) => ({
      ...report,
      steps: steps.map((step) => ({ ...step, milliseconds: 0 })),
    });
    expect(timeless(there.report)).toEqual(timeless(here.report));
    expect(there.report.failure).toBeUndefined();
    expect(there.report.steps.map((step) => [step.runtime, step.exitCode])).toEqual([
      ['builtin', 0],
      ['pod', 0],
    ]);
    expect(diffPackages(here.package, there.package)).toEqual({ added: [], removed: [], changed: [] });
    expect(new TextDecoder().decode(there.package.get('app.yaml')?.bytes)).toBe(
      RESOURCE.replace('# the name\n', '# the name\n  annotations:\n    team: blue\n  namespace: staging\n'),
    );
  } finally {
    await threaded.close();
  }
});
