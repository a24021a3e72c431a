import { apiGroup, isLocalConfig } from '../../../krm/identity.ts';
import { getIn, getString, isList, type KrmMap, type KrmPath, setIn } from '../../../krm/value.ts';
import { isNamespaced } from '../../scope.ts';
import type { FunctionItem } from '../../types.ts';
import type { NamespaceChange } from './replacement.ts';

const CRD_WEBHOOK_SERVICE = ['spec', 'conversion', 'webhook', 'clientConfig', 'service'];

/** What references from cluster-wide places may mean: the resources of the run and the namespaces they had. */
export class Referents {
  readonly #names = new Set<string>();
  readonly #namespaces = new Set<string>();

  constructor(items: readonly FunctionItem[]) {
    for (const { value } of items) {
      if (isLocalConfig(value)) continue;
      const name = getString(value, ['metadata', 'name']) ?? '';
      if (value.apiVersion === 'v1') this.#names.add(`${String(value.kind)}/${name}`);
      if (value.apiVersion === 'v1' && value.kind === 'Namespace') this.#namespaces.add(name);
      else if (isNamespaced(value)) this.#namespaces.add(getString(value, ['metadata', 'namespace']) || 'default');
    }
  }

  /** The named resource is one of the run, or its namespace is one that resources of the run are in. */
  has(kind: string, name: string, namespace: string): boolean {
    return this.#names.has(`${kind}/${name}`) || this.#namespaces.has(namespace);
  }
}

/** Follows the service accounts and services that a resource of the cluster or a binding refers to. */
export function followReferences(value: KrmMap, referents: Referents, change: NamespaceChange): KrmMap {
  const follow = (current: KrmMap, kind: string, path: KrmPath) => followOne(current, kind, path, referents, change);
  switch (`${apiGroup(getString(value, ['apiVersion']) ?? '')}/${String(value.kind)}`) {
    case 'rbac.authorization.k8s.io/ClusterRoleBinding':
    case 'rbac.authorization.k8s.io/RoleBinding': {
      const subjects = getIn(value, ['subjects']);
      if (!isList(subjects)) return value;
      return subjects.reduce<KrmMap>((current, subject, index) => {
        const isAccount = getString(subject, ['kind']) === 'ServiceAccount';
        return isAccount ? follow(current, 'ServiceAccount', ['subjects', index]) : current;
      }, value);
    }
    case 'apiextensions.k8s.io/CustomResourceDefinition':
      return follow(value, 'Service', CRD_WEBHOOK_SERVICE);
    case 'apiregistration.k8s.io/APIService':
      return follow(value, 'Service', ['spec', 'service']);
    default:
      return value;
  }
}

function followOne(value: KrmMap, kind: string, path: KrmPath, referents: Referents, change: NamespaceChange): KrmMap {
  const namespace = getString(value, [...path, 'namespace']);
  const name = getString(value, [...path, 'name']) ?? '';
  if (!namespace || !change.applies(namespace)) return value;
  if (!change.explicit && !referents.has(kind, name, namespace)) return value;
  return setIn(value, [...path, 'namespace'], change.replace(namespace));
}
