import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { Agent, request } from 'undici';
import { VerandaError } from '../api/errors.ts';
import { AddressGuard } from './address-guard.ts';
import { fingerprint } from './credentials.ts';
import { connectionError, registryError } from './errors.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  readonly url: URL;
  /** Without `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Value of the Authorization header; only the host of `url` gets it, never one that it redirects to. */
  readonly authorization?: string;
  /** PEM that is trusted in place of the system's authorities. */
  readonly ca?: string;
  readonly signal: AbortSignal;
  /** Milliseconds for everything, the answer's body included. */
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** Several values of one name are joined with commas. */
  header(name: string): string | undefined;
  /** Must be read to its end or destroyed. Fails as `send` does. */
  readonly body: AsyncIterable<Uint8Array>;
  discard(): void;
}

export interface TransportOptions {
  /** Whether this machine itself may be called, over plain HTTP too. */
  readonly loopback: boolean;
  readonly userAgent: string;
  /** Default: the system's clock and timers. */
  readonly now?: () => number;
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

const MAX_REDIRECTS = 5;
const MAX_AGENTS = 32;
const TRIES = 4;
/** A registry that asks for more patience than this is left to the caller's own back-off. */
const MAX_WAIT_MS = 20_000;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const BUSY: readonly number[] = [429, 503];

/** HTTP as registries need it: own authorities, redirects without credentials, patience with busy servers, deadlines. */
export class Transport {
  readonly #guard: AddressGuard;
  readonly #options: TransportOptions;
  readonly #agents = new LRUCache<string, Agent>({
    max: MAX_AGENTS,
    dispose: (agent) => {
      agent.close().catch(() => undefined);
    },
  });

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#guard = new AddressGuard(options.loopback);
  }

  /**
   * Sends a request; follows redirects of GET and HEAD, to other hosts without the Authorization header.
   * @throws TransientError TLSVerify, RegistryUnreachable, TooManyRequests; TerminalError AddressRefused; the signal's reason
   */
  async send(call: HttpRequest): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#follow(call);
      if (!BUSY.includes(answer.status)) return answer;
      answer.discard();
      const pause = this.#pause(answer.header('retry-after'), attempt);
      if (attempt === TRIES || pause > MAX_WAIT_MS) {
        const reason = answer.status === 429 ? 'TooManyRequests' : 'RegistryUnreachable';
        throw registryError(reason, `${call.url.host} is too busy to answer (status ${answer.status})`);
      }
      await this.#wait(pause, call.signal);
    }
  }

  async close(): Promise<void> {
    const agents = [...this.#agents.values()];
    await Promise.all(agents.map((agent) => agent.destroy()));
    this.#agents.clear();
  }

  async #follow(call: HttpRequest): Promise<HttpAnswer> {
    let { url, authorization } = call;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const answer = await this.#once({ ...call, url, authorization });
      const location = REDIRECTS.includes(answer.status) ? answer.header('location') : undefined;
      if (location === undefined || (call.method !== 'GET' && call.method !== 'HEAD')) return answer;
      answer.discard();
      const next = parseTarget(location, url);
      if (next.origin !== url.origin) authorization = undefined;
      url = next;
    }
    throw registryError('RegistryUnreachable', `${call.url.host} redirects more than ${MAX_REDIRECTS} times`);
  }

  async #once(call: HttpRequest): Promise<HttpAnswer> {
    const { method, url, headers, body, authorization, ca, signal, timeoutMs } = call;
    signal.throwIfAborted();
    this.#guard.checkUrl(url);
    const deadline = AbortSignal.timeout(timeoutMs);
    const failed = (error: unknown): unknown => {
      if (signal.aborted) return signal.reason;
      if (error instanceof VerandaError) return error;
      if (!deadline.aborted) return connectionError(error, url.host);
      return registryError('RegistryUnreachable', `${url.host} did not answer within ${timeoutMs / 1000} s`, error);
    };
    try {
      const answer = await request(url, {
        method,
        headers: {
          ...headers,
          'user-agent': this.#options.userAgent,
          ...(authorization === undefined ? {} : { authorization }),
        },
        body,
        dispatcher: this.#agent(ca),
        signal: AbortSignal.any([signal, deadline]),
      });
      return {
        status: answer.statusCode,
        header: (name) => answer.headers[name]?.toString(),
        body: guarded(answer.body, failed),
        discard: () => {
          answer.body.on('error', () => undefined).destroy();
        },
      };
    } catch (error) {
      throw failed(error);
    }
  }

  #agent(ca: string | undefined): Agent {
    const key = ca === undefined ? '' : fingerprint(ca);
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    // HTTP/1.1: registries close idle HTTP/2 sessions in ways that lose requests, and blobs gain nothing from it.
    const agent = new Agent({
      allowH2: false,
      connect: { lookup: this.#guard.lookup, ...(ca === undefined ? {} : { ca }) },
    });
    this.#agents.set(key, agent);
    return agent;
  }

  /** Milliseconds until the next try, from a number of seconds, a date, or nothing. */
  #pause(header: string | undefined, attempt: number): number {
    if (header === undefined) return 500 * 2 ** (attempt - 1);
    if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
    const date = Date.parse(header);
    return Number.isNaN(date) ? 1000 : Math.max(0, date - (this.#options.now ?? Date.now)());
  }

  async #wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (this.#options.wait !== undefined) return await this.#options.wait(milliseconds, signal);
    try {
      await sleep(milliseconds, undefined, { signal });
    } catch {
      throw signal.reason;
    }
  }
}

async function* guarded(body: Readable, failed: (error: unknown) => unknown): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (error) {
    throw failed(error);
  }
}

function parseTarget(location: string, base: URL): URL {
  try {
    return new URL(location, base);
  } catch {
    throw registryError('RegistryUnreachable', `${base.host} redirects to what is no URL`);
  }
}
