import type { VerandaError } from '../api/errors.ts';
import { type AccessRequest, Authenticator, denied } from './authenticator.ts';
import { readAll, readStart } from './body.ts';
import { ANONYMOUS, type CredentialSource, secretsOf } from './credentials.ts';
import { checkDigest, DigestVerifier, sha256Digest } from './digest.ts';
import { registryError, serverText, tooLarge } from './errors.ts';
import { ACCEPTED_MANIFESTS, type Descriptor, isObject, parseJson } from './manifest.ts';
import { type MirrorRule, Mirrors } from './mirrors.ts';
import { apiRoot, formatLocation, type ImageLocation, selector } from './reference.ts';
import { SchemeProbe } from './scheme-probe.ts';
import { type HttpAnswer, type HttpRequest, Transport } from './transport.ts';

export interface RegistryClientOptions {
  /** Whether registries on this machine itself may be called, over plain HTTP too. Default false. */
  readonly loopback?: boolean;
  readonly mirrors?: readonly MirrorRule[];
  /** Bytes of one manifest. Default 4 MiB, as registries have it. */
  readonly maxManifestBytes?: number;
  /** Milliseconds of a call that brings little. Default 30,000. */
  readonly timeoutMs?: number;
  /** Milliseconds of a blob's transfer. Default 300,000. */
  readonly blobTimeoutMs?: number;
  /** Default: the system's clock and timers. */
  readonly now?: () => number;
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export interface RegistryCall {
  readonly signal: AbortSignal;
  /** Default: anonymous. */
  readonly credentials?: CredentialSource;
  /** PEM that is trusted in place of the system's authorities. */
  readonly ca?: string;
}

export interface FetchedManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly digest: string;
}

interface Wanted extends Omit<HttpRequest, 'url' | 'signal' | 'timeoutMs' | 'authorization' | 'ca'> {
  readonly location: ImageLocation;
  /** Below `/v2/`, or a whole URL that the registry gave. */
  readonly path: string;
  readonly actions: 'pull' | 'pull,push';
  readonly moreScopes?: readonly string[];
  readonly timeoutMs?: number;
}

const MAX_MANIFEST = 4 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
const BLOB_TIMEOUT_MS = 300_000;
const MAX_ERROR_TEXT = 16 * 1024;
const MAX_TAG_PAGE = 4 * 1024 * 1024;
const MAX_TAG_PAGES = 200;
const TAGS_A_PAGE = 1000;
const USER_AGENT = 'veranda';

/**
 * Client of registries that follow the OCI distribution specification: pulls here, pushes in upload.ts. Locations are taken
 * as they are: rules for rewriting are applied by whoever turns a name into a location, once. All calls throw
 * TransientError AuthDenied, TLSVerify, RegistryUnreachable, TooManyRequests, RegistryRefused; TerminalError
 * AddressRefused; the signal's reason; and what each says itself.
 */
export class RegistryClient {
  readonly #options: RegistryClientOptions;
  readonly #transport: Transport;
  readonly #authenticator: Authenticator;
  readonly #mirrors: Mirrors;
  readonly #schemes: SchemeProbe;

  constructor(options: RegistryClientOptions = {}) {
    const { loopback = false, now, wait, mirrors = [] } = options;
    this.#options = options;
    this.#transport = new Transport({ loopback, userAgent: USER_AGENT, now, wait });
    this.#authenticator = new Authenticator(this.#transport, now ?? Date.now);
    this.#mirrors = new Mirrors(mirrors);
    this.#schemes = new SchemeProbe(this.#transport);
  }

  /** The location that a name stands for, by the rules for rewriting. */
  rewritten(location: ImageLocation): ImageLocation {
    return this.#mirrors.rewritten(location);
  }

  /** Whether the registry answers and lets us in. */
  async ping(location: ImageLocation, call: RegistryCall): Promise<void> {
    const answer = await this.request({ location, path: '', method: 'GET', actions: 'pull' }, call);
    if (answer.status !== 200) throw await this.#failure(answer, location, call, 'RegistryRefused', 'no registry API');
    answer.discard();
  }

