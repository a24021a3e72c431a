import { AsyncLocalStorage } from 'node:async_hooks';
import type { KubeObject } from '../../api/object.ts';
import type { Change } from '../../kube/controller.ts';
import { type InputType, InputWatch, type InputWatchOptions } from './input-watch.ts';

export type InputWatchesOptions = Omit<InputWatchOptions, 'namespace' | 'type' | 'onChange' | 'onSynced'>;

/** Where and what a watch is for. */
export interface InputKey {
  readonly namespace: string;
  readonly type: InputType;
}

/** How often watches are looked through: for kinds that the cluster did not have, and for what nobody needs any more. */
const SWEEP_MS = 30_000;
/** A watch is kept so long after the last question, whoever has asked. */
const KEEP_MS = 600_000;

/** Watches of what packages and sets read of a cluster, opened when somebody asks and closed when nobody needs them. */
export class InputWatches {
  readonly #options: InputWatchesOptions;
  readonly #watches = new Map<string, InputWatch>();
  readonly #changeHandlers: ((change: Change<KubeObject>) => void)[] = [];
  readonly #syncedHandlers: ((key: InputKey) => void)[] = [];
  /** A watch outlives the work that asked for it first, and is not part of it in the log. */
  readonly #outside = AsyncLocalStorage.snapshot();
  readonly #needs: (() => Iterable<InputKey>)[] = [];
  #cancelSweep: (() => void) | undefined;

  constructor(options: InputWatchesOptions) {
    this.#options = options;
  }

  /** An object came, changed or went. */
  onChange(handler: (change: Change<KubeObject>) => void): void {
    this.#changeHandlers.push(handler);
  }

  /** What could not be told before is known now, also when it is that there are none. */
  onSynced(handler: (key: InputKey) => void): void {
    this.#syncedHandlers.push(handler);
  }

  /** Watches that `needed` gives are kept, however long ago somebody asked. */
  keep(needed: () => Iterable<InputKey>): void {
    this.#needs.push(needed);
  }

  /** Opens the watch when there is none. */
  of(key: InputKey): InputWatch {
    const id = keyText(key);
    const known = this.#watches.get(id);
    if (known) return known;
    const watch = this.#outside(() => this.#open(key));
    this.#watches.set(id, watch);
    return watch;
  }

  #open(key: InputKey): InputWatch {
    return new InputWatch({
      ...this.#options,
      ...key,
      onChange: (change) => {
        for (const handler of this.#changeHandlers) handler(change);
      },
      onSynced: () => {
        for (const handler of this.#syncedHandlers) handler(key);
      },
    });
  }

  /** Begins to look after the watches, until `close`. */
  start(): void {
    this.#cancelSweep = this.#options.clock.setTimer(SWEEP_MS, () => {
      this.sweep();
      this.start();
    });
  }

  /** Looks again for kinds that were not there, and closes what is not needed. */
  sweep(): void {
    const needed = new Set(this.#needs.flatMap((need) => [...need()]).map(keyText));
    const now = this.#options.clock.now().getTime();
    for (const [id, watch] of this.#watches) {
      if (needed.has(id) || now - watch.askedAt < KEEP_MS) {
        watch.lookAgain();
      } else {
        this.#watches.delete(id);
        void watch.close();
      }
    }
  }

  /** Ends all watches. */
  async close(): Promise<void> {
    this.#cancelSweep?.();
    const watches = [...this.#watches.values()];
    this.#watches.clear();
    await Promise.all(watches.map((watch) => watch.close()));
  }
}

export function isSecret({ apiVersion, kind }: InputType): boolean {
  return kind === 'Secret' && !apiVersion.includes('/');
}

export function sameKey(one: InputKey, other: InputKey): boolean {
  return keyText(one) === keyText(other);
}

function keyText({ namespace, type }: InputKey): string {
  return `${namespace} ${type.apiVersion} ${type.kind}`;
}
