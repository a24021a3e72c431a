import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { assetsFolder } from './binaries.ts';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
  writeUserKubeconfig,
} from './control-plane.ts';
import { keepLogs, makeFolder, removeFolder } from './folder.ts';
import { type KubeconfigFile, readKubeconfig } from './kubeconfig.ts';
import { kubectl } from './kubectl.ts';
import { kubernetesRelease } from './kubernetes-release.ts';

/** A cluster that tests use and never break. */
export interface Cluster extends ClusterPlace {
  /** Path of a kubeconfig of another user. */
  kubeconfigFor(user: string, groups?: readonly string[]): Promise<string>;
}

/** What another process needs to know to use it. */
export interface ClusterPlace extends Pick<ControlPlane, 'kubeconfig' | 'url' | 'directory' | 'description'> {
  /** `certificate`: the cluster's authority is at hand. `impersonation`: it is not, the administrator acts as the user. */
  readonly usersBy: 'certificate' | 'impersonation';
}

export interface StartedCluster extends Cluster {
  stop(keepsFiles?: boolean): Promise<void>;
}

const ENGINE_MS = 5_000;
const PULL_MS = 120_000;

/**
 * The first of these that there is: the cluster of VERANDA_TEST_KUBECONFIG; a control plane of the programs in
 * KUBEBUILDER_ASSETS; k3s in a container, where a Docker engine answers and has its image or gets it; a control plane of programs that
 * are built.
 * @throws Error that says what to install
 */
export async function startCluster(options: ControlPlaneOptions = {}): Promise<StartedCluster> {
  const given = process.env.VERANDA_TEST_KUBECONFIG;
  if (given) return await openGiven(given);
  const k3sImage = `rancher/k3s:${kubernetesRelease().version}-k3s1`;
  if (assetsFolder() === undefined && (await canRunK3s(k3sImage))) return await startK3s(k3sImage);
  const plane = await startControlPlane(options);
  const { kubeconfig, url, directory, description } = plane;
  const place = { kubeconfig, url, directory, description, usersBy: 'certificate' } as const;
  return { ...openCluster(place), stop: (keepsFiles) => plane.stop(keepsFiles) };
}

/** A cluster that another process has started and will end. */
export function openCluster(place: ClusterPlace): Cluster {
  const kubeconfigFor = (user: string, groups: readonly string[] = []) =>
    place.usersBy === 'certificate'
      ? writeUserKubeconfig(place, user, groups)
      : writeImpersonation(place, user, groups);
  return { ...place, kubeconfigFor };
}

async function openGiven(path: string): Promise<StartedCluster> {
  if (!existsSync(path)) throw new Error(`VERANDA_TEST_KUBECONFIG names ${path}, which is not there`);
  // With the contents of the files that it names, and nothing of other clusters.
  const config = await kubectl(path, ['config', 'view', '--raw', '--flatten', '--minify']);
  return await use(`the cluster of ${path}`, config, async () => undefined);
}

/** An engine that does not answer soon, and an image that does not come soon, count as none. */
async function canRunK3s(image: string): Promise<boolean> {
  const docker = async (timeout: number, ...args: string[]) =>
    await promisify(execFile)('docker', args, { timeout }).then(
      () => true,
      () => false,
    );
  if (!(await docker(ENGINE_MS, 'version', '--format', '{{.Server.Version}}'))) return false;
  if (await docker(ENGINE_MS, 'image', 'inspect', image)) return true;
  return await docker(PULL_MS, 'pull', '--quiet', image);
}

async function startK3s(image: string): Promise<StartedCluster> {
  const { K3sContainer } = await import('@testcontainers/k3s');
  const container = await new K3sContainer(image).start();
  return await use(`${image} in a container`, container.getKubeConfig(), async () => {
    await container.stop();
  });
}

async function use(description: string, config: string, end: () => Promise<void>): Promise<StartedCluster> {
  const directory = await makeFolder();
  const kubeconfig = join(directory, 'admin.kubeconfig');
  await writeFile(kubeconfig, config, { mode: 0o600 });
  const { server } = await readKubeconfig(kubeconfig);
  const place = { description, directory, kubeconfig, url: server, usersBy: 'impersonation' } as const;
  const stop = async (keepsFiles = false) => {
    await end();
    await (keepsFiles ? keepLogs(directory) : removeFolder(directory));
  };
  return { ...openCluster(place), stop };
}

async function writeImpersonation(place: ClusterPlace, user: string, groups: readonly string[]): Promise<string> {
  const path = join(place.directory, `user-${randomUUID()}.kubeconfig`);
  const file = parse(await readFile(place.kubeconfig, 'utf8')) as KubeconfigFile;
  const users = file.users.map((entry) => ({ ...entry, user: { ...entry.user, as: user, 'as-groups': groups } }));
  await writeFile(path, stringify({ ...file, users }), { mode: 0o600 });
  return path;
}
