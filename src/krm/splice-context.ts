import type { Style } from './emit.ts';
import { lineEnd, lineStart } from './source-tree.ts';
import { applyEdits, type TextEdit } from './text-edits.ts';

/** Where a value stands: behind a key or a dash at `column` (content may begin at `after`), in a flow collection, or alone. */
export type Place =
  | { readonly kind: 'entry' | 'item'; readonly column: number; readonly after: number }
  | { readonly kind: 'flow' }
  | { readonly kind: 'root' };

/** Collects the edits of one document. */
export class SpliceContext {
  /** Ends in a line break. */
  readonly source: string;
  readonly style: Style;
  /** Writes out what aliases and merge keys stand for, so that values may differ from their anchors. */
  readonly expandAliases: boolean;
  #edits: TextEdit[] = [];

  constructor(source: string, style: Style, expandAliases: boolean) {
    this.source = source;
    this.style = style;
    this.expandAliases = expandAliases;
  }

  edit(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text });
  }

  /** The text of a range with the edits that `work` makes in it; they are not recorded otherwise. */
  sliced(from: number, to: number, work: () => void): string {
    const outer = this.#edits;
    this.#edits = [];
    work();
    const text = applyEdits(this.source, this.#edits, from, to);
    this.#edits = outer;
    return text;
  }

  /** True when the two offsets lie in one line. */
  sameLine(a: number, b: number): boolean {
    return lineStart(this.source, a) === lineStart(this.source, b);
  }
}

const COMMENT_LINE = /^([ \t]*)#/;

/** Offset behind the lines of a block node that ends at `end`: its last line, and comment lines deeper than `column`. */
export function blockEnd(source: string, end: number, column: number): number {
  let at = end > 0 && source[end - 1] === '\n' ? end : lineEnd(source, end);
  while (at < source.length) {
    const lineStop = lineEnd(source, at);
    const indent = COMMENT_LINE.exec(source.slice(at, lineStop))?.[1];
    if (indent === undefined || indent.length <= column) break;
    at = lineStop;
  }
  return at;
}

/** Offset of the first of the comment lines that stand directly above `at`, not before `bound` and not deeper than `column`. */
export function ownCommentStart(source: string, at: number, bound: number, column: number): number {
  let start = lineStart(source, at);
  while (start > bound) {
    const above = lineStart(source, start - 1);
    const indent = COMMENT_LINE.exec(source.slice(above, start))?.[1];
    if (above < bound || indent === undefined || indent.length > column) break;
    start = above;
  }
  return start;
}
