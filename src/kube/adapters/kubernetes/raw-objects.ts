import { ConflictError, TerminalError } from '../../../api/errors.ts';
import type { KubeObject, ObjectMeta } from '../../../api/object.ts';
import { deepFreeze } from '../../json.ts';
import type { KindRef, ListResult, ObjectName } from '../../store.ts';
import type { ApiClient } from './client.ts';
import { collectionPath, objectPath } from './paths.ts';

/** An object as the server sends it. */
export interface RawObject extends KubeObject {
  readonly metadata: ObjectMeta & { readonly managedFields?: unknown };
}

/** Copies of the object that kubectl keeps in it. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export interface RawListOptions {
  readonly namespace?: string;
  /** Objects of a page. */
  readonly pageSize: number;
  readonly signal?: AbortSignal;
}

interface ListBody {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items?: readonly RawObject[] | null;
}

/** All objects of a kind, of a namespace or of all, page by page. @throws as {@link ApiClient} */
export async function listRaw(
  client: Pick<ApiClient, 'json'>,
  kind: KindRef,
  { namespace, pageSize, signal }: RawListOptions,
): Promise<ListResult<RawObject>> {
  const scope = { namespace, signal };
  try {
    return await listPages(client, kind, scope, pageSize);
  } catch (error) {
    // The list took longer than the server remembers: it has to come in one piece.
    if (error instanceof ConflictError && error.reason === 'Expired') {
      return await listPages(client, kind, scope, undefined);
    }
    throw error;
  }
}

/** Undefined when it is not there. @throws as {@link ApiClient} */
export async function getRaw(
  client: Pick<ApiClient, 'json'>,
  kind: KindRef,
  name: ObjectName,
  { object, signal }: { readonly object: string; readonly signal?: AbortSignal },
): Promise<RawObject | undefined> {
  try {
    return await client.json<RawObject>({ method: 'GET', path: objectPath(kind, name), object, signal });
  } catch (error) {
    if (error instanceof TerminalError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}

async function listPages(
  client: Pick<ApiClient, 'json'>,
  kind: KindRef,
  { namespace, signal }: { readonly namespace?: string; readonly signal?: AbortSignal },
  limit: number | undefined,
): Promise<ListResult<RawObject>> {
  const items: RawObject[] = [];
  let page: ListBody | undefined;
  do {
    page = await client.json<ListBody>({
      method: 'GET',
      path: collectionPath(kind, namespace),
      query: { limit, continue: page?.metadata.continue },
      signal,
    });
    const { apiVersion, kind: kindName } = kind;
    // Items of a built-in kind do not say what they are.
    for (const item of page.items ?? []) items.push({ ...item, apiVersion, kind: kindName });
  } while (page.metadata.continue);
  return { items, resourceVersion: page.metadata.resourceVersion };
}

/** The object as it is kept in memory: without what only the server needs, and frozen. */
export function kept<T extends KubeObject>(object: RawObject): T {
  const { managedFields: _managedFields, annotations, ...rest } = object.metadata;
  const { [LAST_APPLIED]: _lastApplied, ...others } = annotations ?? {};
  const metadata = Object.keys(others).length === 0 ? rest : { ...rest, annotations: others };
  const result: KubeObject = deepFreeze({ ...object, metadata });
  return result as T;
}
