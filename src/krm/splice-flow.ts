import { type SourceList, type SourceMap, skipSeparation } from './source-tree.ts';
import type { SpliceContext } from './splice-context.ts';

/** An item of the flow collection as it shall be: an old one with its own edits, or new text. */
export type FlowPart = { readonly index: number; readonly work: () => void } | { readonly text: string };

interface Span {
  readonly start: number;
  readonly end: number;
}

/** An item with the text around it: `lead` before it, `tail` up to its comma, `trail` the rest of its line. */
interface Piece {
  readonly lead: string;
  readonly text: string;
  readonly tail: string;
  readonly trail: string;
}

/**
 * Puts a flow collection together anew from the items that stay and the new ones. Comments and line breaks stay with
 * the item that they stand beside.
 * @param spans of the old items, without their commas
 * @param parts at least one of them an old item
 */
export function spliceFlow(
  context: SpliceContext,
  node: SourceMap | SourceList,
  spans: readonly Span[],
  parts: readonly FlowPart[],
): void {
  const layout = readLayout(context.source, node, spans);
  const oneLine = layout.pieces.every(({ lead, trail }) => !lead.includes('\n') && !trail.includes('\n'));
  const firstLead = layout.pieces[0]?.lead ?? '';
  const nextLead = layout.pieces[1]?.lead ?? ' ';
  const pieces = parts.map((part, at): Piece => {
    const piece =
      'text' in part ? newPiece(part.text, layout, context.style.eol) : oldPiece(context, layout, spans, part);
    return oneLine ? { ...piece, lead: at === 0 ? firstLead : nextLead } : piece;
  });
  const body = pieces.map(({ lead, text, tail, trail }, at) => {
    const comma = at < pieces.length - 1 || layout.trailingComma ? ',' : '';
    return `${lead}${text}${tail}${comma}${trail}`;
  });
  context.edit(node.start + 1, node.end - 1, `${layout.open}${body.join('')}${layout.close}`);
}

interface Layout {
  readonly open: string;
  readonly pieces: readonly Piece[];
  readonly close: string;
  readonly trailingComma: boolean;
}

function readLayout(source: string, node: SourceMap | SourceList, spans: readonly Span[]): Layout {
  const inner = node.start + 1;
  let at = restOfLine(source, inner, spans[0]?.start ?? inner);
  const open = source.slice(inner, at);
  let trailingComma = false;
  const pieces = spans.map(({ start, end }, index): Piece => {
    const next = spans[index + 1]?.start ?? node.end - 1;
    const found = skipSeparation(source, end);
    const hasComma = source[found] === ',' && found < next;
    const behind = hasComma ? found + 1 : end;
    const trailEnd = restOfLine(source, behind, next);
    const piece = {
      lead: source.slice(at, start),
      text: source.slice(start, end),
      tail: hasComma ? source.slice(end, found) : '',
      trail: source.slice(behind, trailEnd),
    };
    at = trailEnd;
    trailingComma = hasComma;
    return piece;
  });
  return { open, pieces, close: source.slice(at, node.end - 1), trailingComma };
}

/** Offset behind the line break when only blanks and a comment stand between `at` and it, before `limit`; else `at`. */
function restOfLine(source: string, at: number, limit: number): number {
  const newline = source.slice(at, limit).indexOf('\n');
  if (newline < 0) return at;
  const end = at + newline + 1;
  return /^[ \t]*(?:#.*)?\r?\n$/.test(source.slice(at, end)) ? end : at;
}

function oldPiece(
  context: SpliceContext,
  layout: Layout,
  spans: readonly Span[],
  part: { readonly index: number; readonly work: () => void },
): Piece {
  const piece = layout.pieces[part.index] as Piece;
  const span = spans[part.index] as Span;
  return { ...piece, text: context.sliced(span.start, span.end, part.work) };
}

function newPiece(text: string, layout: Layout, eol: string): Piece {
  const last = layout.pieces.at(-1);
  if (!last?.trail.endsWith('\n')) return { lead: ' ', text, tail: '', trail: '' };
  return { lead: /[ \t]*$/.exec(last.lead)?.[0] ?? '', text, tail: '', trail: eol };
}
