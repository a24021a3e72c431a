import type { Dispatcher } from 'undici';
import type { WebSocket } from 'ws';
import { VerandaError } from '../../../api/errors.ts';
import { abortable } from '../../../concurrency/abortable.ts';
import { type Logger, nullLogger } from '../../../observability/logger.ts';
import { type Clock, delay, systemClock } from '../../clock.ts';
import type { ApiClient, ApiRequest, ApiRequestMetrics } from './client.ts';
import type { Access, Credentials } from './credentials.ts';
import { type DispatcherPool, dispatcherPool } from './dispatchers.ts';
import { networkError, ServerError, statusError, timeoutError } from './errors.ts';
import { jsonLines } from './json-lines.ts';
import { resourceOf } from './paths.ts';
import { RequestPacer, type RequestRate } from './request-pacer.ts';
import { openWebSocket } from './web-socket.ts';

export interface ApiClientOptions {
  readonly credentials: Credentials;
  /** For example `veranda/1.2.3`. */
  readonly userAgent: string;
  /** Default: none, the server's own fairness decides. */
  readonly rate?: RequestRate;
  /** Connections for requests that are no watches. Default 16. */
  readonly connections?: number;
  readonly metrics?: ApiRequestMetrics;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** How often a request is repeated that the server, still unharmed, has put off. */
const MAX_PUT_OFFS = 5;

type Response = Dispatcher.ResponseData;

/** {@link ApiClient} over HTTP. What needs connections of its own (the lease) gets a client of its own. */
export class HttpApiClient implements ApiClient {
  readonly server: string;
  readonly #options: ApiClientOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #pacer: RequestPacer | undefined;
  readonly #requests: DispatcherPool;
  readonly #watches: DispatcherPool;
  readonly #closing = new AbortController();

  constructor(options: ApiClientOptions) {
    this.server = options.credentials.server;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? nullLogger;
    this.#pacer = options.rate && new RequestPacer(options.rate, this.#clock);
    this.#requests = dispatcherPool(options.connections ?? 16);
    this.#watches = dispatcherPool();
  }

  async json<T>(request: ApiRequest): Promise<T> {
    const text = await this.#read(request, (response) => response.body.text());
    try {
      return (text === '' ? undefined : JSON.parse(text)) as T;
    } catch (error) {
      const { object } = request;
      throw new ServerError('BadResponse', `${describe(request)}: the response is no JSON`, { object, cause: error });
    }
  }

  async bytes(request: ApiRequest): Promise<Uint8Array> {
    return await this.#read(request, (response) => response.body.bytes());
  }

