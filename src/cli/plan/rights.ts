import { TerminalError, TransientError } from '../../api/errors.ts';
import type { KindRef } from '../../kube/store.ts';

/** What a plan reads, for the message where the right to do so is missing. */
export interface Reading {
  readonly kind: KindRef;
  readonly verb: 'get' | 'list';
  /** Absent: all namespaces, or a kind that has none. */
  readonly namespace?: string;
  /** Of one object. */
  readonly name?: string;
}

/** A missing right is told with the rule that gives it; any other error as it is. */
export function explained(error: unknown, { kind, verb, namespace, name }: Reading): unknown {
  if (!(error instanceof TransientError) || error.reason !== 'Forbidden') return error;
  const [group, version] = kind.apiVersion.includes('/') ? kind.apiVersion.split('/') : ['', kind.apiVersion];
  const rule = {
    apiGroups: [group],
    resources: [kind.plural],
    ...(name === undefined ? {} : { resourceNames: [name] }),
    verbs: [verb],
  };
  const what =
    name === undefined ? `${kind.kind} objects (${group === '' ? version : kind.apiVersion})` : `${kind.kind} ${name}`;
  const where = namespace === undefined ? '' : ` of namespace ${namespace}`;
  const role = namespace === undefined ? 'a ClusterRole' : `a Role in namespace ${namespace}`;
  return new TerminalError(
    'Forbidden',
    `${what}${where} may not be read by the user of this kubeconfig; what it needs is ${role} with the rule ${JSON.stringify(rule)}`,
    { cause: error },
  );
}
