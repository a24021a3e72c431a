import { join } from 'node:path';
import { kubectl } from '../../env/cluster/kubectl.ts';
import type { SharedCluster } from '../../env/cluster/shared.ts';
import type { TestNamespace } from './cluster.ts';

const CONFIG = join(import.meta.dirname, '../../../config');
const ACCOUNT = { namespace: 'veranda-system', name: 'veranda-controller' } as const;
const RBAC = 'rbac.authorization.k8s.io';

/** What a Role of a test grants to the operator. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/**
 * The rights that `config/rbac` gives to the operator's service account, and a lease of its own in the namespace: to be
 * used with {@link ownLease}.
 * @returns path of a kubeconfig of the service account
 */
export async function operatorKubeconfig(
  cluster: Pick<SharedCluster, 'kubeconfig' | 'kubeconfigFor'>,
  namespace: TestNamespace,
): Promise<string> {
  await kubectl(cluster.kubeconfig, [
    'apply',
    '--server-side',
    '--force-conflicts',
    '-f',
    join(CONFIG, 'manager/namespace.yaml'),
  ]);
  await kubectl(cluster.kubeconfig, ['apply', '--server-side', '--force-conflicts', '-k', join(CONFIG, 'rbac')]);
  await grant(namespace, 'lease', [
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: [ACCOUNT.name],
      verbs: ['get', 'update'],
    },
  ]);
  const { namespace: of, name } = ACCOUNT;
  return await cluster.kubeconfigFor(`system:serviceaccount:${of}:${name}`, [
    'system:serviceaccounts',
    `system:serviceaccounts:${of}`,
    'system:authenticated',
  ]);
}

/** Flags of an operator that works in this namespace only, with a lease there. */
export function ownLease({ name }: TestNamespace): readonly string[] {
  return ['--leader-elect', '--namespace', name, '--lease-namespace', name];
}

/** Gives rights in this namespace to the operator. */
export async function grant({ apply }: TestNamespace, name: string, rules: readonly Rule[]): Promise<void> {
  const role = { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name }, rules };
  const binding = {
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata: { name },
    roleRef: { apiGroup: RBAC, kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', ...ACCOUNT }],
  };
  await apply(role, binding);
}
