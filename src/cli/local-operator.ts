import { withDefaults } from '../api/defaults.ts';
import { TerminalError } from '../api/errors.ts';
import {
  ALL_KINDS,
  type Kind,
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  REPOSITORY,
  type Repository,
} from '../api/kinds.ts';
import { type KubeObject, objectLabel } from '../api/object.ts';
import { describeDiagnostics, validateManifest } from '../api/validate.ts';
import { Operator, type OperatorOptions } from '../controllers/operator.ts';
import { type GatewayOptions, RepositoryGateway } from '../controllers/repository/gateway.ts';
import type { Managers } from '../kube/adapters/embedded/managed-fields.ts';
import { EmbeddedStore, type StoreChange } from '../kube/adapters/embedded/store.ts';
import { AggregatingEventRecorder, type EventSink } from '../kube/events.ts';
import { SharedInformer } from '../kube/informer.ts';
import type { WaitingKey } from '../kube/manager.ts';
import type { Logger } from '../observability/logger.ts';
import { sanitiseText } from '../observability/sanitise.ts';
import { kindOf } from './manifests.ts';
import { type ClosableRenderer, openRenderer } from './renderer.ts';
import { readyCondition } from './report.ts';
import { secretChanges, secretCredentials } from './secrets.ts';
import { storeInjectables, storeSelectables } from './store-inputs.ts';

/** Owner of the fields that manifests set. */
export const MANIFESTS_MANAGER = 'veranda-run';

export interface LocalOperatorOptions {
  /** Folder for bare mirrors. */
  readonly mirrors: string;
  readonly events: EventSink;
  /** Called within each write to the store; must not throw. */
  readonly onChange: (change: StoreChange) => void;
  readonly logger: Logger;
  /** Opens stores and repositories in place of the defaults; for tests of faults. */
  readonly open?: Pick<GatewayOptions, 'openStore' | 'createRepository'>;
  /** Default: that of the command line. Closed with the operator. */
  readonly renderer?: ClosableRenderer;
  readonly metrics?: OperatorOptions['metrics'];
  /** Whether repositories may be folders of this machine. Default: yes. */
  readonly allowLocal?: boolean;
  /** What controllers read beside their own kinds. Default: what is in the store. */
  readonly surroundings?: (parts: LocalParts) => Surroundings;
}

/** What surroundings may be made of. */
export interface LocalParts {
  readonly store: EmbeddedStore;
  readonly informers: OperatorOptions['informers'];
  readonly gateway: RepositoryGateway;
}

export interface Surroundings extends Pick<OperatorOptions, 'injectables' | 'selectables' | 'secrets'> {
  close(): Promise<void>;
}

/**
 * A key that has failed is tried again at growing intervals; what still fails when they grow beyond this is left as it is.
 * The tries add up to about as long.
 */
const PATIENCE_MS = 2_500;
/** What is due within this time for another reason than a failure, such as an approval's delay, is waited for. */
const HORIZON_MS = 60_000;

/** The operator on an embedded store: what `veranda run` works with. Git is all that outlives it. */
export class LocalOperator {
  readonly #store: EmbeddedStore;
  readonly #operator: Operator;
  readonly #gateway: RepositoryGateway;
  readonly #events: AggregatingEventRecorder;
  readonly #renderer: ClosableRenderer;
  readonly #surroundings: Surroundings;

