import {
  ALL_KINDS,
  FUNCTION_CONFIG,
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  REPOSITORY,
  type Repository,
} from '../../api/kinds.ts';
import { objectKey } from '../../api/object.ts';
import { Operator } from '../../controllers/operator.ts';
import { RepositoryGateway } from '../../controllers/repository/gateway.ts';
import { DEFAULT_IMAGE_PREFIX } from '../../functions/image.ts';
import type { ApiClient } from '../../kube/adapters/kubernetes/client.ts';
import { KindDiscovery } from '../../kube/adapters/kubernetes/discovery.ts';
import { KubernetesEventSink } from '../../kube/adapters/kubernetes/event-sink.ts';
import { KubernetesStore } from '../../kube/adapters/kubernetes/store.ts';
import { systemClock } from '../../kube/clock.ts';
import { AggregatingEventRecorder } from '../../kube/events.ts';
import { FencedStore } from '../../kube/fenced-store.ts';
import { SharedInformer } from '../../kube/informer.ts';
import type { Leadership } from '../../kube/leader-election.ts';
import type { HealthCheck } from '../../observability/health.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics, Sample } from '../../observability/metrics.ts';
import { sanitiseText } from '../../observability/sanitise.ts';
import { openGitStore } from '../../repository/git/store/open.ts';
import { POD } from '../../runtimes/pod/manifest.ts';
import { type ClosableRenderer, openRenderer } from '../renderer.ts';
import { clusterSecrets } from './cluster-secrets.ts';
import { ClusterFunctions } from './functions.ts';
import { clusterGitStore } from './git-store.ts';
import { ClusterInjectables } from './injectables.ts';
import { readInjectionTypes } from './injection-types.ts';
import { InputWatches } from './input-watches.ts';
import { podSamples, revisionCounts, syncTimes } from './samples.ts';
import { SecretWatches } from './secret-watch.ts';
import { ClusterSelectables } from './selectables.ts';
import type { Settings } from './settings.ts';

export interface ClusterOperatorOptions {
  readonly settings: Settings;
  readonly client: ApiClient;
  readonly leadership: Leadership;
  /** Resolves when this process may work. @throws the signal's reason */
  readonly mayWork: (signal: AbortSignal) => Promise<void>;
  /** Differs between processes; events name it. */
  readonly identity: string;
  /** What processes that share a Lease have in common, and no others. */
  readonly install: string;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** In a fleet hardly any package is rendered twice. */
const RENDER_CACHE_BYTES = 16 * 1024 * 1024;
/** How long the first work may wait for what is injected to be known; after that each variant waits for itself. */
const PREPARE_MS = 30_000;
/** A watch says something every few minutes at the latest. */
const STALE_MS = 20 * 60_000;
/** Events are told within this time when the process ends, or lost. */
const FLUSH_MS = 3_000;
/** Of the time that a stop may take, what reconciles have before they are aborted. */
const DRAIN_SHARE = 0.6;

/** The controllers on a real API server. */
export class ClusterOperator {
  /** For requests that any replica answers: not fenced. */
  readonly store: KubernetesStore;
  readonly repositories: SharedInformer<Repository>;
  readonly #options: ClusterOperatorOptions;
  readonly #operator: Operator;
  readonly #gateway: RepositoryGateway;
  readonly #inputs: InputWatches;
  readonly #injectables: ClusterInjectables;
  readonly #secretWatches: SecretWatches;
  readonly #events: AggregatingEventRecorder;
  readonly #functions: ClusterFunctions;
  readonly #renderer: ClosableRenderer;
  readonly #informers: ReturnType<typeof openInformers>;
  /** Seconds since the epoch at which each repository was last read. */
  readonly #synced = new Map<string, number>();

