import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_REVISION, type PackageRevision } from '../../../src/api/kinds.ts';
import { isReady } from '../../e2e/support/cluster.ts';
import { TARGET, type World } from './world.ts';

/** Milliseconds from each request until the object shows what was asked for. */
export interface PackageTimes {
  readonly clone: number;
  readonly propose: number;
  readonly approve: number;
}

export const STEPS = ['clone', 'propose', 'approve'] as const satisfies readonly (keyof PackageTimes)[];

/**
 * Clones one package into the large repository, proposes and approves it.
 * @throws Error when git does not hold what the object says
 */
export async function runOnePackage(world: World, index: number): Promise<PackageTimes> {
  const { namespace, packageRevisions } = world;
  const packageName = `added-${index}`;
  const workspace = 'first';
  const name = `${TARGET}.${packageName}.${workspace}`;
  const step = async (act: () => Promise<unknown>, lifecycle: string, revision: number, ref: string) => {
    const start = performance.now();
    const ended = packageRevisions.when(`${name} ${lifecycle}`, (all) => shows(all.get(name), lifecycle, revision));
    const [end] = await Promise.all([ended, act()]);
    await access(join(world.target.path, ref));
    return end - start;
  };
  const move = (lifecycle: string) => () => namespace.patch(PACKAGE_REVISION, name, { spec: { lifecycle } });
  const { apiVersion, kind } = PACKAGE_REVISION;
  const object = {
    apiVersion,
    kind,
    metadata: { name },
    spec: {
      packageName,
      repository: TARGET,
      workspaceName: workspace,
      lifecycle: 'Draft',
      source: { cloneFrom: { upstreamRef: { name: world.upstreamRevision } } },
    },
  };
  const draft = `refs/heads/drafts/${packageName}/${workspace}`;
  const proposed = `refs/heads/proposed/${packageName}/${workspace}`;
  return {
    clone: await step(() => namespace.apply(object), 'Draft', 0, draft),
    propose: await step(move('Proposed'), 'Proposed', 0, proposed),
    approve: await step(move('Published'), 'Published', 1, `refs/tags/${packageName}/v1`),
  };
}

function shows(object: PackageRevision | undefined, lifecycle: string, revision: number): boolean {
  if (!object || !isReady(object)) return false;
  return object.status?.observedLifecycle === lifecycle && object.status.revision === revision;
}
