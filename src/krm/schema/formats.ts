import type { KrmScalar } from '../value.ts';

const INTEGER_RANGES: { readonly [format: string]: readonly [bigint, bigint] } = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};
const QUANTITY = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DATE_TIME =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** Whether a scalar is in the form that the API server wants of a format. Other formats, and other types, always are. */
export function hasFormat(value: KrmScalar, format: string): boolean {
  const range = INTEGER_RANGES[format];
  if (range !== undefined) return !isInteger(value) || (BigInt(value) >= range[0] && BigInt(value) <= range[1]);
  if (typeof value !== 'string') return true;
  switch (format) {
    case 'quantity':
      return QUANTITY.test(value);
    case 'byte':
      return BASE64.test(value.replaceAll(/[\r\n]/g, ''));
    case 'date-time':
      return DATE_TIME.test(value);
    default:
      return true;
  }
}

function isInteger(value: KrmScalar): value is number | bigint {
  return typeof value === 'bigint' || Number.isInteger(value);
}
