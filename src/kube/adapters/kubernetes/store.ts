import { ConflictError, TerminalError } from '../../../api/errors.ts';
import { type KubeObject, objectKey } from '../../../api/object.ts';
import { asMap } from '../../json.ts';
import type {
  KindRef,
  ListResult,
  ObjectName,
  ObjectStore,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../../store.ts';
import type { ApiClient, ApiRequest } from './client.ts';
import { ServerError, statusError } from './errors.ts';
import { collectionPath, objectPath } from './paths.ts';
import { getRaw, kept, listRaw } from './raw-objects.ts';

export interface KubernetesStoreOptions {
  readonly client: ApiClient;
  /** Kinds whose objects are written by their apiVersion and kind alone. */
  readonly kinds: readonly KindRef[];
  /** Finds kinds that are not among `kinds`; see {@link KindDiscovery}. */
  readonly resolveKind?: (apiVersion: string, kind: string, signal?: AbortSignal) => Promise<KindRef | undefined>;
  /** Between 0 and 1: spreads the ends of watches. */
  readonly random?: () => number;
  readonly watch?: Partial<WatchTimes>;
  /** Objects of a page of a list. */
  readonly pageSize?: number;
}

export interface WatchTimes {
  /** The server ends a watch after a random time between these. */
  readonly minMs: number;
  readonly maxMs: number;
  /** A server that has not done so after so much more is not there any more. */
  readonly graceMs: number;
  /** Bookmarks come about once a minute: a watch without a word for so long is opened anew. */
  readonly idleMs: number;
}

const WATCH_TIMES: WatchTimes = { minMs: 300_000, maxMs: 600_000, graceMs: 30_000, idleMs: 150_000 };
const PAGE_SIZE = 500;
/** Status has one writer: others that change the object meanwhile must not hold it up. */
const MAX_STATUS_CONFLICTS = 10;

/** {@link ObjectStore} on an API server. Nothing is kept: caches are the informers'. */
export class KubernetesStore implements ObjectStore {
  readonly #client: ApiClient;
  readonly #kinds: ReadonlyMap<string, KindRef>;
  readonly #resolveKind: KubernetesStoreOptions['resolveKind'];
  readonly #random: () => number;
  readonly #times: WatchTimes;
  readonly #pageSize: number;

  constructor(options: KubernetesStoreOptions) {
    this.#client = options.client;
    this.#kinds = new Map(options.kinds.map((kind) => [kindId(kind), kind]));
    this.#resolveKind = options.resolveKind;
    this.#random = options.random ?? Math.random;
    this.#times = { ...WATCH_TIMES, ...options.watch };
    this.#pageSize = options.pageSize ?? PAGE_SIZE;
  }

  async get<T extends KubeObject>(kind: KindRef<T>, name: ObjectName, signal?: AbortSignal): Promise<T | undefined> {
    const found = await getRaw(this.#client, kind, name, { object: label(kind, name), signal });
    return found && kept<T>(found);
  }

  async list<T extends KubeObject>(
    kind: KindRef<T>,
    options: { readonly namespace?: string; readonly signal?: AbortSignal } = {},
  ): Promise<ListResult<T>> {
    const { items, resourceVersion } = await listRaw(this.#client, kind, { ...options, pageSize: this.#pageSize });
    return { items: items.map((item) => kept<T>(item)), resourceVersion };
  }

  async *watch<T extends KubeObject>(
    kind: KindRef<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const { namespace, resourceVersion, signal, onOpen } = options;
    const { minMs, maxMs, graceMs, idleMs } = this.#times;
    const timeoutMs = Math.round(minMs + this.#random() * (maxMs - minMs));
    const path = collectionPath(kind, namespace);
    const timeoutSeconds = Math.max(1, Math.round(timeoutMs / 1000));
    const query = { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds };
    try {
      const limitMs = timeoutMs + graceMs;
      const lines = this.#client.lines({ method: 'GET', path, query, idleMs, limitMs, signal, onOpen });
      for await (const line of lines) {
        if (signal.aborted) return;
        yield watchEvent<T>(line, `watch of ${kind.plural}`);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async create<T extends KubeObject>(object: T, { fieldManager, signal }: WriteOptions): Promise<T> {
    const kind = await this.#kindOf(object, signal);
    return await this.#write<T>({
      method: 'POST',
      path: collectionPath(kind, requireNamespace(kind, object)),
      query: { fieldManager, fieldValidation: 'Strict' },
      body: withoutStatus(object),
      object: label(kind, object.metadata),
      signal,
    });
  }

  async apply<T extends KubeObject>(object: T, { fieldManager, signal }: WriteOptions): Promise<T> {
    const kind = await this.#kindOf(object, signal);
    const { uid, resourceVersion } = object.metadata;
    const wasThere = uid !== undefined || resourceVersion !== undefined;
    try {
      return await this.#write<T>({
        method: 'PATCH',
        path: objectPath(kind, object.metadata),
        query: { fieldManager, force: true, fieldValidation: 'Strict' },
        contentType: 'application/apply-patch+yaml',
        body: withoutStatus(wasThere && uid === undefined ? await this.#withUid(kind, object, signal) : object),
        object: label(kind, object.metadata),
        signal,
      });
    } catch (error) {
      throw (wasThere && isNotFound(error)) || isUidFault(error) ? otherObject(kind, object.metadata) : error;
    }
  }

  /** A version alone does not keep the server from creating an object that is not there; a uid does. */
  async #withUid(kind: KindRef, object: KubeObject, signal: AbortSignal | undefined): Promise<KubeObject> {
    const uid = (await this.get(kind, object.metadata, signal))?.metadata.uid;
    if (uid === undefined) throw otherObject(kind, object.metadata);
    return { ...object, metadata: { ...object.metadata, uid } };
  }

  async applyStatus<T extends KubeObject>(object: T, options: WriteOptions): Promise<T> {
    const kind = await this.#kindOf(object, options.signal);
    const { uid, resourceVersion } = object.metadata;
    if (uid === undefined || resourceVersion !== undefined) return await this.#applyStatus(kind, object, options);
    for (let tries = 0; ; tries++) {
      const live = await this.get(kind, object.metadata, options.signal);
      if (!live) throw notThere(kind, object.metadata);
      if (live.metadata.uid !== uid) throw otherObject(kind, object.metadata);
      const metadata = { ...object.metadata, resourceVersion: live.metadata.resourceVersion };
      try {
        return await this.#applyStatus(kind, { ...object, metadata }, options);
      } catch (error) {
        if (!isConflict(error) || tries === MAX_STATUS_CONFLICTS) throw error;
      }
    }
  }

  /** The server takes no notice of a uid in a status: only a version binds the write to an object. */
  async #applyStatus<T extends KubeObject>(
    kind: KindRef,
    object: T,
    { fieldManager, signal }: WriteOptions,
  ): Promise<T> {
    const { apiVersion, kind: kindName, metadata } = object;
    const { name, namespace, resourceVersion } = metadata;
    const { status = {} } = asMap(object);
    return await this.#write<T>({
      method: 'PATCH',
      path: objectPath(kind, metadata, 'status'),
      query: { fieldManager, force: true, fieldValidation: 'Strict' },
      contentType: 'application/apply-patch+yaml',
      body: { apiVersion, kind: kindName, metadata: { name, namespace, resourceVersion }, status },
      object: label(kind, metadata),
      signal,
    });
  }

  async patch<T extends KubeObject>(
    kind: KindRef<T>,
    name: ObjectName,
    patch: object,
    { fieldManager, signal }: WriteOptions,
  ): Promise<T> {
    const { status: _status, ...body } = asMap(patch);
    try {
      return await this.#write<T>({
        method: 'PATCH',
        path: objectPath(kind, name),
        query: { fieldManager, fieldValidation: 'Strict' },
        contentType: 'application/merge-patch+json',
        body,
        object: label(kind, name),
        signal,
      });
    } catch (error) {
      throw isUidFault(error) ? otherObject(kind, name) : error;
    }
  }

  async delete(
    kind: KindRef,
    name: ObjectName,
    options: { readonly uid?: string; readonly resourceVersion?: string; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const { uid, resourceVersion, signal } = options;
    await this.#client.json({
      method: 'DELETE',
      path: objectPath(kind, name),
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy: 'Background',
        preconditions: { uid, resourceVersion },
      },
      object: label(kind, name),
      signal,
    });
  }

  async #write<T extends KubeObject>(request: ApiRequest): Promise<T> {
    return kept<T>(await this.#client.json<T>(request));
  }

  async #kindOf({ apiVersion, kind }: KubeObject, signal: AbortSignal | undefined): Promise<KindRef> {
    const known = this.#kinds.get(kindId({ apiVersion, kind }));
    const found = known ?? (await this.#resolveKind?.(apiVersion, kind, signal));
    if (!found) throw new TerminalError('UnknownKind', `the cluster has no kind ${kind} of ${apiVersion}`);
    return found;
  }
}

