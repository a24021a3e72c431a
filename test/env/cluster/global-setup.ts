import { type StartedCluster, startCluster } from './cluster.ts';
import { installApi } from './install.ts';
import { SHARED_CLUSTER } from './shared.ts';

declare global {
  var verandaTestCluster: StartedCluster | undefined;
  /** Set by the reporter of totals. */
  var verandaTestsFailed: boolean | undefined;
}

/** Starts the one cluster that all e2e tests of a run share. */
export default async function setUp(): Promise<void> {
  const cluster = await startCluster();
  globalThis.verandaTestCluster = cluster;
  process.stderr.write(`test environment: ${cluster.description}\n`);
  await installApi(cluster.kubeconfig);
  const { kubeconfig, url, directory, description, usersBy } = cluster;
  process.env[SHARED_CLUSTER] = JSON.stringify({ kubeconfig, url, directory, description, usersBy });
}
