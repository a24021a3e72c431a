import { isList, isMap, type KrmPath, type KrmValue } from '../krm/value.ts';

/** Calls `visit` for a value and all that lies in it: a list before its items, a map before its fields, in order. */
export function walk(value: KrmValue, visit: (value: KrmValue, path: KrmPath) => void, path: KrmPath = []): void {
  visit(value, path);
  if (isList(value)) {
    for (const [index, item] of value.entries()) walk(item, visit, [...path, index]);
  } else if (isMap(value)) {
    for (const key of Object.keys(value)) walk(value[key] ?? null, visit, [...path, key]);
  }
}

/** `spec.containers[0].image`: a path as older functions write it, with keys as they are. */
export function plainPath(path: KrmPath): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}
