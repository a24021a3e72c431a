import {
  type CelList,
  CelScalar,
  type CelValue,
  celEnv,
  celFunc,
  celList,
  isCelError,
  listType,
  parse,
  plan,
} from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { errorMessage, TerminalError } from '../api/errors.ts';
import { getIn, isList, isMap, type KrmMap, type KrmValue } from './value.ts';

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

type Expression = ReturnType<typeof parse>['expr'];

/** Called for every round of a macro; no name that can be written in an expression. */
const ROUND = '@round';
/** Elements that are copied for the price of one round. */
const COPIES_PER_ROUND = 64;

/**
 * Compiles a CEL expression over the list `resources`: the standard functions and macros and the strings extension.
 * Integers are CEL integers, also those beyond 2^53.
 * @param maxCost of one evaluation
 * @throws TerminalError InvalidCondition for what is too long or no CEL
 */
export function compileCondition(source: string, maxCost = MAX_CONDITION_COST): Condition {
  if (source.length > MAX_CONDITION_LENGTH) {
    throw invalid(`it has ${source.length} characters; ${MAX_CONDITION_LENGTH} are the limit`);
  }
  const budget = new Budget(maxCost);
  let evaluate: (bindings: { readonly resources: CelList }) => ReturnType<ReturnType<typeof plan>>;
  try {
    const env = celEnv({ variables: { resources: LIST }, funcs: [...strings, ...meteredFunctions(budget)] });
    evaluate = plan(env, countRounds(parse(source).expr));
  } catch (error) {
    throw invalid(errorMessage(error), error);
  }
  return {
    holds(resources) {
      budget.reset();
      const result = evaluate({ resources: celList(resources.map(toCelResource)) });
      if (budget.exceeded) throw invalid(`it costs more than ${maxCost} steps`);
      if (isCelError(result)) throw invalid(result.message, result);
      if (typeof result !== 'boolean') throw invalid('it gives no boolean');
      return result;
    },
  };
}

const LIST = listType(CelScalar.DYN);

class Budget {
  readonly #limit: number;
  #left = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  reset(): void {
    this.#left = this.#limit;
  }

  get exceeded(): boolean {
    return this.#left < 0;
  }

  /** The error becomes a value of the expression, which ends the macro that it comes up in. */
  charge(cost: number): void {
    this.#left -= cost;
    if (this.#left < 0) throw new Error('too expensive');
  }
}

/** The counter of rounds, and a `+` for lists that does not nest: macros append their results one by one. */
function meteredFunctions(budget: Budget) {
  const arrays = new WeakMap<CelList, readonly CelValue[]>();
  const toArray = (list: CelList) => arrays.get(list) ?? [...list];
  return [
    celFunc(ROUND, [CelScalar.DYN], CelScalar.DYN, (value) => {
      budget.charge(1);
      return value;
    }),
    celFunc('_+_', [LIST, LIST], LIST, (a, b) => {
      budget.charge((a.size + b.size) / COPIES_PER_ROUND);
      const joined = toArray(a).concat(toArray(b));
      const list = celList(joined);
      arrays.set(list, joined);
      return list;
    }),
  ];
}

/** The expression with a charge in the loop condition of every macro, where an error ends the loop at once. */
function countRounds<T>(node: T): T {
  if (Array.isArray(node)) return node.map(countRounds) as T;
  if (typeof node !== 'object' || node === null) return node;
  const counted = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, countRounds(value)])) as T &
    object;
  const condition = 'loopCondition' in counted ? (counted.loopCondition as Expression) : undefined;
  return condition === undefined ? counted : { ...counted, loopCondition: charged(condition) };
}

function charged(condition: Expression): Expression {
  const call = { $typeName: 'cel.expr.Expr.Call' as const, function: ROUND, args: [condition] };
  return { ...condition, exprKind: { case: 'callExpr', value: call } };
}

function toCelResource(resource: KrmMap): Map<string, CelInputValue> {
  const map = toCelMap(resource);
  for (const key of ['apiVersion', 'kind']) if (!map.has(key)) map.set(key, '');
  const metadata = getIn(resource, ['metadata']);
  const named = toCelMap(isMap(metadata) ? metadata : {});
  for (const key of ['name', 'namespace']) if (!named.has(key)) named.set(key, '');
  return map.set('metadata', named);
}

type CelInputValue = string | bigint | number | boolean | null | CelInputValue[] | Map<string, CelInputValue>;

function toCelMap(map: KrmMap): Map<string, CelInputValue> {
  const entries = Object.entries(map).filter((entry): entry is [string, KrmValue] => entry[1] !== undefined);
  return new Map(entries.map(([key, value]) => [key, toCel(value)]));
}

function toCel(value: KrmValue): CelInputValue {
  if (isList(value)) return value.map(toCel);
  if (isMap(value)) return toCelMap(value);
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
}

function invalid(why: string, cause?: unknown): TerminalError {
  return new TerminalError('InvalidCondition', `the condition cannot be evaluated: ${why}`, { cause });
}
