import { resolvePlain } from '../../../krm/scalars.ts';
import { isList, isMap, type KrmScalar, type KrmValue, valuesEqual } from '../../../krm/value.ts';
import { FunctionFault } from '../../define-function.ts';
import type { FieldOptions } from './config.ts';

/**
 * What a source gives: its value, or the part of it that the options choose.
 * @throws FunctionFault
 */
export function sourceValue(value: KrmValue, options: FieldOptions): KrmValue {
  if (options.delimiter === undefined) return value;
  const parts = scalarText(value).split(options.delimiter);
  const part = parts[options.index];
  if (part !== undefined) return part;
  throw new FunctionFault(`options.index ${options.index} is out of bounds for value ${scalarText(value)}`);
}

/**
 * What stands in a target afterwards. With a delimiter one part is replaced; a negative index puts the value in front,
 * one past the end behind. A scalar keeps its type: a number stays a number when the value reads as one, a text stays
 * text. The very same value when nothing changes.
 * @throws FunctionFault
 */
export function targetValue(current: KrmValue | undefined, value: KrmValue, options: FieldOptions): KrmValue {
  const next = options.delimiter === undefined ? value : withPart(current, value, options.delimiter, options.index);
  const typed = current === undefined || current === null || isCollection(current) ? next : keepType(current, next);
  return current !== undefined && valuesEqual(current, typed) ? current : typed;
}

function withPart(current: KrmValue | undefined, value: KrmValue, delimiter: string, index: number): string {
  const part = scalarText(value);
  if (current === undefined || current === null) return part;
  const parts = scalarText(current).split(delimiter);
  if (index < 0) parts.unshift(part);
  else parts[Math.min(index, parts.length)] = part;
  return parts.join(delimiter);
}

function keepType(current: KrmScalar, value: KrmValue): KrmValue {
  if (isCollection(value) || value === null) return value;
  if (typeof current === 'string') return String(value);
  if (typeof value !== 'string') return value;
  const read = resolvePlain(value);
  return typeof read === typeof current || (isNumber(read) && isNumber(current)) ? read : value;
}

function isNumber(value: KrmScalar): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

function isCollection(value: KrmValue): value is Exclude<KrmValue, KrmScalar> {
  return isMap(value) || isList(value);
}

function scalarText(value: KrmValue): string {
  if (!isCollection(value)) return String(value);
  throw new FunctionFault('delimiter option can only be used with scalar nodes');
}
