import { VerandaError } from '../api/errors.ts';
import { errorCodes } from './errors.ts';
import { apiRoot, isLoopback } from './reference.ts';
import type { Transport } from './transport.ts';

const PROBE_MS = 5_000;

/**
 * Says whether a host is spoken to over HTTPS. All are, but registries on this machine may speak plain HTTP: those are tried
 * once over HTTPS, and only an answer that is no TLS at all makes them plain.
 */
export class SchemeProbe {
  readonly #transport: Transport;
  readonly #plain = new Set<string>();
  readonly #secure = new Set<string>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** @throws the signal's reason */
  async isSecure(host: string, ca: string | undefined, signal: AbortSignal): Promise<boolean> {
    if (!isLoopback(host) || this.#secure.has(host)) return true;
    if (this.#plain.has(host)) return false;
    try {
      const url = new URL(apiRoot(host, true));
      const answer = await this.#transport.send({ method: 'GET', url, ca, signal, timeoutMs: PROBE_MS });
      answer.discard();
    } catch (error) {
      signal.throwIfAborted();
      // A certificate that is not trusted, and an address that is refused, are told by the call itself.
      if (!(error instanceof VerandaError) || error.reason !== 'RegistryUnreachable') return true;
      if (!speaksOtherThanTls(error.cause)) return true;
      this.#plain.add(host);
      return false;
    }
    this.#secure.add(host);
    return true;
  }
}

function speaksOtherThanTls(cause: unknown): boolean {
  return errorCodes(cause).some((code) => /^(?:ERR_SSL_|EPROTO$|UND_ERR_SOCKET$|ECONNRESET$)/.test(code));
}
