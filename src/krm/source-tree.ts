import { CHOMPING_MODE, COLLECTION_STYLE, EVENT_ID, type Event, SCALAR_STYLE, type ScalarEvent } from 'js-yaml';
import { TerminalError } from '../api/errors.ts';
import { documentEvents, SourceFault } from './events.ts';
import { isMergeKey, scalarValue } from './fast-reader.ts';
import { keyText } from './scalars.ts';
import type { KrmPath, KrmScalar } from './value.ts';

/** Offsets of a node; `start` and `end` enclose its own text without anchor and tag. */
interface Placed {
  readonly start: number;
  readonly end: number;
  /** Range of anchor and tag, when there are any. */
  readonly props?: { readonly start: number; readonly end: number; readonly anchor: boolean; readonly tag: boolean };
}

export interface SourceScalar extends Placed {
  readonly kind: 'scalar';
  readonly style: 'plain' | 'single' | 'double' | 'literal' | 'folded';
  readonly value: KrmScalar;
  /** Of a block scalar: where its header ends, where its lines begin, and their column (-1 when there are none). */
  readonly block?: { readonly headerEnd: number; readonly start: number; readonly column: number };
}

export interface SourceAlias extends Placed {
  readonly kind: 'alias';
}

export interface SourceEntry {
  readonly key: SourceScalar;
  readonly name: string;
  /** The entry is a merge key. */
  readonly merge: boolean;
  /** Offset of the colon; -1 for a lone key in a flow map. */
  readonly colon: number;
  readonly value: SourceNode;
}

export interface SourceMap extends Placed {
  readonly kind: 'map';
  readonly flow: boolean;
  /** A `key: value` pair in a flow list, without braces. */
  readonly pair: boolean;
  readonly entries: readonly SourceEntry[];
}

export interface SourceItem {
  /** Offset of the dash; -1 in flow lists. */
  readonly dash: number;
  readonly value: SourceNode;
}

export interface SourceList extends Placed {
  readonly kind: 'list';
  readonly flow: boolean;
  readonly items: readonly SourceItem[];
}

export type SourceNode = SourceScalar | SourceAlias | SourceMap | SourceList;

/** The text has a form (explicit keys, for example) whose places are not tracked. */
export class UntrackedForm extends Error {}

/**
 * Where every node of one document stands in its text; undefined when the document holds nothing.
 * @throws SourceFault when the text cannot be read
 * @throws UntrackedForm
 */
export function readSourceTree(source: string): SourceNode | undefined {
  return new TreeBuilder(source, documentEvents(source)).run();
}

/**
 * As `readSourceTree`, for readers of comments: undefined also for forms whose places are not tracked.
 * @throws TerminalError reason InvalidYaml when the text cannot be read
 */
export function openSourceTree(source: string): SourceNode | undefined {
  try {
    return readSourceTree(source);
  } catch (error) {
    if (error instanceof UntrackedForm) return undefined;
    if (error instanceof SourceFault) throw new TerminalError('InvalidYaml', error.message, { cause: error });
    throw error;
  }
}

class TreeBuilder {
  readonly #source: string;
  readonly #events: readonly Event[];
  #next = 0;
  /** Everything before it has been placed. */
  #cursor = 0;

  constructor(source: string, events: readonly Event[]) {
    this.#source = source;
    this.#events = events;
  }

  run(): SourceNode | undefined {
    if (this.#events[0]?.type !== EVENT_ID.DOCUMENT) return undefined;
    this.#next = 1;
    return this.#node();
  }

  #node(): SourceNode {
    const event = this.#events[this.#next++];
    switch (event?.type) {
      case EVENT_ID.SCALAR:
        return this.#scalar(event);
      case EVENT_ID.SEQUENCE:
        this.#cursor = event.start;
        return event.style === COLLECTION_STYLE.FLOW
          ? this.#flowList(event.start, propsOf(event))
          : this.#blockList(event.start, propsOf(event));
      case EVENT_ID.MAPPING:
        this.#cursor = event.start;
        if (event.style === COLLECTION_STYLE.BLOCK) return this.#blockMap(event.start, propsOf(event));
        return this.#source[event.start] === '{' ? this.#flowMap(event.start, propsOf(event)) : this.#pair(event.start);
      case EVENT_ID.ALIAS:
        this.#cursor = event.anchorEnd;
        return { kind: 'alias', start: event.anchorStart - 1, end: event.anchorEnd };
      default:
        throw new UntrackedForm('unexpected end');
    }
  }

