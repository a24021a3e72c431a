import type { FunctionRuntime } from '../functions/types.ts';

/** Asks runtimes in order; the first that knows a function runs it. What fails there is not tried elsewhere. */
export function chainRuntimes(runtimes: readonly FunctionRuntime[]): FunctionRuntime {
  return {
    name: runtimes.map(({ name }) => name).join('+'),
    runner(spec) {
      for (const runtime of runtimes) {
        const runner = runtime.runner(spec);
        if (runner !== undefined) return runner;
      }
      return undefined;
    },
  };
}
