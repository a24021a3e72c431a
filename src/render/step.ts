import { describeError, errorMessage, TerminalError, VerandaError } from '../api/errors.ts';
import type { FunctionOutput, FunctionRuntime, Runner } from '../functions/types.ts';
import type { Package } from '../package/package.ts';
import { KPTFILE } from '../package/subpackages.ts';
import { boundText, MAX_MESSAGE_BYTES, type ReportRoom } from './bounds.ts';
import { conditionHolds } from './condition.ts';
import type { StepConfig, StepConfigs } from './config.ts';
import { describeStep, type PipelineStep, type RenderPackages } from './discovery.ts';
import { checkImageAllowed, describeImage, qualifyImage } from './image.ts';
import { joinPath, type RenderItem } from './item.ts';
import { mergeBack } from './merge-back.ts';
import { acceptOutput } from './output.ts';
import { placeItems } from './placing.ts';
import type { PackageItems } from './read-items.ts';
import { hasSelection, selectItems } from './select.ts';
import { runWithin } from './time-limit.ts';
import type { RenderStep } from './types.ts';

/** Everything that the steps of one render share. */
export interface RenderRun {
  readonly pkg: Package;
  readonly packages: RenderPackages;
  readonly content: PackageItems;
  readonly configs: StepConfigs;
  readonly runtime: FunctionRuntime;
  readonly imagePrefix: string;
  /** Registry paths whose images may run. */
  readonly allowedImages: readonly string[];
  /** Milliseconds that one function may take. */
  readonly stepTimeout: number;
  /** Milliseconds that only grow. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** The items of each package as the steps so far have left them. */
  readonly items: Map<string, readonly RenderItem[]>;
  /** Executed steps, in order; a failed one is the last. */
  readonly steps: RenderStep[];
  readonly room: ReportRoom;
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
  const given = selectItems(items, step.spec);
  const record = new StepRecord(run, step, given.length);
  try {
    if (!(await conditionHolds(step, given))) {
      record.skipped();
      return items;
    }
    const runner = record.found(findRunner(run, step));
    const config = run.configs.resolve(step, items);
    const input = { items: given, functionConfig: config.functionConfig };
    const { packagePath } = step;
    const work = (signal: AbortSignal) => runner.run(input, { signal, packagePath, render: run });
    const output = record.ran(await runWithin(run.stepTimeout, run.signal, work));
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
  if (spec.image !== undefined) checkImageAllowed(spec.image, run.allowedImages);
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
  /** How many items the function gets. */
  readonly #given: number;
  readonly #start: number;
  #runner: Runner | undefined;
  #output: FunctionOutput | undefined;

  constructor(run: RenderRun, step: PipelineStep, given: number) {
    this.#run = run;
    this.#step = step;
    this.#given = given;
    this.#start = run.now();
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

  skipped(): void {
    this.#add(0, { skipped: true });
  }

  /** Why the render stops here. */
  failed(error: unknown): VerandaError {
    const exitCode = this.#output?.exitCode ?? 0;
    if (exitCode !== 0) this.#add(exitCode);
    else this.#add(1, { executionError: boundText(describeError(error), MAX_MESSAGE_BYTES) });
    return inStep(error, this.#step);
  }

  #add(exitCode: number, more: Pick<RenderStep, 'executionError' | 'skipped'> = {}): void {
    const { phase, packagePath, spec } = this.#step;
    const named = describeImage(spec, this.#run.imagePrefix);
    const ran = this.#output?.ran ?? this.#runner;
    const image = named === undefined ? undefined : (ran?.resolved ?? named);
    const { room, steps } = this.#run;
    steps.push({
      phase,
      packagePath,
      name: spec.name,
      image,
      exec: spec.exec,
      runtime: ran?.runtime,
      selected: hasSelection(spec) ? this.#given : undefined,
      when: spec.when || undefined,
      exitCode,
      milliseconds: Math.round(this.#run.now() - this.#start),
      stderr: room.stderr(this.#output?.stderr),
      results: room.results(this.#output?.results ?? []),
      ...more,
    });
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
