import type { KrmMap, KrmValue } from './value.ts';

export type ResultSeverity = 'error' | 'warning' | 'info';

export interface ResourceRef {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** One structured result of a function (KRM function specification v1, `results[]`). */
export interface FunctionResult {
  readonly message: string;
  /** Absent means info. */
  readonly severity?: ResultSeverity;
  readonly resourceRef?: ResourceRef;
  readonly field?: { readonly path?: string; readonly currentValue?: KrmValue; readonly proposedValue?: KrmValue };
  /** `index` is the document's number in the file, from 0. */
  readonly file?: { readonly path?: string; readonly index?: number };
  readonly tags?: { readonly [key: string]: string };
}

/** `config.kubernetes.io/v1` ResourceList as plain data. */
export interface ResourceList {
  readonly items: readonly KrmMap[];
  readonly functionConfig?: KrmMap;
  readonly results?: readonly FunctionResult[];
}
