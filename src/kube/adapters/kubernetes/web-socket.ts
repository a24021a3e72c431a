import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { Access } from './credentials.ts';
import { networkError, statusError } from './errors.ts';

/** A refusal is a small Status object. */
const MAX_REFUSAL = 64 * 1024;

/**
 * A connection that is open and paused: what the server sends along with its answer would be lost before anybody could listen.
 * @throws the signal's reason, or what an unsuccessful response stands for
 */
export async function openWebSocket(
  access: Access,
  options: {
    readonly url: string;
    readonly protocols: readonly string[];
    readonly userAgent: string;
    readonly what: string;
    readonly object: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<WebSocket> {
  const { url, protocols, userAgent, what, object, signal } = options;
  const ws = await import('ws');
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = new ws.WebSocket(url, [...protocols], {
    headers: { 'user-agent': userAgent, ...access.headers },
    ...access.tls,
    ...(access.proxyAgent ? { agent: access.proxyAgent } : {}),
    perMessageDeflate: false,
    followRedirects: false,
  });
  const onAbort = () => reject(signal.reason);
  const onError = (error: Error) => reject(networkError(what, error, object));
  signal.addEventListener('abort', onAbort, { once: true });
  socket.once('open', () => {
    socket.pause();
    resolve();
  });
  // Kept, so that an error for which nobody listens yet ends no process.
  socket.on('error', onError);
  socket.once('unexpected-response', (_request, response) => {
    void readText(response).then((text) => reject(statusError(response.statusCode ?? 500, text, { what, object })));
  });
  try {
    await promise;
    return socket;
  } catch (error) {
    // Terminating a socket that is not open yet makes one more error of it.
    socket.terminate();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The JSON value of a refusal, or undefined. */
async function readText(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_REFUSAL) break;
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}
