import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_REVISION, type PackageRevision, REPOSITORY, type Repository } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import type { KindRef } from '../../../src/kube/store.ts';
import { isReady, makeNamespace, type TestNamespace } from '../../e2e/support/cluster.ts';
import { type RunningController, startController } from '../../e2e/support/operator.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import type { GitServer } from '../../env/git/git-server.ts';
import { makeLargeRepository } from '../../env/git/large-repository.ts';
import { type Watched, watchObjects } from './watch.ts';

export const UPSTREAM = 'upstream';
export const TARGET = 'target';
const PACKAGE = 'service';

/** An operator of its own for one namespace with one large repository. */
export interface World {
  readonly revisions: number;
  readonly namespace: TestNamespace;
  readonly target: BareRepository;
  readonly operator: RunningController;
  readonly packageRevisions: Watched<PackageRevision>;
  /** Name of the revision that packages are cloned from. */
  readonly upstreamRevision: string;
  close(): Promise<void>;
}

/** What the start of a world has shown. */
export interface Discovery {
  /** From the request that applies the Repository until it is Ready and each of its revisions is there with its number. */
  readonly seconds: number;
  readonly rssMB: number;
  readonly peakRssMB: number;
}

export interface Machines {
  readonly plane: ControlPlane;
  readonly git: GitServer;
  readonly root: string;
}

export async function startWorld(
  { plane, git, root }: Machines,
  revisions: number,
): Promise<{ readonly world: World; readonly discovery: Discovery }> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const target = await makeLargeRepository(join(root, `${revisions}.git`), revisions);
    await makeUpstream(join(root, `${revisions}-upstream.git`));
    const namespace = await makeNamespace(plane.kubeconfig, `bench-${revisions}`);
    closers.push(() => namespace.close());
    const flags = ['--leader-elect=false', '--namespace', namespace.name];
    const operator = await startController({ kubeconfig: plane.kubeconfig, flags, label: String(revisions) });
    closers.push(() => operator.stop());
    const packageRevisions = watchObjects<PackageRevision>(namespace.client, pathOf(PACKAGE_REVISION, namespace));
    const repositories = watchObjects<Repository>(namespace.client, pathOf(REPOSITORY, namespace));
    closers.push(
      () => packageRevisions.stop(),
      () => repositories.stop(),
    );
    await namespace.apply(repository(UPSTREAM, git.url(`${revisions}-upstream.git`)));
    await packageRevisions.when('the upstream package', (all) => numbered(all, UPSTREAM).length === 1);
    const start = performance.now();
    await namespace.apply(repository(TARGET, git.url(`${revisions}.git`)));
    const ends = await Promise.all([
      repositories.when('the repository', (all) => all.has(TARGET) && isReady(all.get(TARGET) as Repository)),
      packageRevisions.when('its revisions', (all) => numbered(all, TARGET).length === revisions),
    ]);
    await packageRevisions.when('ready revisions', (all) => [...all.values()].every(isReady));
    const discovery = { seconds: (Math.max(...ends) - start) / 1000, ...(await memory(operator.pid)) };
    const upstreamRevision = numbered(packageRevisions.objects, UPSTREAM)[0]?.metadata.name ?? '';
    return { world: { revisions, namespace, target, operator, packageRevisions, upstreamRevision, close }, discovery };
  } catch (error) {
    await close();
    throw error;
  }
}

function numbered(all: ReadonlyMap<string, PackageRevision>, repositoryName: string): readonly PackageRevision[] {
  return [...all.values()].filter(
    ({ spec, status }) => spec.repository === repositoryName && (status?.revision ?? 0) > 0,
  );
}

function pathOf({ apiVersion, plural }: Pick<KindRef, 'apiVersion' | 'plural'>, { name }: TestNamespace): string {
  return `/apis/${apiVersion}/namespaces/${name}/${plural}`;
}

function repository(name: string, repo: string): KubeObject & { readonly spec: object } {
  const { apiVersion, kind } = REPOSITORY;
  return { apiVersion, kind, metadata: { name }, spec: { type: 'git', git: { repo, branch: 'main' } } };
}

async function makeUpstream(path: string): Promise<void> {
  const repository = await BareRepository.create(path);
  const kptfile = `apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: ${PACKAGE}\npipeline:\n  mutators:\n    - image: set-namespace:v0.4.1\n      configMap:\n        namespace: production\n`;
  const service = `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${PACKAGE}\n  namespace: example\nspec:\n  ports:\n    - port: 80\n`;
  await repository.commit('main', { [`${PACKAGE}/Kptfile`]: kptfile, [`${PACKAGE}/service.yaml`]: service });
  await repository.git('tag', `${PACKAGE}/v1`, 'main');
}

async function memory(pid: number): Promise<{ readonly rssMB: number; readonly peakRssMB: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const megabytes = (field: string) =>
    (Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024) / 1e6;
  return { rssMB: megabytes('VmRSS'), peakRssMB: megabytes('VmHWM') };
}
