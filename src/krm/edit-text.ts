import { HOUSE_STYLE, renderBlock } from './emit.ts';
import { type KrmValue, valuesEqual } from './value.ts';

/** New text of one document, touching only what differs between `old` and `next`. */
export function editText(source: string, old: KrmValue, next: KrmValue): string {
  if (valuesEqual(old, next)) return source;
  return renderBlock(next, 0, HOUSE_STYLE);
}
