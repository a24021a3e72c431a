import { ConflictError, TerminalError, TransientError } from '../api/errors.ts';
import type { ObjectMeta } from '../api/object.ts';
import { abortable } from '../concurrency/abortable.ts';
import { type Logger, nullLogger } from '../observability/logger.ts';
import type { ApiClient, ApiRequest } from './adapters/kubernetes/client.ts';
import { type Clock, delay, systemClock } from './clock.ts';

/** Whether this process may act. */
export interface Leadership {
  /** By the clock, at the moment of the call: a process that was stopped for a while knows it when it goes on. */
  isLeading(): boolean;
  /** Fires when leadership that was had is lost; it does not come back in this process. */
  readonly lost: AbortSignal;
}

export interface LeaderElectionOptions {
  /** Of its own: a lease must not wait behind other requests. */
  readonly client: Pick<ApiClient, 'json'>;
  readonly namespace: string;
  /** Of the Lease object. */
  readonly name: string;
  /** Differs between any two processes. */
  readonly identity: string;
  /** Others wait so long after the last sign of life. Default 15 s. */
  readonly leaseDurationMs?: number;
  /** A leader that could not renew for so long stops. Less than the lease, or there would be two leaders. Default 10 s. */
  readonly renewDeadlineMs?: number;
  /** Time between tries. Default 2 s. */
  readonly retryPeriodMs?: number;
  readonly clock?: Clock;
  /** Milliseconds of a clock that does not jump. */
  readonly monotonicNow?: () => number;
  /** Between 0 and 1, for jitter. */
  readonly random?: () => number;
  readonly logger?: Logger;
  /** Told when it begins and when it ends. */
  readonly onLeading?: (leading: boolean) => void;
}

interface Lease {
  readonly apiVersion: 'coordination.k8s.io/v1';
  readonly kind: 'Lease';
  readonly metadata: ObjectMeta;
  readonly spec?: LeaseSpec;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  /** With six digits after the seconds. */
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** One request must leave time for another on a new connection. */
const REQUEST_TIMEOUT_MS = 3_000;

/**
 * One leader among processes, by a Lease object: every write is a compare-and-swap on its resourceVersion, and no clock of another
 * machine is believed: a lease has run out when it was seen unchanged for its duration.
 */
export class LeaderElector implements Leadership {
  readonly #options: LeaderElectionOptions;
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #logger: Logger;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  readonly #acquired = Promise.withResolvers<void>();
  readonly #lost = new AbortController();
  #lease: Lease | undefined;
  /** When the lease was first seen in its present version. */
  #changedAt = 0;
  /** When the request was sent that renewed last; undefined when not leading. */
  #renewedAt: number | undefined;

