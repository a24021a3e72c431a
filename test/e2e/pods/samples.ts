import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { PACKAGE_REVISION, PACKAGE_VARIANT, type PackageRevision, type Repository } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { startGitServer } from '../../env/git/git-server.ts';
import { type Scenario, scenarios } from '../../integration/nephio/scenario.ts';
import { isReady, makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { installClusterKind, installKind, startFleet } from '../support/fleet.ts';
import { repositoryObject } from './stage.ts';
import type { PodWorld } from './world.ts';

/** Packages with functions that are known to work, and all that is needed to publish them. */
export interface Sample {
  readonly name: string;
  /** Publishes everything in a namespace of its own; something has to work in it. */
  publish(world: PodWorld, operate: (namespace: TestNamespace) => Promise<Operating>): Promise<Publication>;
}

export interface Operating {
  stop(): Promise<unknown>;
}

export interface Publication {
  /** `<repository>/<path>` on main, to the text. */
  readonly files: ReadonlyMap<string, string>;
  readonly steps: readonly RenderStep[];
}

type RenderStep = NonNullable<NonNullable<NonNullable<PackageRevision['status']>['renderStatus']>['steps']>[number];

const PATIENCE_MS = 150_000;
const CLUSTER = 'edge-01';
const HOSTS = ['mgmt', 'mgmt-staging'];

const fleetSample: Sample = {
  name: 'the fleet sample',
  publish: async (world, operate) => {
    const namespace = await makeNamespace(world.controlPlane.kubeconfig, 'fleet');
    const fleet = await startFleet();
    await installClusterKind(namespace, { grant: true });
    const operating = await operate(namespace);
    try {
      await namespace.apply(...fleet.manifests);
      await untilReady(namespace, 12);
      const hosts = ['frankfurt', 'paris', 'warsaw', 'ashburn', 'dallas', 'portland'];
      return await publication(namespace, new Map(hosts.map((name) => [name, fleet.repository(name)])));
    } finally {
      await operating.stop();
      await fleet.close();
      await namespace.close();
    }
  },
};

/** The package that stands for a cluster is published, and then what it yields, as Argo CD would apply it. */
function workloadCluster({ name, catalogues, upstream, variants }: Scenario): Sample {
  return {
    name: `a workload cluster from ${name}`,
    publish: async (world, operate) => {
      const folder = await mkdtemp(join(tmpdir(), 'veranda-clusters-'));
      const git = await startGitServer({ root: folder });
      const namespace = await makeNamespace(world.controlPlane.kubeconfig, 'clusters');
      const operating = await operate(namespace);
      try {
        const path = (repository: string) => join(folder, `${repository}.git`);
        for (const [repository, content] of Object.entries(catalogues)) {
          await BareRepository.fromDirectory(path(repository), content);
        }
        const hosts = new Map<string, BareRepository>();
        for (const host of HOSTS) {
          const repository = await BareRepository.create(path(host));
          await repository.commit('main', { 'README.md': `${host}\n` });
          hosts.set(host, repository);
        }
        const object = (repository: string): Repository =>
          repositoryObject(repository, git.url(`${repository}.git`), hosts.has(repository));
        await namespace.apply(...[...Object.keys(catalogues), ...HOSTS].map(object));
        await namespace.apply(clusterVariant(upstream));
        await untilReady(namespace, 1);
        const yielded = await manifests(hosts.get('mgmt'));
        // First, for otherwise it depends on the time whether packages are rendered before it is injected.
        const [clusters, others] = [yielded.filter(isCluster), yielded.filter((object) => !isCluster(object))];
        for (const { apiVersion, kind } of clusters) {
          const [group = ''] = apiVersion.split('/');
          await installKind(namespace, { group, kind, grant: true });
        }
        await namespace.apply(...clusters, ...others);
        await untilReady(namespace, 1 + variants.length);
        return await publication(namespace, hosts);
      } finally {
        await operating.stop();
        await git.close();
        await namespace.close();
        await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
      }
    },
  };
}

export const SAMPLES: readonly Sample[] = [fleetSample, ...scenarios().map(workloadCluster)];

function clusterVariant(upstream: Scenario['upstream']): KubeObject {
  const { apiVersion, kind } = PACKAGE_VARIANT;
  const spec = {
    upstream: { ...upstream, workspaceName: 'main' },
    downstream: { repo: 'mgmt', package: CLUSTER },
    annotations: { 'approval.nephio.org/policy': 'initial' },
  };
  return { apiVersion, kind, metadata: { name: CLUSTER }, spec } as KubeObject;
}

async function untilReady(namespace: TestNamespace, variants: number): Promise<void> {
  const areReady = (all: readonly KubeObject[]) => all.length === variants && all.every(isReady);
  await namespace.until('variants are Ready', PACKAGE_VARIANT, areReady, PATIENCE_MS);
}

const isCluster = ({ kind }: KubeObject) => kind === 'WorkloadCluster';

/** What `kubectl apply` would send of the cluster's package. */
async function manifests(repository: BareRepository | undefined): Promise<readonly KubeObject[]> {
  const objects: KubeObject[] = [];
  for (const [path, text] of await filesOf(repository)) {
    if (!path.startsWith(`${CLUSTER}/`) || !/\.ya?ml$/.test(path)) continue;
    for (const document of parseAllDocuments(text)) objects.push(document.toJS() as KubeObject);
  }
  const isLocal = ({ metadata }: KubeObject) => metadata.annotations?.['config.kubernetes.io/local-config'] === 'true';
  return objects.filter((object) => !isLocal(object));
}

async function publication(
  namespace: TestNamespace,
  repositories: ReadonlyMap<string, BareRepository>,
): Promise<Publication> {
  const files = new Map<string, string>();
  for (const [name, repository] of repositories) {
    for (const [path, text] of await filesOf(repository)) files.set(`${name}/${path}`, text);
  }
  const revisions = await namespace.list(PACKAGE_REVISION);
  return { files, steps: revisions.flatMap(({ status }) => status?.renderStatus?.steps ?? []) };
}

async function filesOf(repository: BareRepository | undefined): Promise<readonly (readonly [string, string])[]> {
  if (!repository) return [];
  const paths = (await repository.git('ls-tree', '-r', '--name-only', 'main')).split('\n').filter(Boolean);
  return await Promise.all(paths.map(async (path) => [path, await repository.git('show', `main:${path}`)] as const));
}
