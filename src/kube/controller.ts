import type { KubeObject } from '../api/object.ts';
import type { KindRef } from './store.ts';

/** Read-only view of an informer's cache. Objects are frozen; never change them. */
export interface Lister<T extends KubeObject> {
  /** `namespace/name`. */
  get(key: string): T | undefined;
  list(): readonly T[];
  /** Objects for which the index function named `index` gave `value`; cost is the size of the answer. */
  byIndex(index: string, value: string): readonly T[];
}

export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[];

export interface Informer<T extends KubeObject> extends Lister<T> {
  readonly kind: KindRef<T>;
  readonly hasSynced: boolean;
  /** Before start. @throws Error when the name is taken by another function */
  addIndex(name: string, index: IndexFunction<T>): void;
  /** Before start. Handlers are contained: one that throws is logged and the rest goes on. */
  onChange(handler: (change: Change<T>) => void): void;
}

/** `before` is absent on add, `after` on delete. */
export interface Change<T extends KubeObject> {
  readonly before?: T;
  readonly after?: T;
  /** The object was there when the informer started: nothing has happened to it. */
  readonly initial?: boolean;
}

/** What a reconcile asks for next; nothing at all means "wait for the next event". */
export interface ReconcileResult {
  readonly requeueAfterMs?: number;
}

export interface ReconcileContext {
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** How many reconciles of this key in a row have lost a write to what had moved; absent means none. */
  readonly conflicts?: number;
}

/** One controller: a name, workers, and a function of a key. Thrown VerandaErrors decide about requeue by their `retry`. */
export interface Reconciler {
  readonly name: string;
  readonly workers: number;
  reconcile(key: string, context: ReconcileContext): Promise<ReconcileResult | undefined>;
}

export interface EventRecorder {
  /** Asynchronous and lossy by design; equal events are aggregated. */
  record(
    object: KubeObject,
    event: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string },
  ): void;
}
