import {
  type CelError,
  type CelInput,
  type CelResult,
  type CelType,
  type CelValue,
  celEnv,
  isCelError,
  parse,
  plan,
} from '@bufbuild/cel';
import { errorMessage } from '../../api/errors.ts';
import { meteredFunctions } from './functions.ts';
import { Meter } from './meter.ts';
import { metered, namesOf, type ResultType, resultTypeOf } from './syntax.ts';

/** Why an expression is not usable or gives nothing. */
export class CelFault extends Error {}

export interface ProgramOptions {
  /** Names that the expression may use, with their types. */
  readonly variables: Readonly<Record<string, CelType>>;
  /** In UTF-16 units. */
  readonly maxLength: number;
  /** Of one evaluation: about one for each element that a macro looks at, and for each 64 characters that a function reads. */
  readonly maxCost: number;
}

export type Bindings = Readonly<Record<string, CelInput>>;

export interface CelProgram {
  /** Those of the variables that the expression uses. */
  readonly variables: ReadonlySet<string>;
  /** The type of every result, as far as the outermost operation tells it. */
  readonly resultType: ResultType;
  /**
   * @param shared charged with what the evaluation costs, which cannot be more than it has left
   * @throws CelFault when evaluation fails or costs too much
   */
  evaluate(bindings: Bindings, shared?: Meter): Exclude<CelValue, CelError>;
}

/**
 * Parses and plans an expression over the standard functions and macros and the strings extension. Whatever it is given,
 * evaluation ends: macros and functions are metered, and patterns are RE2.
 * @throws CelFault for what is too long, is no CEL, or uses an unknown variable or function
 */
export function compileProgram(source: string, { variables, maxLength, maxCost }: ProgramOptions): CelProgram {
  if (source.length > maxLength) {
    throw new CelFault(`it has ${source.length} characters; ${maxLength} are the limit`);
  }
  let meter = new Meter(maxCost);
  const env = celEnv({ variables, funcs: meteredFunctions((cost) => meter.charge(cost)) });
  const { used, resultType, run } = prepare(source, env, Object.keys(variables));
  return {
    variables: used,
    resultType,
    evaluate(bindings, shared) {
      meter = new Meter(Math.min(maxCost, shared?.left ?? maxCost));
      const result = run({ ...bindings });
      const { exceeded, limit, spent } = meter;
      shared?.add(Math.min(spent, limit));
      if (exceeded) throw new CelFault(`it costs more than ${Math.floor(limit)} steps`);
      if (isCelError(result)) throw new CelFault(result.message, { cause: result });
      return result;
    },
  };
}

interface Prepared {
  readonly used: ReadonlySet<string>;
  readonly resultType: ResultType;
  readonly run: (bindings: Record<string, CelInput>) => CelResult;
}

/** @throws CelFault */
function prepare(source: string, env: ReturnType<typeof celEnv>, known: readonly string[]): Prepared {
  try {
    const { expr } = parse(source);
    const names = namesOf(expr);
    for (const name of names.variables) {
      if (!known.includes(name)) throw new CelFault(`there is no variable ${name} (there are ${known.join(', ')})`);
    }
    for (const name of names.functions) {
      if (!env.funcs.find(name) && !OPERATORS.has(name)) throw new CelFault(`there is no function ${name}`);
    }
    return { used: names.variables, resultType: resultTypeOf(expr), run: plan(env, metered(expr)) };
  } catch (error) {
    if (error instanceof CelFault) throw error;
    throw new CelFault(errorMessage(error), { cause: error });
  }
}

/** What the planner does itself, without looking for a function. */
const OPERATORS = new Set(['_?_:_', '_&&_', '_||_', '_[_]', '_==_', '_!=_', '@not_strictly_false', '!_', '@in']);
