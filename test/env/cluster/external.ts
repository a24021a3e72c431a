import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { ControlPlane } from './control-plane.ts';

const K3S_IMAGE = 'rancher/k3s:v1.36.3-k3s1';

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string } }[];
  readonly users: readonly { readonly name: string; readonly user: object }[];
}

/**
 * A cluster that somebody else runs: the one of VERANDA_TEST_KUBECONFIG, or k3s in a container where there is an engine that has
 * its image. Undefined when there is neither.
 */
export async function openExternalCluster(): Promise<ControlPlane | undefined> {
  const given = process.env.VERANDA_TEST_KUBECONFIG;
  if (given !== undefined && given !== '') {
    if (!existsSync(given)) throw new Error(`VERANDA_TEST_KUBECONFIG names ${given}, which is not there`);
    return await external(`the cluster of ${given}`, await readFile(given, 'utf8'), async () => undefined);
  }
  return process.env.VERANDA_TEST_K3S ? await startK3s() : undefined;
}

async function startK3s(): Promise<ControlPlane> {
  const { K3sContainer } = await import('@testcontainers/k3s');
  const container = await new K3sContainer(process.env.VERANDA_TEST_K3S ?? K3S_IMAGE).start();
  return await external(`k3s (${K3S_IMAGE}) in a container`, container.getKubeConfig(), async () => {
    await container.stop();
  });
}

async function external(description: string, text: string, end: () => Promise<void>): Promise<ControlPlane> {
  const directory = await mkdtemp(join(tmpdir(), 'veranda-cluster-'));
  const kubeconfig = join(directory, 'admin.kubeconfig');
  await writeFile(kubeconfig, text, { mode: 0o600 });
  const config = parse(text) as Kubeconfig;
  const notOurs = async () => {
    throw new Error(
      `${description} is not the tests' to stop: unset VERANDA_TEST_KUBECONFIG for tests that stop the API server`,
    );
  };
  return {
    description,
    directory,
    kubeconfig,
    url: config.clusters[0]?.cluster.server ?? '',
    apiServerPid: 0,
    kubeconfigFor: async (user, groups = []) => {
      const path = join(directory, `user-${randomUUID()}.kubeconfig`);
      const users = config.users.map((entry) => ({ ...entry, user: { ...entry.user, as: user, 'as-groups': groups } }));
      await writeFile(path, stringify({ ...config, users }), { mode: 0o600 });
      return path;
    },
    stopApiServer: notOurs,
    killApiServer: notOurs,
    startApiServer: notOurs,
    stop: async () => {
      await end();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
