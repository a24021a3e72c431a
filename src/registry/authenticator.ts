import { LRUCache } from 'lru-cache';
import { SingleFlight } from '../concurrency/single-flight.ts';
import { readAll } from './body.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { basicToken, type CredentialSource, type RegistryCredentials, secretsOf } from './credentials.ts';
import { registryError, serverText } from './errors.ts';
import { isLoopback } from './reference.ts';
import type { HttpAnswer, Transport } from './transport.ts';

/** Whom we talk to, and as whom. */
export interface AccessRequest {
  readonly host: string;
  readonly repository: string;
  /** Such as `repository:library/alpine:pull`. */
  readonly scopes: readonly string[];
  readonly source: CredentialSource;
  readonly credentials: RegistryCredentials | undefined;
  readonly ca?: string;
  readonly signal: AbortSignal;
}

interface Token {
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

const MAX_TOKENS = 5000;
const MAX_HOSTS = 1000;
const MAX_TOKEN_ANSWER = 256 * 1024;
const TOKEN_TIMEOUT_MS = 30_000;
/** A token without a lifetime is good for this long, by the token specification. */
const DEFAULT_LIFETIME_S = 60;
const MAX_LIFETIME_S = 3600;
/** Tokens are given up this long before they expire, so that a call that takes a moment still holds. */
const MARGIN_MS = 10_000;

/** Answers what registries ask for: Basic, and Bearer with tokens that are kept until they expire. */
export class Authenticator {
  readonly #transport: Transport;
  readonly #now: () => number;
  readonly #challenges = new LRUCache<string, Challenge>({ max: MAX_HOSTS });
  readonly #tokens = new LRUCache<string, Token>({ max: MAX_TOKENS });
  readonly #fetching = new SingleFlight<string, Token>();

  constructor(transport: Transport, now: () => number) {
    this.#transport = transport;
    this.#now = now;
  }

  /**
   * The Authorization header for a call, by what its host has asked for before; undefined when it has asked for nothing.
   * @throws TransientError AuthDenied, and what calls throw
   */
  async header(access: AccessRequest): Promise<string | undefined> {
    const challenge = this.#challenges.get(access.host);
    if (challenge === undefined) return undefined;
    const { credentials } = access;
    if (credentials && 'registryToken' in credentials) return `Bearer ${credentials.registryToken}`;
    if (challenge.scheme === 'bearer') return `Bearer ${(await this.#token(access, challenge)).text}`;
    if (credentials && 'username' in credentials) return `Basic ${basicToken(credentials)}`;
    throw denied(access, 'it asks for user and password');
  }

  /**
   * Takes note of a refusal: what the host asks for, and that the token it was given is no good.
   * @throws TransientError AuthDenied when it asks for nothing that can be given
   */
  learn(access: AccessRequest, answer: HttpAnswer): void {
    const challenges = parseChallenges(answer.header('www-authenticate') ?? '');
    const wanted =
      challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges.find(({ scheme }) => scheme === 'basic');
    if (wanted === undefined) throw denied(access, 'it does not say what it asks for');
    this.#challenges.set(access.host, wanted);
    this.#tokens.delete(tokenKey(access, wanted));
  }

  async #token(access: AccessRequest, challenge: Challenge): Promise<Token> {
    const key = tokenKey(access, challenge);
    const known = this.#tokens.get(key);
    if (known !== undefined && known.expires - MARGIN_MS > this.#now()) return known;
    return await this.#fetching.run(
      key,
      async (signal) => {
        const token = await this.#fetch({ ...access, signal }, challenge);
        this.#tokens.set(key, token);
        return token;
      },
      access.signal,
    );
  }

  async #fetch(access: AccessRequest, challenge: Challenge): Promise<Token> {
    const { credentials, ca, signal } = access;
    const realm = realmOf(access, challenge);
    const answer = await this.#transport.send({
      ...(credentials && 'identityToken' in credentials
        ? refreshRequest(realm, access, challenge, credentials.identityToken)
        : tokenRequest(realm, access, challenge)),
      ca,
      signal,
      timeoutMs: TOKEN_TIMEOUT_MS,
    });
    const text = (await readAll(answer.body, MAX_TOKEN_ANSWER, `the answer of ${realm.host}`)).toString('utf8');
    if (answer.status === 200) return readToken(text, realm, this.#now());
    const words = `${realm.host} gave no token (status ${answer.status}): ${serverText(text, secretsOf(credentials))}`;
    if (answer.status >= 400 && answer.status < 500) throw denied(access, words);
    throw registryError('RegistryUnreachable', words);
  }
}

function tokenKey({ source, host, repository, scopes }: AccessRequest, { parameters }: Challenge): string {
  return JSON.stringify([source.identity, host, repository, scopes, parameters.realm, parameters.service]);
}

/** Credentials go only where the registry's own connection is as safe: to HTTPS, or from this machine to itself. */
function realmOf(access: AccessRequest, { parameters }: Challenge): URL {
  const realm = URL.parse(parameters.realm ?? '');
  if (realm === null) throw denied(access, 'it names no place that gives tokens');
  const local = isLoopback(access.host) && isLoopback(realm.hostname);
  if (realm.protocol === 'https:' || (realm.protocol === 'http:' && local)) return realm;
  throw denied(access, `its tokens come from ${realm.protocol}//${realm.host}, which is not safe`);
}

function tokenRequest(realm: URL, { scopes, credentials }: AccessRequest, { parameters }: Challenge) {
  const url = new URL(realm);
  if (parameters.service !== undefined) url.searchParams.set('service', parameters.service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const known = credentials && 'username' in credentials;
  return { method: 'GET' as const, url, ...(known ? { authorization: `Basic ${basicToken(credentials)}` } : {}) };
}

/** The OAuth 2 form that refresh tokens need. */
function refreshRequest(url: URL, { scopes }: AccessRequest, { parameters }: Challenge, refreshToken: string) {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'veranda', refresh_token: refreshToken });
  if (parameters.service !== undefined) form.set('service', parameters.service);
  form.set('scope', scopes.join(' '));
  return {
    method: 'POST' as const,
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  };
}

function readToken(text: string, realm: URL, now: number): Token {
  let answer: { token?: unknown; access_token?: unknown; expires_in?: unknown } = {};
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    // The parser's message quotes the text, which is secret.
  }
  const token = answer?.token ?? answer?.access_token;
  if (typeof token !== 'string' || token === '') {
    throw registryError('RegistryRefused', `${realm.host} answered without a token`);
  }
  const given = answer.expires_in;
  const seconds = typeof given === 'number' && given > 0 ? Math.min(given, MAX_LIFETIME_S) : DEFAULT_LIFETIME_S;
  return { text: token, expires: now + seconds * 1000 };
}

/** The registry's refusal, with whether we had anything to show. */
export function denied({ host, repository, credentials }: AccessRequest, why: string) {
  const who = credentials === undefined ? 'without credentials' : 'with the given credentials';
  return registryError('AuthDenied', `${host} denies access to ${repository} ${who}: ${why}`);
}
