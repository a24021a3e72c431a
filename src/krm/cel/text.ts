import { CelScalar } from '@bufbuild/cel';
import type { Meter } from './meter.ts';
import { type Bindings, CelFault, compileProgram } from './program.ts';

/** UTF-16 units that an expression may have. */
export const MAX_TEXT_LENGTH = 4096;
/** What one evaluation may cost; what people write costs less than a hundred. */
export const MAX_TEXT_COST = 100_000;
/** UTF-16 units that a result may have: what labels, annotations and settings can hold anyway. */
export const MAX_TEXT_RESULT = 65_536;

/** A CEL expression that gives a string, compiled. */
export interface TextExpression {
  /** Those of the variables that it uses. */
  readonly variables: ReadonlySet<string>;
  /**
   * @param meter of this and other evaluations
   * @throws CelFault when evaluation fails, costs too much, or gives something other than a string of moderate length
   */
  evaluate(bindings: Bindings, meter?: Meter): string;
}

/**
 * Compiles an expression over variables of any type.
 * @throws CelFault for what is too long, is no CEL, uses an unknown name, or can be seen to give no string
 */
export function compileText(source: string, variables: readonly string[]): TextExpression {
  const types = Object.fromEntries(variables.map((name) => [name, CelScalar.DYN]));
  const program = compileProgram(source, { variables: types, maxLength: MAX_TEXT_LENGTH, maxCost: MAX_TEXT_COST });
  const { resultType } = program;
  if (resultType !== 'string' && resultType !== 'unknown') throw new CelFault(`it gives a ${resultType}, not a string`);
  return {
    variables: program.variables,
    evaluate(bindings, meter) {
      const result: unknown = program.evaluate(bindings, meter);
      if (typeof result !== 'string') throw new CelFault(`it gives ${describe(result)}, not a string`);
      if (result.length <= MAX_TEXT_RESULT) return result;
      throw new CelFault(`it gives ${result.length} characters; ${MAX_TEXT_RESULT} are the limit`);
    },
  };
}

function describe(result: unknown): string {
  if (typeof result === 'bigint' || typeof result === 'number') return 'a number';
  if (typeof result === 'boolean') return 'a bool';
  return result === null ? 'null' : 'a list or map';
}
