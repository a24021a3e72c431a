import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { FunctionInput, FunctionRuntime } from '../../../src/functions/types.ts';
import { Package } from '../../../src/package/package.ts';
import type { Renderer } from '../../../src/render/types.ts';
import { WorkerRenderer } from '../../../src/workers/pool.ts';

// The threads take the interpreter from where the build has put it.
const built = existsSync(join(import.meta.dirname, '../../../dist/starlark.wasm'));
if (!built) console.error('PASSED OVER: dist/starlark.wasm is not built, no script is ended with its thread');

const KPTFILE = `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: p
pipeline:
  mutators:
  - image: hosted:v1
  - image: starlark:v0.5.0
    configPath: script.yaml
`;
const SCRIPT = `apiVersion: fn.kpt.dev/v1alpha1
kind: StarlarkRun
metadata:
  name: endless
source: |
  while True:
    pass
`;

test('a script without end is ended with its thread when its render is cancelled', async () => {
  if (!built) return;
  const encoded = Object.entries({ Kptfile: KPTFILE, 'script.yaml': SCRIPT }).map(([path, text]) => {
    return [path, { bytes: new TextEncoder().encode(text), mode: '100644' }] as const;
  });
  const abort = new AbortController();
  // The step before the script runs here, so that the script runs when the cancellation comes. Should it not have begun
  // yet, the thread ends as one without work.
  const hosted: FunctionRuntime = {
    name: 'hosted',
    runner: ({ image }) => {
      if (image?.includes('hosted') !== true) return undefined;
      const run = async (input: FunctionInput) => {
        setTimeout(() => abort.abort(new Error('no longer wanted')), 50);
        return { items: input.items, results: [], exitCode: 0 };
      };
      return { resolved: 'hosted', runtime: 'hosted', run };
    },
  };
  const inProcess: Renderer = { render: () => Promise.reject(new Error('rendered in process')) };
  const pool = new WorkerRenderer({ inProcess, hosted, maxThreads: 1, grace: 50, idleTimeout: 1 });
  try {
    await expect(pool.render(Package.of(encoded), { signal: abort.signal })).rejects.toThrow('no longer wanted');
    while (pool.threads > 0) await turn();
  } finally {
    await pool.close();
  }
});
