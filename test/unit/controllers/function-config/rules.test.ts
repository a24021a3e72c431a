import { describe, expect, test } from '@jest/globals';
import { FUNCTION_CONFIG, type FunctionConfig } from '../../../../src/api/kinds.ts';
import {
  functionRules,
  podSettingsOf,
  rivalOf,
  warmImages,
} from '../../../../src/controllers/function-config/rules.ts';
import { wantedImage } from '../../../../src/runtimes/container-image.ts';
import { DEFAULT_POD_SETTINGS } from '../../../../src/runtimes/pod/settings.ts';

const PREFIX = 'example.com/catalogue';

function config(name: string, spec: Partial<FunctionConfig['spec']>, created = '2030-01-01T00:00:00Z'): FunctionConfig {
  const { apiVersion, kind } = FUNCTION_CONFIG;
  return {
    apiVersion,
    kind,
    metadata: { name, namespace: 'veranda-system', creationTimestamp: created },
    spec: { image: 'set-labels', ...spec },
  };
}

function maxPodsOf(configs: readonly FunctionConfig[], image: string, tag?: string): number {
  const wanted = wantedImage({ image, tag });
  if (!wanted) throw new Error(`${image} is no image`);
  return functionRules(configs, PREFIX).podSettings(wanted).maxPods;
}

describe('which configuration an image gets', () => {
  const all = config('all', { podExecutor: { maxPods: 3 } });
  const tagged = config('tagged', { podExecutor: { tags: ['v0.2'], maxPods: 5 } });

  test.each([
    ['one for all tags', 'a.example/x/set-labels:v9', undefined, 3],
    ['the one for its tag', 'a.example/x/set-labels:v0.2', undefined, 5],
    ['the one for the tag of the step', 'a.example/x/set-labels:v9', 'v0.2', 5],
    ['none, for another function', 'a.example/x/set-image:v0.2', undefined, DEFAULT_POD_SETTINGS.maxPods],
  ])('%s', (_, image, tag, maxPods) => {
    expect(maxPodsOf([all, tagged], image, tag)).toBe(maxPods);
    expect(maxPodsOf([tagged, all], image, tag)).toBe(maxPods);
  });

  test('prefixes bound it; an empty one stands for the default', () => {
    const configs = [config('p', { prefixes: ['', 'mirror.example/fns'], podExecutor: { maxPods: 7 } })];
    expect(maxPodsOf(configs, `${PREFIX}/set-labels:v1`)).toBe(7);
    expect(maxPodsOf(configs, 'mirror.example/fns/set-labels:v1')).toBe(7);
    expect(maxPodsOf(configs, 'elsewhere.example/set-labels:v1')).toBe(DEFAULT_POD_SETTINGS.maxPods);
  });
});

test("Porch's fields and ours give the settings; 0 is the default, as it is in Porch", () => {
  const porch = podSettingsOf(
    config('porch', {
      podExecutor: {
        tags: ['v0.2'],
        timeToLive: '10m',
        maxParallelExecutions: 4,
        preferredMaxQueueLength: 0,
        templateOverrides: {
          container: {
            resources: { limits: { memory: '1Gi' } },
            env: [{ name: 'A', value: 'b' }],
            envFrom: [{ configMapRef: { name: 'proxy' } }],
          },
        },
      },
    }),
  );
  expect(porch).toMatchObject({
    minPods: 1,
    maxPods: 4,
    idleTtlMs: 600_000,
    queueLength: DEFAULT_POD_SETTINGS.queueLength,
    imagePullPolicy: 'IfNotPresent',
    resources: { limits: { memory: '1Gi' } },
    env: [{ name: 'A', value: 'b' }],
    envFrom: [{ configMapRef: { name: 'proxy' } }],
  });
  const ours = podSettingsOf(
    config('ours', {
      podExecutor: {
        minPods: 0,
        maxPods: 2,
        maxParallelExecutions: 9,
        parallelEvaluations: 8,
        isolation: 'PerEvaluation',
        cache: false,
        imagePullPolicy: 'Always',
        imagePullSecrets: [{ name: 'pull' }],
        nodeSelector: { pool: 'functions' },
      },
    }),
  );
  expect(ours).toMatchObject({
    minPods: 0,
    maxPods: 2,
    parallel: 8,
    isolation: 'PerEvaluation',
    cache: false,
    imagePullPolicy: 'Always',
    imagePullSecrets: ['pull'],
    nodeSelector: { pool: 'functions' },
  });
});

