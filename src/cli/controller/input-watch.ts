import { TransientError, VerandaError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { abortable } from '../../concurrency/abortable.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Change } from '../../kube/controller.ts';
import { SharedInformer } from '../../kube/informer.ts';
import type { KindRef, ObjectStore } from '../../kube/store.ts';
import type { Logger } from '../../observability/logger.ts';

/** A kind in a version. */
export interface InputType {
  readonly apiVersion: string;
  readonly kind: string;
}

export interface InputWatchOptions {
  readonly namespace: string;
  readonly type: InputType;
  readonly store: Pick<ObjectStore, 'list' | 'watch'>;
  /** Undefined when the cluster has no such kind. @throws TransientError when it could not be asked */
  readonly resolveKind: (apiVersion: string, kind: string) => Promise<KindRef | undefined>;
  /** An object came, changed or went. */
  readonly onChange: (change: Change<KubeObject>) => void;
  /** The first list is there. */
  readonly onSynced: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

type State =
  | { readonly name: 'resolving' }
  /** The cluster has no such kind. */
  | { readonly name: 'absent' }
  | { readonly name: 'watching'; readonly informer: SharedInformer<KubeObject>; readonly running: Promise<void> };

/** The objects of one type in one namespace, watched from the first question on until it is closed. */
export class InputWatch {
  readonly #options: InputWatchOptions;
  readonly #stop = new AbortController();
  #state: State = { name: 'resolving' };
  #resolving: Promise<void> | undefined;
  /** Why the last request failed; what was listed before still counts as known, within reason. */
  #fault: unknown;
  /** Resolved, and made anew, whenever something has happened that waiting questions may want to know. */
  #news = Promise.withResolvers<void>();
  #askedAt: number;

  constructor(options: InputWatchOptions) {
    this.#options = options;
    this.#askedAt = options.clock.now().getTime();
    this.lookAgain();
  }

  /** When somebody asked last, in milliseconds since the epoch. */
  get askedAt(): number {
    return this.#askedAt;
  }

  /** False when the cluster has no such kind. */
  get isServed(): boolean {
    return this.#state.name !== 'absent';
  }

  /** All objects, those of other namespaces among them when the kind has no namespaces; after `synced`. */
  list(): readonly KubeObject[] {
    return this.#state.name === 'watching' ? this.#state.informer.list() : [];
  }

  /**
   * @param key `namespace/name`
   * @throws TransientError when it is not known
   */
  get(key: string): KubeObject | undefined {
    this.#askedAt = this.#options.clock.now().getTime();
    if (!this.#isKnown()) throw this.#unknown();
    return this.#state.name === 'watching' ? this.#state.informer.get(key) : undefined;
  }

  /**
   * Waits until `list` and `get` can answer.
   * @throws TransientError when the list fails, with what to grant when it is forbidden; the signal's reason
   */
  async synced(signal: AbortSignal): Promise<void> {
    this.#askedAt = this.#options.clock.now().getTime();
    if (this.#state.name === 'resolving') this.lookAgain();
    while (!this.#isKnown()) {
      this.#stop.signal.throwIfAborted();
      if (this.#fault !== undefined) throw this.#unknown();
      try {
        await abortable(this.#news.promise, signal);
      } catch (error) {
        throw error instanceof DOMException && error.name === 'TimeoutError' ? this.#unknown() : error;
      }
    }
  }

  /** Asks again for a kind that the cluster did not have. */
  lookAgain(): void {
    if (this.#state.name === 'watching' || this.#resolving !== undefined || this.#stop.signal.aborted) return;
    this.#fault = undefined;
    this.#resolving = this.#resolve().finally(() => {
      this.#resolving = undefined;
    });
  }

  async close(): Promise<void> {
    this.#stop.abort(new TransientError('Stopped', 'the watch is closed'));
    await this.#resolving;
    if (this.#state.name === 'watching') await this.#state.running;
    this.#tellNews();
  }

  #isKnown(): boolean {
    return this.#state.name === 'absent' || (this.#state.name === 'watching' && this.#state.informer.hasSynced);
  }

  /** Never rejects. */
  async #resolve(): Promise<void> {
    const { resolveKind, type } = this.#options;
    try {
      const kind = await resolveKind(type.apiVersion, type.kind);
      if (this.#stop.signal.aborted) return;
      this.#state = kind ? this.#open(kind) : { name: 'absent' };
    } catch (error) {
      this.#fault = error;
    }
    this.#tellNews();
  }

  #open(kind: KindRef): State {
    const { namespace, clock, logger, onChange, onSynced, type } = this.#options;
    const fields = { namespace, apiVersion: type.apiVersion, kind: type.kind };
    const scope = kind.namespaced ? namespace : undefined;
    const informer = new SharedInformer(this.#heardStore(kind), kind, { namespace: scope, clock, logger });
    informer.onChange(onChange);
    let wasSynced = false;
    informer.onProgress(() => {
      this.#tellNews();
      if (!wasSynced) onSynced();
      wasSynced = true;
    });
    logger.info('inputs are watched', fields);
    const running = informer.run(this.#stop.signal).then(() => logger.info('inputs are no longer watched', fields));
    return { name: 'watching', informer, running };
  }

  /** The informer tries again by itself and tells nobody what failed. */
  #heardStore(kind: KindRef): ObjectStore {
    const { store } = this.#options;
    const refuse = () => Promise.reject(new Error('inputs are only read'));
    return {
      get: refuse,
      create: refuse,
      apply: refuse,
      applyStatus: refuse,
      patch: refuse,
      delete: refuse,
      list: async (of, options) => {
        try {
          const result = await store.list(of, options);
          this.#fault = undefined;
          return result;
        } catch (error) {
          this.#fault = explained(error, kind, this.#options);
          this.#tellNews();
          throw error;
        }
      },
      watch: (of, options) => store.watch(of, options),
    };
  }

  #unknown(): VerandaError {
    if (this.#fault instanceof VerandaError) return this.#fault;
    const { type, namespace } = this.#options;
    const cause = this.#fault;
    return new TransientError(
      'InputLookupFailed',
      `${type.kind} objects of namespace ${namespace} could not be listed yet`,
      {
        cause,
      },
    );
  }

  #tellNews(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

/** A missing right is told with the rule that gives it. */
function explained(error: unknown, kind: KindRef, { namespace, type }: InputWatchOptions): unknown {
  if (!(error instanceof TransientError) || error.reason !== 'Forbidden') return error;
  const [group = '', version] = kind.apiVersion.includes('/') ? kind.apiVersion.split('/') : ['', kind.apiVersion];
  const rule = JSON.stringify({ apiGroups: [group], resources: [kind.plural], verbs: ['get', 'list', 'watch'] });
  return new TransientError(
    'InputForbidden',
    `${type.kind} objects (${group === '' ? version : kind.apiVersion}) of namespace ${namespace} may not be listed; ` +
      `add a ClusterRole with the label ${INPUTS_LABEL}: "true" and the rule ${rule}`,
    { cause: error },
  );
}

/** Label of a ClusterRole: what it grants is granted to the operator as well. */
const INPUTS_LABEL = 'veranda.dev/aggregate-to-inputs';
