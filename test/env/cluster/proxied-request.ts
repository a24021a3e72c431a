/** What the API server calls what a request does. `connect` is exec, attach and the like; `other` is a path that is no resource's. */
export type Verb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection'
  | 'connect'
  | 'other';

/** The verbs that change something. */
export const WRITES: readonly Verb[] = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** A request that the proxy has seen. */
export interface ProxiedRequest {
  readonly verb: Verb;
  /** Empty for the core group. */
  readonly group: string;
  /** Plural; empty for a path that is no resource's. */
  readonly resource: string;
  readonly subresource: string;
  /** Empty for kinds without namespace and for requests over all namespaces. */
  readonly namespace: string;
  /** Empty for requests about many objects. */
  readonly name: string;
  readonly query: URLSearchParams;
  readonly userAgent: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Status of the answer; absent while there is none and when the connection was cut before it. */
  status?: number;
  /** The answer was made by the proxy. */
  faulty: boolean;
}

const WRITE_VERBS: Readonly<Record<string, Verb>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
const CONNECTING = ['exec', 'attach', 'portforward', 'proxy'];

/** Reads a request as the API server does. */
export function describeRequest(method: string, target: string, userAgent: string, at: number): ProxiedRequest {
  const { pathname, searchParams: query } = new URL(target, 'https://localhost');
  const { group, path } = splitGroup(pathname);
  const common = { query, userAgent, at, faulty: false };
  if (path.length === 0) {
    return { ...common, verb: 'other', group: '', resource: '', subresource: '', namespace: '', name: '' };
  }
  // `namespaces/x/status` is about the namespace itself.
  const inNamespace = path[0] === 'namespaces' && path.length > 2 && !['status', 'finalize'].includes(path[2] ?? '');
  const namespace = inNamespace ? (path[1] ?? '') : '';
  const [resource = '', name = '', ...rest] = inNamespace ? path.slice(2) : path;
  const subresource = rest.join('/');
  const verb = verbOf(method, name, subresource, query);
  return { ...common, verb, group, resource, subresource, namespace, name };
}

function splitGroup(pathname: string): { group: string; path: string[] } {
  const [root, ...parts] = pathname.split('/').filter(Boolean).map(decodeURIComponent);
  if (root === 'api') return { group: '', path: parts.slice(1) };
  if (root === 'apis') return { group: parts[0] ?? '', path: parts.slice(2) };
  return { group: '', path: [] };
}

function verbOf(method: string, name: string, subresource: string, query: URLSearchParams): Verb {
  if (CONNECTING.includes(subresource)) return 'connect';
  if (method === 'GET' || method === 'HEAD') {
    if (['true', '1'].includes(query.get('watch') ?? '')) return 'watch';
    return name === '' ? 'list' : 'get';
  }
  if (method === 'DELETE' && name === '') return 'deletecollection';
  return WRITE_VERBS[method] ?? 'other';
}
