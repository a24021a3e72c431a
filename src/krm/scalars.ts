import type { KrmScalar } from './value.ts';

/*
 * Plain scalars are read as Go's yaml.v3 (and so kpt, kustomize and every Go function) reads them. Two differences are
 * wanted: timestamps stay strings, and decimal integers of any length stay exact.
 */

const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const UINT64_MAX = 2n ** 64n - 1n;

const WORDS: ReadonlyMap<string, KrmScalar> = new Map<string, KrmScalar>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Number.POSITIVE_INFINITY] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
]);

/** The value of an untagged plain scalar. */
export function resolvePlain(text: string): KrmScalar {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  const first = text.charCodeAt(0);
  const digitOrSign = (first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d;
  if (!digitOrSign && first !== 0x2e) return text;
  // Go drops underscores only where a digit or sign comes first.
  return resolveNumber(digitOrSign ? text.replaceAll('_', '') : text) ?? text;
}

/** The number that `text` spells, or undefined. */
export function resolveNumber(text: string): number | bigint | undefined {
  if (INTEGER.test(text)) return resolveInteger(text);
  if (!FLOAT.test(text)) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  return Object.is(value, -0) ? 0 : value;
}

function resolveInteger(text: string): number | bigint | undefined {
  const negative = text.startsWith('-');
  const digits = /^[-+]/.test(text) ? text.slice(1) : text;
  const decimal = digits === '0' || digits.charCodeAt(0) !== 0x30;
  const exact = BigInt(decimal ? digits : digits.replace(/^0[oO]?(?=[0-7])/, '0o'));
  // Beyond uint64 only decimals are kept exact; other bases are text to Go.
  if (!decimal && exact > UINT64_MAX) return undefined;
  const value = negative ? -exact : exact;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

const YAML11_WORD = /^(?:y|n|yes|no|on|off|true|false|null|~|<<|=)$/i;
const SEXAGESIMAL = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const TIMESTAMP = /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?$/;
const NUMBER_LIKE = /^[-+]?(?:0[xXbBoO][0-9a-fA-F_]+|\.?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?)$/;

/** True when a string written plain would be read as something else by Go, YAML 1.1 or YAML 1.2 core. */
export function isAmbiguousPlain(text: string): boolean {
  return (
    typeof resolvePlain(text) !== 'string' ||
    YAML11_WORD.test(text) ||
    SEXAGESIMAL.test(text) ||
    TIMESTAMP.test(text) ||
    NUMBER_LIKE.test(text)
  );
}

/** The text of a map key: what JSON makes of a scalar key. */
export function keyText(value: KrmScalar): string {
  return typeof value === 'string' ? value : String(value);
}
