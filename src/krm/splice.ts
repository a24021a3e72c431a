import { renderEntry, renderItem, renderKey, type Style } from './emit.ts';
import { isIncreasing, matchItems } from './list-match.ts';
import {
  columnOf,
  type SourceEntry,
  type SourceItem,
  type SourceList,
  type SourceMap,
  type SourceNode,
  UntrackedForm,
} from './source-tree.ts';
import { BlockLines } from './splice-block.ts';
import { type Place, SpliceContext } from './splice-context.ts';
import { type FlowPart, spliceFlow } from './splice-flow.ts';
import { flowText, replaceValue } from './splice-value.ts';
import { isList, isMap, type KrmMap, type KrmValue, valuesEqual } from './value.ts';

/**
 * Makes the smallest changes of a document's text that turn its data from `old` into `next`. Comments, order, quotes
 * and layout of everything that stays are kept. The result must be read back: anchors may have reached further.
 * @param source must end in a line break
 * @param expandAliases writes out what aliases and merge keys stand for, so that values may differ from their anchors
 * @throws UntrackedForm, OverlappingEdits when the text cannot be edited this way
 */
export function spliceDocument(
  source: string,
  root: SourceNode,
  old: KrmValue,
  next: KrmValue,
  style: Style,
  expandAliases: boolean,
): string {
  const context = new SpliceContext(source, style, expandAliases);
  return context.sliced(0, source.length, () => diff(context, root, old, next, { kind: 'root' }));
}

function diff(context: SpliceContext, node: SourceNode, old: KrmValue, next: KrmValue, place: Place): void {
  if (node.kind === 'alias') {
    if (context.expandAliases || !valuesEqual(old, next)) replaceValue(context, node, next, place);
  } else if (old === next && !context.expandAliases) return;
  else if (node.kind === 'scalar') {
    if (!Object.is(old, next)) replaceValue(context, node, next, place);
  } else if (node.kind === 'map' && isMap(old) && isMap(next)) diffMap(context, node, old, next, place);
  else if (node.kind === 'list' && isList(old) && isList(next)) diffList(context, node, old, next, place);
  else replaceValue(context, node, next, place);
}

interface MapPlan {
  readonly kept: readonly SourceEntry[];
  readonly removed: ReadonlySet<number>;
  readonly added: readonly string[];
}

function planMap(context: SpliceContext, node: SourceMap, old: KrmMap, next: KrmMap): MapPlan {
  const removed = new Set<number>();
  const explicit = new Set<string>();
  node.entries.forEach((entry, index) => {
    if (entry.merge ? context.expandAliases : next[entry.name] === undefined) removed.add(index);
    else if (!entry.merge) explicit.add(entry.name);
  });
  const merged = (key: string) => !context.expandAliases && Object.hasOwn(old, key);
  const added = Object.keys(next).filter((key) => {
    if (next[key] === undefined || explicit.has(key)) return false;
    return !(merged(key) && valuesEqual(old[key], next[key]));
  });
  return { kept: node.entries.filter((_, index) => !removed.has(index)), removed, added };
}

function diffMap(context: SpliceContext, node: SourceMap, old: KrmMap, next: KrmMap, place: Place): void {
  const { kept, removed, added } = planMap(context, node, old, next);
  const structural = removed.size > 0 || added.length > 0;
  if (kept.length === 0) {
    if (structural) replaceValue(context, node, next, place);
    return;
  }
  const entries = kept.filter((entry) => !entry.merge);
  const work = (entry: SourceEntry) => diffEntry(context, node, entry, old, next);
  if (!structural) entries.forEach(work);
  else if (node.flow) restructureFlowMap(context, node, kept, work, newFlowEntries(context, node, added, next));
  else {
    const lines = new BlockLines(context.source, node.entries.map(entrySpan), place);
    lines.remove(context, removed);
    entries.forEach(work);
    const style = localStyle(context, node);
    const text = added.map((key) => renderEntry(key, next[key] as KrmValue, lines.column, style)).join('');
    if (text !== '') context.edit(lines.lastEnd, lines.lastEnd, text);
  }
}

function diffEntry(context: SpliceContext, node: SourceMap, entry: SourceEntry, old: KrmMap, next: KrmMap): void {
  const before = old[entry.name] as KrmValue;
  const after = next[entry.name] as KrmValue;
  if (entry.colon < 0) {
    if (after !== null) context.edit(entry.key.end, entry.key.end, `: ${flowText(context, after, entry.key.start)}`);
    return;
  }
  const place: Place = node.flow
    ? { kind: 'flow' }
    : { kind: 'entry', column: columnOf(context.source, entrySpan(entry).start), after: entry.colon + 1 };
  diff(context, entry.value, before, after, place);
}

