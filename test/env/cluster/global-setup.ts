import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { installApi } from './install.ts';
import { SHARED_CLUSTER } from './shared.ts';

declare global {
  var verandaTestCluster: ControlPlane | undefined;
}

/** Starts the one control plane that all e2e tests of a run share. */
export default async function setUp(): Promise<void> {
  const cluster = await startControlPlane();
  globalThis.verandaTestCluster = cluster;
  process.stderr.write(`test environment: ${cluster.description}\n`);
  await installApi(cluster.kubeconfig);
  process.env[SHARED_CLUSTER] = JSON.stringify({ directory: cluster.directory, url: cluster.url });
}
