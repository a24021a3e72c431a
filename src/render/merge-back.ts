import type { RenderItem } from './item.ts';
import type { OutputItem } from './output.ts';

/**
 * The list after a step that saw a part of it: what was not selected keeps its place, what was selected is replaced
 * by its new version or is gone, what the function added stands at the end.
 * @param selected ids of the items that the function was given
 */
export function mergeBack(
  items: readonly RenderItem[],
  selected: ReadonlySet<number>,
  output: readonly OutputItem[],
): OutputItem[] {
  const returned = new Map(output.map((item) => [item.id, item]));
  const merged: OutputItem[] = [];
  for (const item of items) {
    if (!selected.has(item.id)) merged.push(item);
    else {
      const next = returned.get(item.id);
      if (next !== undefined) merged.push(next);
    }
  }
  return [...merged, ...output.filter((item) => !selected.has(item.id))];
}