  /** @throws RangeError when the times do not fit together */
  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#now = options.monotonicNow ?? (() => performance.now());
    const { identity, name, logger = nullLogger } = options;
    this.#logger = logger.child({ lease: name, identity });
    this.#leaseDurationMs = options.leaseDurationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryPeriodMs = options.retryPeriodMs ?? 2_000;
    if (this.#renewDeadlineMs >= this.#leaseDurationMs)
      throw new RangeError('the renew deadline is not below the lease');
    if (this.#retryPeriodMs >= this.#renewDeadlineMs)
      throw new RangeError('the retry period is not below the deadline');
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Who holds the lease as far as this process has seen. */
  get leader(): string | undefined {
    return this.#lease?.spec?.holderIdentity || undefined;
  }

  isLeading(): boolean {
    return this.#renewedAt !== undefined && this.#now() - this.#renewedAt < this.#renewDeadlineMs;
  }

  /** Resolves when this process leads for the first time. @throws the signal's reason */
  async acquired(signal: AbortSignal): Promise<void> {
    await abortable(this.#acquired.promise, signal);
  }

  /**
   * Waits for the lease, then keeps it until the signal fires; then gives it back, so that the next one need not wait. To be called
   * once; what the leader does must have ended when the signal fires.
   * @throws TransientError LeadershipLost; the process is best ended then
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#acquire(signal);
      await this.#keep(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      if (this.#renewedAt !== undefined) await this.#release();
    }
  }

  async #acquire(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (await this.#tried(() => this.#tryAcquire(signal), signal)) break;
      const { random = Math.random } = this.#options;
      await delay(this.#clock, this.#retryPeriodMs * (1 + random() / 5), signal);
    }
    this.#logger.info('leading');
    this.#options.onLeading?.(true);
    this.#acquired.resolve();
  }

  async #keep(signal: AbortSignal): Promise<void> {
    for (;;) {
      await delay(this.#clock, this.#retryPeriodMs, signal);
      // A lease that was not renewed in time is not renewed late: others may have begun to act.
      if (this.isLeading()) await this.#tried(() => this.#tryRenew(signal), signal);
      if (!this.isLeading()) throw this.#giveUp();
    }
  }

  #giveUp(): TransientError {
    const error = new TransientError('LeadershipLost', `the lease ${this.#options.name} was lost`);
    this.#renewedAt = undefined;
    this.#logger.error('leadership lost', { leader: this.leader });
    this.#options.onLeading?.(false);
    this.#lost.abort(error);
    return error;
  }

  /** False when the try failed for a reason that may pass. */
  async #tried(attempt: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      this.#logger.warn('the lease cannot be had', { error });
      return false;
    }
  }

  async #tryAcquire(signal: AbortSignal): Promise<boolean> {
    const { identity } = this.#options;
    const lease = await this.#read(signal);
    if (lease && lease.metadata.resourceVersion !== this.#lease?.metadata.resourceVersion)
      this.#changedAt = this.#now();
    this.#lease = lease;
    const { holderIdentity, leaseDurationSeconds = 0, leaseTransitions = 0, acquireTime } = lease?.spec ?? {};
    const isOthers = Boolean(holderIdentity) && holderIdentity !== identity;
    if (isOthers && this.#now() - this.#changedAt < leaseDurationSeconds * 1000) return false;
    const isMine = holderIdentity === identity;
    return await this.#write(signal, {
      acquireTime: isMine && acquireTime ? acquireTime : this.#microTime(),
      leaseTransitions: lease && !isMine ? leaseTransitions + 1 : leaseTransitions,
    });
  }

  async #tryRenew(signal: AbortSignal): Promise<boolean> {
    const { acquireTime, leaseTransitions } = this.#lease?.spec ?? {};
    if (await this.#write(signal, { acquireTime, leaseTransitions })) return true;
    this.#lease = await this.#read(signal);
    if (this.#lease && this.leader !== this.#options.identity) {
      this.#renewedAt = undefined;
      return false;
    }
    // A write of our own that was not answered, or a lease that was deleted, is no reason to stop.
    return await this.#write(signal, { acquireTime, leaseTransitions });
  }

  /** False when the lease has changed, or gone, since it was read. */
  async #write(signal: AbortSignal, terms: Pick<LeaseSpec, 'acquireTime' | 'leaseTransitions'>): Promise<boolean> {
    const { identity, namespace, name } = this.#options;
    const sentAt = this.#now();
    const spec: LeaseSpec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#leaseDurationMs / 1000),
      ...terms,
      renewTime: this.#microTime(),
    };
    const { metadata = { namespace, name } } = this.#lease ?? {};
    const method = this.#lease ? 'PUT' : 'POST';
    try {
      this.#lease = await this.#request({ method, body: { ...LEASE, metadata, spec }, signal });
    } catch (error) {
      if (error instanceof ConflictError || isNotFound(error)) return false;
      throw error;
    }
    this.#renewedAt = sentAt;
    return true;
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#request({ method: 'GET', signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #release(): Promise<void> {
    this.#renewedAt = undefined;
    this.#options.onLeading?.(false);
    const { metadata, spec } = this.#lease ?? {};
    if (spec?.holderIdentity !== this.#options.identity) return;
    try {
      const freed: LeaseSpec = { ...spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: this.#microTime() };
      this.#lease = await this.#request({ method: 'PUT', body: { ...LEASE, metadata, spec: freed } });
      this.#logger.info('the lease is given back');
    } catch (error) {
      this.#logger.warn('the lease could not be given back', { error });
    }
  }

  async #request(request: Pick<ApiRequest, 'method' | 'body' | 'signal'>): Promise<Lease> {
    const { client, namespace, name } = this.#options;
    const collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
    return await client.json<Lease>({
      ...request,
      path: request.method === 'POST' ? collection : `${collection}/${encodeURIComponent(name)}`,
      object: `Lease ${namespace}/${name}`,
      timeoutMs: Math.min(REQUEST_TIMEOUT_MS, this.#renewDeadlineMs),
    });
  }

  #microTime(): string {
    return this.#clock.now().toISOString().replace('Z', '000Z');
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof TerminalError && error.reason === 'NotFound';
}

const LEASE = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' } as const;
