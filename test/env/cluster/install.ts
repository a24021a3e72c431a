import { join } from 'node:path';
import { kubectl, tryKubectl } from './kubectl.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** The CRDs, served. */
export async function installApi(kubeconfig: string): Promise<void> {
  await kubectl(kubeconfig, ['apply', '--server-side', '-f', join(ROOT, 'crds')]);
  await kubectl(kubeconfig, ['wait', '--for=condition=Established', '--timeout=60s', '-f', join(ROOT, 'crds')]);
}

/** A folder of `config/` with all that belongs to the operator. The second one is for Kubernetes that does not note who proposes and approves. */
export type OperatorConfig = 'default' | 'without-mutating-policy';

/** The one that fits a cluster's Kubernetes. */
export async function operatorConfig(kubeconfig: string): Promise<OperatorConfig> {
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies';
  const { code } = await tryKubectl(kubeconfig, ['get', '--raw', path]);
  return code === 0 ? 'default' : 'without-mutating-policy';
}

/** Everything, as far as the cluster's Kubernetes has it. */
export async function installOperator(kubeconfig: string): Promise<OperatorConfig> {
  const folder = await operatorConfig(kubeconfig);
  await kubectl(kubeconfig, ['apply', '--server-side', '-k', join(ROOT, 'config', folder)]);
  return folder;
}
