import type { ControlPlane } from './control-plane.ts';

/** How the tests of one run find the control plane that the global set-up has started for them. */
export const SHARED_CLUSTER = 'VERANDA_TEST_SHARED_CLUSTER';

export type SharedCluster = Pick<ControlPlane, 'kubeconfig' | 'url' | 'directory' | 'description' | 'kubeconfigFor'>;

/** The control plane of the jest project `e2e`, with our CRDs. Tests make namespaces of their own and never break it. */
export async function sharedCluster(): Promise<SharedCluster> {
  const text = process.env[SHARED_CLUSTER];
  if (text === undefined) throw new Error('the control plane is started by the jest project e2e');
  const { openControlPlane } = await import('./control-plane.ts');
  return openControlPlane(JSON.parse(text) as { readonly directory: string; readonly url: string });
}