/** What a watch's line says. @throws as a response of the status in an ERROR event */
function watchEvent<T extends KubeObject>(line: unknown, what: string): WatchEvent<T> {
  const { type, object } = line as WatchLine;
  if (type === 'ERROR') throw statusError(object?.code ?? 500, object, { what });
  const resourceVersion = object?.metadata?.resourceVersion;
  if (!object || resourceVersion === undefined) throw new ServerError('BadResponse', `${what}: not an event`);
  if (type === 'BOOKMARK') return { type, resourceVersion };
  return { type, object: kept<T>(object), resourceVersion };
}

interface WatchLine {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  /** Of an error a Status, which has a code. */
  readonly object?: KubeObject & { readonly code?: number };
}

function withoutStatus(object: KubeObject): object {
  const { status: _status, ...rest } = asMap(object);
  return rest;
}

function requireNamespace(kind: KindRef, { metadata: { name, namespace } }: KubeObject): string | undefined {
  if (kind.namespaced && !namespace) {
    throw new TerminalError('Invalid', `${kind.kind} ${name} is invalid: metadata.namespace is required`, {
      object: `${kind.kind} ${name}`,
      field: 'metadata.namespace',
    });
  }
  return namespace;
}

function otherObject(kind: KindRef, name: ObjectName): ConflictError {
  const object = label(kind, name);
  return new ConflictError('Conflict', `${object}: the expected object is not there`, { object });
}

function notThere(kind: KindRef, name: ObjectName): TerminalError {
  const object = label(kind, name);
  return new TerminalError('NotFound', `${object} does not exist`, { object });
}

function isConflict(error: unknown): boolean {
  return error instanceof ConflictError && error.reason === 'Conflict';
}

/** The server calls a uid that is not the object's an attempt to change it. */
function isUidFault(error: unknown): boolean {
  return error instanceof TerminalError && error.location.field === 'metadata.uid';
}

function isNotFound(error: unknown): boolean {
  return error instanceof TerminalError && error.reason === 'NotFound';
}

function label(kind: KindRef, name: ObjectName): string {
  return `${kind.kind} ${objectKey(name)}`;
}

function kindId({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): string {
  return `${apiVersion} ${kind}`;
}
