import type { FunctionConfig, PackageRevision, PackageVariant, PackageVariantSet, Repository } from '../api/kinds.ts';
import { objectKey } from '../api/object.ts';
import { findCondition } from '../kube/conditions.ts';
import type { SharedInformer } from '../kube/informer.ts';
import { type ManagedInformer, Manager, type ManagerOptions, type WaitingKey } from '../kube/manager.ts';
import { OwnWritesStore } from '../kube/own-writes.ts';
import { sanitiseText } from '../observability/sanitise.ts';
import type { ControllerEnvironment, SecretChanges } from './environment.ts';
import { type FunctionConfigEnvironment, FunctionConfigReconciler } from './function-config/reconciler.ts';
import { PackageRevisionReconciler } from './package-revision/reconciler.ts';
import { PackageVariantReconciler } from './package-variant/reconciler.ts';
import { PackageVariantSetReconciler } from './package-variant-set/reconciler.ts';
import { RepositoryReconciler } from './repository/reconciler.ts';
import { addIndexes, connect, wakeFailedFunctions } from './wiring.ts';

export interface OperatorOptions
  extends Pick<
    ControllerEnvironment,
    'store' | 'gateway' | 'injectables' | 'selectables' | 'secrets' | 'renderer' | 'merger' | 'events' | 'logger'
  > {
  readonly informers: {
    readonly repositories: SharedInformer<Repository>;
    readonly revisions: SharedInformer<PackageRevision>;
    readonly variants: SharedInformer<PackageVariant>;
    readonly variantSets: SharedInformer<PackageVariantSet>;
  };
  /** Configurations of functions, where functions can be configured. */
  readonly functions?: Pick<FunctionConfigEnvironment, 'runtimes' | 'namespace' | 'imagePrefix'> & {
    readonly configs: SharedInformer<FunctionConfig>;
  };
  readonly secretChanges: SecretChanges;
  /** Whether an informer has delivered all that its store holds; `idle` relies on it. */
  readonly isCurrent?: (informer: ManagedInformer) => boolean;
  readonly workers?: Partial<Workers>;
  readonly metrics?: ManagerOptions['metrics'];
  /** A repository was read, by its key. */
  readonly onSynced?: (key: string) => void;
  readonly reconcileTimeoutMs?: number;
  /** How long `stop` lets reconciles go on. */
  readonly drainMs?: number;
  /** Awaited when the caches are filled, before any controller works. */
  readonly beforeControllers?: ManagerOptions['beforeControllers'];
}

export interface Workers {
  readonly repository: number;
  readonly revision: number;
  readonly variant: number;
  readonly variantSet: number;
}

/** Many revisions wait for git at a time: what they push is gathered into few pushes. */
const WORKERS: Workers = { repository: 32, revision: 1024, variant: 16, variantSet: 4 };

/** A repository that hangs, and all repositories that fail, keep a quarter of the workers busy at most: the others go on. */
const LANE_SHARE = 1 / 4;

/** What many objects ask for at once is done once. */
const GATHER_MS = 100;

/** All controllers on one store. The composition root gives what touches the outside. */
export class Operator {
  readonly #manager: Manager;

  constructor(options: OperatorOptions) {
    const { informers, isCurrent, logger, metrics, reconcileTimeoutMs, drainMs, beforeControllers } = options;
    const workers = { ...WORKERS, ...options.workers };
    this.#manager = new Manager({
      logger,
      sanitise: sanitiseText,
      isCurrent,
      metrics,
      reconcileTimeoutMs,
      drainMs,
      beforeControllers,
    });
    const all = [informers.repositories, informers.revisions, informers.variants, informers.variantSets];
    const env: ControllerEnvironment = {
      ...options,
      ...informers,
      store: new OwnWritesStore(options.store, all),
      wake: {
        revision: (key) => revisions.add(key),
        repository: (key, afterMs = GATHER_MS) => repositories.addAfter(key, afterMs),
      },
      functionRules: () => options.functions?.runtimes.rulesVersion ?? '',
      now: () => new Date(),
    };
    addIndexes(informers);
    const repositoryReconciler = new RepositoryReconciler({ ...env, onSynced: options.onSynced }, workers.repository);
    const repositories = this.#manager.addController(repositoryReconciler, {
      lane: (key) => (isFailing(informers.repositories.get(key)) ? 'failing' : key),
      perLane: share(workers.repository),
    });
    const revisions = this.#manager.addController(new PackageRevisionReconciler(env, workers.revision), {
      lane: (key) => repositoryOf(informers.revisions.get(key)),
      perLane: share(workers.revision),
    });
    const variants = this.#manager.addController(new PackageVariantReconciler(env, workers.variant));
    const sets = this.#manager.addController(new PackageVariantSetReconciler(env, workers.variantSet));
    connect(informers, options, {
      repository: (key) => repositories.add(key),
      rediscovery: (key) => {
        repositoryReconciler.discoverAnew(key);
        repositories.addAfter(key, GATHER_MS);
      },
      revision: (key) => revisions.add(key),
      variant: (key) => variants.add(key),
      variantSet: (key) => sets.addAfter(key, GATHER_MS),
    });
    this.#manager.addInformer(informers.repositories);
    this.#manager.addInformer(informers.revisions);
    this.#manager.addInformer(informers.variants);
    this.#manager.addInformer(informers.variantSets);
    if (options.functions) this.#addFunctions(env, options.functions);
  }

  #addFunctions(env: ControllerEnvironment, functions: NonNullable<OperatorOptions['functions']>): void {
    const { configs } = functions;
    const store = new OwnWritesStore(env.store, [configs]);
    const onNewRules = () => wakeFailedFunctions(env.revisions, env.wake);
    const queue = this.#manager.addController(
      new FunctionConfigReconciler({ ...env, ...functions, store, onNewRules }),
    );
    configs.onChange(({ before, after }) => {
      const { metadata } = (after ?? before) as FunctionConfig;
      if (after && before?.metadata.generation === metadata.generation) return;
      queue.add(objectKey(metadata));
    });
    this.#manager.addInformer(configs);
  }

  start(signal: AbortSignal): Promise<void> {
    return this.#manager.start(signal);
  }

  /** Ends the work under way now; `stop` waits for it. */
  abort(): void {
    this.#manager.abort();
  }

  idle(options: { readonly horizonMs: number; readonly signal: AbortSignal }): Promise<readonly WaitingKey[]> {
    return this.#manager.idle(options);
  }

  stop(): Promise<void> {
    return this.#manager.stop();
  }
}

function share(workers: number): number {
  return Math.max(1, Math.floor(workers * LANE_SHARE));
}

function isFailing(repository: Repository | undefined): boolean {
  return findCondition(repository?.status?.conditions, 'Ready')?.status === 'False';
}

/** One lane for revisions that are gone: all that is left to do is to forget them. */
function repositoryOf(revision: PackageRevision | undefined): string {
  return revision ? `${revision.metadata.namespace ?? ''}/${revision.spec.repository}` : '';
}
