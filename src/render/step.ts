import { describeError, errorMessage, TerminalError, VerandaError } from '../api/errors.ts';
import type { FunctionOutput, FunctionRuntime, Runner } from '../functions/types.ts';
import type { Package } from '../package/package.ts';
import { KPTFILE } from '../package/subpackages.ts';
import { boundResults, boundText, MAX_MESSAGE_BYTES, MAX_STDERR_BYTES } from './bounds.ts';
import type { StepConfig, StepConfigs } from './config.ts';
import { describeStep, type PipelineStep, type RenderPackages } from './discovery.ts';
import { qualifyImage } from './image.ts';
import { joinPath, type RenderItem } from './item.ts';
import { mergeBack } from './merge-back.ts';
import { acceptOutput } from './output.ts';
import { placeItems } from './placing.ts';
import type { PackageItems } from './read-items.ts';
import { hasSelection, selectItems } from './select.ts';
import type { RenderStep } from './types.ts';

/** Everything that the steps of one render share. */
export interface RenderRun {
  readonly pkg: Package;
  readonly packages: RenderPackages;
  readonly content: PackageItems;
  readonly configs: StepConfigs;
  readonly runtime: FunctionRuntime;
  readonly imagePrefix: string;
  readonly signal: AbortSignal;
  /** Executed steps, in order; a failed one is the last. */
  readonly steps: RenderStep[];
  readonly ids: { next: number };
}

/**
 * Runs one function on the items of its package and of those below.
 * @returns the items after a mutator; those before when it is a validator
 * @throws VerandaError that names step and package; the step is then recorded with what is known of it
 */
export async function runStep(
  run: RenderRun,
  step: PipelineStep,
  items: readonly RenderItem[],
): Promise<readonly RenderItem[]> {
  run.signal.throwIfAborted();
  const record = new StepRecord(run, step);
  try {
    const runner = record.found(findRunner(run, step));
    const config = run.configs.resolve(step, items);
    const given = selectItems(items, step.spec);
    const input = { items: given, functionConfig: config.functionConfig };
    const output = record.ran(await runner.run(input, { signal: run.signal, packagePath: step.packagePath }));
    if (output.exitCode !== 0) throw functionFailed(step, output);
    const next = step.phase === 'mutator' ? takeOver(run, step, items, given, output, config) : items;
    record.succeeded();
    return next;
  } catch (error) {
    run.signal.throwIfAborted();
    throw record.failed(error);
  }
}

function findRunner(run: RenderRun, step: PipelineStep): Runner {
  const spec = qualifyImage(step.spec, run.imagePrefix);
  const runner = run.runtime.runner(spec);
  if (runner !== undefined) return runner;
  const what = spec.image === undefined ? 'this command' : `the image ${JSON.stringify(spec.image)}`;
  throw new TerminalError('FunctionNotFound', `no runtime here runs ${what}`);
}

function takeOver(
  run: RenderRun,
  step: PipelineStep,
  items: readonly RenderItem[],
  given: readonly RenderItem[],
  output: FunctionOutput,
  config: StepConfig,
): RenderItem[] {
  const { pkg, packages, content, ids } = run;
  const firstNewId = ids.next;
  const nextId = () => ids.next++;
  const accepted = acceptOutput(given, output.items, { packages, packagePath: step.packagePath, nextId });
  const merged = hasSelection(step.spec) ? mergeBack(items, new Set(given.map(({ id }) => id)), accepted) : accepted;
  return placeItems(merged, { pkg, content, defaultDirectory: config.directory, firstNewId });
}

function functionFailed(step: PipelineStep, output: FunctionOutput): TerminalError {
  const errors = output.results.filter((result) => result.severity === 'error');
  const told = (errors.length > 0 ? errors : output.results).map((result) => result.message).join('; ');
  const why = told || output.stderr?.trim() || 'it gave no reason';
  const what = step.phase === 'mutator' ? 'failed' : 'found faults';
  return new TerminalError(
    'RenderFailed',
    `${what} with exit code ${output.exitCode}: ${boundText(why, MAX_MESSAGE_BYTES)}`,
  );
}

/** Writes the one entry of a step in the report. */
class StepRecord {
  readonly #run: RenderRun;
  readonly #step: PipelineStep;
  #runner: Runner | undefined;
  #output: FunctionOutput | undefined;

  constructor(run: RenderRun, step: PipelineStep) {
    this.#run = run;
    this.#step = step;
  }

  found(runner: Runner): Runner {
    this.#runner = runner;
    return runner;
  }

  ran(output: FunctionOutput): FunctionOutput {
    this.#output = output;
    return output;
  }

  succeeded(): void {
    this.#add(this.#output?.exitCode ?? 0);
  }

  /** Why the render stops here. */
  failed(error: unknown): VerandaError {
    const exitCode = this.#output?.exitCode ?? 0;
    if (exitCode !== 0) this.#add(exitCode);
    else this.#add(1, boundText(describeError(error), MAX_MESSAGE_BYTES));
    return inStep(error, this.#step);
  }

  #add(exitCode: number, executionError?: string): void {
    const { phase, packagePath, spec } = this.#step;
    const image = spec.image === undefined ? undefined : (this.#runner?.resolved ?? this.#qualified());
    const stderr = this.#output?.stderr;
    this.#run.steps.push({
      phase,
      packagePath,
      name: spec.name,
      image,
      exec: spec.exec,
      runtime: this.#runner?.runtime,
      exitCode,
      stderr: stderr ? boundText(stderr, MAX_STDERR_BYTES) : undefined,
      executionError,
      results: boundResults(this.#output?.results ?? []),
    });
  }

  #qualified(): string | undefined {
    return qualifyImage(this.#step.spec, this.#run.imagePrefix).image;
  }
}

/** The same error, saying in which step of which package it came up. */
function inStep(error: unknown, step: PipelineStep): VerandaError {
  const message = `${describeStep(step)}: ${errorMessage(error)}`;
  const location = { file: joinPath(step.packagePath, KPTFILE), field: step.field, cause: error };
  if (!(error instanceof VerandaError)) return new TerminalError('RenderFailed', message, location);
  return new StepError(error, message, location);
}

/** A fault of a step; when it may be tried again is what the fault itself says. */
class StepError extends VerandaError {
  readonly retry;

  constructor(fault: VerandaError, message: string, location: ConstructorParameters<typeof VerandaError>[2]) {
    super(fault.reason, message, location);
    this.retry = fault.retry;
  }
}
