import type { KindRef, ObjectName } from '../../store.ts';

/** `/api/v1` or `/apis/<group>/<version>`. */
export function groupVersionPath(apiVersion: string): string {
  const parts = apiVersion.split('/').map(encodeURIComponent);
  return [parts.length === 1 ? '/api' : '/apis', ...parts].join('/');
}

/** Where the objects of a kind are, all or those of a namespace. */
export function collectionPath(kind: KindRef, namespace?: string): string {
  const scope = kind.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${groupVersionPath(kind.apiVersion)}${scope}/${kind.plural}`;
}

/** Where one object is, or a subresource of it. @throws Error when a namespace or name is missing: the URL would be another one's */
export function objectPath(kind: KindRef, { namespace, name }: ObjectName, subresource?: string): string {
  if (!name) throw new Error(`${kind.kind} without a name`);
  if (kind.namespaced && !namespace) throw new Error(`${kind.kind} ${name} without a namespace`);
  const path = `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** `pods`, or `pods/exec`: what metrics call a path; empty when it is no resource's. */
export function resourceOf(path: string): string {
  const parts = path.split('/').slice(1);
  const rest = parts[0] === 'api' ? parts.slice(2) : parts[0] === 'apis' ? parts.slice(3) : [];
  // `namespaces` is a resource itself when nothing but a subresource of it follows.
  const isScope = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'finalize' && rest[2] !== 'status';
  const [resource = '', , subresource] = isScope ? rest.slice(2) : rest;
  return subresource === undefined ? resource : `${resource}/${subresource}`;
}
