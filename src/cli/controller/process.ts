import { REPOSITORY } from '../../api/kinds.ts';
import { RECONCILE_AT_ANNOTATION } from '../../api/labels.ts';
import { abortable } from '../../concurrency/abortable.ts';
import type { ApiClient } from '../../kube/adapters/kubernetes/client.ts';
import { systemClock } from '../../kube/clock.ts';
import type { LeaderElector, Leadership } from '../../kube/leader-election.ts';
import type { Logger } from '../../observability/logger.ts';
import type { MetricsRegistry } from '../../observability/metrics.ts';
import { EXIT } from '../context.ts';
import { readSecretKey } from '../secrets.ts';
import { ClusterOperator } from './cluster-operator.ts';
import { explainedSecret } from './cluster-secrets.ts';
import { healthEndpoint, metricsEndpoint } from './endpoints.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import type { ServerContact } from './server-contact.ts';
import type { Settings } from './settings.ts';
import { SyncEndpoint } from './sync-endpoint.ts';

export interface ControllerProcessOptions {
  readonly settings: Settings;
  readonly client: ApiClient;
  readonly contact: ServerContact;
  /** Absent: this process works without a lease. */
  readonly elector?: LeaderElector;
  readonly identity: string;
  readonly install: string;
  readonly metrics: MetricsRegistry;
  readonly logger: Logger;
}

/** Apart from the operator's own: what a webhook sets is no part of what a controller applies. */
const SYNC_FIELD_MANAGER = 'veranda-sync';

/** Others may lead by then. */
const LOST_GRACE_MS = 5_000;

/** Without a lease nobody else can take over. */
const ALWAYS: Leadership = { isLeading: () => true, lost: new AbortController().signal };

/** The controllers, the servers and the lease of one process: what starts before what, and what ends before what. */
export class ControllerProcess {
  readonly #options: ControllerProcessOptions;
  readonly #leadership: Leadership;
  readonly #operator: ClusterOperator;
  readonly #sync: SyncEndpoint;
  #stopping = false;

  constructor(options: ControllerProcessOptions) {
    this.#options = options;
    const { elector } = options;
    this.#leadership = elector ?? ALWAYS;
    this.#operator = new ClusterOperator({
      ...options,
      leadership: this.#leadership,
      mayWork: async (signal) => await elector?.acquired(signal),
    });
    this.#sync = this.#syncEndpoint();
  }

  /**
   * Works until the signal fires or the lease is lost.
   * @returns the exit code
   * @throws TerminalError ListenFailed
   */
  async run(signal: AbortSignal): Promise<number> {
    const { elector, logger } = this.#options;
    const keep = new AbortController();
    // Losing the lease is told by its own signal.
    const election = elector?.run(keep.signal).catch(() => {});
    const until = AbortSignal.any([signal, this.#leadership.lost]);
    const servers: HttpServer[] = [];
    let ended = false;
    try {
      await this.#listen(servers);
      await this.#operator.start(until);
      logger.info('working');
      await abortable(Promise.withResolvers<never>().promise, until);
    } catch (error) {
      if (!until.aborted) throw error;
    } finally {
      this.#stopping = true;
      this.#sync.close();
      ended = await this.#stop();
      // Only when what the leader does has ended the next one need not wait for the lease to run out.
      if (ended) {
        keep.abort();
        await election;
      }
      await Promise.all(servers.map((server) => server.close()));
    }
    return ended && !this.#leadership.lost.aborted ? EXIT.ok : EXIT.failed;
  }

  /** Any replica answers: what it writes is a wish, and the leader acts on it. */
  #syncEndpoint(): SyncEndpoint {
    const { repositories, store } = this.#operator;
    return new SyncEndpoint({
      repositories,
      readToken: async (namespace, name) => {
        try {
          return await readSecretKey(store, namespace, name, 'token');
        } catch (error) {
          throw explainedSecret(error, namespace, name);
        }
      },
      requestSync: async ({ metadata: { namespace, name, uid } }, at) => {
        const patch = { metadata: { uid, annotations: { [RECONCILE_AT_ANNOTATION]: at } } };
        await store.patch(REPOSITORY, { namespace, name }, patch, { fieldManager: SYNC_FIELD_MANAGER });
      },
      clock: systemClock,
      logger: this.#options.logger,
    });
  }

  async #listen(servers: HttpServer[]): Promise<void> {
    const { settings, contact, metrics, logger } = this.#options;
    const health = healthEndpoint({
      live: this.#operator.freshness,
      ready: [
        { name: 'caches', check: () => (this.#operator.hasSynced ? undefined : 'the first lists are not there yet') },
        { name: 'stopping', check: () => (this.#stopping ? 'the process is being ended' : undefined) },
        contact.check,
      ],
    });
    const wanted = [
      { name: 'health', address: settings.healthAddress, handle: health },
      { name: 'metrics', address: settings.metricsAddress, handle: metricsEndpoint(metrics) },
      { name: 'sync', address: settings.syncAddress, handle: this.#sync.handle.bind(this.#sync) },
    ] as const;
    for (const { address, ...server } of wanted) {
      if (address !== 'off') servers.push(await startHttpServer({ ...server, address, logger }));
    }
  }

  /**
   * Within the grace period, and at once when the lease is lost.
   * @returns whether everything has ended
   */
  async #stop(): Promise<boolean> {
    const { settings, logger } = this.#options;
    const { lost } = this.#leadership;
    const graceMs = lost.aborted ? Math.min(LOST_GRACE_MS, settings.shutdownGrace) : settings.shutdownGrace;
    logger.info('stopping', { graceMs });
    if (lost.aborted) this.#operator.abort();
    else lost.addEventListener('abort', () => this.#operator.abort(), { once: true });
    const late = AbortSignal.timeout(graceMs);
    try {
      await abortable(this.#operator.stop(), late);
      logger.info('stopped');
      return true;
    } catch (error) {
      if (!late.aborted) throw error;
      logger.error('what was under way has not ended within the grace period', { graceMs });
      return false;
    }
  }
}
