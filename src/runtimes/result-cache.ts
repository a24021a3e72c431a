import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { FunctionInput, FunctionRuntime, RunContext, Runner } from '../functions/types.ts';
import { stringifyKrm } from '../krm/file.ts';
import { type PackedOutput, packOutput, unpackOutput } from '../workers/protocol.ts';

export interface ResultCacheOptions {
  /** Bytes that inputs' results may take; what was used longest ago goes first. */
  readonly maxBytes: number;
}

/** Results of functions by what exactly ran and what it was given. */
export class ResultCache {
  readonly #entries: LRUCache<string, PackedOutput>;

  constructor({ maxBytes }: ResultCacheOptions) {
    this.#entries = new LRUCache({ maxSize: maxBytes, sizeCalculation: sizeOf });
  }

  /**
   * The runtime, with what it has run before not run again. Functions give the same for the same by contract; that
   * holds only where it is known what exactly runs, so runners without an identity always run. Only successes are
   * kept.
   */
  wrap(runtime: FunctionRuntime): FunctionRuntime {
    return {
      name: runtime.name,
      runner: (spec) => {
        const runner = runtime.runner(spec);
        return runner?.identity === undefined && !runner?.identify ? runner : this.#cached(runner);
      },
    };
  }

  #cached(runner: Runner): Runner {
    const { resolved, runtime, identity: known } = runner;
    const identify = async (context: RunContext) => known ?? (await runner.identify?.(context));
    return {
      resolved,
      runtime,
      identity: known,
      identify,
      run: async (input, context) => {
        const identity = await identify(context);
        if (identity === undefined) return await runner.run(input, context);
        const key = keyOf(identity, input);
        const entry = this.#entries.get(key);
        if (entry !== undefined) return unpackOutput(entry, input.items);
        const output = await runner.run(input, context);
        if (output.exitCode === 0) this.#entries.set(key, packOutput(output, input.items));
        return output;
      },
    };
  }
}

function keyOf(identity: string, input: FunctionInput): string {
  const hash = createHash('sha256').update(`${identity}\0${stringifyKrm(input.functionConfig ?? null)}\0`);
  for (const { value, path, index, packagePath, text } of input.items) {
    // The text, not only the data: what comes back is written with the style and the comments that went in.
    hash.update(`${JSON.stringify([packagePath, path, index])}\0${text?.() ?? stringifyKrm(value)}\0`);
  }
  return hash.digest('hex');
}

function sizeOf(output: PackedOutput): number {
  const json = JSON.stringify(output, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  return Math.max(1, json.length);
}
