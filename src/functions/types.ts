import type { FunctionSpec } from '../krm/function-spec.ts';
import type { FunctionResult } from '../krm/resource-list.ts';
import type { KrmMap } from '../krm/value.ts';

/**
 * One resource on its way through a pipeline. Immutable: a function that changes a resource returns a new item, one
 * that does not returns the very same object, which is how the renderer knows what to write.
 */
export interface FunctionItem {
  /** Plain data without the bookkeeping annotations of the wire format. */
  readonly value: KrmMap;
  /** POSIX path of the file, relative to the package that `packagePath` names; absent on what a function generated. */
  readonly path?: string;
  /** Number of the document in its file, from 0. */
  readonly index?: number;
  /** Directory of the (sub)package that the item belongs to, relative to the root package; '' is the root. */
  readonly packagePath?: string;
  /** Identity through a pipeline; set by the renderer, kept by functions that copy items, absent on generated ones. */
  readonly id?: number;
  /**
   * The document's current YAML text with comments (setters live in comments). It reflects `value`; made on demand,
   * absent on generated items.
   */
  readonly text?: () => string;
  /** A text at hand that has every comment that `text` has, for telling in no time that there are none of a sort. */
  readonly base?: { readonly text: string };
}

export interface FunctionInput {
  readonly items: readonly FunctionItem[];
  readonly functionConfig?: KrmMap;
}

/** What one run of a function gave. `exitCode` other than 0 fails the step; severity alone never does. */
export interface FunctionOutput {
  readonly items: readonly FunctionItem[];
  readonly results: readonly FunctionResult[];
  readonly stderr?: string;
  readonly exitCode: number;
  /** What really ran, where that is known only now: the image with its digest, the runtime that took it. */
  readonly ran?: { readonly resolved: string; readonly runtime: string };
}

export interface RunContext {
  readonly signal: AbortSignal;
  /** Directory of the package whose pipeline runs, relative to the root package; '' is the root. */
  readonly packagePath: string;
  /** The same for all steps of one render: an image that was looked up for one of them is the same one for all. */
  readonly render?: object;
}

export interface Runner {
  /** The image as it was resolved (prefix and tag applied), or the exec command line; shown in results and status. */
  readonly resolved: string;
  /** Name of the runtime that runs it: builtin, grpc, pod, container, process. */
  readonly runtime: string;
  /**
   * What exactly runs, such as an image's digest, where that is known; two runners with one identity give the same
   * output for the same input.
   */
  readonly identity?: string;
  /** The identity where it has to be looked up first, such as the digest of a tag; undefined when it cannot be told. */
  identify?(context: RunContext): Promise<string | undefined>;
  /**
   * @throws VerandaError when the function could not be run or its output could not be read; a function that ran and
   * failed is an output with a non-zero exit code
   */
  run(input: FunctionInput, context: RunContext): Promise<FunctionOutput>;
}

/** A way to run functions. Runtimes chain: `undefined` means "not mine". */
export interface FunctionRuntime {
  readonly name: string;
  runner(spec: FunctionSpec): Runner | undefined;
}

/** A function of the catalogue in TypeScript; one folder each under `functions/catalog/`. */
export interface BuiltinFunction {
  /** Base name of the image, for example `set-namespace`. */
  readonly name: string;
  /** Semver range of image tags that this implementation stands for, for example `>=0.1.0 <0.5.0`; `latest` always matches. */
  readonly versions: string;
  readonly summary: string;
  /** False where something is missing that the function needs; another runtime has to take its image then. */
  readonly available?: boolean;
  /** Runs synchronously on plain data. Throws nothing for bad configuration: that is an output with exit code 1. */
  run(input: FunctionInput): FunctionOutput;
}
