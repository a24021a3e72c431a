import type { KubeObject } from '../api/object.ts';
import type { KindRef, ObjectStore } from '../kube/store.ts';

const NAMESPACE: KindRef<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

/**
 * Whether all objects of a namespace go because it does. They go in any order then, a revision before its Repository among
 * them, and nobody has asked for a change of git. Never so where there are no Namespace objects.
 * @throws TransientError Forbidden where the right to read the Namespace is missing
 */
export async function namespaceLeaves(
  store: Pick<ObjectStore, 'get'>,
  { namespace }: KubeObject['metadata'],
  signal: AbortSignal,
): Promise<boolean> {
  if (namespace === undefined) return false;
  const object = await store.get(NAMESPACE, { name: namespace }, signal);
  return object?.metadata.deletionTimestamp !== undefined;
}
