import { CelScalar, celList, listType } from '@bufbuild/cel';
import { errorMessage, TerminalError } from '../../api/errors.ts';
import { getIn, isMap, type KrmMap } from '../value.ts';
import { type CelProgram, compileProgram } from './program.ts';
import { type CelData, celMap } from './values.ts';

/** Bytes of UTF-16 that an expression may have; what people write is below a tenth of it. */
export const MAX_CONDITION_LENGTH = 4096;
/** What one evaluation may cost: about one for each element that a macro (`all`, `exists`, `map` ...) looks at. */
export const MAX_CONDITION_COST = 1_000_000;

/** A CEL expression over `resources`, compiled. */
export interface Condition {
  /**
   * Fields that conditions like to compare are never missing: `apiVersion`, `kind`, `metadata.name` and
   * `metadata.namespace` are '' where a resource has none.
   * @throws TerminalError InvalidCondition when evaluation fails, costs too much or gives no boolean
   */
  holds(resources: readonly KrmMap[]): boolean;
}

/**
 * Compiles a CEL expression over the list `resources`: the standard functions and macros and the strings extension.
 * Integers are CEL integers, also those beyond 2^53.
 * @param maxCost of one evaluation
 * @throws TerminalError InvalidCondition for what is too long or no CEL
 */
export function compileCondition(source: string, maxCost = MAX_CONDITION_COST): Condition {
  const program = compiled(source, maxCost);
  return {
    holds(resources) {
      const result = evaluated(program, resources);
      if (typeof result !== 'boolean') throw invalid('it gives no boolean');
      return result;
    },
  };
}

function compiled(source: string, maxCost: number): CelProgram {
  try {
    const variables = { resources: listType(CelScalar.DYN) };
    return compileProgram(source, { variables, maxLength: MAX_CONDITION_LENGTH, maxCost });
  } catch (error) {
    throw invalid(errorMessage(error), error);
  }
}

function evaluated(program: CelProgram, resources: readonly KrmMap[]): unknown {
  try {
    return program.evaluate({ resources: celList(resources.map(toCelResource)) });
  } catch (error) {
    throw invalid(errorMessage(error), error);
  }
}

function toCelResource(resource: KrmMap): Map<string, CelData> {
  const map = celMap(resource);
  for (const key of ['apiVersion', 'kind']) if (!map.has(key)) map.set(key, '');
  const metadata = getIn(resource, ['metadata']);
  const named = celMap(isMap(metadata) ? metadata : {});
  for (const key of ['name', 'namespace']) if (!named.has(key)) named.set(key, '');
  return map.set('metadata', named);
}

function invalid(why: string, cause?: unknown): TerminalError {
  return new TerminalError('InvalidCondition', `the condition cannot be evaluated: ${why}`, { cause });
}
