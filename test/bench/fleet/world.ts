import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_REVISION, PACKAGE_VARIANT, REPOSITORY } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { isReady, makeNamespace, type TestNamespace } from '../../e2e/support/cluster.ts';
import { type RunningController, startController } from '../../e2e/support/operator.ts';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { installApi } from '../../env/cluster/install.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { createFleet, type Fleet } from '../local/fleet.ts';
import type { SeededRandom } from '../support/random.ts';

/** Everything that a fleet needs, with its repositories Ready and no variants yet. */
export interface FleetWorld {
  readonly plane: ControlPlane;
  readonly git: GitServer;
  readonly fleet: Fleet;
  readonly downstreams: readonly BareRepository[];
  readonly namespace: TestNamespace;
  readonly operator: RunningController;
  readonly variants: readonly KubeObject[];
  close(): Promise<void>;
}

export interface FleetSize {
  readonly variants: number;
  readonly repositories: number;
}

export async function startFleetWorld(size: FleetSize, random: SeededRandom): Promise<FleetWorld> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const closer of closers.reverse()) await closer();
  };
  try {
    const root = await mkdtemp(join(tmpdir(), 'veranda-bench-'));
    closers.push(() => rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
    const fleet = await createFleet(root, size.variants, random);
    const downstreams = await makeDownstreams(root, fleet, size.repositories);
    const git = await startGitServer({ root });
    closers.push(() => git.close());
    const plane = await startControlPlane({ audit: true, controllerManager: false });
    closers.push(() => plane.stop());
    await installApi(plane.kubeconfig);
    const namespace = await makeNamespace(plane.kubeconfig, 'bench');
    closers.push(() => namespace.close());
    const operator = await startController({ kubeconfig: plane.kubeconfig, flags: ['--leader-elect=false'] });
    closers.push(() => operator.stop());
    await registerRepositories(namespace, git, downstreams.length);
    const variants = fleet.variants.map((name, index) =>
      variant(name, fleet, downstreamName(index % size.repositories)),
    );
    return { plane, git, fleet, downstreams, namespace, operator, variants, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The fleet's own one, and as many beside it as are asked for. */
async function makeDownstreams(root: string, fleet: Fleet, count: number): Promise<readonly BareRepository[]> {
  const others = Array.from({ length: count - 1 }, async (_, index) => {
    const repository = await BareRepository.create(join(root, `${downstreamName(index + 1)}.git`));
    await repository.commit('main', { 'README.md': 'Packages of a fleet\n' });
    return repository;
  });
  return [fleet.downstream, ...(await Promise.all(others))];
}

function downstreamName(index: number): string {
  return index === 0 ? 'downstream' : `downstream-${index}`;
}

async function registerRepositories(namespace: TestNamespace, git: GitServer, downstreams: number): Promise<void> {
  const names = ['upstream', ...Array.from({ length: downstreams }, (_, index) => downstreamName(index))];
  const { apiVersion, kind } = REPOSITORY;
  const objects = names.map((name) => ({
    apiVersion,
    kind,
    metadata: { name },
    spec: { type: 'git', git: { repo: git.url(`${name}.git`), branch: 'main' } },
  }));
  await namespace.apply(...objects);
  await namespace.until('repositories', REPOSITORY, (all) => all.length === names.length && all.every(isReady));
  await namespace.until('the upstream package', PACKAGE_REVISION, (all) =>
    all.some((revision) => revision.status?.revision === 1 && isReady(revision)),
  );
}

/** Follows the latest revision of its upstream; drafts wait for somebody's approval. */
function variant(name: string, fleet: Fleet, repo: string): KubeObject & { readonly spec: object } {
  const { apiVersion, kind } = PACKAGE_VARIANT;
  return {
    apiVersion,
    kind,
    metadata: { name },
    spec: { upstream: { repo: 'upstream', package: fleet.packageName }, downstream: { repo, package: name } },
  };
}