  #scalar(event: ScalarEvent): SourceScalar {
    const props = propsOf(event);
    const value = scalarValue(this.#source, event);
    const style = STYLE_NAMES[event.style];
    if (event.valueStart < 0) {
      const place = props?.end ?? this.#cursor;
      this.#cursor = place;
      return { kind: 'scalar', style, value, start: place, end: place, props };
    }
    if (style === 'literal' || style === 'folded') return this.#blockScalar(event, style, value);
    const quote = style === 'plain' ? 0 : 1;
    const start = event.valueStart - quote;
    const end = event.valueEnd + quote;
    this.#cursor = end;
    return { kind: 'scalar', style, value, start, end, props };
  }

  #blockScalar(event: ScalarEvent, style: 'literal' | 'folded', value: KrmScalar): SourceScalar {
    const props = propsOf(event);
    const start = this.#skip(props?.end ?? this.#cursor);
    const header = /^[|>][-+0-9]*/.exec(this.#source.slice(start, start + 8))?.[0];
    if (header === undefined) throw new UntrackedForm('block scalar header');
    let end = event.valueEnd;
    if (event.chomping !== CHOMPING_MODE.KEEP) {
      // Blank lines behind the text belong to nobody.
      const lines = this.#source.slice(event.valueStart, end);
      end = event.valueStart + (/^(?:[ \t]*\r?\n)*$/.test(lines) ? 0 : lines.replace(/(?:\r?\n[ \t]*)+$/, '').length);
      if (end > event.valueStart) end = lineEnd(this.#source, end);
    }
    this.#cursor = end;
    const block = { headerEnd: start + header.length, start: event.valueStart, column: event.indent };
    return { kind: 'scalar', style, value, start, end, props, block };
  }

  #blockList(start: number, props: Placed['props']): SourceList {
    const items: SourceItem[] = [];
    while (!this.#atPop()) {
      const dash = this.#skip(this.#cursor);
      this.#expect(dash, '-');
      this.#cursor = dash + 1;
      items.push({ dash, value: this.#node() });
    }
    return { kind: 'list', flow: false, items, start, end: this.#cursor, props };
  }

  #blockMap(start: number, props: Placed['props']): SourceMap {
    const entries: SourceEntry[] = [];
    while (!this.#atPop()) {
      const at = this.#skip(this.#cursor);
      if (/^[?:](?:\s|$)/.test(this.#source.slice(at, at + 2))) throw new UntrackedForm('explicit key');
      this.#cursor = at;
      entries.push(this.#entry());
    }
    return { kind: 'map', flow: false, pair: false, entries, start, end: this.#cursor, props };
  }

  #flowList(start: number, props: Placed['props']): SourceList {
    const items: SourceItem[] = [];
    this.#cursor = start + 1;
    while (!this.#atPop()) {
      this.#skipComma();
      items.push({ dash: -1, value: this.#node() });
    }
    this.#close(']');
    return { kind: 'list', flow: true, items, start, end: this.#cursor, props };
  }

  #flowMap(start: number, props: Placed['props']): SourceMap {
    const entries: SourceEntry[] = [];
    this.#cursor = start + 1;
    while (!this.#atPop()) {
      this.#skipComma();
      entries.push(this.#entry());
    }
    this.#close('}');
    return { kind: 'map', flow: true, pair: false, entries, start, end: this.#cursor, props };
  }

  #pair(start: number): SourceMap {
    this.#cursor = start;
    const entry = this.#entry();
    if (!this.#atPop()) throw new UntrackedForm('pair');
    return { kind: 'map', flow: true, pair: true, entries: [entry], start, end: this.#cursor };
  }

  #entry(): SourceEntry {
    const event = this.#events[this.#next];
    if (event?.type !== EVENT_ID.SCALAR || event.valueStart < 0) throw new UntrackedForm('key');
    const merge = isMergeKey(this.#source, event);
    const key = this.#scalar(event);
    this.#next += 1;
    if (/^\?\s/.test(this.#source.slice(key.start - 2, key.start))) throw new UntrackedForm('explicit key');
    const colon = this.#skip(this.#cursor);
    const hasColon = this.#source[colon] === ':';
    if (hasColon) this.#cursor = colon + 1;
    const value = this.#node();
    return { key, name: keyText(key.value), merge, colon: hasColon ? colon : -1, value };
  }

  #atPop(): boolean {
    if (this.#events[this.#next]?.type !== EVENT_ID.POP) return false;
    this.#next += 1;
    return true;
  }

  #skipComma(): void {
    let at = this.#skip(this.#cursor);
    if (this.#source[at] === ',') at = this.#skip(at + 1);
    this.#cursor = at;
  }

  #close(bracket: string): void {
    this.#skipComma();
    this.#expect(this.#cursor, bracket);
    this.#cursor += 1;
  }

  #expect(at: number, character: string): void {
    if (this.#source[at] !== character) throw new UntrackedForm(`no ${character} at ${at}`);
  }

  #skip(from: number): number {
    return skipSeparation(this.#source, from);
  }
}

const STYLE_NAMES = {
  [SCALAR_STYLE.PLAIN]: 'plain',
  [SCALAR_STYLE.SINGLE_QUOTED]: 'single',
  [SCALAR_STYLE.DOUBLE_QUOTED]: 'double',
  [SCALAR_STYLE.LITERAL_BLOCK]: 'literal',
  [SCALAR_STYLE.FOLDED_BLOCK]: 'folded',
} as const;

interface EventProps {
  readonly anchorStart: number;
  readonly anchorEnd: number;
  readonly tagStart: number;
  readonly tagEnd: number;
}

function propsOf(event: EventProps): Placed['props'] {
  const anchor = event.anchorStart >= 0;
  if (!anchor && event.tagStart < 0) return undefined;
  const starts = [anchor ? event.anchorStart - 1 : -1, event.tagStart].filter((at) => at >= 0);
  return { start: Math.min(...starts), end: Math.max(event.anchorEnd, event.tagEnd), anchor, tag: event.tagStart >= 0 };
}

/** The first offset from `from` on that is neither white space nor comment. */
export function skipSeparation(source: string, from: number): number {
  let at = from;
  for (;;) {
    const character = source.charCodeAt(at);
    if (character === 0x20 || character === 0x09 || character === 0x0a || character === 0x0d) at += 1;
    else if (character === 0x23 && (at === 0 || /\s/.test(source[at - 1] ?? ''))) {
      const newline = source.indexOf('\n', at);
      at = newline < 0 ? source.length : newline;
    } else return at;
  }
}

/** Offset of the first character of the line that `at` is in. */
export function lineStart(source: string, at: number): number {
  return at === 0 ? 0 : source.lastIndexOf('\n', at - 1) + 1;
}

/** Offset behind the line break of the line that `at` is in. */
export function lineEnd(source: string, at: number): number {
  const newline = source.indexOf('\n', at);
  return newline < 0 ? source.length : newline + 1;
}

/** 0-based column of an offset. */
export function columnOf(source: string, at: number): number {
  return at - lineStart(source, at);
}

/** A node, where its key (or the node itself) begins, and where content may begin behind its key or dash. */
export interface LocatedNode {
  readonly node: SourceNode;
  readonly at: number;
  /** 0 at the root, in flow lists and for lone keys. */
  readonly after: number;
}

/** The node that `path` leads to. */
export function locateNode(root: SourceNode | undefined, path: KrmPath): LocatedNode | undefined {
  if (root === undefined) return undefined;
  let found: LocatedNode = { node: root, at: root.start, after: 0 };
  for (const part of path) {
    const inner: LocatedNode | undefined = child(found.node, part);
    if (inner === undefined) return undefined;
    found = inner;
  }
  return found;
}

function child(node: SourceNode, part: string | number): LocatedNode | undefined {
  if (node.kind === 'list' && typeof part === 'number') {
    const item = node.items[part];
    if (item === undefined) return undefined;
    return { node: item.value, at: item.value.props?.start ?? item.value.start, after: item.dash + 1 };
  }
  if (node.kind !== 'map') return undefined;
  const entry = node.entries.find(({ name, merge }) => name === part && !merge);
  return entry === undefined ? undefined : { node: entry.value, at: entry.key.start, after: entry.colon + 1 };
}

/** 1-based line of a path in one document's text, or of its nearest parent that is there; 1 when nothing is known. */
export function lineOfPath(source: string, path: KrmPath): number {
  let root: SourceNode | undefined;
  try {
    root = readSourceTree(source);
  } catch (error) {
    if (error instanceof UntrackedForm) return 1;
    throw error;
  }
  for (let length = path.length; length >= 0; length -= 1) {
    const found = locateNode(root, path.slice(0, length));
    if (found !== undefined) return source.slice(0, found.at).split('\n').length;
  }
  return 1;
}
