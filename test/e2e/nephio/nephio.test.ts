import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments, stringify } from 'yaml';
import {
  ALL_KINDS,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  type PackageVariant,
  REPOSITORY,
} from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { AuditLog, writesIn } from '../../env/cluster/audit-log.ts';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { installApi } from '../../env/cluster/install.ts';
import { kubectl } from '../../env/cluster/kubectl.ts';
import { disagreements, verdictsOn } from '../../integration/argocd/agreement.ts';
import { hasLua } from '../../integration/argocd/lua.ts';
import { type Scenario, scenarios } from '../../integration/nephio/scenario.ts';
import { conditionOf, isReady } from '../support/cluster.ts';
import type { RunningController } from '../support/operator.ts';
import { World } from '../variants/world.ts';
import { StateRecorder } from './states.ts';

const CLUSTER = 'edge-01';
const HOSTS = ['mgmt', 'mgmt-staging'] as const;
const QUIET_MS = 10_000;

const withLua = hasLua() ? test : test.skip;
if (!hasLua()) process.stderr.write('THE TESTS OF ARGO CD HEALTH CHECKS ARE PASSED OVER: there is no lua5.1\n');

let plane: ControlPlane;
const worlds: { readonly world: World; readonly operator: RunningController }[] = [];

beforeAll(async () => {
  plane = await startControlPlane({ audit: true });
  await installApi(plane.kubeconfig);
  // Ours has a group of its own.
  await install(...['infra.nephio.org', 'infra.example.com'].map(workloadClusters), inputsRole());
}, 240_000);

afterAll(async () => {
  for (const { world } of worlds) await world.close();
  await plane?.stop();
}, 120_000);

async function install(...objects: readonly object[]): Promise<void> {
  const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await kubectl(plane.kubeconfig, ['apply', '--server-side', '-f', '-'], text);
}

describe.each(scenarios())('a workload cluster from $name, in a cluster', (scenario) => {
  let world: World;
  let operator: RunningController;
  let recorder: StateRecorder;

  beforeAll(async () => {
    world = await World.open(plane, 'nephio');
    recorder = await StateRecorder.open(world.namespace);
    for (const [name, folder] of Object.entries(scenario.catalogues)) await world.remoteFrom(name, folder);
    for (const name of HOSTS) await world.remote(name);
    operator = await world.operator({ flags: ['--runtimes=builtin'] });
    worlds.push({ world, operator });
    await world.namespace.apply(...Object.keys(scenario.catalogues).map((name) => world.repository(name)));
    await world.namespace.apply(...HOSTS.map((name) => world.repository(name, { deployment: true })));
    await world.untilRepositoriesAreReady(Object.keys(scenario.catalogues).length + HOSTS.length);
  }, 240_000);

  /** As Argo CD does it. */
  const apply = async (text: string): Promise<void> => {
    await kubectl(plane.kubeconfig, ['apply', '--server-side', '-n', world.namespace.name, '-f', '-'], text);
  };

  test('every variant that the package yields ends Ready, published', async () => {
    await apply(stringify(clusterVariant(scenario)));
    await world.untilVariant('is published', CLUSTER, isPublished);
    await apply(await yieldedBy(world));
    const names = [CLUSTER, ...scenario.variants.map(({ suffix }) => `${CLUSTER}-${suffix}`)].sort();
    const variants = await world.namespace.until(
      'all are published',
      PACKAGE_VARIANT,
      (all) => all.length === names.length && all.every(isPublished),
    );
    expect(variants.map(({ metadata }) => metadata.name).sort()).toEqual(names);
    for (const host of HOSTS) {
      const here = scenario.variants.filter(({ repository }) => repository === host).map(({ suffix }) => suffix);
      const packages = here.map((suffix) => `${CLUSTER}-${suffix}`).concat(host === 'mgmt' ? [CLUSTER] : []);
      expect(await world.refs(host)).toEqual(packages.map((name) => `refs/tags/${name}/v1`).sort());
      await world.remoteOf(host).fsck();
    }
  }, 240_000);

  const { workloads } = scenario;
  if (workloads) {
    test('each variant of its workloads ends Ready, or says which function image it lacks', async () => {
      await world.remoteFrom(workloads.catalogue, workloads.folder);
      for (const name of workloads.clusters) await world.remote(name);
      await world.namespace.apply(world.repository(workloads.catalogue));
      await world.namespace.apply(...workloads.clusters.map((name) => world.repository(name, { deployment: true })));
      for (const name of workloads.clusters.filter((other) => other !== CLUSTER)) await apply(workloadCluster(name));
      for (const file of workloads.manifests) await apply(await readFile(join(workloads.folder, file), 'utf8'));
      const expected = new Map(Object.entries(workloads.variants));
      const isAsExpected = (variant: PackageVariant): boolean => {
        const image = expected.get(variant.metadata.name);
        const ready = conditionOf(variant, 'Ready');
        return image === undefined ? isPublished(variant) : ready?.message.includes(`"${image}"`) === true;
      };
      const all = await world.namespace.until('workloads are settled', PACKAGE_VARIANT, (found) => {
        const those = found.filter(({ metadata }) => expected.has(metadata.name));
        return those.length === expected.size && those.every(isAsExpected);
      });
      const lacking = all.filter(({ metadata }) => expected.get(metadata.name) !== undefined);
      for (const variant of lacking) {
        expect(conditionOf(variant, 'Ready')).toMatchObject({ status: 'False', reason: 'ImageNotAllowed' });
        expect(variant.status?.phase).not.toBe('Published');
      }
      await world.namespace.until('the set is Ready', PACKAGE_VARIANT_SET, (sets) => sets.every(isReady));
    }, 240_000);
  }

  withLua(
    "Argo CD's health checks and kstatus agree on each object, in every state that it goes through",
    async () => {
      await world.untilIdle(operator);
      const stages = await verdictsOn(await recorder.close());
      expect(disagreements(stages)).toEqual([]);
      expect([...new Set(stages.map(({ health }) => health))]).toEqual(
        expect.arrayContaining(['Progressing', 'Healthy']),
      );
      const objects = await Promise.all(ALL_KINDS.map((kind) => world.namespace.list<KubeObject>(kind)));
      const verdicts = await verdictsOn(objects.flat());
      expect(disagreements(verdicts)).toEqual([]);
      const of = (kind: string, name: string) =>
        verdicts.find(({ object }) => object.kind === kind && object.metadata.name === name)?.health;
      expect(of(REPOSITORY.kind, 'mgmt')).toBe('Healthy');
      for (const { suffix } of scenario.variants) {
        expect([suffix, of(PACKAGE_VARIANT.kind, `${CLUSTER}-${suffix}`)]).toEqual([suffix, 'Healthy']);
      }
      for (const [name, image] of Object.entries(workloads?.variants ?? {})) {
        const health = of(PACKAGE_VARIANT.kind, name);
        expect([name, health === 'Healthy']).toEqual([name, image === undefined]);
      }
    },
    120_000,
  );
});

