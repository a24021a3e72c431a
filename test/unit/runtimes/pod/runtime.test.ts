import { describe, expect, test } from '@jest/globals';
import type { FunctionRuntime } from '../../../../src/functions/types.ts';
import { createRenderer } from '../../../../src/render/renderer.ts';
import type { FunctionImage } from '../../../../src/runtimes/pod/manifest.ts';
import { createPodRuntime, type PodRuntimeOptions } from '../../../../src/runtimes/pod/runtime.ts';
import { DEFAULT_POD_SETTINGS, type PodSettings } from '../../../../src/runtimes/pod/settings.ts';
import { ResultCache } from '../../../../src/runtimes/result-cache.ts';
import { never } from '../../kube/support.ts';
import { configMap, kptfile, packageOf } from '../../render/support.ts';

/** A registry in which a tag is moved after each look, and pods that give back what they get. */
class MovingTags {
  readonly looks: string[] = [];
  readonly ran: string[] = [];
  failures = 0;
  settings: Partial<PodSettings> = {};

  readonly options: PodRuntimeOptions = {
    resolve: async ({ name, suffix = '' }) => {
      if (this.failures-- > 0) throw new Error('the registry is away');
      const digest = `sha256:${String(this.looks.push(name + suffix)).padStart(64, '0')}`;
      const reference = `${name}@${digest}`;
      return { asked: { name, suffix }, resolved: `${name}${suffix}@${digest}`, reference, digest, command: ['/run'] };
    },
    settings: () => ({ ...DEFAULT_POD_SETTINGS, ...this.settings }),
    service: {
      evaluate: async ({ digest }: FunctionImage, _settings: PodSettings, input: Uint8Array) => {
        this.ran.push(digest);
        return { exitCode: 0, stdout: input, stderr: '' };
      },
    },
  };
}

function render(runtime: FunctionRuntime, ...steps: readonly string[]) {
  const mutators = steps.map((step) => `  - ${step}\n`).join('');
  const pkg = packageOf({ Kptfile: kptfile('r', `pipeline:\n  mutators:\n${mutators}`), 'a.yaml': configMap('a') });
  return createRenderer({ runtime, allowedImages: ['example.com'] }).render(pkg, { signal: never });
}

const STEP = 'image: example.com/fns/f:v1';
const digest = (number: number) => `sha256:${String(number).padStart(64, '0')}`;

describe('the image of a step', () => {
  test('is the same for all steps of a render though the tag moves, and what ran is recorded with its digest', async () => {
    const registry = new MovingTags();
    const { report } = await render(
      createPodRuntime(registry.options),
      STEP,
      STEP,
      'image: example.com/fns/g:v1',
      STEP,
    );
    expect(report.failure).toBeUndefined();
    expect(registry.looks).toEqual(['example.com/fns/f:v1', 'example.com/fns/g:v1']);
    expect(registry.ran).toEqual([1, 1, 2, 1].map(digest));
    expect(report.steps.map(({ image }) => image)).toEqual([
      `example.com/fns/f:v1@${digest(1)}`,
      `example.com/fns/f:v1@${digest(1)}`,
      `example.com/fns/g:v1@${digest(2)}`,
      `example.com/fns/f:v1@${digest(1)}`,
    ]);
  });

  test('is looked up anew by the next render', async () => {
    const registry = new MovingTags();
    const runtime = createPodRuntime(registry.options);
    await render(runtime, STEP);
    await render(runtime, STEP);
    expect(registry.ran).toEqual([1, 2].map(digest));
  });

  test('that could not be looked up is looked up again by the next step that wants it', async () => {
    const registry = new MovingTags();
    registry.failures = 1;
    const runner = createPodRuntime(registry.options).runner({ image: 'example.com/fns/f:v1' });
    const context = { signal: never, packagePath: '', render: {} };
    await expect(runner?.run({ items: [] }, context)).rejects.toThrow('the registry is away');
    expect(await runner?.run({ items: [] }, context)).toMatchObject({ exitCode: 0 });
  });
});

describe('a result that is kept', () => {
  const ran = async (registry: MovingTags, ...environments: readonly PodSettings['env'][]) => {
    const { options } = registry;
    const fixed = {
      ...options,
      resolve: async (...given: Parameters<PodRuntimeOptions['resolve']>) => {
        registry.looks.length = 0;
        return await options.resolve(...given);
      },
    };
    const runtime = new ResultCache({ maxBytes: 1024 * 1024 }).wrap(createPodRuntime(fixed));
    for (const env of environments) {
      registry.settings = { ...registry.settings, env };
      await render(runtime, STEP);
    }
    return registry.ran.length;
  };

  test('counts for the same image and input with the same environment only', async () => {
    const [one, two] = [[{ name: 'A', value: '1' }], [{ name: 'A', value: '2' }]];
    expect(await ran(new MovingTags(), [], [], one, one, two, [])).toBe(3);
  });

  test('is kept by no function that is configured to run each time', async () => {
    const registry = new MovingTags();
    registry.settings = { cache: false };
    expect(await ran(registry, [], [])).toBe(2);
  });
});
