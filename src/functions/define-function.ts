import type { KrmMap } from '../krm/value.ts';
import { Results } from './results.ts';
import type { BuiltinFunction, FunctionInput, FunctionItem, FunctionOutput } from './types.ts';

/** A fault in a function's configuration, or one that makes the rest of the work pointless. Fails the step. */
export class FunctionFault extends Error {}

/** What a function of the catalogue consists of. */
export interface FunctionDefinition<Config> extends Pick<BuiltinFunction, 'name' | 'versions' | 'summary'> {
  /** @throws FunctionFault for a configuration that is missing or wrong */
  readConfig(functionConfig: KrmMap | undefined): Config;
  /**
   * The items after the function; what does not change is the same object.
   * @throws FunctionFault
   */
  transform(items: readonly FunctionItem[], config: Config, results: Results): readonly FunctionItem[];
}

/** Makes a function of the catalogue: a fault or an error among its results is exit code 1. */
export function defineFunction<Config>(definition: FunctionDefinition<Config>): BuiltinFunction {
  const { name, versions, summary } = definition;
  return { name, versions, summary, run: (input) => runDefinition(definition, input) };
}

function runDefinition<Config>(definition: FunctionDefinition<Config>, input: FunctionInput): FunctionOutput {
  const results = new Results();
  let { items } = input;
  try {
    items = definition.transform(items, definition.readConfig(input.functionConfig), results);
  } catch (error) {
    if (!(error instanceof FunctionFault)) throw error;
    results.error(error.message);
  }
  return { items, results: results.list, exitCode: results.failed ? 1 : 0 };
}
