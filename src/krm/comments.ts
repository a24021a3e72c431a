import { readValue } from './fast-reader.ts';
import { lineEnd, locateNode, openSourceTree, type SourceNode } from './source-tree.ts';
import { applyEdits, type TextEdit } from './text-edits.ts';
import { getIn, type KrmPath, type KrmValue } from './value.ts';

/** A line comment (`key: value # text`, `key: # text`, `- value # text`) and the node that it belongs to. */
export interface LineComment {
  /** Path of the value; of the key's value where the comment stands behind the key of a collection. */
  readonly path: KrmPath;
  /** Text after `#`, trimmed. */
  readonly text: string;
  /** Plain value at the path. */
  readonly value: KrmValue;
  /** True when the comment stands on the key's own line and the value is a collection that begins below. */
  readonly onKey: boolean;
}

/**
 * All line comments of one document's text, in document order.
 * @throws TerminalError reason InvalidYaml when the text cannot be read
 */
export function lineComments(source: string): LineComment[] {
  if (!source.includes('#')) return [];
  const root = openSourceTree(source);
  if (root === undefined) return [];
  const value = readValue(source);
  const found: LineComment[] = [];
  walk(root, [], undefined, (node, path, after) => {
    const anchor = commentAnchor(node, after);
    if (anchor === undefined) return;
    const comment = commentAt(source, anchor.at);
    if (comment === undefined || comment.text === undefined) return;
    found.push({ path, text: comment.text, value: getIn(value, path) ?? null, onKey: anchor.onKey });
  });
  return found;
}

/**
 * Puts, changes or (null) removes line comments; nothing else of the text changes. A path that is not there, or after
 * which its line goes on with something else, is passed over.
 * @throws TerminalError reason InvalidYaml when the text cannot be read
 */
export function setLineComments(
  source: string,
  comments: readonly { readonly path: KrmPath; readonly text: string | null }[],
): string {
  if (comments.length === 0) return source;
  const root = openSourceTree(source);
  const edits = new Map<number, TextEdit>();
  for (const { path, text } of comments) {
    const edit = commentEdit(source, root, path, text);
    if (edit !== undefined) edits.set(edit.start, edit);
  }
  return applyEdits(source, [...edits.values()]);
}

function commentEdit(
  source: string,
  root: SourceNode | undefined,
  path: KrmPath,
  text: string | null,
): TextEdit | undefined {
  const found = locateNode(root, path);
  if (found === undefined) return undefined;
  const anchor = commentAnchor(found.node, found.after);
  const comment = anchor === undefined ? undefined : commentAt(source, anchor.at);
  if (comment === undefined) return undefined;
  if (text === null) return comment.text === undefined ? undefined : { ...comment, text: '' };
  const line = `# ${text.replaceAll(/\s*[\r\n\u0085\u2028\u2029]+\s*/g, ' ').trim()}`;
  if (comment.text === undefined) return { start: comment.start, end: comment.end, text: ` ${line}` };
  return { start: comment.hash, end: comment.end, text: line };
}

type Visitor = (node: SourceNode, path: KrmPath, after: number | undefined) => void;

/** @param after where content may begin behind the node's key or dash; undefined at the root and in flow collections */
function walk(node: SourceNode, path: KrmPath, after: number | undefined, visit: Visitor): void {
  visit(node, path, after);
  if (node.kind === 'map') {
    for (const entry of node.entries) {
      if (!entry.merge) walk(entry.value, [...path, entry.name], entry.colon + 1, visit);
    }
  } else if (node.kind === 'list') {
    node.items.forEach((item, index) => {
      walk(item.value, [...path, index], item.dash + 1, visit);
    });
  }
}

interface Anchor {
  /** The comment follows this offset. */
  readonly at: number;
  readonly onKey: boolean;
}

/** Where a node's line comment stands: behind a one-line value, a block scalar's header, or a collection's key or dash. */
function commentAnchor(node: SourceNode, after: number | undefined): Anchor | undefined {
  if (node.kind === 'scalar' && node.block !== undefined) return { at: node.block.headerEnd, onKey: false };
  const block = (node.kind === 'map' || node.kind === 'list') && !node.flow;
  if (!block) return { at: node.end, onKey: false };
  // `- a: 1`: the dash has no comment of its own.
  return after === undefined || after === 0 ? undefined : { at: node.props?.end ?? after, onKey: true };
}

interface FoundComment {
  /** Range of the comment with the blanks in front; empty when there is none. */
  readonly start: number;
  readonly end: number;
  readonly hash: number;
  readonly text: string | undefined;
}

/** The comment behind `at` (and a comma); undefined when something else follows in the line. */
function commentAt(source: string, at: number): FoundComment | undefined {
  const rest = source.slice(at, lineEnd(source, at)).replace(/\r?\n$/, '');
  const match = /^([ \t]*,)?([ \t]*)(?:#(.*))?$/.exec(rest);
  if (match === null) return undefined;
  const [, comma = '', blanks = '', text] = match;
  const start = at + comma.length;
  if (text === undefined) return { start, end: at + rest.length, hash: start, text };
  // `#` is a comment only behind a blank.
  if (blanks === '') return undefined;
  return { start, end: at + rest.length, hash: start + blanks.length, text: text.trim() };
}
