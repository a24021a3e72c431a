import type { ResourceRef } from '../krm/resource-list.ts';
import type { KrmValue } from '../krm/value.ts';

/** One place where both sides of an upgrade changed the same thing differently. */
export interface MergeConflict {
  readonly resource?: ResourceRef;
  readonly file: string;
  /** Field path inside the resource; absent when the whole resource or file conflicts. */
  readonly field?: string;
  readonly base?: KrmValue;
  readonly local?: KrmValue;
  readonly upstream?: KrmValue;
  readonly resolution: 'local' | 'upstream' | 'merged' | 'deleted' | 'kept';
}
