import { isMap, type Json, type JsonMap, member } from '../../json.ts';

/** JSON merge patch (RFC 7386): null removes, maps merge, everything else replaces. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isMap(patch)) return patch;
  const result = new Map<string, Json | undefined>(isMap(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else if (value !== undefined) result.set(key, mergePatch(isMap(target) ? member(target, key) : undefined, value));
  }
  return Object.fromEntries(result) satisfies JsonMap;
}
