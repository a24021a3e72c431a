import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { errorMessage, TerminalError } from '../../api/errors.ts';
import type { Logger } from '../../observability/logger.ts';
import { type ListenAddress, listenAddressText } from './setting.ts';

export interface HttpServerOptions {
  /** For messages. */
  readonly name: string;
  readonly address: ListenAddress;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly logger: Logger;
}

export interface HttpServer {
  readonly port: number;
  /** Takes no more requests and ends the connections. */
  close(): Promise<void>;
}

/** A request has to be there, and answered, within this time. */
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 256;

/**
 * Listens.
 * @throws TerminalError ListenFailed
 */
export async function startHttpServer({ name, address, handle, logger }: HttpServerOptions): Promise<HttpServer> {
  const listener: RequestListener = (request, response) => {
    handle(request, response).catch((error: unknown) => {
      logger.error('a request failed', { server: name, error });
      if (!response.headersSent) answer(response, 500, 'internal error\n');
      else response.destroy();
    });
  };
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, maxHeaderSize: MAX_HEADER_BYTES }, listener);
  server.maxConnections = MAX_CONNECTIONS;
  const port = await listening(server, name, address);
  logger.info('listening', { server: name, address: listenAddressText({ ...address, port }) });
  return {
    port,
    close: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}

async function listening(server: Server, name: string, address: ListenAddress): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(address.port, address.host, () => resolve());
  try {
    await promise;
  } catch (error) {
    const message = `the ${name} server cannot listen at ${listenAddressText(address)}: ${errorMessage(error)}`;
    throw new TerminalError('ListenFailed', message, { cause: error });
  }
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : address.port;
}

/** The whole response. */
export function answer(
  response: ServerResponse,
  status: number,
  body: string,
  headers: { readonly [name: string]: string } = {},
): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers });
  response.end(body);
}

/** Only reading; everything else is answered here. */
export function isRead(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method === 'GET' || request.method === 'HEAD') return true;
  answer(response, 405, 'method not allowed\n', { allow: 'GET, HEAD' });
  return false;
}

export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}
