import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { PackageVariant } from '../../../src/api/kinds.ts';
import { findCondition } from '../../../src/kube/conditions.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { LocalFleet, withFleet } from '../fleet/local-fleet.ts';
import { type ExpectedVariant, MARK, rendererOf, scenarios } from './scenario.ts';

const CLUSTER = 'edge-01';
const HOSTS = ['mgmt', 'mgmt-staging'] as const;

/** A YAML object, as deep as a test looks into it. */
type Manifest = Readonly<Record<string, unknown>> & {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
};

describe.each(scenarios())('a workload cluster from $name', (scenario) => {
  let folder: string;
  let fleet: LocalFleet;
  let remotes: Record<(typeof HOSTS)[number], BareRepository>;
  /** What the rendered package holds for the management cluster: what Argo CD would apply. */
  let yielded: readonly Manifest[];
  let first: { readonly variants: readonly PackageVariant[]; readonly annotations: readonly unknown[] };
  let recovered: readonly PackageVariant[];
  let again: { readonly before: readonly string[]; readonly after: readonly string[] };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veranda-nephio-'));
    fleet = new LocalFleet(folder);
    for (const [name, content] of Object.entries(scenario.catalogues)) await fleet.fromFolder(name, content);
    remotes = { mgmt: await fleet.empty('mgmt'), 'mgmt-staging': await fleet.empty('mgmt-staging') };
    const catalogues = Object.keys(scenario.catalogues).map((name) => ({ name }));
    await fleet.register([...catalogues, ...HOSTS.map((name) => ({ name, deployment: true }))]);
    await fleet.write('edge', [clusterVariant()]);
    await withFleet(fleet.open({ renderer: rendererOf('without starlark') }), async () => undefined);
    yielded = await manifestsIn(remotes.mgmt, CLUSTER);
    await fleet.write('yielded', yielded);
    first = await withFleet(fleet.open({ renderer: rendererOf('without starlark') }), async (running) => ({
      variants: await running.variants(),
      annotations: (await running.revisions()).map(({ metadata }) => [metadata.name, metadata.annotations]),
    }));
    recovered = await withFleet(fleet.open({ renderer: rendererOf('with starlark') }), (running) => running.variants());
    const before = await refs();
    await withFleet(fleet.open({ renderer: rendererOf('with starlark') }), async () => undefined);
    again = { before, after: await refs() };
  }, 180_000);

  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

  function clusterVariant() {
    return {
      apiVersion: 'config.porch.kpt.dev/v1alpha1',
      kind: 'PackageVariant',
      metadata: { name: CLUSTER },
      spec: {
        upstream: { ...scenario.upstream, workspaceName: 'main' },
        downstream: { repo: 'mgmt', package: CLUSTER },
        annotations: { 'approval.nephio.org/policy': 'initial' },
      },
    };
  }

  async function refs(): Promise<string[]> {
    return (await Promise.all(HOSTS.map((name) => remotes[name].git('for-each-ref')))).flatMap((text) =>
      text.split('\n'),
    );
  }

  async function documents(remote: BareRepository, ref: string, path: string): Promise<Manifest[]> {
    return parseAllDocuments(await remote.git('show', `${ref}:${path}`))
      .map((document) => document.toJS())
      .filter(Boolean);
  }

  /** What `kubectl apply` would send of a published package. */
  async function manifestsIn(remote: BareRepository, pkg: string): Promise<Manifest[]> {
    const files = (await remote.git('ls-tree', '-r', '--name-only', `${pkg}/v1`, `${pkg}/`)).split('\n');
    const yaml = files.filter((file) => /\.ya?ml$/.test(file));
    const objects = (await Promise.all(yaml.map((file) => documents(remote, `${pkg}/v1`, file)))).flat();
    return objects.filter(({ metadata }) => metadata.annotations?.['config.kubernetes.io/local-config'] !== 'true');
  }

  const nameOf = ({ suffix }: ExpectedVariant): string => `${CLUSTER}-${suffix}`;
  const variantIn = (variants: readonly PackageVariant[], expected: ExpectedVariant): PackageVariant => {
    const found = variants.find(({ metadata }) => metadata.name === nameOf(expected));
    if (!found) throw new Error(`there is no PackageVariant ${nameOf(expected)}`);
    return found;
  };

  test('the package yields its variants and one WorkloadCluster, all named after the cluster', () => {
    const variants = yielded.filter(({ kind }) => kind === 'PackageVariant');
    expect(variants.map(({ metadata }) => metadata.name).sort()).toEqual(scenario.variants.map(nameOf));
    expect(yielded.filter(({ kind }) => kind === 'WorkloadCluster')).toMatchObject([
      { metadata: { name: CLUSTER }, spec: { clusterName: CLUSTER } },
    ]);
    expect(yielded).toHaveLength(scenario.variants.length + 1);
    for (const { metadata, spec } of variants) {
      expect(spec).toMatchObject({
        upstream: { workspaceName: 'main' },
        downstream: { package: metadata.name },
        injectors: [{ kind: 'WorkloadCluster', name: CLUSTER }],
        pipeline: { mutators: [{ configMap: { [scenario.clusterAnnotation]: CLUSTER } }] },
      });
    }
  });

  const runnable = scenario.variants.filter(({ starlark }) => starlark === undefined);
  const waiting = scenario.variants.filter(({ starlark }) => starlark !== undefined);

  test.each(runnable)(
    '$suffix is published from the head of main, by the policy in its annotations',
    async (expected) => {
      const { status } = variantIn(first.variants, expected);
      expect(findCondition(status?.conditions, 'Ready')).toMatchObject({ status: 'True' });
      expect(status).toMatchObject({ phase: 'Published', upstream: { workspaceName: 'main', ref: 'main' } });
      expect(status?.downstreamTargets).toMatchObject([{ lifecycle: 'Published', revision: 1, rendered: true }]);
      const name = status?.downstreamTargets?.[0]?.name;
      expect(first.annotations).toContainEqual([
        name,
        expect.objectContaining({ 'approval.nephio.org/policy': 'initial' }),
      ]);
      await expectContent(expected, `${nameOf(expected)}/v1`);
    },
  );

  test('the pipeline of the package has the last word on what was injected: the Cluster has the name of the WorkloadCluster', async () => {
    const tag = `${CLUSTER}-cluster/v1`;
    expect(await documents(remotes.mgmt, tag, `${CLUSTER}-cluster/cluster.yaml`)).toMatchObject([
      { kind: 'Cluster', metadata: { name: CLUSTER, annotations: { [scenario.clusterAnnotation]: CLUSTER } } },
    ]);
  });

  test.each(waiting)(
    '$suffix says which function it lacks, where it is asked for, and nothing is published',
    async (expected) => {
      const { conditions, phase } = variantIn(first.variants, expected).status ?? {};
      const ready = findCondition(conditions, 'Ready');
      expect(ready).toMatchObject({ status: 'False', reason: 'FunctionNotFound' });
      expect(ready?.message).toContain(expected.starlark);
      expect(ready?.message).toContain('Kptfile: pipeline.mutators[1]: ');
      expect(findCondition(conditions, 'Stalled')).toMatchObject({ status: 'True', reason: 'FunctionNotFound' });
      expect(phase).toBe('Blocked');
    },
  );

  test.each(waiting)('$suffix is published once the function exists', async (expected) => {
    const { status } = variantIn(recovered, expected);
    expect(findCondition(status?.conditions, 'Ready')).toMatchObject({ status: 'True' });
    expect(findCondition(status?.conditions, 'Stalled')).toBeUndefined();
    expect(status?.downstreamTargets).toMatchObject([{ lifecycle: 'Published', revision: 1 }]);
    const tag = `${nameOf(expected)}/v1`;
    await expectContent(expected, tag);
    const [resource] = await documents(remotes[expected.repository], tag, `${nameOf(expected)}/${expected.file}`);
    expect(resource?.metadata.annotations).toMatchObject({ [MARK]: 'yes' });
  });

  test('a further run with everything in place changes no ref', () => {
    expect(again.after).toEqual(again.before);
  });

  test.each(HOSTS)('%s is in order', async (name) => {
    await remotes[name].fsck();
    expect((await remotes[name].git('for-each-ref', '--format=%(refname)', 'refs/heads')).split('\n')).toEqual([
      'refs/heads/main',
    ]);
  });

  /** What a variant put into its package: function, annotation, and the injected WorkloadCluster where the package asks for it. */
  async function expectContent(expected: ExpectedVariant, tag: string): Promise<void> {
    const remote = remotes[expected.repository];
    const file = (path: string) => documents(remote, tag, `${nameOf(expected)}/${path}`);
    const [kptfile] = await file('Kptfile');
    expect(kptfile).toMatchObject({
      metadata: { name: nameOf(expected) },
      pipeline: {
        mutators: expect.arrayContaining([expect.objectContaining({ name: `PackageVariant.${nameOf(expected)}..0` })]),
      },
      upstream: { git: { ref: 'main' } },
    });
    for (const resource of await file(expected.file)) {
      expect(resource.metadata.annotations).toMatchObject({ [scenario.clusterAnnotation]: CLUSTER });
    }
    if (!expected.injected) return;
    expect(await file('workload-cluster.yaml')).toMatchObject([
      {
        metadata: { annotations: { 'kpt.dev/injected-resource': CLUSTER } },
        spec: yielded.find(({ kind }) => kind === 'WorkloadCluster')?.spec,
      },
    ]);
  }
});