  async #read<T>(request: ApiRequest, read: (response: Response) => Promise<T>): Promise<T> {
    const what = describe(request);
    const call = new Call(this.#clock, request.signal);
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    call.abortAfter(timeoutMs, timeoutError(what, timeoutMs, request.object));
    try {
      return await read(await this.#send(request, this.#requests, call.signal));
    } catch (error) {
      throw call.reasonOf(error, what, request.object);
    } finally {
      call.end();
    }
  }

  async *lines(request: ApiRequest): AsyncGenerator<unknown, void, undefined> {
    const what = describe(request);
    const call = new Call(this.#clock, request.signal, this.#closing.signal);
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const cancelTimeout = call.abortAfter(timeoutMs, timeoutError(what, timeoutMs, request.object));
    try {
      const response = await this.#send(request, this.#watches, call.signal);
      cancelTimeout();
      request.onOpen?.();
      if (request.limitMs !== undefined) call.abortAfter(request.limitMs, OVER);
      yield* jsonLines(this.#withWatchdog(response.body, request.idleMs, call));
    } catch (error) {
      if (call.signal.reason === OVER) this.#logger.debug('a silent response is given up', { request: what });
      else throw call.reasonOf(error, what, request.object);
    } finally {
      call.end();
    }
  }

  async webSocket(request: Parameters<ApiClient['webSocket']>[0]): Promise<WebSocket> {
    const what = describe({ method: 'GET', path: request.path });
    const call = new Call(this.#clock, request.signal);
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    call.abortAfter(timeoutMs, timeoutError(what, timeoutMs, request.object));
    const { credentials, userAgent } = this.#options;
    try {
      await this.#pacer?.turn(call.signal);
      const access = await abortable(credentials.access(), call.signal);
      const socket = await openWebSocket(access, {
        url: `${access.server.replace(/^http/, 'ws')}${target(request)}`,
        protocols: request.protocols,
        userAgent,
        what,
        object: request.object,
        signal: call.signal,
      });
      const onClosing = () => socket.terminate();
      this.#closing.signal.addEventListener('abort', onClosing, { once: true });
      socket.once('close', () => this.#closing.signal.removeEventListener('abort', onClosing));
      return socket;
    } catch (error) {
      const reason = call.reasonOf(error, what, request.object);
      if (isUnauthorized(reason)) credentials.refused();
      throw reason;
    } finally {
      call.end();
    }
  }

  async close(): Promise<void> {
    const closed = new Error('the client is closed');
    this.#closing.abort(closed);
    await this.#requests.close();
    await this.#watches.destroy(closed);
  }

  /** A successful response. A request that was put off, or refused for stale credentials, has had no effect and is repeated. */
  async #send(request: ApiRequest, pool: DispatcherPool, signal: AbortSignal): Promise<Response> {
    const { credentials } = this.#options;
    let refusedBefore = false;
    for (let putOffs = 0; ; ) {
      await this.#pacer?.turn(signal);
      const access = await abortable(credentials.access(), signal);
      const response = await this.#exchange(request, access, pool.for(access), signal);
      if (response.statusCode < 300) return response;
      const error = await this.#errorOf(request, response);
      if (isUnauthorized(error) && !refusedBefore) {
        refusedBefore = true;
        credentials.refused();
      } else if (error instanceof ServerError && error.retryAfterMs !== undefined && putOffs++ < MAX_PUT_OFFS) {
        await delay(this.#clock, error.retryAfterMs, signal).catch(() => {
          throw error;
        });
      } else {
        throw error;
      }
    }
  }

  async #exchange(request: ApiRequest, access: Access, dispatcher: Dispatcher, signal: AbortSignal): Promise<Response> {
    const { metrics, userAgent } = this.#options;
    const started = this.#clock.now().getTime();
    const report = (code: number | 'error') =>
      metrics?.requested({
        method: request.method,
        code,
        resource: resourceOf(request.path),
        milliseconds: this.#clock.now().getTime() - started,
      });
    const { body } = request;
    try {
      const response = await dispatcher.request({
        origin: new URL(access.server).origin,
        path: `${new URL(access.server).pathname.replace(/\/$/, '')}${target(request)}`,
        method: request.method,
        headers: {
          accept: 'application/json, */*',
          'user-agent': userAgent,
          ...(body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
          ...access.headers,
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal,
      });
      report(response.statusCode);
      this.#tellWarnings(request, response);
      return response;
    } catch (error) {
      report('error');
      throw error;
    }
  }

  /** What the server finds questionable, unknown fields among it. */
  #tellWarnings(request: ApiRequest, { headers }: Response): void {
    const values = [headers.warning ?? []].flat();
    for (const value of values) {
      const text = /^\d{3} \S+ "(.*)"/.exec(value)?.[1] ?? value;
      this.#logger.warn('the API server warns', { request: describe(request), object: request.object, warning: text });
    }
  }

  async #errorOf(request: ApiRequest, { statusCode, headers, body }: Response): Promise<VerandaError> {
    const text = await body.text();
    const seconds = Number([headers['retry-after']].flat()[0] ?? Number.NaN);
    return statusError(statusCode, parsed(text), {
      what: describe(request),
      object: request.object,
      ...(Number.isFinite(seconds) ? { retryAfterMs: seconds * 1000 } : {}),
    });
  }

  /** Ends the call when nothing has come for `idleMs`. */
  async *#withWatchdog(chunks: AsyncIterable<Uint8Array>, idleMs: number | undefined, call: Call) {
    let cancel = idleMs === undefined ? undefined : call.abortAfter(idleMs, OVER);
    for await (const chunk of chunks) {
      cancel?.();
      // Time that the reader takes is no silence of the server.
      yield chunk;
      cancel = idleMs === undefined ? undefined : call.abortAfter(idleMs, OVER);
    }
    cancel?.();
  }
}

/** Why a response is ended that has gone on for long enough. */
const OVER = Object.freeze(new Error('the response is over'));

/** The signals and timers of one call. */
class Call {
  readonly #clock: Clock;
  readonly #own = new AbortController();
  /** Take timers and listeners back. */
  readonly #undo = new Set<() => void>();

  /** @throws the reason of a signal that has fired already */
  constructor(clock: Clock, ...callers: readonly (AbortSignal | undefined)[]) {
    this.#clock = clock;
    for (const caller of callers) caller?.throwIfAborted();
    for (const caller of callers) {
      const onAbort = () => this.#own.abort(caller?.reason);
      caller?.addEventListener('abort', onAbort, { once: true });
      this.#undo.add(() => caller?.removeEventListener('abort', onAbort));
    }
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  abortAfter(milliseconds: number, reason: Error): () => void {
    const cancel = this.#clock.setTimer(milliseconds, () => this.#own.abort(reason));
    const undo = () => {
      cancel();
      this.#undo.delete(undo);
    };
    this.#undo.add(undo);
    return undo;
  }

  /** Leaves no timer and no listener behind. */
  end(): void {
    for (const undo of [...this.#undo]) undo();
    this.#undo.clear();
  }

  /** What to throw for a failure: the caller's reason when it was the caller who ended the call. */
  reasonOf(error: unknown, what: string, object: string | undefined): unknown {
    if (error instanceof VerandaError) return error;
    if (this.signal.aborted) return this.signal.reason;
    return networkError(what, error, object);
  }
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof VerandaError && error.reason === 'Unauthorized';
}

/** `GET /api/v1/pods`, without the query, for messages. */
function describe({ method, path }: Pick<ApiRequest, 'method' | 'path'>): string {
  return `${method} ${path}`;
}

function target({ path, query = {} }: Pick<ApiRequest, 'path' | 'query'>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const item of [value].flat()) if (item !== undefined) parameters.append(name, String(item));
  }
  return parameters.size === 0 ? path : `${path}?${parameters}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