  /**
   * A manifest or index by digest, or else by tag, checked against its digest.
   * @throws also TransientError TagNotFound, ManifestNotFound, DigestMismatch; TerminalError TooLarge
   */
  async manifest(location: ImageLocation, call: RegistryCall): Promise<FetchedManifest> {
    return await this.#pull(location, async (place) => {
      const path = `${place.repository}/manifests/${selector(place)}`;
      const headers = { accept: ACCEPTED_MANIFESTS };
      const answer = await this.request({ location: place, path, method: 'GET', headers, actions: 'pull' }, call);
      if (answer.status !== 200) {
        throw await this.#failure(answer, place, call, notFound(place), `it has no ${describeSelector(place)}`);
      }
      const what = `the manifest of ${formatLocation(place)}`;
      const bytes = await readAll(answer.body, this.#options.maxManifestBytes ?? MAX_MANIFEST, what);
      const promised = place.digest ?? answer.header('docker-content-digest');
      if (promised?.startsWith('sha')) checkDigest(what, bytes, promised);
      const digest = place.digest ?? sha256Digest(bytes);
      return { bytes, digest, mediaType: answer.header('content-type') ?? '' };
    });
  }

  /**
   * Streams a blob. Whoever reads must read to the end: only there it is known that the bytes are the right ones.
   * @throws also TransientError BlobNotFound, DigestMismatch (while reading)
   */
  async *blob(location: ImageLocation, descriptor: Descriptor, call: RegistryCall): AsyncGenerator<Uint8Array> {
    const { digest, size } = descriptor;
    const answer = await this.#pull(location, async (place) => {
      const path = `${place.repository}/blobs/${digest}`;
      const timeoutMs = this.#options.blobTimeoutMs ?? BLOB_TIMEOUT_MS;
      const found = await this.request({ location: place, path, method: 'GET', actions: 'pull', timeoutMs }, call);
      if (found.status === 200) return found;
      throw await this.#failure(found, place, call, 'BlobNotFound', `it has no blob ${digest}`);
    });
    const what = `blob ${digest} of ${location.host}/${location.repository}`;
    const verifier = new DigestVerifier(what, digest);
    let read = 0;
    for await (const chunk of answer.body) {
      read += chunk.byteLength;
      if (read > size) break;
      verifier.update(chunk);
      yield chunk;
    }
    if (read !== size) {
      const found = read > size ? 'more' : String(read);
      throw registryError('DigestMismatch', `${what} has ${found} bytes where ${size} are promised`);
    }
    verifier.end();
  }

  /**
   * A whole blob.
   * @throws as `blob`; TerminalError TooLarge before anything is fetched
   */
  async readBlob(location: ImageLocation, descriptor: Descriptor, limit: number, call: RegistryCall): Promise<Buffer> {
    const what = `blob ${descriptor.digest} of ${location.host}/${location.repository}`;
    if (descriptor.size > limit) throw tooLarge(what, descriptor.size, limit);
    return await readAll(this.blob(location, descriptor, call), limit, what);
  }

  /**
   * All tags of a repository, page by page, in the registry's order.
   * @throws also TransientError TagNotFound when there is no such repository
   */
  async tags(location: ImageLocation, call: RegistryCall): Promise<readonly string[]> {
    return await this.#pull(location, async (place) => {
      const tags: string[] = [];
      let path: string | undefined = `${place.repository}/tags/list?n=${TAGS_A_PAGE}`;
      for (let page = 0; path !== undefined; page++) {
        if (page === MAX_TAG_PAGES) throw tooLarge(`the list of tags of ${place.repository}`, page, MAX_TAG_PAGES);
        const answer: HttpAnswer = await this.request({ location: place, path, method: 'GET', actions: 'pull' }, call);
        if (answer.status !== 200) {
          throw await this.#failure(answer, place, call, 'TagNotFound', 'it has no such repository');
        }
        const what = `the list of tags of ${place.host}/${place.repository}`;
        const { tags: found } = parseJson(await readAll(answer.body, MAX_TAG_PAGE, what), what);
        if (Array.isArray(found)) tags.push(...found.filter((tag) => typeof tag === 'string'));
        path = nextPage(answer.header('link'));
      }
      return tags;
    });
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  /**
   * One call to the API, with what the registry asks for to be let in. For this folder.
   * @throws as all calls; an answer with an error status is not thrown, except a refusal to let us in
   */
  async request(wanted: Wanted, call: RegistryCall): Promise<HttpAnswer> {
    const { location, actions, moreScopes = [], path, timeoutMs, ...http } = wanted;
    const { host, repository } = location;
    const { credentials: source = ANONYMOUS, ca, signal } = call;
    const root = new URL(apiRoot(host, await this.#schemes.isSecure(host, ca, signal)));
    const url = new URL(path, root);
    const credentials = await source.find(host, repository, signal);
    const scopes = [`repository:${repository}:${actions}`, ...moreScopes];
    const access: AccessRequest = { host, repository, scopes, source, credentials, ca, signal };
    for (let attempt = 1; ; attempt++) {
      // An upload may go on at another place, which is none of the registry's to have credentials.
      const authorization = url.origin === root.origin ? await this.#authenticator.header(access) : undefined;
      const timeout = timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS;
      const answer = await this.#transport.send({ ...http, url, authorization, ca, signal, timeoutMs: timeout });
      if (answer.status === 403) throw denied(access, await this.#words(answer, access.credentials));
      if (answer.status !== 401) return answer;
      if (attempt === 2 || url.origin !== root.origin) throw denied(access, await this.#words(answer, credentials));
      answer.discard();
      this.#authenticator.learn(access, answer);
    }
  }

  /** An answer that is not what was hoped for. */
  async failure(answer: HttpAnswer, location: ImageLocation, call: RegistryCall, what: string): Promise<VerandaError> {
    return await this.#failure(answer, location, call, 'RegistryRefused', what);
  }

  /** Asks mirrors first; what a mirror says counts only when it has the thing. */
  async #pull<T>(location: ImageLocation, from: (place: ImageLocation) => Promise<T>): Promise<T> {
    const places = this.#mirrors.sources(location);
    for (const place of places.slice(0, -1)) {
      try {
        return await from(place);
      } catch (error) {
        if (!isRegistryFault(error)) throw error;
      }
    }
    return await from(places.at(-1) ?? location);
  }

  async #failure(
    answer: HttpAnswer,
    location: ImageLocation,
    { credentials: source = ANONYMOUS, signal }: RegistryCall,
    missing: Parameters<typeof registryError>[0],
    why: string,
  ): Promise<VerandaError> {
    const credentials = await source.find(location.host, location.repository, signal);
    const words = await this.#words(answer, credentials);
    const name = formatLocation(location);
    if (answer.status === 404) return registryError(missing, `${name} is not there: ${why} (${words})`);
    const reason = answer.status >= 500 ? 'RegistryUnreachable' : 'RegistryRefused';
    return registryError(reason, `${location.host} failed on ${name}: ${words}`);
  }

  async #words(answer: HttpAnswer, credentials: Parameters<typeof secretsOf>[0]): Promise<string> {
    const text = await readStart(answer.body, MAX_ERROR_TEXT);
    const words = serverText(errorTexts(text), secretsOf(credentials));
    return words === '' ? `status ${answer.status}` : `status ${answer.status}: ${words}`;
  }
}

