import { createHash } from 'node:crypto';
import { Agent, type Dispatcher, ProxyAgent, Socks5ProxyAgent } from 'undici';
import type { Access } from './credentials.ts';

/** Where connections of one purpose are kept. */
export interface DispatcherPool {
  /** The connections for what `access` says; others are closed when their requests have ended. */
  for(access: Access): Dispatcher;
  close(): Promise<void>;
  destroy(error: Error): Promise<void>;
}

/** As client-go: load balancers forget connections that say nothing for a minute. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 30_000 } as const;
const CONNECT_TIMEOUT_MS = 10_000;
/** How long an idle connection is kept for the next request. */
const IDLE_MS = 30_000;

/**
 * HTTP/1.1 on purpose: a connection that has died silently is given up with the one request on it, where a shared HTTP/2 session
 * would take every later request down too.
 * @param connections at most so many; absent: as many as there are requests
 */
export function dispatcherPool(connections?: number): DispatcherPool {
  let current: { readonly key: string; readonly dispatcher: Dispatcher } | undefined;
  const retired = new Set<Dispatcher>();

  const retire = (dispatcher: Dispatcher) => {
    retired.add(dispatcher);
    void dispatcher.close().then(
      () => retired.delete(dispatcher),
      () => retired.delete(dispatcher),
    );
  };
  const all = () => [...(current ? [current.dispatcher] : []), ...retired];

  return {
    for: (access) => {
      const key = keyOf(access);
      if (current?.key !== key) {
        if (current) retire(current.dispatcher);
        current = { key, dispatcher: create(access, connections) };
      }
      return current.dispatcher;
    },
    close: async () => {
      await Promise.all(all().map((dispatcher) => dispatcher.close().catch(() => {})));
    },
    destroy: async (error) => {
      await Promise.all(all().map((dispatcher) => dispatcher.destroy(error)));
    },
  };
}

function create({ tls, proxyUrl }: Access, connections: number | undefined): Dispatcher {
  const options = {
    connections: connections ?? null,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: IDLE_MS,
    bodyTimeout: 0,
    headersTimeout: 0,
  };
  const connect = { ...tls, ...KEEP_ALIVE, timeout: CONNECT_TIMEOUT_MS };
  if (proxyUrl === undefined) return new Agent({ ...options, connect });
  if (proxyUrl.startsWith('socks')) return new Socks5ProxyAgent(proxyUrl, { ...options, requestTls: tls });
  return new ProxyAgent({ ...options, uri: proxyUrl, requestTls: tls, connect: KEEP_ALIVE });
}

/** Same key, same connections. A hash, because the parts are secret. */
function keyOf({ server, tls, proxyUrl }: Access): string {
  const parts = [server, proxyUrl, tls.ca, tls.cert, tls.key, tls.passphrase, tls.servername, tls.rejectUnauthorized];
  const text = JSON.stringify(parts.map((part) => (part === undefined ? null : String(part))));
  return createHash('sha256').update(text).digest('base64');
}
