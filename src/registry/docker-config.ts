import { TransientError } from '../api/errors.ts';
import { type CredentialSource, fingerprint, type RegistryCredentials } from './credentials.ts';
import { canonicalHost } from './reference.ts';

/** Asks a program of this machine; undefined when it has none for that server. */
export type CredentialHelper = (
  helper: string,
  server: string,
  signal: AbortSignal,
) => Promise<RegistryCredentials | undefined>;

interface Entry {
  /** As it stands in the file. */
  readonly key: string;
  readonly host: string;
  readonly path: string;
  readonly credentials?: RegistryCredentials;
}

/** Under this key the Docker command keeps the credentials of Docker Hub. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/**
 * Credentials of a `config.json` of the Docker command, or of a Secret's `.dockerconfigjson`, which has the same form.
 * An entry counts for its host and everything below its path; the longest path wins, and a host that is written out wins
 * over one with `*`, which stands for any part of a name between dots.
 */
export class DockerConfig implements CredentialSource {
  readonly identity: string;
  readonly #entries: readonly Entry[];
  readonly #helpers: ReadonlyMap<string, string>;
  readonly #store: string | undefined;
  readonly #ask: CredentialHelper | undefined;

  /**
   * @param origin names the file or Secret in messages
   * @param ask absent for Secrets: what comes from the cluster starts no programs
   * @throws TransientError InvalidDockerConfig naming the entry at fault; never what it holds
   */
  constructor(text: string, origin: string, ask?: CredentialHelper) {
    const config = parseObject(text, origin);
    this.identity = fingerprint(text);
    this.#entries = Object.entries(objectOf(config.auths)).map(([key, value]) => readEntry(key, value, origin));
    this.#helpers = new Map(
      Object.entries(objectOf(config.credHelpers)).flatMap(([key, helper]) =>
        typeof helper === 'string' ? [[splitKey(key).host, helper] as const] : [],
      ),
    );
    this.#store = typeof config.credsStore === 'string' && config.credsStore !== '' ? config.credsStore : undefined;
    this.#ask = ask;
  }

  async find(host: string, repository: string, signal: AbortSignal): Promise<RegistryCredentials | undefined> {
    const entry = this.#entryFor(host, repository);
    const helper = this.#helpers.get(host) ?? this.#store;
    if (this.#ask !== undefined && helper !== undefined) {
      const server = host === 'docker.io' ? DOCKER_HUB_KEY : (entry?.key ?? host);
      const found = await this.#ask(helper, server, signal);
      if (found !== undefined) return found;
    }
    return entry?.credentials;
  }

  #entryFor(host: string, repository: string): Entry | undefined {
    const rank = (entry: Entry) => entry.path.length * 2 + (entry.host === host ? 1 : 0);
    return this.#entries
      .filter((entry) => hostMatches(entry.host, host) && isBelow(repository, entry.path))
      .sort((a, b) => rank(b) - rank(a))[0];
  }
}

function parseObject(text: string, origin: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // The parser's message quotes the text, which is secret.
  }
  throw new TransientError('InvalidDockerConfig', `${origin} holds no JSON object`);
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function readEntry(key: string, value: unknown, origin: string): Entry {
  const { auth, username, password, identitytoken, registrytoken } = objectOf(value);
  const place = { key, ...splitKey(key) };
  if (isText(identitytoken)) return { ...place, credentials: { identityToken: identitytoken } };
  if (isText(registrytoken)) return { ...place, credentials: { registryToken: registrytoken } };
  if (isText(auth)) {
    const pair = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = pair.indexOf(':');
    if (colon < 1) {
      throw new TransientError(
        'InvalidDockerConfig',
        `${origin}: auth of ${JSON.stringify(key)} is no user and password`,
      );
    }
    return { ...place, credentials: { username: pair.slice(0, colon), password: pair.slice(colon + 1) } };
  }
  if (isText(username) && typeof password === 'string') return { ...place, credentials: { username, password } };
  return place;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Keys are hosts, hosts with a path, or whole URLs of old API versions. */
function splitKey(key: string): { readonly host: string; readonly path: string } {
  const bare = key
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/\/+$/, '')
    .replace(/\/v[12]$/, '');
  const [host = '', ...path] = bare.split('/');
  return { host: canonicalHost(host), path: path.join('/') };
}

function isBelow(repository: string, path: string): boolean {
  return path === '' || repository === path || repository.startsWith(`${path}/`);
}

function hostMatches(pattern: string, host: string): boolean {
  if (!pattern.includes('*')) return pattern === host;
  const [wanted, given] = [pattern.split('.'), host.split('.')];
  return wanted.length === given.length && wanted.every((part, at) => part === '*' || part === given[at]);
}
