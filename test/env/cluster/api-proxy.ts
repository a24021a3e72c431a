import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { parse, stringify } from 'yaml';
import { makeServerCertificate } from '../git/certificates.ts';
import { describeRequest, type ProxiedRequest, type Verb, WRITES } from './proxied-request.ts';
import { TcpGate } from './tcp-gate.ts';

/** What becomes of a request instead of being passed on as it is. */
export type Fault =
  /** Is answered by the proxy with a Status object; the API server does not see it. */
  | { readonly kind: 'status'; readonly code: number; readonly reason?: string; readonly retryAfterSeconds?: number }
  /** A watch is answered with 200 and an event of type ERROR that holds a Status, then ends. */
  | { readonly kind: 'error-event'; readonly code: number; readonly reason: string }
  /** Is passed on after a time. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** The connection is reset before the API server sees the request. */
  | { readonly kind: 'reset' }
  /** The API server carries it out; the connection is reset in place of its answer. */
  | { readonly kind: 'lose-answer' };

export interface Injection {
  readonly matches: (request: ProxiedRequest) => boolean;
  /** How many requests it meets. Default: all until it is removed. */
  readonly times?: number;
}

/** Which requests to count; what is left out may be anything. */
export interface RequestFilter {
  readonly verb?: Verb | readonly Verb[];
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/**
 * Stands in front of an API server and does to its clients what networks and overloaded servers do, when a test says so.
 * Watches and WebSockets pass through it. Only one client should use it where faults are to hit one of several.
 */
export interface ApiProxy {
  /** Path of the kubeconfig that the proxy was made with, pointed at the proxy. */
  readonly kubeconfig: string;
  readonly url: string;
  /** Another user's kubeconfig, pointed at the proxy. Users keep their rights: each is known to the API server as who they are. */
  through(kubeconfig: string): Promise<string>;
  /** All requests since the start or since `forget`, oldest first; those that a fault met among them. */
  requests(filter?: RequestFilter): readonly ProxiedRequest[];
  count(filter?: RequestFilter): number;
  forget(): void;
  /** Watches that are open now. */
  openWatches(filter?: RequestFilter): readonly ProxiedRequest[];
  /** From now on; of several faults that match, the one that was injected first is met. @returns takes it away */
  inject(fault: Fault, injection: Injection): () => void;
  /**
   * Watches that begin at a resourceVersion below `version` are told that it is gone: by the status of the answer, or by an event.
   * Watches that start without a version, or from zero, are passed on.
   */
  expireWatches(how: 'status' | 'event', version: string | bigint): () => void;
  /** Ends the watches that are open now: `reset` as a broken network does, `end` as a server that shuts down. */
  cutWatches(how?: 'reset' | 'end', filter?: RequestFilter): void;
  /** Cuts now and then again. @returns stops it */
  cutWatchesEvery(milliseconds: number, how?: 'reset' | 'end', filter?: RequestFilter): () => void;
  /** Nothing passes any more, and no connection is reset: a network that loses every packet. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** @param kubeconfig path; with a client certificate or a token */
export async function startApiProxy(kubeconfig: string): Promise<ApiProxy> {
  const directory = await mkdtemp(join(tmpdir(), 'veranda-api-proxy-'));
  const proxy = new RunningProxy(directory, await makeServerCertificate());
  await proxy.start(kubeconfig);
  return proxy;
}

interface KubeconfigFile {
  readonly clusters: { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: { readonly user: Readonly<Record<string, string>> }[];
}

interface OpenWatch {
  readonly request: ProxiedRequest;
  readonly response: ServerResponse;
  readonly upstream: ClientRequest;
}

class RunningProxy implements ApiProxy {
  readonly #directory: string;
  readonly #certificate: { readonly ca: string; readonly key: string; readonly cert: string };
  readonly #server: Server;
  /** How each client that shows a certificate is connected to the API server, by the certificate's fingerprint. */
  readonly #agents = new Map<string, Agent>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #watches = new Set<OpenWatch>();
  readonly #upgraded = new Set<Duplex>();
  #seen: ProxiedRequest[] = [];
  #faults: { readonly fault: Fault; readonly matches: Injection['matches']; left: number }[] = [];
  #gate: TcpGate | undefined;
  #target = new URL('https://localhost');
  /** Connects clients that bring a token, and those that bring nothing. */
  #agent = new Agent();
  #files = 0;
  kubeconfig = '';

