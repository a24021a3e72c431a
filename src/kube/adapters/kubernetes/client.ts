import type { WebSocket } from 'ws';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path from the server's root, for example `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  /** A list gives the parameter once for each of its values. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Default 30 s; a watch has none but its own watchdog. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * One connection to an API server: authentication, shared agents, typed errors. Errors: NotFound is TerminalError reason NotFound, AlreadyExists
 * and Conflict are ConflictErrors of that reason, 410 is ConflictError Expired, Invalid is TerminalError Invalid with the
 * field, 401 and 403 are TransientErrors Unauthorized and Forbidden (rights may be granted while we run), 429, 5xx and network faults are TransientErrors that
 * carry the server's Retry-After. Messages hold neither headers nor credentials.
 */
export interface ApiClient {
  /** Base URL, without credentials. */
  readonly server: string;
  json<T>(request: ApiRequest): Promise<T>;
  /** A response that is no JSON, such as a pod's log; the caller bounds it by the query. */
  bytes(request: ApiRequest): Promise<Uint8Array>;
  /** The objects of a newline-delimited JSON response (a watch). Ends with the response. @throws as `json`, also in the middle */
  lines(request: ApiRequest): AsyncIterable<unknown>;
  /** A WebSocket to a subresource (exec, attach, log). Resolves once open. */
  webSocket(
    request: Pick<ApiRequest, 'path' | 'query' | 'signal'> & { readonly protocols: readonly string[] },
  ): Promise<WebSocket>;
  close(): Promise<void>;
}
