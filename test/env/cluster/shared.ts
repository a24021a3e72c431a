import { type Cluster, type ClusterPlace, openCluster } from './cluster.ts';

/** How the tests of one run find the cluster that the global set-up has started for them. */
export const SHARED_CLUSTER = 'VERANDA_TEST_SHARED_CLUSTER';

export type SharedCluster = Cluster;

/** The cluster of the jest project `e2e`, with our CRDs. Tests make namespaces of their own and never break it. */
export async function sharedCluster(): Promise<SharedCluster> {
  const text = process.env[SHARED_CLUSTER];
  if (text === undefined) throw new Error('the cluster is started by the jest project e2e');
  return openCluster(JSON.parse(text) as ClusterPlace);
}
