import type { PackageRevision, PackageVariant, PackageVariantSet, Repository } from '../api/kinds.ts';
import type { KubeObject } from '../api/object.ts';
import type { Change, EventRecorder, Informer } from '../kube/controller.ts';
import type { ObjectStore } from '../kube/store.ts';
import type { PackageMerger } from '../merge/types.ts';
import type { Logger } from '../observability/logger.ts';
import type { Renderer } from '../render/types.ts';
import type { CredentialsProvider } from '../repository/git/types.ts';
import type { RepositoryGateway } from './repository/gateway.ts';

/** Objects that may be injected into packages: what the operator was granted, never Secrets. */
export interface Injectables {
  /**
   * Objects of a kind in a namespace.
   * @throws TransientError when they could not be looked at, which is never "there are none"
   */
  list(namespace: string, apiVersion: string, kind: string): Promise<readonly KubeObject[]>;
  /**
   * Waits until `byName` can tell all objects that the variant names; absent where it always can.
   * @throws TransientError when they could not be looked at; the signal's reason
   */
  prepare?(variant: PackageVariant, signal: AbortSignal): Promise<void>;
  /**
   * Objects of any kind with a name; a change of one of them wakes the variants that name it.
   * @throws TransientError when they could not be looked at
   */
  byName(namespace: string, name: string): readonly KubeObject[];
  onChange(handler: (object: KubeObject) => void): void;
}

/** Objects that sets may select: of the kinds that the operator was granted, never Secrets. */
export interface Selectables {
  /**
   * Objects of a kind in a namespace; of a kind that has no namespaces, all that there are.
   * @throws TransientError when they could not be looked at, which is never "there are none"; TerminalError
   * NoMatchingTargets for a kind that is not served or was not granted
   */
  list(namespace: string, apiVersion: string, kind: string, signal: AbortSignal): Promise<readonly KubeObject[]>;
  /** Changes of objects of kinds that were listed, and of those that could not be listed before. */
  onChange(handler: (change: Change<KubeObject>) => void): void;
}

/** Tells that Secrets came, changed or went: by their names only, never what they hold. */
export interface SecretChanges {
  onChange(handler: (secret: { readonly namespace: string; readonly name: string }) => void): void;
}

/** Wakes another controller's key from outside the object store (git moved, not the object). */
export interface Waker {
  revision(key: string): void;
  /**
   * Revisions appeared or went by our own writes: their objects follow without another look at the remote.
   * @param afterMs later than what many ask for at once is gathered
   */
  repository(key: string, afterMs?: number): void;
}

/** What the controllers are made of; built once by the composition root. */
export interface ControllerEnvironment {
  readonly store: ObjectStore;
  readonly repositories: Informer<Repository>;
  readonly revisions: Informer<PackageRevision>;
  readonly variants: Informer<PackageVariant>;
  readonly variantSets: Informer<PackageVariantSet>;
  readonly gateway: RepositoryGateway;
  readonly injectables: Injectables;
  readonly selectables: Selectables;
  /** Secret of a namespace as credentials; asked before each network call. */
  readonly secrets: (namespace: string, name: string) => CredentialsProvider;
  readonly renderer: Renderer;
  /** Default: merges in the main thread. */
  readonly merger?: PackageMerger;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly wake: Waker;
  /** Names how functions are run now; changes with it. */
  readonly functionRules: () => string;
  readonly now: () => Date;
}