  constructor(options: ClusterOperatorOptions) {
    const { settings, client, leadership, identity, install, metrics, logger } = options;
    this.#options = options;
    const discovery = new KindDiscovery(client);
    const resolveKind = discovery.resolveKind.bind(discovery);
    this.store = new KubernetesStore({ client, kinds: [...ALL_KINDS, POD], resolveKind });
    this.#informers = openInformers(this.store, settings, logger);
    this.repositories = this.#informers.repositories;
    const secrets = clusterSecrets(this.store);
    this.#gateway = new RepositoryGateway({
      mirrors: settings.mirrors,
      allowLocal: false,
      credentials: ({ metadata, spec }: Repository) =>
        spec.git?.secretRef?.name ? secrets(metadata.namespace ?? '', spec.git.secretRef.name) : undefined,
      now: () => Date.now(),
      openStore: (opening) => this.#openStore(opening),
      registries: { loopback: settings.loopbackRegistries },
    });
    this.#functions = new ClusterFunctions({ settings, client, store: this.store, install, logger });
    this.#renderer = openRenderer({
      hosted: this.#functions.hosted,
      cacheBytes: RENDER_CACHE_BYTES,
      builtins: () => this.#functions.builtins(),
      imagePrefix: settings.imagePrefix,
      allowedImages: settings.allowImages,
      stepTimeout: settings.fnTimeout,
      metrics,
    });
    this.#secretWatches = this.#watchSecrets();
    this.#inputs = new InputWatches({ store: this.store, resolveKind, clock: systemClock, logger });
    this.#injectables = new ClusterInjectables({
      watches: this.#inputs,
      listers: this.#informers,
      readTypes: (revision, signal) =>
        readInjectionTypes({ repositories: this.repositories, gateway: this.#gateway }, revision, signal),
    });
    const sink = new KubernetesEventSink({ client, reportingInstance: identity });
    this.#events = new AggregatingEventRecorder({ sink, sanitise: sanitiseText, logger });
    this.#operator = new Operator({
      store: new FencedStore(this.store, leadership),
      informers: this.#informers,
      gateway: this.#gateway,
      injectables: this.#injectables,
      selectables: new ClusterSelectables({ watches: this.#inputs, variantSets: this.#informers.variantSets }),
      functions: {
        configs: this.#informers.functionConfigs,
        runtimes: this.#functions,
        namespace: functionConfigNamespace(settings),
        imagePrefix: settings.imagePrefix ?? DEFAULT_IMAGE_PREFIX,
      },
      secrets,
      secretChanges: this.#secretWatches,
      renderer: this.#renderer,
      merger: this.#renderer.merger,
      events: this.#events,
      logger,
      workers: {
        repository: settings.maxRepositorySyncs,
        revision: settings.revisionWorkers,
        variant: settings.variantWorkers,
        variantSet: settings.variantSetWorkers,
      },
      metrics: this.#controllerMetrics(),
      onSynced: (key) => this.#synced.set(key, Date.now() / 1000),
      reconcileTimeoutMs: settings.reconcileTimeout,
      drainMs: settings.shutdownGrace * DRAIN_SHARE,
      beforeControllers: (signal) => this.#beforeControllers(signal),
    });
    this.#tellMetrics();
  }

  /** Fills the caches, waits until it may work, then works. @throws the signal's reason */
  async start(signal: AbortSignal): Promise<void> {
    this.#inputs.start();
    await this.#operator.start(signal);
  }

  /** Ends the work under way at once; to be followed by `stop`. */
  abort(): void {
    this.#operator.abort();
  }

  /** Lets work under way end, for a while, and closes everything but the client. */
  async stop(): Promise<void> {
    await this.#operator.stop();
    await Promise.race([this.#events.flush(), timeout(FLUSH_MS)]);
    await Promise.all([
      this.#inputs.close(),
      this.#secretWatches.close(),
      this.#gateway.closeAll(),
      this.#functions.stop(),
      this.#renderer.close(),
    ]);
  }

  /** Whether the caches are filled. */
  get hasSynced(): boolean {
    return Object.values(this.#informers).every((informer) => informer.hasSynced);
  }

  /** Watches that have said nothing for long are broken in a way that they do not notice themselves. */
  get freshness(): readonly HealthCheck[] {
    return Object.values(this.#informers).map((informer) => ({
      name: `informer-${informer.kind.plural}`,
      check: () => {
        const silentMs = Date.now() - (informer.lastActivity?.getTime() ?? Date.now());
        return silentMs > STALE_MS ? `nothing was heard for ${Math.round(silentMs / 1000)} s` : undefined;
      },
    }));
  }

  async #beforeControllers(signal: AbortSignal): Promise<void> {
    await this.#options.mayWork(signal);
    this.#functions.start(signal);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(PREPARE_MS)]);
    const variants = this.#informers.variants.list().filter(({ spec }) => spec.injectors?.length);
    // What fails here is told by the variants, each for itself.
    await Promise.allSettled(variants.map((variant) => this.#injectables.prepare(variant, limit)));
    signal.throwIfAborted();
  }

  #watchSecrets(): SecretWatches {
    const { client, logger } = this.#options;
    const watches = new SecretWatches({ client, clock: systemClock, random: Math.random, logger });
    const named = (repository: Repository | undefined) => {
      const name = repository?.spec?.git?.secretRef?.name;
      return name ? { namespace: repository.metadata.namespace ?? '', name } : undefined;
    };
    this.repositories.onChange(({ before, after }) => {
      const { metadata } = after ?? before ?? {};
      if (metadata) watches.moved(objectKey(metadata), named(before), named(after));
      if (metadata && !after) this.#synced.delete(objectKey(metadata));
    });
    return watches;
  }

  async #openStore(opening: Parameters<typeof openGitStore>[0]): ReturnType<typeof openGitStore> {
    const { settings, leadership, metrics, logger } = this.#options;
    const store = await openGitStore({ ...opening, timeoutMs: settings.gitTimeout, proxy: settings.gitProxy });
    return clusterGitStore(store, {
      leadership,
      metrics,
      now: () => performance.now(),
      logger,
    });
  }

  #controllerMetrics() {
    const { metrics, logger } = this.#options;
    return {
      activeWorkers: metrics.activeWorkers.bind(metrics),
      reconciled: (controller: string, result: Parameters<Metrics['reconciled']>[1], milliseconds: number) => {
        metrics.reconciled(controller, result, milliseconds);
        logger.debug('reconciled', { controller, result, milliseconds });
      },
      queue: metrics.queue.bind(metrics),
    };
  }

  #tellMetrics(): void {
    const { metrics, settings } = this.#options;
    const { repositories, revisions } = this.#informers;
    metrics.maxWorkers('repository', settings.maxRepositorySyncs);
    metrics.maxWorkers('packagerevision', settings.revisionWorkers);
    metrics.maxWorkers('packagevariant', settings.variantWorkers);
    metrics.maxWorkers('packagevariantset', settings.variantSetWorkers);
    metrics.observe({
      packageRevisions: (): Iterable<Sample> => revisionCounts(revisions.list()),
      repositorySyncs: (): Iterable<Sample> => syncTimes(repositories.list(), this.#synced),
      functionPods: (): Iterable<Sample> => podSamples(this.#functions.loads(), 'pods'),
      functionQueues: (): Iterable<Sample> => podSamples(this.#functions.loads(), 'waiting'),
    });
  }
}

function openInformers(store: KubernetesStore, settings: Settings, logger: Logger) {
  const { namespace } = settings;
  const options = { namespace, logger };
  // Of the other namespaces only to tell that nothing there counts.
  const ofFunctions = { namespace: namespace && functionConfigNamespace(settings), logger };
  return {
    repositories: new SharedInformer(store, REPOSITORY, options),
    revisions: new SharedInformer(store, PACKAGE_REVISION, options),
    variants: new SharedInformer(store, PACKAGE_VARIANT, options),
    variantSets: new SharedInformer(store, PACKAGE_VARIANT_SET, options),
    functionConfigs: new SharedInformer(store, FUNCTION_CONFIG, ofFunctions),
  };
}

function functionConfigNamespace({ functionConfigNamespace: namespace = 'veranda-system' }: Settings): string {
  return namespace;
}

async function timeout(milliseconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  timer.unref();
  await promise;
}
