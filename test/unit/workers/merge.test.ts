import { afterAll, describe, expect, test } from '@jest/globals';
import { createBuiltinRuntime } from '../../../src/functions/builtin-runtime.ts';
import { mergePackages } from '../../../src/merge/merge-packages.ts';
import type { MergeInput } from '../../../src/merge/types.ts';
import { Package } from '../../../src/package/package.ts';
import { createRenderer } from '../../../src/render/renderer.ts';
import { WorkerRenderer } from '../../../src/workers/pool.ts';

const OPTIONS = { strategy: 'resource-merge' } as const;
const signal = new AbortController().signal;

/** More files than are merged on the main thread; `replicas` and `image` of each come from the two functions. */
function packageOf(replicas: (index: number) => number, image: (index: number) => string): Package {
  const file = (text: string) => ({ bytes: new TextEncoder().encode(text), mode: '100644' }) as const;
  const kptfile = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: app\n';
  const resources = Array.from({ length: 60 }, (_, index) => {
    const text = `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-${index} # kept\nspec:\n  replicas: ${replicas(index)}\n  paused: ${image(index)}\n`;
    return [`web-${index}.yaml`, file(text)] as const;
  });
  return Package.of([['Kptfile', file(kptfile)], ...resources]);
}

const input: MergeInput = {
  base: packageOf(
    () => 1,
    () => 'false',
  ),
  local: packageOf(
    (index) => (index % 3 === 0 ? 2 : 1),
    () => 'false',
  ),
  updated: packageOf(
    (index) => (index % 9 === 0 ? 5 : 1),
    () => 'true',
  ),
};

describe('a merge in a worker thread', () => {
  const pool = new WorkerRenderer({
    inProcess: createRenderer({ runtime: createBuiltinRuntime() }),
    hosted: { name: 'none', runner: () => undefined },
  });
  afterAll(() => pool.close());

  test('gives what a merge in this thread gives, conflicts included', async () => {
    const here = mergePackages(input, OPTIONS);
    const there = await pool.merge(input, OPTIONS, signal);

    expect(pool.threads).toBe(1);
    expect(there.pkg.hash()).toBe(here.pkg.hash());
    expect(here.conflicts.length).toBeGreaterThan(0);
    expect(there.conflicts).toEqual(here.conflicts);
    expect(there.warnings).toEqual(here.warnings);
  });

  test('fails as a merge in this thread fails', async () => {
    const broken = new TextEncoder().encode('a: [\n');
    const local = input.local.edit([['web-0.yaml', { bytes: broken, mode: '100644' }]]);
    const fault = (() => {
      try {
        mergePackages({ ...input, local }, OPTIONS);
      } catch (error) {
        return error as Error;
      }
      throw new Error('the merge took a broken file');
    })();
    await expect(pool.merge({ ...input, local }, OPTIONS, signal)).rejects.toMatchObject({ message: fault.message });
  });

  test('an abort frees the caller', async () => {
    const controller = new AbortController();
    const merging = pool.merge(input, OPTIONS, controller.signal);
    controller.abort(new Error('enough'));
    await expect(merging).rejects.toThrow('enough');
  });
});