  constructor(directory: string, certificate: { ca: string; key: string; cert: string }) {
    this.#directory = directory;
    this.#certificate = certificate;
    const { key, cert } = certificate;
    // Whoever shows a certificate has proved to hold its key; which ones count is decided by request.
    this.#server = createServer({
      key,
      cert,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    });
    this.#server.on('request', (request, response) => void this.#serve(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on('tlsClientError', () => undefined);
    // Watches and long polls are nothing to be ended by the proxy.
    this.#server.requestTimeout = 0;
  }

  async start(kubeconfig: string): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#gate = await TcpGate.open((this.#server.address() as AddressInfo).port);
    this.kubeconfig = await this.through(kubeconfig);
  }

  get url(): string {
    return `https://127.0.0.1:${this.#gate?.port}`;
  }

  async through(kubeconfig: string): Promise<string> {
    const file = parse(await readFile(kubeconfig, 'utf8')) as KubeconfigFile;
    const [cluster, user] = [file.clusters[0]?.cluster, file.users[0]?.user];
    if (!cluster?.server || !user) throw new Error(`${kubeconfig} has no cluster or no user`);
    this.#target = new URL(cluster.server);
    const ca = await pem(cluster, 'certificate-authority');
    this.#agent = new Agent({ keepAlive: true, ca });
    const [cert, key] = [await pem(user, 'client-certificate'), await pem(user, 'client-key')];
    if (cert !== undefined) {
      this.#agents.set(new X509Certificate(cert).fingerprint256, new Agent({ keepAlive: true, ca, cert, key }));
    }
    const authority = Buffer.from(this.#certificate.ca).toString('base64');
    const path = join(this.#directory, `${this.#files++}.kubeconfig`);
    const clusters = [{ ...file.clusters[0], cluster: { server: this.url, 'certificate-authority-data': authority } }];
    await writeFile(path, stringify({ ...file, clusters }), { mode: 0o600 });
    return path;
  }

  requests(filter: RequestFilter = {}): readonly ProxiedRequest[] {
    return this.#seen.filter((request) => isMet(request, filter));
  }

  count(filter?: RequestFilter): number {
    return this.requests(filter).length;
  }

  forget(): void {
    this.#seen = [];
  }

  openWatches(filter: RequestFilter = {}): readonly ProxiedRequest[] {
    return [...this.#watches].map(({ request }) => request).filter((request) => isMet(request, filter));
  }

  inject(fault: Fault, { matches, times = Number.POSITIVE_INFINITY }: Injection): () => void {
    const entry = { fault, matches, left: times };
    this.#faults.push(entry);
    return () => {
      this.#faults = this.#faults.filter((other) => other !== entry);
    };
  }

  expireWatches(how: 'status' | 'event', version: string | bigint): () => void {
    const fault = { kind: how === 'status' ? 'status' : 'error-event', code: 410, reason: 'Expired' } as const;
    return this.inject(fault, {
      matches: ({ verb, query }) => {
        const from = BigInt(query.get('resourceVersion') ?? 0);
        return verb === 'watch' && from > 0n && from < BigInt(version);
      },
    });
  }

  cutWatches(how: 'reset' | 'end' = 'reset', filter: RequestFilter = {}): void {
    for (const { request, response, upstream } of [...this.#watches]) {
      if (!isMet(request, filter)) continue;
      upstream.destroy();
      if (how === 'end') response.end();
      else response.destroy();
    }
  }

  cutWatchesEvery(milliseconds: number, how?: 'reset' | 'end', filter?: RequestFilter): () => void {
    this.cutWatches(how, filter);
    const timer = setInterval(() => this.cutWatches(how, filter), milliseconds);
    this.#timers.add(timer);
    return () => {
      clearInterval(timer);
      this.#timers.delete(timer);
    };
  }

  freeze(): void {
    this.#gate?.freeze();
  }

  thaw(): void {
    this.#gate?.thaw();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await this.#gate?.close();
    for (const socket of this.#upgraded) socket.destroy();
    this.#server.closeAllConnections();
    await closed;
    for (const agent of [this.#agent, ...this.#agents.values()]) agent.destroy();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Clients go away at any time, also while they are answered.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const seen = this.#record(request);
    const fault = this.#faultFor(seen);
    seen.faulty = fault !== undefined && fault.kind !== 'delay';
    switch (fault?.kind) {
      case 'status':
        seen.status = fault.code;
        return answerWithStatus(request, response, fault);
      case 'error-event':
        seen.status = 200;
        return answerWithErrorEvent(response, fault);
      case 'reset':
        return reset(request.socket);
      case 'delay':
        await sleep(fault.milliseconds);
    }
    this.#forward(request, response, seen, fault?.kind === 'lose-answer');
  }

  #forward(request: IncomingMessage, response: ServerResponse, seen: ProxiedRequest, losesAnswer: boolean): void {
    const upstream = this.#call(request);
    const watch = { request: seen, response, upstream };
    upstream.on('response', (answer) => {
      if (losesAnswer) {
        answer.resume();
        answer.on('end', () => reset(request.socket));
        return;
      }
      seen.status = answer.statusCode;
      if (seen.verb === 'watch' && answer.statusCode === 200) this.#watches.add(watch);
      response.writeHead(answer.statusCode ?? 502, withoutHopByHop(answer.headers));
      response.flushHeaders();
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => {
      this.#watches.delete(watch);
      upstream.destroy();
    });
    request.pipe(upstream);
  }

  #upgrade(request: IncomingMessage, client: Duplex, head: Buffer): void {
    client.on('error', () => client.destroy());
    const seen = this.#record(request);
    const fault = this.#faultFor(seen);
    if (fault !== undefined && fault.kind !== 'delay') {
      seen.faulty = true;
      reset(request.socket);
      return;
    }
    const upstream = this.#call(request);
    const fail = () => client.destroy();
    upstream.on('error', fail);
    upstream.on('response', (answer) => {
      seen.status = answer.statusCode;
      client.write(headText(answer));
      answer.pipe(client);
    });
    upstream.on('upgrade', (answer, server, serverHead) => {
      seen.status = answer.statusCode;
      client.write(headText(answer));
      client.write(serverHead);
      server.write(head);
      this.#tie(client, server);
    });
    upstream.end();
  }

  #tie(client: Duplex, server: Duplex): void {
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#upgraded.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#upgraded.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }

  /** The same request to the API server, from the same user. */
  #call(request: IncomingMessage): ClientRequest {
    const { authorization } = request.headers;
    const shown = (request.socket as TLSSocket).getPeerCertificate();
    const known = authorization === undefined ? this.#agents.get(shown.fingerprint256) : undefined;
    const headers: IncomingHttpHeaders = { ...request.headers, host: this.#target.host };
    return httpsRequest(new URL(request.url ?? '/', this.#target), {
      method: request.method,
      headers,
      agent: known ?? this.#agent,
    });
  }

  #record(request: IncomingMessage): ProxiedRequest {
    const { method = 'GET', url = '/', headers } = request;
    const seen = describeRequest(method, url, headers['user-agent'] ?? '', Date.now());
    this.#seen.push(seen);
    return seen;
  }

  #faultFor(request: ProxiedRequest): Fault | undefined {
    const entry = this.#faults.find(({ matches, left }) => left > 0 && matches(request));
    if (entry) entry.left -= 1;
    return entry?.fault;
  }
}

/** A filter for `inject`: writes, or requests that a {@link RequestFilter} describes. */
export function matching(filter: RequestFilter): (request: ProxiedRequest) => boolean {
  return (request) => isMet(request, filter);
}

export const ANY_WRITE: RequestFilter = { verb: WRITES };

function isMet(request: ProxiedRequest, { verb, ...rest }: RequestFilter): boolean {
  if (verb !== undefined && !(typeof verb === 'string' ? [verb] : verb).includes(request.verb)) return false;
  return Object.entries(rest).every(
    ([key, value]) => value === undefined || request[key as keyof typeof rest] === value,
  );
}

function statusObject(code: number, reason: string, retryAfterSeconds?: number) {
  const details = retryAfterSeconds === undefined ? undefined : { retryAfterSeconds };
  const message = `the test's proxy says ${code}`;
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code, details };
}

function answerWithStatus(
  request: IncomingMessage,
  response: ServerResponse,
  { code, reason = REASONS[code] ?? 'InternalError', retryAfterSeconds }: Extract<Fault, { kind: 'status' }>,
): void {
  request.resume();
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds));
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(statusObject(code, reason, retryAfterSeconds)));
}

function answerWithErrorEvent(
  response: ServerResponse,
  { code, reason }: Extract<Fault, { kind: 'error-event' }>,
): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify({ type: 'ERROR', object: statusObject(code, reason) })}\n`);
}

/** What the API server itself says with a code. */
const REASONS: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function reset(socket: Socket): void {
  socket.destroy();
}

function withoutHopByHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection: _connection, 'transfer-encoding': _encoding, 'keep-alive': _keepAlive, ...rest } = headers;
  return rest;
}

function headText({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  let text = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`;
  for (let at = 0; at < rawHeaders.length; at += 2) text += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  return `${text}\r\n`;
}

/** The data of an entry of a kubeconfig, which stands in it or in a file that it names. */
async function pem(entry: Readonly<Record<string, string>>, name: string): Promise<string | undefined> {
  const data = entry[`${name}-data`];
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  const file = entry[name];
  return file === undefined ? undefined : await readFile(file, 'utf8');
}