function restructureFlowMap(
  context: SpliceContext,
  node: SourceMap,
  kept: readonly SourceEntry[],
  work: (entry: SourceEntry) => void,
  added: readonly FlowPart[],
): void {
  if (node.pair) throw new UntrackedForm('pair in a flow list');
  const indexes = new Map(node.entries.map((entry, index) => [entry, index]));
  const parts = kept.map((entry): FlowPart => {
    return { index: indexes.get(entry) ?? 0, work: () => (entry.merge ? undefined : work(entry)) };
  });
  spliceFlow(context, node, node.entries.map(entrySpan), [...parts, ...added]);
}

function newFlowEntries(context: SpliceContext, node: SourceMap, keys: readonly string[], next: KrmMap): FlowPart[] {
  const beside = node.entries.at(-1)?.key.start ?? node.start;
  return keys.map((key) => {
    const text = flowText(context, next[key] as KrmValue, beside);
    return { text: `${renderKey(key, true, context.style.json)}: ${text}` };
  });
}

function diffList(
  context: SpliceContext,
  node: SourceList,
  old: readonly KrmValue[],
  next: readonly KrmValue[],
  place: Place,
): void {
  const match = matchItems(old, next);
  const kept = new Set(match.filter((index) => index >= 0));
  if (kept.size === 0) {
    if (old.length > 0 || next.length > 0) replaceValue(context, node, next, place);
    return;
  }
  const work = (index: number, at: number) => {
    const item = node.items[index] as SourceItem;
    const itemPlace: Place = node.flow
      ? { kind: 'flow' }
      : { kind: 'item', column: columnOf(context.source, item.dash), after: item.dash + 1 };
    diff(context, item.value, old[index] as KrmValue, next[at] as KrmValue, itemPlace);
  };
  const sameShape = kept.size === old.length && kept.size === next.length && isIncreasing(match);
  if (sameShape) match.forEach(work);
  else if (node.flow) {
    const parts = match.map((index, at): FlowPart => {
      if (index >= 0) return { index, work: () => work(index, at) };
      return { text: flowText(context, next[at] as KrmValue, node.items.at(-1)?.value.start ?? node.start) };
    });
    spliceFlow(context, node, node.items.map(itemSpan), parts);
  } else restructureBlockList(context, node, match, next, work, place);
}

function restructureBlockList(
  context: SpliceContext,
  node: SourceList,
  match: readonly number[],
  next: readonly KrmValue[],
  work: (index: number, at: number) => void,
  place: Place,
): void {
  const lines = new BlockLines(context.source, node.items.map(blockItemSpan), place);
  const render = (at: number) => renderItem(next[at] as KrmValue, lines.column, context.style);
  const increasing = isIncreasing(match);
  if (lines.inlineFirst && (!increasing || match[0] === -1)) {
    replaceValue(context, node, next, place);
    return;
  }
  if (!increasing) {
    reorderBlockList(context, lines, node.items.length, match, render, work);
    return;
  }
  const kept = new Set(match);
  lines.remove(context, new Set([...node.items.keys()].filter((index) => !kept.has(index))));
  let insertAt = lines.start(0);
  match.forEach((index, at) => {
    if (index < 0) context.edit(insertAt, insertAt, render(at));
    else {
      work(index, at);
      insertAt = lines.end(index);
    }
  });
}

/** Items that changed places take the lines above them along. */
function reorderBlockList(
  context: SpliceContext,
  lines: BlockLines,
  count: number,
  match: readonly number[],
  render: (at: number) => string,
  work: (index: number, at: number) => void,
): void {
  const start = (index: number) => (index === 0 ? lines.start(0) : lines.end(index - 1));
  const texts = match.map((index, at) => {
    return index < 0 ? render(at) : context.sliced(start(index), lines.end(index), () => work(index, at));
  });
  context.edit(start(0), lines.end(count - 1), texts.join(''));
}

/** Lists of this map tell whether a new one is indented under its key. */
function localStyle(context: SpliceContext, node: SourceMap): Style {
  const { source, style } = context;
  for (const entry of node.entries) {
    if (entry.value.kind !== 'list' || entry.value.flow || entry.value.items.length === 0) continue;
    const listOffset = columnOf(source, entry.value.start) - columnOf(source, entrySpan(entry).start);
    if (listOffset >= 0) return { ...style, listOffset };
  }
  return style;
}

function entrySpan(entry: SourceEntry): { readonly start: number; readonly end: number } {
  const end = Math.max(entry.key.end, entry.colon + 1, entry.value.end);
  return { start: entry.key.props?.start ?? entry.key.start, end };
}

function itemSpan(item: SourceItem): { readonly start: number; readonly end: number } {
  return { start: item.value.props?.start ?? item.value.start, end: item.value.end };
}

function blockItemSpan(item: SourceItem): { readonly start: number; readonly end: number } {
  return { start: item.dash, end: Math.max(item.dash + 1, item.value.end) };
}