test('once everything is done, nothing is written and no git server asked for a while', async () => {
  for (const { world, operator } of worlds) await world.untilIdle(operator);
  const audit = new AuditLog(plane);
  await audit.read();
  const before = worlds.map(({ world }) => ({ ...world.git.requests }));
  await sleep(QUIET_MS);
  expect(writesIn(await audit.read())).toEqual([]);
  expect(worlds.map(({ world }) => world.git.requests)).toEqual(before);
}, 180_000);

function isPublished(variant: PackageVariant): boolean {
  return isReady(variant) && variant.status?.phase === 'Published';
}

function clusterVariant({ upstream }: Scenario): object {
  return {
    apiVersion: PACKAGE_VARIANT.apiVersion,
    kind: PACKAGE_VARIANT.kind,
    metadata: { name: CLUSTER },
    spec: {
      upstream: { ...upstream, workspaceName: 'main' },
      downstream: { repo: 'mgmt', package: CLUSTER },
      annotations: { 'approval.nephio.org/policy': 'initial' },
    },
  };
}

/** What the published package of the cluster holds for the management cluster, as it is in git. */
async function yieldedBy(world: World): Promise<string> {
  const [tag, remote] = [`${CLUSTER}/v1`, world.remoteOf('mgmt')];
  const files = (await remote.git('ls-tree', '-r', '--name-only', tag, `${CLUSTER}/`)).split('\n');
  const texts = await Promise.all(
    files.filter((file) => file.endsWith('.yaml')).map((file) => remote.git('show', `${tag}:${file}`)),
  );
  const documents = texts.flatMap((text) => parseAllDocuments(text));
  const isLocal = (object: KubeObject) => object.metadata.annotations?.['config.kubernetes.io/local-config'] === 'true';
  const isVariant = (object: KubeObject) => object.kind === PACKAGE_VARIANT.kind;
  const applied = documents
    .map((document) => ({ text: `---\n${document.toString()}`, object: document.toJS() as KubeObject }))
    .filter(({ object }) => !isLocal(object));
  // An object to be injected that comes after the publication is another input: a second draft, which the policy Initial leaves alone.
  const inOrder = [...applied].sort((a, b) => Number(isVariant(a.object)) - Number(isVariant(b.object)));
  return inOrder.map(({ text }) => text).join('\n');
}

function workloadCluster(name: string): string {
  return stringify({
    apiVersion: 'infra.nephio.org/v1alpha1',
    kind: 'WorkloadCluster',
    metadata: { name },
    spec: { clusterName: name, cnis: ['macvlan'], masterInterface: 'eth1' },
  });
}

function workloadClusters(group: string): object {
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: anything } } };
  const names = {
    kind: 'WorkloadCluster',
    plural: 'workloadclusters',
    singular: 'workloadcluster',
    listKind: 'WorkloadClusterList',
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `workloadclusters.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names,
      versions: [{ name: 'v1alpha1', served: true, storage: true, schema }],
    },
  };
}

function inputsRole(): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'workload-clusters', labels: { 'veranda.dev/aggregate-to-inputs': 'true' } },
    rules: [
      {
        apiGroups: ['infra.nephio.org', 'infra.example.com'],
        resources: ['workloadclusters'],
        verbs: ['get', 'list', 'watch'],
      },
    ],
  };
}
