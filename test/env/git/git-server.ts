import { spawn } from 'node:child_process';
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export type GitServerAuth =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

/** What a request asks for. `discover…` are the GET requests that a git client begins with. */
export type GitRequestKind = 'discoverFetch' | 'discoverPush' | 'lsRefs' | 'fetch' | 'push' | 'other';

export type GitFault =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Answers after `until` has settled. */
  | { readonly kind: 'delay'; readonly until: Promise<unknown> }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** Closes the connection before anything is done. */
  | { readonly kind: 'reset' }
  /** Does the work, then closes the connection without an answer. */
  | { readonly kind: 'dropAnswer' };

export interface GitServerOptions {
  /** Folder that holds the repositories. */
  readonly root: string;
  /** Default: a free one. */
  readonly port?: number;
  readonly auth?: GitServerAuth;
  /** PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Settings that a test changes while the server runs, and what the server has seen. */
export interface GitServer {
  readonly port: number;
  auth: GitServerAuth | undefined;
  /** Speaks the old protocol, as some servers still do: only what a ref points at itself may be asked for. */
  oldProtocol: boolean;
  /** Asked for each request that is let in. */
  fault: (kind: GitRequestKind, request: IncomingMessage) => GitFault | undefined;
  readonly requests: Record<GitRequestKind, number>;
  /** Requests that carried wrong credentials or none. */
  readonly rejected: { count: number };
  readonly bytes: { received: number; sent: number };
  url(repository: string): string;
  close(): Promise<void>;
}

/** `git http-backend` behind Node's HTTP server on 127.0.0.1 (by the name `localhost` over TLS). */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const state: Mutable = {
    auth: options.auth,
    oldProtocol: false,
    fault: () => undefined,
    requests: { discoverFetch: 0, discoverPush: 0, lsRefs: 0, fetch: 0, push: 0, other: 0 },
    rejected: { count: 0 },
    bytes: { received: 0, sent: 0 },
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    handle(options.root, state, request, response).catch(() => response.destroy());
  };
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  const port = await listen(server, options.port);
  const origin = options.tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  return Object.assign(state, {
    port,
    url: (repository: string) => `${origin}/${repository}`,
    close: () => closeServer(server),
  });
}

type Mutable = Omit<GitServer, 'port' | 'url' | 'close'>;

async function handle(root: string, state: Mutable, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  state.bytes.received += body.length;
  if (!isLetIn(state.auth, request.headers.authorization)) {
    state.rejected.count += 1;
    response.writeHead(401, { 'www-authenticate': state.auth?.kind === 'bearer' ? 'Bearer' : 'Basic realm="git"' });
    response.end();
    return;
  }
  const kind = kindOf(request, body);
  state.requests[kind] += 1;
  const fault = state.fault(kind, request);
  switch (fault?.kind) {
    case 'status':
      response.writeHead(fault.status, fault.headers);
      response.end();
      return;
    case 'hang':
      return;
    case 'reset':
      request.socket.destroy();
      return;
    case 'delay':
      await fault.until;
      break;
    case 'dropAnswer':
    case undefined:
  }
  if (state.oldProtocol) delete request.headers['git-protocol'];
  const answer = await runBackend(root, request, body);
  if (fault?.kind === 'dropAnswer') {
    request.socket.destroy();
    return;
  }
  state.bytes.sent += answer.body.length;
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body);
}

function isLetIn(auth: GitServerAuth | undefined, header: string | undefined): boolean {
  if (auth === undefined) return true;
  const wanted =
    auth.kind === 'bearer'
      ? `Bearer ${auth.token}`
      : `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
  const given = Buffer.from(header ?? '');
  return given.length === wanted.length && timingSafeEqual(given, Buffer.from(wanted));
}

function kindOf(request: IncomingMessage, body: Buffer): GitRequestKind {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server');
  if (pathname.endsWith('/info/refs')) {
    return searchParams.get('service') === 'git-receive-pack' ? 'discoverPush' : 'discoverFetch';
  }
  if (pathname.endsWith('/git-receive-pack')) return 'push';
  if (!pathname.endsWith('/git-upload-pack')) return 'other';
  const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).subarray(0, 64).toString();
  return text.includes('command=ls-refs') ? 'lsRefs' : 'fetch';
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

async function runBackend(root: string, request: IncomingMessage, body: Buffer): Promise<Answer> {
  const { pathname, search } = new URL(request.url ?? '/', 'http://server');
  const header = (name: string) => String(request.headers[name] ?? '');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: header('content-type'),
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      GIT_PROTOCOL: header('git-protocol'),
      REMOTE_ADDR: '127.0.0.1',
    },
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(body);
  child.stderr.resume();
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  return parseCgi(Buffer.concat(chunks));
}

function parseCgi(output: Buffer): Answer {
  const end = output.indexOf('\r\n\r\n');
  const headers: Record<string, string> = {};
  for (const line of output.subarray(0, end).toString().split('\r\n')) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const { status = '200', ...rest } = headers;
  return { status: Number.parseInt(status, 10), headers: rest, body: output.subarray(end + 4) };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
