import type { KrmFile } from './file.ts';
import type { FunctionSpec } from './function-spec.ts';
import type { KrmMap } from './value.ts';

export interface KptfileCondition {
  readonly type: string;
  /** True, False or Unknown; anything else in a file reads as Unknown with a warning. */
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** The parts of `kpt.dev/v1` Kptfile that we read; `raw` has everything. */
export interface Kptfile {
  readonly raw: KrmMap;
  readonly name: string;
  readonly labels: { readonly [key: string]: string };
  readonly annotations: { readonly [key: string]: string };
  readonly upstream?: {
    readonly type?: string;
    readonly git?: { readonly repo?: string; readonly directory?: string; readonly ref?: string };
    readonly updateStrategy?: string;
  };
  readonly upstreamLock?: {
    readonly type?: string;
    readonly git?: {
      readonly repo?: string;
      readonly directory?: string;
      readonly ref?: string;
      readonly commit?: string;
    };
  };
  readonly readinessGates: readonly string[];
  readonly conditions: readonly KptfileCondition[];
  readonly mutators: readonly FunctionSpec[];
  readonly validators: readonly FunctionSpec[];
}

/**
 * @param path where the Kptfile lies in the package, for messages
 * @throws TerminalError reason InvalidKptfile with file, line and field
 */
export function readKptfile(path: string, bytes: Uint8Array): { readonly kptfile: Kptfile; readonly file: KrmFile } {
  throw new Error(`not implemented: ${path} ${bytes.length}`);
}

/** Edits the Kptfile (its first document) in place: comments, order and unknown fields stay; same bytes if `edit` changes nothing. */
export function editKptfile(path: string, bytes: Uint8Array, edit: (kptfile: KrmMap) => KrmMap): Uint8Array {
  throw new Error(`not implemented: ${path} ${bytes.length} ${edit.length}`);
}
