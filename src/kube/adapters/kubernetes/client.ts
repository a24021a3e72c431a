import type { WebSocket } from 'ws';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path from the server's root, for example `/api/v1/namespaces/default/pods`; its parts are escaped. */
  readonly path: string;
  /** A list gives the parameter once for each of its values. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** What the request is about, `<Kind> <namespace>/<name>`: the place that errors name. */
  readonly object?: string;
  /** For the whole call, waits for the server's Retry-After included. Default 30 s. Of `lines`: until the response begins. */
  readonly timeoutMs?: number;
  /** Of `lines`: a response that says nothing for so long is ended, without an error. Default: never. */
  readonly idleMs?: number;
  /** Of `lines`: a response is ended after so long, without an error. Default: never. */
  readonly limitMs?: number;
  /** Of `lines`: called when the server has agreed, which may be long before the first line. */
  readonly onOpen?: () => void;
  readonly signal?: AbortSignal;
}

/**
 * One connection to an API server: authentication, shared agents, typed errors. Errors: NotFound is TerminalError reason NotFound, AlreadyExists
 * and Conflict are ConflictErrors of that reason, 410 is ConflictError Expired, Invalid is TerminalError Invalid with the
 * field, 401 and 403 are TransientErrors Unauthorized and Forbidden (rights may be granted while we run), a path that the server does
 * not serve is TransientError NotServed (a CRD may come), 429, 5xx and network faults are ServerErrors (TransientErrors) that
 * carry the server's Retry-After. Messages hold neither headers nor credentials.
 */
export interface ApiClient {
  /** Base URL, without credentials. */
  readonly server: string;
  json<T>(request: ApiRequest): Promise<T>;
  /** A response that is no JSON, such as a pod's log; whoever asks bounds it by the query. */
  bytes(request: ApiRequest): Promise<Uint8Array>;
  /**
   * The objects of a newline-delimited JSON response (a watch). Ends with the response. The connection is given up when the
   * iteration is left. @throws as `json`, also in the middle
   */
  lines(request: ApiRequest): AsyncIterable<unknown>;
  /** A WebSocket to a subresource (exec, attach, log). Resolves once open; it is paused, to be resumed when somebody listens. */
  webSocket(
    request: Pick<ApiRequest, 'path' | 'query' | 'object' | 'timeoutMs' | 'signal'> & {
      readonly protocols: readonly string[];
    },
  ): Promise<WebSocket>;
  /** Lets running requests end, ends watches and WebSockets. */
  close(): Promise<void>;
}

/** What a client tells of each request that it made. */
export interface ApiRequestMetrics {
  /**
   * @param code HTTP status, or `error` when no response came
   * @param resource plural, with `/subresource`; empty for a path that is no resource's
   */
  requested(request: {
    readonly method: string;
    readonly code: number | 'error';
    readonly resource: string;
    readonly milliseconds: number;
  }): void;
}