  constructor(options: LocalOperatorOptions) {
    const { mirrors, events, onChange, logger, open, renderer, metrics, allowLocal = true } = options;
    const store = new EmbeddedStore({ kinds: ALL_KINDS.map((kind) => ({ kind, validate: admission })) });
    this.#store = store;
    this.#renderer = renderer ?? openRenderer();
    store.onChange(onChange);
    this.#gateway = new RepositoryGateway({
      ...open,
      mirrors,
      allowLocal,
      credentials: ({ metadata, spec }: Repository) =>
        spec.git?.secretRef?.name
          ? this.#surroundings.secrets(metadata.namespace ?? '', spec.git.secretRef.name)
          : undefined,
      now: () => Date.now(),
    });
    const informers = {
      repositories: new SharedInformer(store, REPOSITORY, { logger }),
      revisions: new SharedInformer(store, PACKAGE_REVISION, { logger }),
      variants: new SharedInformer(store, PACKAGE_VARIANT, { logger }),
      variantSets: new SharedInformer(store, PACKAGE_VARIANT_SET, { logger }),
    };
    const { surroundings = storeSurroundings } = options;
    this.#surroundings = surroundings({ store, informers, gateway: this.#gateway });
    this.#events = new AggregatingEventRecorder({ sink: events, sanitise: sanitiseText, logger });
    this.#operator = new Operator({
      store,
      informers,
      isCurrent: (informer) => store.isCurrent(informer.kind, informer.resourceVersion),
      gateway: this.#gateway,
      ...this.#surroundings,
      secretChanges: secretChanges(store),
      renderer: this.#renderer,
      merger: this.#renderer.merger,
      events: this.#events,
      logger,
      metrics,
    });
  }

  /**
   * Puts an object in as another store has it, before `start`.
   * @param managers who owns its fields; what `apply` owns is {@link MANIFESTS_MANAGER}'
   */
  seed(object: KubeObject, managers: Managers): void {
    this.#store.seed(object, managers);
  }

  /** @throws TerminalError Invalid, with the field */
  async apply(object: KubeObject): Promise<void> {
    await this.#store.apply(withDefaults(object), { fieldManager: MANIFESTS_MANAGER });
  }

  /** As `kubectl delete` does: finalizers run first. An object that is not there is deleted already. */
  async delete(object: KubeObject): Promise<void> {
    try {
      await this.#store.delete(kindOf(object), object.metadata);
    } catch (error) {
      if (!(error instanceof TerminalError && error.reason === 'NotFound')) throw error;
    }
  }

  /** The objects of a kind, in the order in which they came. */
  async list<T extends KubeObject>(kind: Kind<T>): Promise<readonly T[]> {
    return (await this.#store.list(kind)).items;
  }

  find(kind: string, namespace: string, name: string): KubeObject | undefined {
    return this.#store.findByName(namespace, name).find((object) => object.kind === kind);
  }

  /** @throws the signal's reason */
  start(signal: AbortSignal): Promise<void> {
    return this.#operator.start(signal);
  }

  /**
   * Waits until nothing is left to do but to repeat what fails again and again.
   * @param horizonMs what is due later than this, for another reason than a failure, is not waited for
   * @throws the signal's reason
   */
  async settle(signal: AbortSignal, horizonMs = HORIZON_MS): Promise<void> {
    for (;;) {
      const waiting = await this.#operator.idle({ horizonMs: PATIENCE_MS, signal });
      const expected = waiting.find((key) => key.inMs <= horizonMs && !this.#isRoutine(key) && !this.#isFailing(key));
      if (!expected) break;
      await this.#operator.idle({ horizonMs: expected.inMs, signal });
    }
    await this.#events.flush();
  }

  /** A look at a repository by its schedule is no work that is left to do, or work would never end. */
  #isRoutine({ controller }: WaitingKey): boolean {
    return controller === REPOSITORY.kind.toLowerCase();
  }

  #isFailing({ controller, key }: WaitingKey): boolean {
    const [namespace = '', name = ''] = key.split('/');
    const kind = ALL_KINDS.find((known) => known.kind.toLowerCase() === controller);
    const object = kind && this.find(kind.kind, namespace, name);
    return object !== undefined && readyCondition(object)?.status === 'False';
  }

  /** Lets what is under way end. The objects can still be read. */
  async stop(): Promise<void> {
    await this.#operator.stop();
    await this.#events.flush();
    await this.#surroundings.close();
    await this.#gateway.closeAll();
    await this.#renderer.close();
  }
}

function storeSurroundings({ store }: LocalParts): Surroundings {
  return {
    injectables: storeInjectables(store),
    selectables: storeSelectables(store),
    secrets: (namespace, name) => secretCredentials(store, namespace, name),
    close: async () => undefined,
  };
}

/** The rules that CRDs state in CEL in a cluster. */
function admission(object: KubeObject, old?: KubeObject): void {
  const faults = validateManifest(object, old);
  const [first, ...more] = faults;
  if (!first) return;
  // A single fault has its field beside it; of several each says its own.
  const message = more.length === 0 ? first.message : describeDiagnostics(faults);
  throw new TerminalError('Invalid', message, {
    object: objectLabel(object),
    ...(more.length === 0 ? { field: first.field } : {}),
  });
}
