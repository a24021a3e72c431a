import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import { TerminalError } from '../../api/errors.ts';
import type { Repository } from '../../api/kinds.ts';
import { WEBHOOK_SECRET_ANNOTATION } from '../../api/labels.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Lister } from '../../kube/controller.ts';
import { TokenBucket } from '../../kube/token-bucket.ts';
import type { Logger } from '../../observability/logger.ts';
import { answer, pathOf } from './http-server.ts';
import { isAuthentic } from './webhook-signature.ts';

export interface SyncEndpointOptions {
  readonly repositories: Pick<Lister<Repository>, 'get'>;
  /**
   * The key `token` of a Secret; undefined when there is none.
   * @throws when it could not be read
   */
  readonly readToken: (namespace: string, name: string) => Promise<string | undefined>;
  /** Sets the annotation that asks for a sync. @throws as the object store */
  readonly requestSync: (repository: Repository, at: string) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What git servers send for a push of thousands of commits is smaller. */
const MAX_BODY_BYTES = 5 * 1024 * 1024;
/** Bodies held at the same time. */
const MAX_REQUESTS = 16;
/** Of one repository: whoever sends wrong credentials is no longer listened to after so many. */
const FAILURE_RATE = { burst: 20, refillMs: 3_000 } as const;
/** Pushes that come in so short a time are one sync. */
const GATHER_MS = 2_000;
/** Repositories, also such as do not exist, that are remembered for the limits. */
const MAX_REMEMBERED = 10_000;
/** Whoever guesses must not make us ask the API server each time. */
const TOKEN_MS = 10_000;

interface Target {
  readonly namespace: string;
  readonly name: string;
}

/** `POST /hooks/sync/<namespace>/<repository>`: a git server tells that it has something new. */
export class SyncEndpoint {
  readonly #options: SyncEndpointOptions;
  /** Stands for the secret of what has none, so that no answer tells which repositories there are. */
  readonly #nobodysSecret = randomBytes(32).toString('hex');
  readonly #failures = new LRUCache<string, TokenBucket>({ max: MAX_REMEMBERED });
  readonly #tokens: LRUCache<string, { readonly token: Promise<string | undefined>; readonly at: number }>;
  /** When a sync was asked for last, and whether another one is to follow. */
  readonly #asked = new LRUCache<string, { readonly at: number; cancel?: () => void }>({ max: MAX_REMEMBERED });
  #requests = 0;

  constructor(options: SyncEndpointOptions) {
    this.#options = options;
    this.#tokens = new LRUCache({ max: MAX_REMEMBERED });
  }

  /** Answers one request. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = targetOf(pathOf(request));
    if (!target) return answer(response, 404, 'not found\n');
    if (request.method !== 'POST') return answer(response, 405, 'method not allowed\n', { allow: 'POST' });
    if (this.#requests >= MAX_REQUESTS) return answer(response, 503, 'busy\n', { 'retry-after': '1' });
    this.#requests += 1;
    try {
      const body = await readBody(request);
      if (!body) return answer(response, 413, 'too large\n', { connection: 'close' });
      await this.#serve(target, request, body, response);
    } finally {
      this.#requests -= 1;
    }
  }

  /** Forgets the syncs that were to follow. */
  close(): void {
    for (const { cancel } of this.#asked.values()) cancel?.();
    this.#asked.clear();
  }

  async #serve(target: Target, request: IncomingMessage, body: Uint8Array, response: ServerResponse): Promise<void> {
    const { repositories, logger } = this.#options;
    const key = keyOf(target);
    const repository = repositories.get(key);
    const token = await this.#tokenOf(repository);
    const isKnown = isAuthentic({ headers: request.headers, body }, token ?? this.#nobodysSecret);
    if (!isKnown || !repository || token === undefined) {
      const listened = this.#bucketOf(key).take(this.#now());
      logger.debug('a sync was refused', { ...target });
      return listened ? answer(response, 401, 'unauthorized\n') : answer(response, 429, 'too many requests\n', LATER);
    }
    // GitHub's first greeting.
    if (request.headers['x-github-event'] === 'ping') return answer(response, 200, 'pong\n');
    await this.#ask(target, repository);
    answer(response, 202, 'sync requested\n');
  }

  /** At once, and at most once more for all that come within a short time: nothing that was pushed is missed. */
  async #ask(target: Target, repository: Repository): Promise<void> {
    const key = keyOf(target);
    const last = this.#asked.get(key);
    if (last?.cancel) return;
    const waitMs = last ? last.at + GATHER_MS - this.#now() : 0;
    if (waitMs <= 0) {
      this.#asked.set(key, { at: this.#now() });
      await this.#request(target, repository);
    } else if (last) {
      last.cancel = this.#options.clock.setTimer(waitMs, () => {
        this.#asked.set(key, { at: this.#now() });
        void this.#request(target, repository).catch((error: unknown) =>
          this.#options.logger.warn('a sync could not be requested', { ...target, error }),
        );
      });
    }
  }

  async #request(target: Target, repository: Repository): Promise<void> {
    const { requestSync, clock, logger } = this.#options;
    try {
      await requestSync(repository, clock.now().toISOString());
      logger.info('sync requested by a git server', { namespace: target.namespace, repository: target.name });
    } catch (error) {
      // It has just been deleted.
      if (!(error instanceof TerminalError && error.reason === 'NotFound')) throw error;
    }
  }

  async #tokenOf(repository: Repository | undefined): Promise<string | undefined> {
    const name = repository?.metadata.annotations?.[WEBHOOK_SECRET_ANNOTATION];
    if (!repository || !name) return undefined;
    const namespace = repository.metadata.namespace ?? '';
    const key = `${namespace}/${name}`;
    const known = this.#tokens.get(key);
    if (known && this.#now() - known.at < TOKEN_MS) return await known.token;
    const token = this.#options.readToken(namespace, name).catch((error: unknown) => {
      this.#options.logger.warn('the Secret of a webhook cannot be read', { namespace, secretName: name, error });
      return undefined;
    });
    this.#tokens.set(key, { token, at: this.#now() });
    return await token;
  }

  #bucketOf(key: string): TokenBucket {
    const bucket = this.#failures.get(key) ?? new TokenBucket(FAILURE_RATE, this.#now());
    this.#failures.set(key, bucket);
    return bucket;
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

const LATER = { 'retry-after': '60' } as const;
const NAME = '[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?';
const PATH = new RegExp(`^/hooks/sync/(${NAME})/(${NAME})$`);

function targetOf(path: string): Target | undefined {
  const [, namespace, name] = PATH.exec(path) ?? [];
  return namespace !== undefined && name !== undefined ? { namespace, name } : undefined;
}

function keyOf({ namespace, name }: Target): string {
  return `${namespace}/${name}`;
}

/** Undefined when it is too large. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
