import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FUNCTION_CONFIG, type FunctionConfig } from '../../../src/api/kinds.ts';
import { conditionOf, makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { startController } from '../support/operator.ts';
import { type Publication, SAMPLES } from './samples.ts';
import { servedRuns } from './stage.ts';
import { PodWorld } from './world.ts';

const FUNCTIONS = ['set-namespace', 'apply-replacements', 'starlark', 'apply-setters'] as const;
const TAGS = ['v0.1.1', 'v0.2.0', 'v0.4.1', 'v0.4.3', 'v0.5.0'];
const CATALOGUE = 'ghcr.io/kptdev/krm-functions-catalog';

let world: PodWorld;
let configs: TestNamespace;
const byBuiltins = new Map<string, Publication>();

beforeAll(async () => {
  world = await PodWorld.create(FUNCTIONS, TAGS);
  for (const sample of SAMPLES) byBuiltins.set(sample.name, await sample.publish(world, operate));
  expect(await servedRuns(world.controlPlane)).toEqual([]);
  configs = await makeNamespace(world.controlPlane.kubeconfig, 'configs');
  await configs.apply(...FUNCTIONS.map(withoutBuiltin));
}, 400_000);

afterAll(async () => {
  await configs?.close();
  await world?.stop();
});

/** The images of the functions are on a mirror. */
async function operate({ name }: TestNamespace) {
  return await startController({
    kubeconfig: world.operatorKubeconfig,
    flags: [
      '--leader-elect=false',
      `--namespace=${name}`,
      '--loopback-registries=true',
      `--registry-rewrites=${CATALOGUE}=${world.registry.host}/fns`,
    ],
  });
}

/** Turns a built-in function off for all of its tags. */
function withoutBuiltin(image: string): FunctionConfig {
  const { apiVersion, kind } = FUNCTION_CONFIG;
  const spec = { image, goExecutor: { tags: [] }, podExecutor: { maxPods: 2 } };
  return { apiVersion, kind, metadata: { name: image, namespace: 'veranda-system' }, spec };
}

const nameOf = (image: string) => image.replace(/[@:][^/]*$/, '').replace(/^.*\//, '');

describe.each(SAMPLES)('$name', (sample) => {
  test('has the same bytes by pods as by built-in functions, and the API server served an exec for each function', async () => {
    const before = (await servedRuns(world.controlPlane)).length;
    const byPods = await sample.publish(world, operate);
    const expected = byBuiltins.get(sample.name);
    expect(comparable(byPods)).toEqual(comparable(expected));
    expect(byPods.files.size).toBeGreaterThan(0);

    const wanted = (expected?.steps ?? []).map(({ image = '' }) => nameOf(image)).filter(isInPods);
    expect(expected?.steps.map(({ runtime }) => runtime)).not.toContain('pod');
    const inPods = byPods.steps.filter(({ runtime }) => runtime === 'pod');
    expect(inPods.map(({ image = '' }) => nameOf(image)).sort()).toEqual(wanted.sort());
    for (const { image } of inPods) expect(image).toMatch(/@sha256:[0-9a-f]{64}$/);

    const runs = (await servedRuns(world.controlPlane)).slice(before);
    const served = FUNCTIONS.filter((name) =>
      runs.some(({ pod, how }) => how === 'exec' && pod.startsWith(`fn-${name}-`)),
    );
    expect(served).toEqual(FUNCTIONS.filter((name) => wanted.includes(name)));
    expect(served).not.toEqual([]);
  }, 300_000);
});

test('the FunctionConfigs say that they count', async () => {
  const { items } = await world.store.list(FUNCTION_CONFIG, { namespace: 'veranda-system' });
  expect(items.map((config) => conditionOf(config, 'Ready'))).toMatchObject(
    FUNCTIONS.map(() => ({ status: 'True', reason: 'Applied' })),
  );
});

function isInPods(name: string): boolean {
  return FUNCTIONS.some((known) => known === name);
}

const NEWER_KIND = /^apiVersion: (?:autoscaling\/v2|policy\/v1)$/m;

function comparable(publication: Publication | undefined): ReadonlyMap<string, string> {
  return new Map([...(publication?.files ?? [])].map(([path, text]) => [path, comparableFile(path, text)]));
}

/**
 * Without addresses and commits, without the Kptfile's status, which names the images that ran, and without the one known
 * difference: the published set-namespace does not know the newer of Kubernetes' own kinds as ones that have a namespace
 * (docs/functions.md).
 */
function comparableFile(path: string, content: string): string {
  const plain = content.replaceAll(/^(\s*(?:repo|commit): ).*$/gm, '$1');
  if (path.endsWith('/Kptfile')) return plain.replace(/^status:\n(?:[ -].*\n?)*/m, '');
  const documents = plain.split(/^---\n/m);
  return documents
    .map((text) => (NEWER_KIND.test(text) ? text.replace(/^ {2}namespace: .*\n/m, '') : text))
    .join('---\n');
}
