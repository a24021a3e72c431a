import { TransientError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import type { SecretChanges } from '../../controllers/environment.ts';
import type { ApiClient } from '../../kube/adapters/kubernetes/client.ts';
import { type Clock, delay } from '../../kube/clock.ts';
import type { Logger } from '../../observability/logger.ts';

export interface SecretWatchesOptions {
  readonly client: Pick<ApiClient, 'lines'>;
  readonly clock: Clock;
  /** Between 0 and 1, for jitter. */
  readonly random: () => number;
  readonly logger: Logger;
}

interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/** Each watch is a connection: what is beyond is read with the next call to the remote, as every secret is. */
const MAX_WATCHES = 200;
const WATCH_SECONDS = 540;
/** A server sends no bookmarks for a watch of one name that it has nothing to say about. */
const WATCH_GRACE_MS = 30_000;
const BACKOFF = { baseMs: 1_000, maxMs: 300_000 } as const;
/** A missing right is given by a person, if at all. */
const FORBIDDEN_PAUSE_MS = 60_000;

/**
 * Watches the Secrets that repositories name, one by one: the right to `watch` is needed for those names only. Nothing of
 * what they hold is kept. Where the right is missing, a changed Secret is noticed when it is read next.
 */
export class SecretWatches implements SecretChanges {
  readonly #options: SecretWatchesOptions;
  readonly #handlers: ((secret: SecretName) => void)[] = [];
  /** By `namespace/name`. */
  readonly #watches = new Map<string, { readonly users: Set<string>; readonly stop: AbortController }>();
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  constructor(options: SecretWatchesOptions) {
    this.#options = options;
  }

  onChange(handler: (secret: SecretName) => void): void {
    this.#handlers.push(handler);
  }

  /** A user names another Secret now, or none any more. */
  moved(user: string, before: SecretName | undefined, after: SecretName | undefined): void {
    if (before?.namespace === after?.namespace && before?.name === after?.name) return;
    if (before) this.#leave(user, before);
    if (after) this.#follow(user, after);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { stop } of this.#watches.values()) stop.abort();
    await Promise.all(this.#running);
  }

  #follow(user: string, secret: SecretName): void {
    const key = keyOf(secret);
    const known = this.#watches.get(key);
    if (known) {
      known.users.add(user);
      return;
    }
    if (this.#closed || this.#watches.size >= MAX_WATCHES) return;
    const stop = new AbortController();
    this.#watches.set(key, { users: new Set([user]), stop });
    const running = this.#run(secret, stop.signal).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #leave(user: string, secret: SecretName): void {
    const key = keyOf(secret);
    const watch = this.#watches.get(key);
    watch?.users.delete(user);
    if (watch?.users.size !== 0) return;
    watch.stop.abort();
    this.#watches.delete(key);
  }

  /** Never rejects. */
  async #run(secret: SecretName, signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#options;
    let seen: string | undefined;
    let failures = 0;
    while (!signal.aborted) {
      let pauseMs = 0;
      try {
        for await (const line of this.#lines(secret, signal)) {
          failures = 0;
          const version = versionOf(line);
          // A new watch begins with the state that was seen before.
          if (version !== seen) this.#tell(secret);
          seen = version;
        }
        pauseMs = BACKOFF.baseMs;
      } catch (error) {
        if (signal.aborted) return;
        const forbidden = error instanceof TransientError && error.reason === 'Forbidden';
        pauseMs = forbidden
          ? FORBIDDEN_PAUSE_MS
          : Math.min(BACKOFF.maxMs, BACKOFF.baseMs * 2 ** Math.min(failures++, 16));
        logger.debug('a Secret is not watched', { secretName: keyOf(secret), error, retryInMs: pauseMs });
      }
      await delay(clock, pauseMs * (1 + random() / 5), signal).catch(() => {});
    }
  }

  #lines({ namespace, name }: SecretName, signal: AbortSignal): AsyncIterable<unknown> {
    return this.#options.client.lines({
      method: 'GET',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`,
      query: { watch: true, fieldSelector: `metadata.name=${name}`, timeoutSeconds: WATCH_SECONDS },
      object: `Secret ${namespace}/${name}`,
      limitMs: WATCH_SECONDS * 1000 + WATCH_GRACE_MS,
      signal,
    });
  }

  #tell(secret: SecretName): void {
    for (const handler of this.#handlers) handler(secret);
  }
}

function keyOf({ namespace, name }: SecretName): string {
  return `${namespace}/${name}`;
}

/** What tells one state of the Secret from another; of a deletion none. @throws TransientError for what is no event */
function versionOf(line: unknown): string {
  const { type, object } = line as { readonly type?: string; readonly object?: KubeObject };
  const version = object?.metadata?.resourceVersion;
  if (type === 'ERROR' || version === undefined)
    throw new TransientError('WatchFailed', 'the watch of a Secret failed');
  return type === 'DELETED' ? '' : version;
}
