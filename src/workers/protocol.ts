import type { MessagePort } from 'node:worker_threads';
import {
  ConflictError,
  type ErrorLocation,
  errorMessage,
  TerminalError,
  TransientError,
  VerandaError,
} from '../api/errors.ts';
import type { BuiltinOverrides } from '../functions/builtin-runtime.ts';
import type { FunctionItem, FunctionOutput } from '../functions/types.ts';
import type { FunctionSpec } from '../krm/function-spec.ts';
import type { KrmMap } from '../krm/value.ts';
import type { MergeOptions, MergeResult } from '../merge/types.ts';
import type { PackedPackage } from '../package/package.ts';
import type { PackedFiles } from '../package/packed-files.ts';
import type { RenderReport } from '../render/types.ts';

/*
 * What goes between the main thread and a worker for one render. The task goes over through the pool. While the
 * renderer in the worker runs, it may come upon functions that only the main thread can run (they do I/O):
 *
 * - `asks`: "who runs this function?" The renderer needs the answer at once, so the worker sleeps until the main thread
 *   has set `answered`. Only Question and Answer go here, so that the sleeper finds nothing else.
 * - `calls`: runs of such functions, any number at a time, and the cancellation of the render.
 */

export interface RenderTask {
  readonly package: PackedPackage;
  readonly imagePrefix?: string;
  readonly builtinPrefixes?: readonly string[];
  /** Changes of built-in functions; null: none is used. */
  readonly builtins?: BuiltinOverrides | null;
  readonly allowedImages?: readonly string[];
  readonly stepTimeout?: number;
  readonly writesStatus?: boolean;
  readonly asks: MessagePort;
  readonly calls: MessagePort;
  /** One number: 0 while a question is open, 1 when its answer has been posted. */
  readonly answered: Int32Array<SharedArrayBuffer>;
}

export type RenderReply =
  | {
      readonly ok: true;
      /** New files and files with other bytes or another mode; all others are as they were. */
      readonly changed: PackedFiles;
      readonly removed: readonly string[];
      readonly report: RenderReport;
    }
  | { readonly ok: false; readonly error: PackedError };

/** One merge: the packages go over packed, what comes back are the changes of the local one. */
export interface MergeTask {
  readonly base: PackedPackage;
  readonly local: PackedPackage;
  readonly updated: PackedPackage;
  readonly rendered?: PackedPackage;
  readonly options: MergeOptions;
}

export type MergeReply =
  | ({ readonly ok: true; readonly changed: PackedFiles; readonly removed: readonly string[] } & Omit<
      MergeResult,
      'pkg'
    >)
  | { readonly ok: false; readonly error: PackedError };

export interface Question {
  readonly spec: FunctionSpec;
}

export type Answer =
  | { readonly found: true; readonly runner: number; readonly resolved: string; readonly runtime: string }
  | { readonly found: false; readonly error?: PackedError };

export interface FunctionCall {
  readonly type: 'call';
  readonly call: number;
  readonly runner: number;
  readonly items: readonly PackedItem[];
  readonly functionConfig?: KrmMap;
  readonly packagePath: string;
}

export interface FunctionCallAbort {
  readonly type: 'abort';
  readonly call: number;
}

export type ToMain = FunctionCall | FunctionCallAbort;

export type ToWorker =
  | { readonly type: 'cancel' }
  | { readonly type: 'output'; readonly call: number; readonly output: PackedOutput }
  | { readonly type: 'failure'; readonly call: number; readonly error: PackedError };

/** An item with its text made, since functions cannot be posted. */
export interface PackedItem extends Omit<FunctionItem, 'text'> {
  readonly text?: string;
}

/** An item that came back as it went is its number in the input. */
export interface PackedOutput extends Omit<FunctionOutput, 'items'> {
  readonly items: readonly (PackedItem | number)[];
}

export function packItem(item: FunctionItem): PackedItem {
  return { ...item, text: item.text?.() };
}

export function unpackItem({ text, ...item }: PackedItem): FunctionItem {
  return text === undefined ? item : { ...item, text: () => text };
}

export function packOutput(output: FunctionOutput, input: readonly FunctionItem[]): PackedOutput {
  const numbers = new Map(input.map((item, index) => [item, index]));
  return { ...output, items: output.items.map((item) => numbers.get(item) ?? packItem(item)) };
}

/** Items that came back unchanged are the very objects of `input`. */
export function unpackOutput(output: PackedOutput, input: readonly FunctionItem[]): FunctionOutput {
  const items = output.items.map((item) =>
    typeof item === 'number' ? (input[item] as FunctionItem) : unpackItem(item),
  );
  return { ...output, items };
}

/** An error as plain data; posted as such it would lose its class, reason and location. */
export interface PackedError {
  readonly retry?: VerandaError['retry'];
  readonly reason: string;
  readonly message: string;
  readonly location: ErrorLocation;
}

export function packError(error: unknown): PackedError {
  if (!(error instanceof VerandaError)) return { reason: '', message: errorMessage(error), location: {} };
  const { retry, reason, message, location } = error;
  return { retry, reason, message, location };
}

export function unpackError({ retry, reason, message, location }: PackedError): Error {
  if (retry === 'terminal') return new TerminalError(reason, message, location);
  if (retry === 'backoff') return new TransientError(reason, message, location);
  if (retry === 'replan') return new ConflictError(reason, message, location);
  return new Error(message);
}
