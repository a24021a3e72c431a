import type { KubeObject } from '../api/object.ts';

/** A kind as a store knows it. `plural` and `namespaced` are what a URL needs. */
export interface KindRef<T extends KubeObject = KubeObject> {
  /** `group/version`, or `v1` for the core group. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: carries the type of the kind's objects. */
  readonly __type?: T;
}

export interface ObjectName {
  readonly namespace?: string;
  readonly name: string;
}

export type WatchEvent<T extends KubeObject = KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T; readonly resourceVersion: string }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface ListResult<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
  /** Called when the watch is open: what fails before is a refusal, what fails after is a network or a server that went. */
  readonly onOpen?: () => void;
}

export interface WriteOptions {
  readonly fieldManager: string;
  readonly signal?: AbortSignal;
}

/**
 * The verbs of a Kubernetes API server that our controllers use, no more. The embedded store and the adapter on a real
 * API server pass one suite. Objects that come out are deeply frozen. Errors: NotFound is TerminalError reason NotFound (get answers undefined instead),
 * AlreadyExists is ConflictError reason AlreadyExists, a stale resourceVersion is ConflictError reason Conflict, a
 * rejected object is TerminalError reason Invalid with the field, an expired watch is ConflictError reason Expired.
 */
export interface ObjectStore {
  get<T extends KubeObject>(kind: KindRef<T>, name: ObjectName, signal?: AbortSignal): Promise<T | undefined>;
  list<T extends KubeObject>(
    kind: KindRef<T>,
    options?: { readonly namespace?: string; readonly signal?: AbortSignal },
  ): Promise<ListResult<T>>;
  /**
   * Events after `resourceVersion`, of a namespace or of all; ends when the signal aborts and whenever the server ends it, throws
   * ConflictError Expired when history is gone.
   */
  watch<T extends KubeObject>(kind: KindRef<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(object: T, options: WriteOptions): Promise<T>;
  /**
   * Server-side apply of metadata (labels, annotations, ownerReferences, finalizers) and spec: fields that this manager applied
   * before and left out now are removed; fields of others stay; forced. With `metadata.resourceVersion` it is a
   * compare-and-swap. Creates the object when it is not there, unless a resourceVersion or uid is given: that is ConflictError
   * Conflict then. What this manager wrote by create or patch is not removed by its applies.
   */
  apply<T extends KubeObject>(object: T, options: WriteOptions): Promise<T>;
  /** Server-side apply on the status subresource; spec and metadata of `object` beside name, uid and resourceVersion are ignored. */
  applyStatus<T extends KubeObject>(object: T, options: WriteOptions): Promise<T>;
  /**
   * JSON merge patch (RFC 7386) of metadata and spec, with `metadata.resourceVersion` in the patch as compare-and-swap. For lists that
   * several writers share: finalizers, ownerReferences, spec.lifecycle.
   */
  patch<T extends KubeObject>(kind: KindRef<T>, name: ObjectName, patch: object, options: WriteOptions): Promise<T>;
  /** Sets deletionTimestamp while finalizers remain, else removes; background propagation to dependents. */
  delete(
    kind: KindRef,
    name: ObjectName,
    options?: { readonly uid?: string; readonly resourceVersion?: string; readonly signal?: AbortSignal },
  ): Promise<void>;
}
