import type { RetryPolicy } from '../api/errors.ts';
import type { FunctionResult } from '../krm/resource-list.ts';
import type { Package } from '../package/package.ts';

/** One executed step of a render; the shape of kpt's `status.renderStatus` steps plus package and runtime. */
export interface RenderStep {
  readonly phase: 'mutator' | 'validator';
  /** Directory of the (sub)package whose pipeline the step belongs to; '' is the root. */
  readonly packagePath: string;
  readonly name?: string;
  readonly image?: string;
  readonly exec?: string;
  readonly runtime?: string;
  /** How many resources the function was given, when it was given a selection of them. */
  readonly selected?: number;
  /** The step's condition. */
  readonly when?: string;
  /** The condition did not hold, so that the function did not run. */
  readonly skipped?: boolean;
  readonly exitCode: number;
  /** How long it took. */
  readonly milliseconds: number;
  readonly stderr?: string;
  /** Why the function could not be started or its output not be used. */
  readonly executionError?: string;
  readonly results: readonly FunctionResult[];
}

export interface RenderFailure {
  /** CamelCase condition reason: RenderFailed, InvalidKptfile, FunctionNotFound, Timeout ... */
  readonly reason: string;
  /** Names package, function, file and field at fault. */
  readonly message: string;
  /** Whether the same render may succeed later, for example when a registry answers again. Default `terminal`. */
  readonly retry?: RetryPolicy;
}

/** What a render did. Nothing is thrown for a failing pipeline: it is data that ends up in status. */
export interface RenderReport {
  readonly steps: readonly RenderStep[];
  readonly failure?: RenderFailure;
  /** Things worth telling that did not fail the render. */
  readonly warnings: readonly string[];
}

export interface RenderOutcome {
  /**
   * On success the rendered package. On failure the source package with only the Kptfile status changed, or, with
   * `kpt.dev/save-on-render-failure: "true"` in the root Kptfile, what the steps before the failing one produced.
   */
  readonly package: Package;
  readonly report: RenderReport;
}

/** Renders packages; the worker pool and the in-process renderer both implement it. */
export interface Renderer {
  render(pkg: Package, options: { readonly signal: AbortSignal }): Promise<RenderOutcome>;
}