function notFound({ digest }: ImageLocation) {
  return digest === undefined ? ('TagNotFound' as const) : ('ManifestNotFound' as const);
}

function describeSelector({ tag, digest }: ImageLocation): string {
  return digest === undefined ? `tag ${tag}` : `manifest ${digest}`;
}

/** The messages of an error answer, as the specification has them; else its text. */
function errorTexts(text: string): string {
  try {
    const answer: unknown = JSON.parse(text);
    const errors = isObject(answer) && Array.isArray(answer.errors) ? answer.errors : [];
    const told = errors.filter(isObject).map(({ code, message }) => [code, message].filter(Boolean).join(' '));
    return told.length > 0 ? told.join('; ') : text;
  } catch {
    return text;
  }
}

/** The next page of a list lies in the same registry, whatever host its link names. */
function nextPage(link: string | undefined): string | undefined {
  const target = /<([^>]{1,4096})>\s*;[^,]*\brel="?next"?/i.exec(link ?? '')?.[1];
  const url = target === undefined ? null : URL.parse(target, 'https://registry.invalid/v2/');
  return url === null ? undefined : `${url.pathname}${url.search}`;
}

function isRegistryFault(error: unknown): boolean {
  return error instanceof Error && 'retry' in error && error.retry === 'backoff';
}
