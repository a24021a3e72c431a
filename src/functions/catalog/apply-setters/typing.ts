import { resolvePlain } from '../../../krm/scalars.ts';
import type { KrmMap, KrmPath, KrmScalar } from '../../../krm/value.ts';

/** Maps of strings by Kubernetes' own definition: what is written there stays text whatever it looks like. */
const STRING_MAPS: readonly (readonly string[])[] = [
  ['metadata', 'annotations'],
  ['metadata', 'labels'],
];

/**
 * A setter's text as the value of a field. A number or boolean stays one when the text is one, text stays text; a
 * field that is null takes the type that the text looks like.
 */
export function typedValue(text: string, current: KrmScalar, resource: KrmMap, path: KrmPath): KrmScalar {
  if (text === '' || typeof current === 'string' || holdsStrings(resource, path)) return text;
  return resolvePlain(text);
}

function holdsStrings({ apiVersion, kind }: KrmMap, path: KrmPath): boolean {
  if (apiVersion === 'v1' && kind === 'ConfigMap' && path[0] === 'data') return true;
  return STRING_MAPS.some((parts) => parts.every((part, at) => path[path.length - parts.length - 1 + at] === part));
}
