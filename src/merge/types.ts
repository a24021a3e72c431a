import type { ResourceRef } from '../krm/resource-list.ts';
import type { KrmValue } from '../krm/value.ts';
import type { Package } from '../package/package.ts';

/** One place where both sides of an upgrade changed the same thing differently. */
export interface MergeConflict {
  readonly resource?: ResourceRef;
  /** Path in the package; of the local file where there is one. */
  readonly file: string;
  /**
   * Field path inside the resource, items of keyed lists by their key (`spec.containers[name=web].image`); absent when
   * the whole resource or file conflicts.
   */
  readonly field?: string;
  /** Absent where a side has no such value. */
  readonly base?: KrmValue;
  readonly local?: KrmValue;
  readonly upstream?: KrmValue;
  readonly resolution: 'local' | 'upstream' | 'merged' | 'deleted' | 'kept';
}

/** How a new upstream and local changes are brought together. */
export type MergeStrategy = 'resource-merge' | 'fast-forward' | 'force-delete-replace' | 'copy-merge';

/** Which side is taken where both changed the same thing. */
export type Preference = 'local' | 'upstream';

/** The three states of a package. An empty base stands for a package of unknown origin. */
export interface MergeInput {
  readonly base: Package;
  readonly local: Package;
  readonly updated: Package;
  /**
   * What the base becomes when the local pipeline renders it. A local resource that equals it was edited by nobody, so
   * that it goes when upstream removes it.
   */
  readonly rendered?: Package;
}

export interface MergeOptions {
  readonly strategy: MergeStrategy;
  /** The package is a subpackage: its upstream follows that of `updated`, and one that users re-pointed is left alone. */
  readonly nested?: boolean;
  /**
   * Subpackages that name an upstream of their own: `leave` touches none of them (they are upgraded one by one, as kpt
   * does), `merge` treats them as content of this package. `leave` when absent.
   */
  readonly independent?: 'leave' | 'merge';
  /** For resources without a preference of their own; `upstream` when absent. */
  readonly prefer?: Preference;
}

export interface MergeResult {
  readonly pkg: Package;
  /** In path order; at most MAX_CONFLICTS. */
  readonly conflicts: readonly MergeConflict[];
  /** Conflicts beyond the limit. */
  readonly omittedConflicts: number;
  readonly warnings: readonly string[];
}

/** Merges packages somewhere: the worker pool does it off the main thread. */
export interface PackageMerger {
  /** As `mergePackages`. @throws also the signal's reason, and TransientError when the thread that merged died */
  merge(input: MergeInput, options: MergeOptions, signal: AbortSignal): Promise<MergeResult>;
}

/** More conflicts than anybody reads; the rest is counted. */
export const MAX_CONFLICTS = 1000;
