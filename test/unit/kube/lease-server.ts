import { ConflictError, TerminalError, TransientError } from '../../../src/api/errors.ts';
import { abortable } from '../../../src/concurrency/abortable.ts';
import type { ApiClient, ApiRequest } from '../../../src/kube/adapters/kubernetes/client.ts';
import { type Clock, delay } from '../../../src/kube/clock.ts';
import { never } from './support.ts';

interface StoredLease {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec: { readonly holderIdentity?: string; readonly leaseTransitions?: number; readonly renewTime?: string };
}

/** The one Lease of a server that compares and swaps, and the ways in which its answers do not come. */
export class LeaseServer {
  readonly #clock: Clock;
  lease: StoredLease | undefined;
  writes = 0;
  #version = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A client with a network of its own. */
  connect(): LeaseClient {
    return new LeaseClient((request) => this.#handle(request), this.#clock);
  }

  #handle({ method, body }: ApiRequest): StoredLease {
    if (method === 'GET') {
      if (!this.lease) throw new TerminalError('NotFound', 'no lease');
      return this.lease;
    }
    const { metadata, spec } = body as StoredLease;
    if (method === 'POST' && this.lease) throw new ConflictError('AlreadyExists', 'there is a lease');
    if (method === 'PUT' && !this.lease) throw new TerminalError('NotFound', 'no lease');
    if (method === 'PUT' && metadata.resourceVersion !== this.lease?.metadata.resourceVersion) {
      throw new ConflictError('Conflict', 'the lease has changed');
    }
    this.writes++;
    this.lease = { metadata: { ...metadata, resourceVersion: String(++this.#version) }, spec };
    return this.lease;
  }
}

/** `lost`: nothing arrives. `deaf`: requests arrive, answers do not. `slow`: answers take 3 s. */
export type Network = 'good' | 'lost' | 'deaf' | 'slow';

export class LeaseClient implements Pick<ApiClient, 'json'> {
  readonly #handle: (request: ApiRequest) => StoredLease;
  readonly #clock: Clock;
  network: Network = 'good';

  constructor(handle: (request: ApiRequest) => StoredLease, clock: Clock) {
    this.#handle = handle;
    this.#clock = clock;
  }

  async json<T>(request: ApiRequest): Promise<T> {
    const { signal = never, timeoutMs = 0 } = request;
    signal.throwIfAborted();
    if (this.network === 'lost') throw await this.#silence(timeoutMs, signal);
    const answer = this.#handle(request);
    if (this.network === 'deaf') throw await this.#silence(timeoutMs, signal);
    if (this.network === 'slow') await delay(this.#clock, 3_000, signal);
    return (await abortable(Promise.resolve(answer), signal)) as T;
  }

  async #silence(timeoutMs: number, signal: AbortSignal): Promise<Error> {
    await delay(this.#clock, timeoutMs, signal);
    return new TransientError('Timeout', 'no answer');
  }
}
