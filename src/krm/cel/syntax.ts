import type { parse } from '@bufbuild/cel';
import { PATTERN, ROUND, WEIGH } from './functions.ts';

/** A node of a parsed expression. */
export type Expression = NonNullable<ReturnType<typeof parse>['expr']>;

/** What the outermost operation of an expression says about its value. */
export type ResultType = 'string' | 'bool' | 'number' | 'list' | 'map' | 'null' | 'unknown';

export interface Names {
  /** Variables that come up, those of macros left out, in the order of their appearance. */
  readonly variables: ReadonlySet<string>;
  readonly functions: ReadonlySet<string>;
}

/** Names of types are values of their own: `type(x) == string`. */
const TYPES = ['bool', 'bytes', 'double', 'int', 'list', 'map', 'null_type', 'string', 'type', 'uint'];

export function namesOf(expression: Expression): Names {
  const names = { variables: new Set<string>(), functions: new Set<string>() };
  collect(expression, [...TYPES], names);
  return names;
}

function collect(
  node: Expression,
  bound: readonly string[],
  names: { variables: Set<string>; functions: Set<string> },
) {
  const { exprKind } = node;
  if (exprKind.case === 'identExpr' && !bound.includes(exprKind.value.name)) names.variables.add(exprKind.value.name);
  if (exprKind.case === 'callExpr') names.functions.add(exprKind.value.function);
  if (exprKind.case === 'comprehensionExpr') {
    const { iterRange, accuInit, iterVar, iterVar2, accuVar, loopCondition, loopStep, result } = exprKind.value;
    for (const child of [iterRange, accuInit]) if (child) collect(child, bound, names);
    const inside = [...bound, iterVar, iterVar2, accuVar];
    for (const child of [loopCondition, loopStep, result]) if (child) collect(child, inside, names);
    return;
  }
  for (const child of childrenOf(node)) collect(child, bound, names);
}

function childrenOf({ exprKind }: Expression): readonly Expression[] {
  const present = (nodes: readonly (Expression | undefined)[]) => nodes.filter((node) => node !== undefined);
  switch (exprKind.case) {
    case 'selectExpr':
      return present([exprKind.value.operand]);
    case 'callExpr':
      return present([exprKind.value.target, ...exprKind.value.args]);
    case 'listExpr':
      return exprKind.value.elements;
    case 'structExpr':
      return present(
        exprKind.value.entries.flatMap(({ keyKind, value }) => [
          keyKind.case === 'mapKey' ? keyKind.value : undefined,
          value,
        ]),
      );
    default:
      return [];
  }
}

const BOOLEAN_FUNCTIONS = new Set(
  ['_==_', '_!=_', '_<_', '_<=_', '_>_', '_>=_', '!_', '_&&_', '_||_', '@in'].concat(
    ['contains', 'startsWith', 'endsWith', 'matches'],
    ['bool'],
  ),
);
const NUMBER_FUNCTIONS = new Set(['size', 'int', 'uint', 'double', 'indexOf', 'lastIndexOf', '-_']);

export function resultTypeOf(node: Expression): ResultType {
  const { exprKind } = node;
  switch (exprKind.case) {
    case 'constExpr':
      return constantType(exprKind.value.constantKind.case);
    case 'listExpr':
      return 'list';
    case 'structExpr':
      return exprKind.value.messageName === '' ? 'map' : 'unknown';
    case 'selectExpr':
      return exprKind.value.testOnly ? 'bool' : 'unknown';
    case 'callExpr':
      return callType(exprKind.value);
    case 'comprehensionExpr':
      // A macro's value is built up from where it starts: `all` from true, `map` from a list.
      return exprKind.value.accuInit ? resultTypeOf(exprKind.value.accuInit) : 'unknown';
    default:
      return 'unknown';
  }
}

function constantType(kind: string | undefined): ResultType {
  if (kind === 'stringValue') return 'string';
  if (kind === 'boolValue') return 'bool';
  if (kind === 'nullValue') return 'null';
  return kind === 'bytesValue' ? 'unknown' : 'number';
}

function callType({
  function: name,
  args,
}: {
  readonly function: string;
  readonly args: readonly Expression[];
}): ResultType {
  if (BOOLEAN_FUNCTIONS.has(name)) return 'bool';
  if (NUMBER_FUNCTIONS.has(name)) return 'number';
  const [first, ...rest] = args.map(resultTypeOf);
  if (name === '_?_:_') return rest[0] === rest[1] ? (rest[0] ?? 'unknown') : 'unknown';
  const isArithmetic = ['_+_', '_-_', '_*_', '_/_', '_%_'].includes(name);
  return isArithmetic && first !== undefined && first === rest[0] ? first : 'unknown';
}

/** Calls whose arguments are not all evaluated, or cost nothing by their length. */
const UNWEIGHED = new Set(['_?_:_', '_&&_', '_||_', '!_', '_[_]', '@not_strictly_false', 'matches']);

/** The expression with a charge on every round of a macro and on what functions are given. */
export function metered<T>(node: T): T {
  if (Array.isArray(node)) return node.map(metered) as T;
  if (typeof node !== 'object' || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, metered(value)])) as T & object;
  if ('loopCondition' in copy && copy.loopCondition) {
    return { ...copy, loopCondition: call(ROUND, [copy.loopCondition as Expression]) };
  }
  if ('function' in copy && 'args' in copy) return meteredCall(copy as typeof copy & CallExpression);
  return copy;
}

interface CallExpression {
  readonly function: string;
  readonly target?: Expression;
  readonly args: readonly Expression[];
}

function meteredCall<T extends CallExpression>(node: T): T {
  const [first, second] = node.target ? [node.target, ...node.args] : node.args;
  if (node.function === 'matches' && first && second) {
    const pattern = call(PATTERN, [first, second]);
    return { ...node, args: node.target ? [pattern] : [first, pattern] };
  }
  if (UNWEIGHED.has(node.function)) return node;
  const weigh = (expression: Expression): Expression =>
    isConstant(expression) ? expression : call(WEIGH, [expression]);
  return {
    ...node,
    ...(node.target ? { target: weigh(node.target) } : {}),
    args: node.args.map(weigh),
  };
}

function isConstant({ exprKind }: Expression): boolean {
  return exprKind.case === 'constExpr';
}

/** The node takes the place of its first argument, whose id it has for messages. */
function call(name: string, args: Expression[]): Expression {
  const [first] = args as [Expression];
  const value = { $typeName: 'cel.expr.Expr.Call' as const, function: name, args };
  return { ...first, exprKind: { case: 'callExpr', value } };
}
