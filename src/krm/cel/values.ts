import { isList, isMap, type KrmMap, type KrmValue } from '../value.ts';

/** Plain data as an expression sees it: integers are CEL integers whatever their size. */
export type CelData = string | bigint | number | boolean | null | CelData[] | Map<string, CelData>;

export function celMap(map: KrmMap): Map<string, CelData> {
  const entries = Object.entries(map).filter((entry): entry is [string, KrmValue] => entry[1] !== undefined);
  return new Map(entries.map(([key, value]) => [key, celData(value)]));
}

export function celData(value: KrmValue): CelData {
  if (isList(value)) return value.map(celData);
  if (isMap(value)) return celMap(value);
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
}
