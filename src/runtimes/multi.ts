import { TerminalError } from '../api/errors.ts';
import type { FunctionInput, FunctionOutput, FunctionRuntime, RunContext, Runner } from '../functions/types.ts';
import type { FunctionSpec } from '../krm/function-spec.ts';

/** Thrown by a runner that learns only when it runs that the function is not its runtime's: the next one is asked then. */
export class NotMineError extends TerminalError {
  constructor(message: string) {
    super('FunctionNotFound', message);
  }
}

/** How one run of a function ended: with exit code 0, with another one, or not at all. */
export type RunResult = 'success' | 'failure' | 'error';

export interface ChainOptions {
  /** Told of every run. A runtime that declined did not run. */
  readonly observe?: (runtime: string, result: RunResult, milliseconds: number) => void;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

/**
 * Asks runtimes in order; the first that knows a function runs it. What fails there is not tried elsewhere, but for a
 * runtime that finds out only when it asks its server that the function is not its own.
 */
export function chainRuntimes(runtimes: readonly FunctionRuntime[], options: ChainOptions = {}): FunctionRuntime {
  return {
    name: runtimes.map(({ name }) => name).join('+'),
    runner: (spec) => firstRunner(runtimes, spec, options),
  };
}

function firstRunner(
  runtimes: readonly FunctionRuntime[],
  spec: FunctionSpec,
  options: ChainOptions,
): Runner | undefined {
  for (const [at, runtime] of runtimes.entries()) {
    const runner = runtime.runner(spec);
    const next = () => firstRunner(runtimes.slice(at + 1), spec, options);
    if (runner !== undefined) return new ChainedRunner(runner, next, options);
  }
  return undefined;
}

class ChainedRunner implements Runner {
  readonly #runner: Runner;
  readonly #next: () => Runner | undefined;
  readonly #options: ChainOptions;

  constructor(runner: Runner, next: () => Runner | undefined, options: ChainOptions) {
    this.#runner = runner;
    this.#next = next;
    this.#options = options;
  }

  get resolved(): string {
    return this.#runner.resolved;
  }

  get runtime(): string {
    return this.#runner.runtime;
  }

  get identity(): string | undefined {
    return this.#runner.identity;
  }

  async run(input: FunctionInput, context: RunContext): Promise<FunctionOutput> {
    const { observe, now = () => performance.now() } = this.#options;
    const started = now();
    const told = (result: RunResult) => observe?.(this.runtime, result, now() - started);
    try {
      const output = await this.#runner.run(input, context);
      told(output.exitCode === 0 ? 'success' : 'failure');
      return { ran: { resolved: this.resolved, runtime: this.runtime }, ...output };
    } catch (error) {
      if (!(error instanceof NotMineError)) {
        told('error');
        throw error;
      }
      const next = this.#next();
      if (next === undefined) throw error;
      return await next.run(input, context);
    }
  }
}
