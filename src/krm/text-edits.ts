/** One replacement in a text. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Edits overlap: they cannot all be made. */
export class OverlappingEdits extends Error {}

/**
 * Applies the edits that lie in `[from, to)` and returns that part of the text. Edits at one offset are made in the
 * order given, insertions there come before what is replaced.
 * @throws OverlappingEdits
 */
export function applyEdits(source: string, edits: readonly TextEdit[], from = 0, to = source.length): string {
  const sorted = edits
    .map((edit, order) => ({ edit, order }))
    .sort((a, b) => a.edit.start - b.edit.start || rank(a.edit) - rank(b.edit) || a.order - b.order);
  const parts: string[] = [];
  let at = from;
  for (const { edit } of sorted) {
    if (edit.start < at || edit.end > to) throw new OverlappingEdits(`edit at ${edit.start} overlaps`);
    parts.push(source.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  parts.push(source.slice(at, to));
  return parts.join('');
}

function rank(edit: TextEdit): number {
  return edit.start === edit.end ? 0 : 1;
}
