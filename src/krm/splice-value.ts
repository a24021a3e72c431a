import {
  isBlockCollection,
  isBlockSafe,
  isScalar,
  type QuoteStyle,
  type Rendered,
  renderBlock,
  renderEntryValue,
  renderFlow,
  renderItemValue,
  renderJson,
  renderLiteral,
  renderScalar,
} from './emit.ts';
import { lineEnd, lineStart, type SourceNode, type SourceScalar } from './source-tree.ts';
import { blockEnd, type Place, type SpliceContext } from './splice-context.ts';
import { isList, isMap, type KrmScalar, type KrmValue } from './value.ts';

type BlockPlace = Extract<Place, { readonly column: number }>;

/** Puts a new value where `node` stands. A scalar keeps its quotes where that is legal, an anchor stays. */
export function replaceValue(context: SpliceContext, node: SourceNode, next: KrmValue, place: Place): void {
  if (place.kind === 'root') replaceRoot(context, node, next);
  else if (place.kind === 'flow' || staysFlow(node, next)) replaceInFlow(context, node, next);
  else if (!isInline(node)) replaceBlock(context, node, render(context, node, next, place), place);
  else if (node.kind === 'scalar' && node.block !== undefined) {
    replaceBlockScalar(context, node, node.block, render(context, node, next, place), place);
  } else replaceInline(context, node, render(context, node, next, place), place);
}

/** What a lone key or an added entry of a flow collection has as its value. */
export function flowText(context: SpliceContext, value: KrmValue, at: number): string {
  const { style, source } = context;
  if (!style.json) return renderFlow(value, false);
  const indent = /^[ \t]*/.exec(source.slice(lineStart(source, at)))?.[0] ?? '';
  return isPretty(source) ? renderJson(value, indent, style) : renderFlow(value, true);
}

function isPretty(source: string): boolean {
  return source.trimEnd().includes('\n');
}

function isInline(node: SourceNode): boolean {
  return node.kind === 'scalar' || node.kind === 'alias' || node.flow;
}

function staysFlow(node: SourceNode, next: KrmValue): boolean {
  if (node.kind === 'map') return node.flow && node.entries.length > 0 && isMap(next) && isBlockCollection(next);
  return node.kind === 'list' && node.flow && node.items.length > 0 && isList(next) && next.length > 0;
}

function replaceRoot(context: SpliceContext, node: SourceNode, next: KrmValue): void {
  const { source, style } = context;
  const start = node.props?.start ?? (isInline(node) ? node.start : lineStart(source, node.start));
  const end = blockEnd(source, node.end, 0);
  if (style.json) context.edit(start, end, `${renderJson(next, '', style)}${style.eol}`);
  else context.edit(start, end, renderBlock(next, 0, style));
}

function replaceInFlow(context: SpliceContext, node: SourceNode, next: KrmValue): void {
  const start = contentStart(node);
  const before = context.source[start - 1] ?? ' ';
  const gap = /[\s[{,]/.test(before) ? '' : ' ';
  const text = isScalar(next)
    ? renderScalar(next, quoteOf(node), true, context.style.json)
    : flowText(context, next, node.start);
  context.edit(start, node.end, gap + text);
}

/** An anchor may stay with the new value, a tag may not. */
function contentStart(node: SourceNode): number {
  return node.props?.tag ? node.props.start : node.start;
}

function render(context: SpliceContext, node: SourceNode, next: KrmValue, place: BlockPlace): Rendered {
  const { style } = context;
  if (node.kind === 'scalar' && isScalar(next)) return renderAs(context, node, next, place);
  return place.kind === 'entry'
    ? renderEntryValue(next, place.column, style)
    : renderItemValue(next, place.column, style);
}

function renderAs(context: SpliceContext, node: SourceScalar, next: KrmScalar, place: BlockPlace): Rendered {
  const { eol, step } = context.style;
  const column =
    node.block !== undefined && node.block.column > place.column
      ? node.block.column
      : place.column + (place.kind === 'entry' ? step : 2);
  if (typeof next === 'string') {
    if (node.style === 'folded' && /^\S[^\n]*\n?$/.test(next) && isBlockSafe(`${next}\n`)) {
      const text = next.trimEnd();
      if (text === next || `${text}\n` === next) {
        return { inline: text === next ? '>-' : '>', below: `${' '.repeat(column)}${text}${eol}` };
      }
    }
    const keepsQuotes = node.style === 'double' && String(node.value).includes('\n');
    if (isBlockSafe(next) && !keepsQuotes) return renderLiteral(next, column, eol);
  }
  return { inline: renderScalar(next, quoteOf(node), false), below: '' };
}

function quoteOf(node: SourceNode): QuoteStyle {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') return 'plain';
  return node.style === 'single' || node.style === 'double' ? node.style : 'plain';
}

function replaceInline(context: SpliceContext, node: SourceNode, rendered: Rendered, place: BlockPlace): void {
  const { source } = context;
  putInline(context, contentStart(node), node.end, rendered.inline, place);
  if (rendered.below !== '') {
    const below = lineEnd(source, node.end);
    context.edit(below, below, rendered.below);
  }
}

function replaceBlockScalar(
  context: SpliceContext,
  node: SourceScalar,
  block: NonNullable<SourceScalar['block']>,
  rendered: Rendered,
  place: BlockPlace,
): void {
  putInline(context, contentStart(node), block.headerEnd, rendered.inline, place);
  context.edit(block.start, Math.max(block.start, node.end), rendered.below);
}

/** Replaces `[start, end)` behind a key or dash; nothing takes the blanks in front along. */
function putInline(context: SpliceContext, start: number, end: number, inline: string, place: BlockPlace): void {
  const { source } = context;
  if (inline === '') {
    let from = start;
    while (from > place.after && /[ \t]/.test(source[from - 1] ?? '')) from -= 1;
    context.edit(from, end, '');
  } else context.edit(start, end, /\s/.test(source[start - 1] ?? ' ') ? inline : ` ${inline}`);
}

function replaceBlock(context: SpliceContext, node: SourceNode, rendered: Rendered, place: BlockPlace): void {
  const { source, style } = context;
  const end = blockEnd(source, node.end, place.column);
  const { inline, below } = rendered;
  if (context.sameLine(node.start, place.after)) {
    context.edit(contentStart(node), end, `${inline}${style.eol}${below}`);
    return;
  }
  if (node.props?.tag) putInline(context, node.props.start, node.props.end, inline, place);
  else if (inline !== '') {
    const at = node.props?.end ?? place.after;
    context.edit(at, at, ` ${inline}`);
  }
  context.edit(lineEnd(source, node.props?.end ?? place.after), end, below);
}
