import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FUNCTION_CONFIG, type FunctionConfig, PACKAGE_REVISION, PACKAGE_VARIANT } from '../../../src/api/kinds.ts';
import { conditionOf, isReady, makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { type Fleet, installClusterKind, startFleet } from '../support/fleet.ts';
import { type RunningController, startController } from '../support/operator.ts';
import { PodWorld } from './world.ts';

const FUNCTIONS = ['set-namespace', 'apply-replacements', 'starlark', 'apply-setters'] as const;
const CATALOGUE = 'ghcr.io/kptdev/krm-functions-catalog';
const CONTROLLER = 'system:serviceaccount:veranda-system:veranda-controller';

let world: PodWorld;
let kubeconfig: string;

beforeAll(async () => {
  world = await PodWorld.create(FUNCTIONS, ['v0.1.1', 'v0.2.0', 'v0.4.1', 'v0.4.3', 'v1']);
  kubeconfig = await world.controlPlane.kubeconfigFor(CONTROLLER, [
    'system:serviceaccounts',
    'system:serviceaccounts:veranda-system',
  ]);
}, 300_000);

afterAll(() => world?.stop());

interface Run {
  readonly namespace: TestNamespace;
  readonly fleet: Fleet;
  readonly controller: RunningController;
  end(): Promise<void>;
}

/** The fleet sample, carried out by an operator of its own. */
async function runFleet(flags: readonly string[] = []): Promise<Run> {
  const namespace = await makeNamespace(world.controlPlane.kubeconfig, 'fleet');
  const fleet = await startFleet();
  await installClusterKind(namespace, { grant: true });
  const controller = await startController({
    kubeconfig,
    flags: ['--leader-elect=false', `--namespace=${namespace.name}`, '--loopback-registries=true', ...flags],
  });
  await namespace.apply(...fleet.manifests);
  return {
    namespace,
    fleet,
    controller,
    end: async () => {
      await controller.stop();
      await fleet.close();
      await namespace.close();
    },
  };
}

/** What is published, file by file, without what differs between two runs: addresses and commits. */
async function published({ fleet }: Run): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of ['frankfurt', 'paris', 'warsaw', 'ashburn', 'dallas', 'portland']) {
    const repository = fleet.repository(name);
    const paths = (await repository.git('ls-tree', '-r', '--name-only', 'main')).split('\n').filter(Boolean);
    for (const path of paths) {
      const text = await repository.git('show', `main:${path}`);
      files.set(`${name}/${path}`, comparable(path, text));
    }
  }
  return files;
}

const NEWER_KIND = /^apiVersion: (?:autoscaling\/v2|policy\/v1)$/m;

/**
 * Without addresses and commits, without the Kptfile's status, which names the images that ran, and without the one known
 * difference: the published set-namespace does not know the newer of Kubernetes' own kinds as ones that have a namespace
 * (docs/functions.md).
 */
function comparable(path: string, content: string): string {
  const plain = content.replaceAll(/^(\s*(?:repo|commit): ).*$/gm, '$1');
  if (path.endsWith('/Kptfile')) return plain.replace(/^status:\n(?:[ -].*\n?)*/m, '');
  const documents = plain.split(/^---\n/m);
  return documents
    .map((text) => (NEWER_KIND.test(text) ? text.replace(/^ {2}namespace: .*\n/m, '') : text))
    .join('---\n');
}

const allReady = ({ namespace }: Run) =>
  namespace.until('variants are Ready', PACKAGE_VARIANT, (all) => all.length === 12 && all.every(isReady), 150_000);

/** Turns a built-in function off for all of its tags. */
function withoutBuiltin(image: string): FunctionConfig {
  const { apiVersion, kind } = FUNCTION_CONFIG;
  return {
    apiVersion,
    kind,
    metadata: { name: image, namespace: 'veranda-system' },
    spec: { image, goExecutor: { tags: [] }, podExecutor: { maxPods: 2 } },
  };
}

describe('the fleet sample by pods', () => {
  test('gives the same bytes as by built-in functions, and the runs are exec calls in pods', async () => {
    const builtin = await runFleet();
    await allReady(builtin);
    const expected = await published(builtin);
    await builtin.end();

    const prepared = await makeNamespace(world.controlPlane.kubeconfig, 'configs');
    await prepared.apply(...FUNCTIONS.map(withoutBuiltin));
    const pods = await runFleet([`--registry-rewrites=${CATALOGUE}=${world.registry.host}/fns`]);
    await allReady(pods);
    expect(await published(pods)).toEqual(expected);

    const revisions = await pods.namespace.list(PACKAGE_REVISION);
    const steps = revisions.flatMap(({ status }) => status?.renderStatus?.steps ?? []);
    const byPods = steps.filter(({ runtime }) => runtime === 'pod');
    expect(byPods.length).toBeGreaterThan(0);
    for (const { image } of byPods) expect(image).toMatch(/@sha256:[0-9a-f]{64}$/);
    expect(await execs()).toBeGreaterThan(0);

    const configs = await world.store.list(FUNCTION_CONFIG, { namespace: 'veranda-system' });
    for (const config of configs.items) {
      expect(conditionOf(config, 'Ready')).toMatchObject({ status: 'True', reason: 'Applied' });
    }
    await pods.end();
    await prepared.apply();
    for (const { metadata } of configs.items)
      await world.store.delete(FUNCTION_CONFIG, metadata).catch(() => undefined);
    await prepared.close();
  }, 400_000);
});

/** Calls of exec that the API server has served for the operator. */
async function execs(): Promise<number> {
  const text = await readFile(world.controlPlane.auditLog ?? '', 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { user: { username: string }; objectRef?: { subresource?: string } })
    .filter(({ user, objectRef }) => user.username === CONTROLLER && objectRef?.subresource === 'exec').length;
}
