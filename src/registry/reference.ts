import { TerminalError } from '../api/errors.ts';

/** Where an image or artifact lies: at least one of tag and digest is set; the digest wins where both are (O-02). */
export interface ImageLocation {
  /** `host[:port]`; Docker Hub is `docker.io`. */
  readonly host: string;
  /** Path in the registry, for example `library/alpine`. */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:<hex>` or `sha512:<hex>` */
  readonly digest?: string;
}

const HOST = /^(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const MAX_NAME = 255;
const DOCKER_HUB = 'docker.io';
/** Names of Docker Hub that people write, and that its programs keep credentials under. */
const DOCKER_HUB_ALIASES: readonly string[] = ['index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'];

/**
 * Reads `[oci://][<host>/]<path>[:<tag>][@<digest>]`. Without a host it is Docker Hub, and there a single name is below
 * `library/`; with neither tag nor digest the tag is `latest`.
 * @throws TerminalError InvalidReference saying which part is wrong
 */
export function parseLocation(text: string): ImageLocation {
  const fault = (what: string) =>
    new TerminalError('InvalidReference', `${JSON.stringify(text)} is no image reference: ${what}`);
  const [named = '', digest, ...rest] = text.replace(/^oci:\/\//, '').split('@');
  if (rest.length > 0) throw fault('there is more than one "@"');
  if (digest !== undefined && !DIGEST.test(digest)) throw fault('the digest must be sha256: or sha512: and hex digits');
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) throw fault(`${JSON.stringify(tag)} is no tag`);
  const { host, repository } = splitHost(colon < 0 ? named : named.slice(0, colon));
  if (!HOST.test(host)) throw fault(`${JSON.stringify(host)} is no host`);
  if (repository.length > MAX_NAME) throw fault(`the name has more than ${MAX_NAME} characters`);
  const bad = repository.split('/').find((part) => !PATH_PART.test(part));
  if (bad !== undefined) throw fault(`${JSON.stringify(bad)} cannot be part of a name`);
  return {
    host,
    repository,
    ...(tag !== undefined || digest === undefined ? { tag: tag ?? 'latest' } : {}),
    ...(digest === undefined ? {} : { digest }),
  };
}

function splitHost(name: string): Pick<ImageLocation, 'host' | 'repository'> {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasHost = /[.:[]/.test(first) || first === 'localhost';
  const host = canonicalHost(hasHost ? first : DOCKER_HUB);
  const path = hasHost ? name.slice(slash + 1) : name;
  return { host, repository: host === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path };
}

/** One spelling for each registry: lower case, and `docker.io` for Docker Hub. */
export function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  return DOCKER_HUB_ALIASES.includes(lower) ? DOCKER_HUB : lower;
}

/** `host/path[:tag][@digest]` */
export function formatLocation({ host, repository, tag, digest }: ImageLocation): string {
  return `${host}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** What the registry is asked for. */
export function selector({ tag, digest }: ImageLocation): string {
  return digest ?? tag ?? 'latest';
}

/** True for a host that is this machine itself, with or without a port. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/**
 * Root of a registry's API. Plain HTTP is for this machine only.
 * @param secure what a registry on this machine turned out to speak
 */
export function apiRoot(host: string, secure: boolean): string {
  return `${secure ? 'https' : 'http'}://${host === DOCKER_HUB ? 'registry-1.docker.io' : host}/v2/`;
}
