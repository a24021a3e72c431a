import { isIP } from 'node:net';
import { fileURLToPath } from 'node:url';
import { TerminalError } from '../../../api/errors.ts';

/** A remote's address after all checks; `argument` is safe to hand to git. */
export interface RemoteUrl {
  readonly kind: 'http' | 'https' | 'ssh' | 'local';
  /** What git gets on its command line. Never holds a secret. */
  readonly argument: string;
  /** Without user information, for messages. */
  readonly display: string;
  /** Equal for two spellings of one remote. */
  readonly normalized: string;
  /** Absent for local remotes. */
  readonly host?: string;
  readonly port?: number;
  /** What our credentials for it are called in messages. Absent without any. */
  readonly credentials?: string;
}

const MAX_URL_LENGTH = 2048;
const DEFAULT_PORTS = { http: 80, https: 443, ssh: 22 } as const;
const SCP_LIKE = /^(?:([A-Za-z0-9._-]+)@)?([A-Za-z0-9._-]+):([^:].*)$/;
const SAFE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Checks an address against the list of what we talk to: http, https, ssh and scp-like addresses; local paths and
 * `file://` only with `allowLocal`. Addresses never hold credentials.
 * @throws TerminalError InvalidURL, with a message that does not repeat the address where it may hold a secret
 */
export function parseRemoteUrl(url: string, allowLocal = false): RemoteUrl {
  if (url === '') throw invalid('it is empty');
  if (url.length > MAX_URL_LENGTH) throw invalid(`it is longer than ${MAX_URL_LENGTH} characters`);
  if (CONTROL.test(url) || url.trim() !== url) throw invalid('it holds control characters or outer spaces');
  if (url.startsWith('-')) throw invalid('it begins with a dash');
  if (/^[A-Za-z][A-Za-z0-9+.-]*::/.test(url)) throw invalid('remote helpers are not allowed');
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'http':
    case 'https':
    case 'ssh':
      return parseNetworkUrl(url, scheme);
    case 'file':
      return parseLocal(filePath(url), allowLocal);
    case undefined:
      return url.startsWith('/') || url.startsWith('.') ? parseLocal(url, allowLocal) : parseScpLike(url);
    default:
      throw invalid(`the scheme ${scheme} is not allowed; use https, ssh or http`);
  }
}

function parseNetworkUrl(url: string, kind: 'http' | 'https' | 'ssh'): RemoteUrl {
  if (!URL.canParse(url)) throw invalid('it cannot be parsed');
  const parsed = new URL(url);
  if (parsed.password !== '' || (kind !== 'ssh' && parsed.username !== '')) {
    throw invalid('it holds credentials; put them into a Secret and name that in secretRef');
  }
  const host = parsed.hostname.toLowerCase();
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) === 0 && !SAFE_NAME.test(host)) throw invalid('its host name is not valid');
  if (parsed.username !== '' && !SAFE_NAME.test(parsed.username)) throw invalid('its user name is not valid');
  if (parsed.search !== '' || parsed.hash !== '') throw invalid('it holds a query or a fragment');
  if (parsed.pathname === '' || parsed.pathname === '/') throw invalid('it names no repository');
  const port = parsed.port === '' ? DEFAULT_PORTS[kind] : Number(parsed.port);
  const shownPort = port === DEFAULT_PORTS[kind] ? '' : `:${port}`;
  const user = parsed.username === '' ? '' : `${parsed.username}@`;
  const path = parsed.pathname.replace(/\/+$/, '');
  return {
    kind,
    argument: `${kind}://${user}${host}${shownPort}${path}`,
    display: `${kind}://${host}${shownPort}${path}`,
    normalized: `${kind}://${user}${host}${shownPort}${path}`,
    host: bare,
    port,
  };
}

function parseScpLike(url: string): RemoteUrl {
  const match = SCP_LIKE.exec(url);
  if (match === null) throw invalid('it is neither a URL nor of the form user@host:path');
  const [, user, host = '', path = ''] = match;
  if (!SAFE_NAME.test(host) || (user !== undefined && !SAFE_NAME.test(user)) || path.startsWith('-')) {
    throw invalid('its user, host or path is not valid');
  }
  const bareHost = host.toLowerCase();
  const prefix = user === undefined ? '' : `${user}@`;
  const trimmed = path.replace(/\/+$/, '');
  return {
    kind: 'ssh',
    argument: `${prefix}${bareHost}:${trimmed}`,
    display: `${bareHost}:${trimmed}`,
    normalized: `${prefix}${bareHost}:${trimmed}`,
    host: bareHost,
    port: DEFAULT_PORTS.ssh,
  };
}

function parseLocal(path: string, allowLocal: boolean): RemoteUrl {
  if (!allowLocal) throw invalid('local paths are not allowed here');
  const trimmed = path.replace(/(.)\/+$/, '$1');
  return { kind: 'local', argument: trimmed, display: trimmed, normalized: `file://${trimmed}` };
}

function filePath(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw invalid('it is not a valid file URL', cause);
  }
}

function invalid(why: string, cause?: unknown): TerminalError {
  return new TerminalError('InvalidURL', `the repository address is not valid: ${why}`, { cause });
}

/** @throws TerminalError InvalidProxy unless it is `http://host[:port]` or `https://host[:port]` without credentials */
export function checkProxyUrl(proxy: string): void {
  const parsed = URL.canParse(proxy) && !CONTROL.test(proxy) ? new URL(proxy) : undefined;
  const plain = parsed !== undefined && parsed.username === '' && parsed.password === '' && parsed.pathname === '/';
  if (!plain || !['http:', 'https:'].includes(parsed.protocol)) {
    throw new TerminalError('InvalidProxy', 'the proxy must be of the form http://host:port, without credentials');
  }
}
