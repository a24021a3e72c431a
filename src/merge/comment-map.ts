import { lineComments, setLineComments } from '../krm/comments.ts';
import { eolOf } from '../krm/edit-text.ts';
import { columnOf, lineEnd, lineStart, openSourceTree, type SourceNode } from '../krm/source-tree.ts';
import { applyEdits, type TextEdit } from '../krm/text-edits.ts';
import type { KrmPath } from '../krm/value.ts';

/** The comments of one node. Lines are without indentation, `''` is a blank line between comments. */
export interface NodeComments {
  /** Lines above the node's key or dash. */
  readonly head?: readonly string[];
  /** Text behind the value or key, without `#`. */
  readonly line?: string;
  /** Lines below the node that stand at its own column: the end of its map or list. */
  readonly foot?: readonly string[];
}

/** Comments by the node's `pathKey`, in document order. */
export type CommentMap = ReadonlyMap<string, NodeComments>;

export function pathKey(path: KrmPath): string {
  return JSON.stringify(path);
}

/**
 * All comments of one document's text; none when it has forms whose places are not tracked.
 * @throws TerminalError reason InvalidYaml when the text cannot be read
 */
export function readComments(source: string): CommentMap {
  const found = new Map<string, NodeComments>();
  if (!source.includes('#')) return found;
  for (const { key, head, foot } of new LineScan(source).owners()) {
    found.set(key, { ...(head ? { head: head.lines } : {}), ...(foot ? { foot: foot.lines } : {}) });
  }
  for (const { path, text } of lineComments(source)) {
    found.set(pathKey(path), { ...found.get(pathKey(path)), line: text });
  }
  return found;
}

/** New comments; a slot that is set replaces what is there, null removes it. */
export interface CommentChange {
  readonly head?: readonly string[] | null;
  readonly line?: string | null;
  readonly foot?: readonly string[] | null;
}

/**
 * Changes comments; nothing else of the text changes. Nodes that are not there, or begin inside a line, are passed
 * over.
 * @throws TerminalError reason InvalidYaml when the text cannot be read
 */
export function writeComments(source: string, changes: ReadonlyMap<string, CommentChange>): string {
  if (changes.size === 0) return source;
  const lines = [...changes].flatMap(([key, { line }]) =>
    line === undefined ? [] : [{ path: JSON.parse(key) as KrmPath, text: line }],
  );
  const text = setLineComments(source, lines);
  const edits: TextEdit[] = [];
  for (const owner of new LineScan(text).owners(true)) {
    const change = changes.get(owner.key);
    if (change?.head !== undefined) edits.push(owner.edit('head', change.head ?? []));
    if (change?.foot !== undefined) edits.push(owner.edit('foot', change.foot ?? []));
  }
  return applyEdits(text, edits);
}

/** The lines of a node that begins one: its key or dash, and all below. */
export interface BlockNode {
  /** Offset of the first line's start. */
  readonly start: number;
  /** Offset behind the last line. */
  readonly end: number;
  readonly column: number;
}

/** The nodes of a document that begin a line, by `pathKey`. */
export function blockNodes(source: string): ReadonlyMap<string, BlockNode> {
  return new Map(
    new LineScan(source).anchors().map((anchor) => [anchor.key, { ...anchor, start: lineStart(source, anchor.at) }]),
  );
}

interface CommentLines {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

/** A node that begins a line. */
interface Anchor {
  readonly key: string;
  readonly at: number;
  readonly column: number;
  /** Offset behind the last line of the node. */
  readonly end: number;
}

class CommentOwner {
  readonly key: string;
  readonly head?: CommentLines;
  readonly foot?: CommentLines;
  readonly #anchor: Anchor;
  readonly #source: string;

  constructor(source: string, anchor: Anchor, head: CommentLines | undefined, foot: CommentLines | undefined) {
    this.key = anchor.key;
    this.#anchor = anchor;
    this.#source = source;
    if (head) this.head = head;
    if (foot) this.foot = foot;
  }

