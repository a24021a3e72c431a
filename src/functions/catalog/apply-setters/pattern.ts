import { RE2JS } from 're2js';
import { FunctionFault } from '../../define-function.ts';
import type { StringMap } from '../../function-config.ts';

const MARK = /^kpt-set:\s/;
const REFERENCE = /\$\{([^{}]*)\}/g;

/** `${image}:${tag}` of the comment `kpt-set: ${image}:${tag}`; undefined for any other comment. */
export function setterPattern(comment: string): string | undefined {
  return MARK.test(comment) ? comment.replace(MARK, '').trim() : undefined;
}

/** Whether a pattern names a setter that has a value. */
export function isWanted(pattern: string, setters: StringMap): boolean {
  return names(pattern).some((name) => Object.hasOwn(setters, name));
}

/** The one setter that a pattern consists of. */
export function soleSetter(pattern: string): string | undefined {
  return /^\$\{([^{}]*)\}$/.exec(pattern)?.[1];
}

/**
 * The pattern with values in place of setters. A setter without a value gets what stands for it in the current text.
 * @throws FunctionFault when that cannot be told
 */
export function resolvePattern(pattern: string, current: string, setters: StringMap): string {
  let derived: ReadonlyMap<string, string> | undefined;
  const missing: string[] = [];
  const text = pattern.replace(REFERENCE, (reference, name: string) => {
    if (Object.hasOwn(setters, name)) return setters[name] as string;
    derived ??= currentValues(pattern, current);
    const value = derived.get(name);
    if (value === undefined) missing.push(reference);
    return value ?? reference;
  });
  if (missing.length > 0) throw new FunctionFault(`values for setters [${missing.join(' ')}] must be provided`);
  return text;
}

function names(pattern: string): string[] {
  return [...pattern.matchAll(REFERENCE)].map(([, name = '']) => name);
}

/** What the setters of a pattern stand for in a text; empty when one would be empty. Earlier setters take the most. */
export function currentValues(pattern: string, current: string): ReadonlyMap<string, string> {
  const literals = pattern.split(REFERENCE).filter((_, index) => index % 2 === 0);
  // RE2, for a pattern of many setters would take other engines for ever.
  const expression = RE2JS.compile(literals.map((literal) => RE2JS.quote(literal)).join('(.*)'), RE2JS.DOTALL);
  const matcher = expression.matcher(current);
  const count = matcher.find() ? matcher.groupCount() : 0;
  const values = Array.from({ length: count }, (_, index) => matcher.group(index + 1) ?? '');
  if (values.includes('')) return new Map();
  const found = names(pattern);
  return new Map(values.map((value, index) => [found[index] as string, value]));
}
