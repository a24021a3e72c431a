import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRenderer, type RendererOptions } from '../../../src/render/renderer.ts';
import type { ContainerRuntimeOptions } from '../../../src/runtimes/container.ts';
import { type DockerEngine, startDockerEngine } from '../../env/docker/engine.ts';
import { buildFunctionImages } from '../../env/images/function-images.ts';
import { configMap, kptfile, packageOf, render, textOf } from '../../unit/render/support.ts';
import { runtimeOn } from './support.ts';

const PLACE = 'ghcr.io/kptdev/krm-functions-catalog';
const MISBEHAVING = 'veranda.test/misbehaving';

let engine: DockerEngine;

beforeAll(async () => {
  engine = await startDockerEngine();
  for (const { name, tag, image, withSettings } of (await buildFunctionImages()).values()) {
    if (name !== 'misbehaving') await engine.load(image, `${PLACE}/${name}:${tag}`);
    else {
      await engine.load(image, `${MISBEHAVING}:v1`);
      await engine.load(withSettings({ cmd: ['generate'] }), `${MISBEHAVING}:generate`);
      await engine.load(withSettings({ cmd: ['fail-at-once'] }), `${MISBEHAVING}:fail-at-once`);
    }
  }
}, 240_000);

afterAll(async () => {
  await engine?.stop();
});

interface Told {
  readonly behaviour?: string;
  readonly tag?: string;
  readonly kind?: 'mutators' | 'validators';
  readonly runtime?: Partial<ContainerRuntimeOptions>;
  readonly renderer?: Partial<RendererOptions>;
}

async function runMisbehaving({ behaviour, tag = 'v1', kind = 'mutators', runtime, renderer }: Told) {
  const config = behaviour === undefined ? '' : `\n    configMap:\n      behaviour: ${behaviour}`;
  const given = packageOf({
    Kptfile: kptfile('r', `pipeline:\n  ${kind}:\n  - image: ${MISBEHAVING}:${tag}${config}\n`),
    'a.yaml': configMap('a', 'data:\n  k: v # why\n'),
  });
  const options = { runtime: runtimeOn(engine, { pullPolicy: 'never', ...runtime }), allowedImages: ['veranda.test'] };
  return await createRenderer({ ...options, ...renderer }).render(given, { signal: new AbortController().signal });
}

const containersLeft = () => engine.run('ps', '--all', '--quiet');

const SETTERS = 'data:\n  k: old # kpt-set: ${greeting}\n';
const STARLARK = `apiVersion: fn.kpt.dev/v1alpha1
kind: StarlarkRun
metadata:
  name: star
  annotations:
    config.kubernetes.io/local-config: "true"
source: |
  for resource in ctx.resource_list["items"]:
    resource["data"] = {"k": "star"}
`;
const REPLACEMENTS = `apiVersion: fn.kpt.dev/v1alpha1
kind: ApplyReplacements
metadata:
  name: replacements
  annotations:
    config.kubernetes.io/local-config: "true"
replacements:
- source:
    kind: ConfigMap
    name: a
    fieldPath: data.k
  targets:
  - select:
      kind: ConfigMap
      name: b
    fieldPaths:
    - data.k
`;

describe('functions of the catalogue in containers', () => {
  test.each([
    ['set-namespace:v0.4.5', 'configMap:\n      namespace: prod', {}],
    ['apply-setters:v0.2.2', 'configMap:\n      greeting: hello', {}],
    ['starlark:v0.5.5', 'configPath: star.yaml', { 'star.yaml': STARLARK }],
    ['apply-replacements:v0.1.5', 'configPath: replacements.yaml', { 'replacements.yaml': REPLACEMENTS }],
  ])('%s gives the same bytes as the builtin of its name', async (image, config, files) => {
    const given = packageOf({
      Kptfile: kptfile('r', `pipeline:\n  mutators:\n  - image: ${PLACE}/${image}\n    ${config}\n`),
      'a.yaml': configMap('a', SETTERS),
      'b.yaml': configMap('b', 'data:\n  k: b\n'),
      ...files,
    });
    const builtin = await render(given);
    const runtime = runtimeOn(engine, { pullPolicy: 'never' });
    const contained = await createRenderer({ runtime }).render(given, { signal: new AbortController().signal });
    expect(builtin.report).toMatchObject({ steps: [{ runtime: 'builtin', exitCode: 0 }] });
    expect(contained.report).toMatchObject({ steps: [{ runtime: 'container', exitCode: 0 }] });
    for (const path of ['a.yaml', 'b.yaml']) {
      expect([path, textOf(contained.package, path)]).toEqual([path, textOf(builtin.package, path)]);
    }
  });
});

describe('a function in a container', () => {
  test('sees no network and no rights, and runs as nobody', async () => {
    const { report } = await runMisbehaving({ behaviour: 'describe-world' });
    const results = report.steps[0]?.results.map(({ message }) => message);
    expect(results).toContain('uid 65534 gid 65534');
    expect(results).toContain('capabilities: 0000000000000000');
    expect(results).toContain('network interfaces: lo');
  });

  test('that fails gives its results, its exit code and what it said', async () => {
    const { report, package: rendered } = await runMisbehaving({ behaviour: 'fail-with-results' });
    expect(report.steps).toMatchObject([
      {
        exitCode: 3,
        stderr: 'exit with 3, as told\n',
        results: [{ message: 'the value is wrong', severity: 'error' }],
      },
    ]);
    expect(textOf(rendered, 'a.yaml')).toContain('k: v # why');
  });

  test.each([
    ['invalid-yaml', 'BadOutput'],
    ['wrong-kind', 'BadOutput'],
    ['two-documents', 'BadOutput'],
    ['text-before', 'BadOutput'],
    ['print-nothing', 'BadOutput'],
    ['flood', 'BadOutput'],
    ['invalid-utf8', 'BadOutput'],
  ])('whose output is no ResourceList (%s) is refused', async (behaviour, reason) => {
    const { report } = await runMisbehaving({ behaviour });
    expect(report.failure).toMatchObject({ reason });
    expect(await containersLeft()).toEqual([]);
  });

  test('that hangs is ended with its container when its time is over', async () => {
    const { report } = await runMisbehaving({ behaviour: 'sleep', renderer: { stepTimeout: 3_000 } });
    expect(report.failure).toMatchObject({ reason: 'Timeout' });
    expect(await containersLeft()).toEqual([]);
  });

  test('that takes more memory than it may have is ended', async () => {
    const { report } = await runMisbehaving({ behaviour: 'allocate', runtime: { memory: '64m' } });
    expect(report.steps).toMatchObject([{ exitCode: 137 }]);
    expect(await containersLeft()).toEqual([]);
  });

  test('need not read its input', async () => {
    const { report } = await runMisbehaving({ tag: 'generate', kind: 'validators' });
    expect(report.failure).toBeUndefined();
    expect(report.steps).toMatchObject([{ exitCode: 0 }]);
  });

  test('may fail before it has read its input', async () => {
    const { report } = await runMisbehaving({ tag: 'fail-at-once' });
    expect(report.steps).toMatchObject([{ exitCode: 1, stderr: 'no reason given\n' }]);
  });
});