  edit(slot: 'head' | 'foot', lines: readonly string[]): TextEdit {
    const { at, column, end } = this.#anchor;
    const place = slot === 'head' ? lineStart(this.#source, at) : end;
    const range = this[slot] ?? { start: place, end: place };
    const eol = eolOf(this.#source);
    const text = lines.map((line) => (line === '' ? eol : `${' '.repeat(column)}${line}${eol}`)).join('');
    const unfinished = text !== '' && range.start > 0 && this.#source[range.start - 1] !== '\n';
    return { start: range.start, end: range.end, text: unfinished ? `${eol}${text}` : text };
  }
}

/** Finds which node the comment lines of a text belong to: the one below, or the last one at their column. */
class LineScan {
  readonly #source: string;
  readonly #anchors: Anchor[] = [];
  readonly #byLine = new Map<number, Anchor>();
  /** Ranges whose inner lines are no lines of the block structure. */
  readonly #opaque: { readonly start: number; readonly end: number }[] = [];
  readonly #heads = new Map<string, CommentLines>();
  readonly #feet = new Map<string, CommentLines>();

  constructor(source: string) {
    this.#source = source;
    const root = openSourceTree(source);
    if (!root) return;
    this.#visit(root, [], root.props?.start ?? root.start);
    this.#assign();
  }

  anchors(): readonly Anchor[] {
    return this.#anchors;
  }

  /** @param all also nodes without comments */
  owners(all = false): CommentOwner[] {
    const owners = this.#anchors.map(
      (anchor) => new CommentOwner(this.#source, anchor, this.#heads.get(anchor.key), this.#feet.get(anchor.key)),
    );
    return all ? owners : owners.filter(({ head, foot }) => head !== undefined || foot !== undefined);
  }

  #visit(node: SourceNode, path: KrmPath, at: number): void {
    const start = lineStart(this.#source, at);
    if (!this.#byLine.has(start) && this.#source.slice(start, at).trim() === '') {
      const end = this.#source[node.end - 1] === '\n' ? node.end : lineEnd(this.#source, node.end);
      const anchor = { key: pathKey(path), at, column: columnOf(this.#source, at), end };
      this.#byLine.set(start, anchor);
      this.#anchors.push(anchor);
    }
    if (node.kind === 'map' && !node.flow) {
      for (const entry of node.entries) {
        if (!entry.merge) this.#visit(entry.value, [...path, entry.name], entry.key.props?.start ?? entry.key.start);
      }
    } else if (node.kind === 'list' && !node.flow) {
      for (const [index, item] of node.items.entries()) this.#visit(item.value, [...path, index], item.dash);
    } else this.#opaque.push({ start: node.start, end: node.end });
  }

  #assign(): void {
    const opaque = this.#opaque.sort((a, b) => a.start - b.start);
    let pending: CommentLines[] = [];
    let next = 0;
    for (let start = 0; start < this.#source.length; start = lineEnd(this.#source, start)) {
      while ((opaque[next]?.end ?? Number.POSITIVE_INFINITY) <= start) next += 1;
      const inside = (opaque[next]?.start ?? Number.POSITIVE_INFINITY) < start;
      const end = lineEnd(this.#source, start);
      const text = this.#source.slice(start, end).trim();
      const anchor = this.#byLine.get(start);
      if (!inside && (text.startsWith('#') || (text === '' && pending.length > 0))) {
        pending.push({ start, end, lines: [text] });
      } else if (inside || text !== '') {
        if (anchor && !inside) this.#settle(pending, anchor);
        pending = [];
      }
    }
    this.#settle(pending, undefined);
  }

  /** @param below the node under the lines; undefined at the end of the document */
  #settle(lines: readonly CommentLines[], below: Anchor | undefined): void {
    const isFoot = ({ start, lines: [text] }: CommentLines) =>
      text !== '' && (below === undefined || this.#indent(start) > below.column);
    let count = lines.findIndex((line) => line.lines[0] !== '' && !isFoot(line));
    if (count < 0) count = lines.some(isFoot) ? lines.length : 0;
    const foot = lines.slice(0, count);
    while (foot.at(-1)?.lines[0] === '') foot.pop();
    const [first] = foot;
    if (first) {
      const column = this.#indent(first.start);
      const before = this.#anchors.findLast((anchor) => anchor.at < first.start && anchor.column <= column);
      if (before) this.#feet.set(before.key, join(foot));
    }
    if (below && count < lines.length) this.#heads.set(below.key, join(lines.slice(count)));
  }

  #indent(start: number): number {
    return /^[ \t]*/.exec(this.#source.slice(start, lineEnd(this.#source, start)))?.[0].length ?? 0;
  }
}

function join(lines: readonly CommentLines[]): CommentLines {
  const [first, last] = [lines[0] as CommentLines, lines.at(-1) as CommentLines];
  return { start: first.start, end: last.end, lines: lines.flatMap((line) => line.lines) };
}
