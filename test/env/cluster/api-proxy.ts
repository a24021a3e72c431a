import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { stringify } from 'yaml';
import { makeServerCertificate } from '../git/certificates.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { describeRequest, type ProxiedRequest, type Verb, WRITES } from './proxied-request.ts';
import { answerWithErrorEvent, answerWithStatus, type Fault } from './proxy-faults.ts';
import { TcpGate } from './tcp-gate.ts';

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
    // Idle connections are not closed either, which would break a request that is just being sent.
    this.#server.keepAliveTimeout = 0;
  }

  async start(kubeconfig: string): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#gate = await TcpGate.open((this.#server.address() as AddressInfo).port);
    const { server, ca } = await readKubeconfig(kubeconfig);
    this.#target = new URL(server);
    this.#agent = new Agent({ keepAlive: true, ca });
    this.kubeconfig = await this.through(kubeconfig);
  }

  get url(): string {
    return `https://127.0.0.1:${this.#gate?.port}`;
  }

  async through(kubeconfig: string): Promise<string> {
    const { file, ca, cert, key } = await readKubeconfig(kubeconfig);
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
    for (const watch of [...this.#watches]) {
      const { request, response, upstream } = watch;
      if (!isMet(request, filter)) continue;
      this.#watches.delete(watch);
      upstream.destroy();
      if (how === 'end') response.end();
      else this.#reset(response.req);
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
    if (fault?.kind === 'delay') await sleep(fault.milliseconds);
    if (response.destroyed) return;
    switch (fault?.kind) {
      case 'status':
        seen.status = fault.code;
        return answerWithStatus(request, response, fault);
      case 'error-event':
        seen.status = 200;
        return answerWithErrorEvent(response, fault);
      case 'reset':
        return this.#reset(request);
      case 'lose-answer':
      case 'delay':
      case undefined:
        return this.#forward(request, response, seen, fault?.kind === 'lose-answer' ? fault : undefined);
    }
  }

  #forward(
    request: IncomingMessage,
    response: ServerResponse,
    seen: ProxiedRequest,
    losing: Extract<Fault, { kind: 'lose-answer' }> | undefined,
  ): void {
    const upstream = this.#call(request);
    const watch = { request: seen, response, upstream };
    upstream.on('response', (answer) => {
      if (losing) {
        const { code } = losing;
        answer.resume();
        answer.on('end', () => {
          seen.status = code;
          if (code === undefined) this.#reset(request);
          else answerWithStatus(request, response, { kind: 'status', code });
        });
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
      this.#reset(request);
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

  #reset({ socket }: IncomingMessage): void {
    this.#gate?.reset(socket.remotePort ?? 0);
    socket.destroy();
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

function withoutHopByHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection: _connection, 'transfer-encoding': _encoding, 'keep-alive': _keepAlive, ...rest } = headers;
  return rest;
}

function headText({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  let text = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`;
  for (let at = 0; at < rawHeaders.length; at += 2) text += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  return `${text}\r\n`;
}
