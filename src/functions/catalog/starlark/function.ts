import type { KrmMap } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import { Results } from '../../results.ts';
import type { BuiltinFunction, FunctionInput, FunctionOutput } from '../../types.ts';
import { fromWire, toWire } from '../../wire.ts';
import { readScript } from './config.ts';
import type { StarlarkEngine } from './engine.ts';

/**
 * Runs a script over the resources. It takes what time the script takes, up to the limits of the engine, so renders
 * with this function belong into a worker thread.
 */
export function createStarlark(engine: StarlarkEngine): BuiltinFunction {
  return {
    name: 'starlark',
    versions: '>=0.2.0 <0.6.0',
    summary: 'Runs a Starlark script over the resources.',
    get available() {
      return engine.available;
    },
    run: (input) => runScript(engine, input),
  };
}

function runScript(engine: StarlarkEngine, { items, functionConfig }: FunctionInput): FunctionOutput {
  const results = new Results();
  let stderr = '';
  try {
    const outcome = engine.run(readScript(functionConfig), resourceList(toWire(items), functionConfig));
    stderr = outcome.stderr;
    if (outcome.items !== undefined) {
      return { items: fromWire(outcome.items, items), results: results.list, stderr, exitCode: 0 };
    }
    results.error(outcome.error ?? '');
  } catch (error) {
    if (!(error instanceof FunctionFault)) throw error;
    results.error(error.message);
  }
  return { items, results: results.list, stderr, exitCode: 1 };
}

function resourceList(items: readonly KrmMap[], functionConfig: KrmMap | undefined): KrmMap {
  return { apiVersion: 'config.kubernetes.io/v1', kind: 'ResourceList', items, functionConfig };
}