test('their version follows what they say, not when or in which order it was said', () => {
  const one = config('one', { podExecutor: { maxPods: 3, resources: { limits: { memory: '1Gi', cpu: '1' } } } });
  const two = config('two', { image: 'starlark', goExecutor: { tags: [] } });
  const { version } = functionRules([one, two], PREFIX);
  const again = config('again', { podExecutor: { resources: { limits: { cpu: '1', memory: '1Gi' } }, maxPods: 3 } });
  expect(functionRules([two, again], PREFIX).version).toBe(version);
  const others = [
    [],
    [one],
    [one, { ...two, spec: { ...two.spec, image: 'set-image' } }],
    [{ ...one, spec: { ...one.spec, podExecutor: { maxPods: 4 } } }, two],
  ].map((configs) => functionRules(configs, PREFIX).version);
  expect(new Set([version, functionRules([one, two], 'example.com/other').version, ...others]).size).toBe(6);
  const rival = config('rival', { podExecutor: { maxPods: 9 } }, '2031-01-01T00:00:00Z');
  expect(functionRules([one, two, rival], PREFIX).version).toBe(version);
});

test('X-04: a pod of each tag is warm, from the first prefix, unless none are asked for', () => {
  const warm = warmImages(config('w', { prefixes: ['m.example/f'], podExecutor: { tags: ['v1', 'v2'] } }), PREFIX);
  expect(warm.map(({ image, settings }) => `${image} ${settings.minPods}`)).toEqual([
    'm.example/f/set-labels:v1 1',
    'm.example/f/set-labels:v2 1',
  ]);
  expect(warmImages(config('w', { podExecutor: { tags: ['v1'] } }), PREFIX)[0]?.image).toBe(`${PREFIX}/set-labels:v1`);
  expect(warmImages(config('w', { podExecutor: { tags: ['v1'], minPods: 0 } }), PREFIX)).toEqual([]);
  expect(warmImages(config('w', { podExecutor: {} }), PREFIX)).toEqual([]);
});

test('built-in functions stand for the tags that are named, and for none when none are', () => {
  const { builtins } = functionRules(
    [
      config('a', { goExecutor: { tags: ['v0.1', 'v0.1.5'] } }),
      config('b', { image: 'starlark', goExecutor: { tags: [] } }),
    ],
    PREFIX,
  );
  expect(builtins).toEqual({ 'set-labels': { versions: 'v0.1 || v0.1.5' }, starlark: { enabled: false } });
});

describe('two configurations of the same images', () => {
  const older = config('z-older', { podExecutor: { maxPods: 3 } }, '2029-01-01T00:00:00Z');
  const younger = config('a-younger', { podExecutor: { maxPods: 5 } });

  test('the older one counts and the younger one is told', () => {
    expect(rivalOf(younger, [older, younger])).toBe(older);
    expect(rivalOf(older, [older, younger])).toBeUndefined();
    expect(maxPodsOf([younger, older], 'x.example/set-labels:v1')).toBe(3);
  });

  test.each([
    ['other tags', { podExecutor: { tags: ['v1'] } }],
    ['other places', { prefixes: ['m.example/f'], podExecutor: {} }],
    ['another way to run them', { goExecutor: { tags: ['v1'] } }],
  ])('%s are no conflict', (_, spec) => {
    const bounded = config('older', { prefixes: ['x.example'], podExecutor: {} }, '2029-01-01T00:00:00Z');
    expect(rivalOf(config('younger', spec), ['prefixes' in spec ? bounded : older])).toBeUndefined();
  });
});
