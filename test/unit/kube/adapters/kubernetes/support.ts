import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Access, Credentials } from '../../../../../src/kube/adapters/kubernetes/credentials.ts';

export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Handler = (request: SeenRequest, response: ServerResponse) => void;

/** A real HTTP server on loopback whose answers a test decides. */
export class AnswerServer {
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections that were ever made. */
  connections = 0;
  handler: Handler = (_request, response) => answer(response, 200, {});

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<AnswerServer> {
    const server = createServer();
    const answers = new AnswerServer(server);
    server.on('request', (request, response) => void answers.#answer(request, response));
    server.on('connection', (socket: Socket) => {
      answers.connections++;
      answers.#sockets.add(socket);
      socket.once('close', () => answers.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return answers;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const seen = {
      method: request.method ?? '',
      url: new URL(request.url ?? '', this.url),
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    this.seen.push(seen);
    this.handler(seen, response);
  }
}

export function answer(response: ServerResponse, code: number, body: unknown, headers: object = {}): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** As an API server says that something went wrong. */
export function status(code: number, reason: string, message: string, details?: object): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details };
}

/** Tokens that a test hands out, one after the other each time that one is refused. */
export class ListedCredentials implements Credentials {
  readonly server: string;
  readonly namespace = undefined;
  readonly #tokens: readonly string[];
  refusals = 0;

  constructor(server: string, tokens: readonly string[] = ['token-0']) {
    this.server = server;
    this.#tokens = tokens;
  }

  async access(): Promise<Access> {
    const token = this.#tokens[Math.min(this.refusals, this.#tokens.length - 1)];
    return { server: this.server, headers: { Authorization: `Bearer ${token}` }, tls: {} };
  }

  refused(): void {
    this.refusals++;
  }
}
