import {
  type Document,
  isMap as isMapNode,
  isPair,
  isScalar as isScalarNode,
  isSeq,
  type Node,
  type Pair,
  Scalar,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { isBlockSafe, renderScalar } from './emit.ts';
import { SourceFault } from './events.ts';
import { matchItems } from './list-match.ts';
import { isMergeNode, readNodes } from './node-reader.ts';
import { keyText } from './scalars.ts';
import { isList, isMap, type KrmMap, type KrmScalar, type KrmValue, valuesEqual } from './value.ts';

/**
 * Edits the parsed nodes and writes the whole document anew: comments and quotes stay, layout is normalised. For texts
 * that splices do not reach, such as explicit keys.
 * @returns undefined when the text cannot be read or its merge keys are in the way
 */
export function editNodes(source: string, old: KrmValue, next: KrmValue): string | undefined {
  try {
    const document = readNodes(source);
    repairKeyComments(document);
    document.contents = editNode(document, document.contents, old, next) as typeof document.contents;
    const text = document.toString({
      lineWidth: 0,
      indent: 2,
      indentSeq: isWide(document),
      flowCollectionPadding: false,
      minContentWidth: 0,
      nullStr: 'null',
      singleQuote: null,
    });
    return source.includes('\r\n') ? text.replaceAll('\n', '\r\n') : text;
  } catch (error) {
    if (error instanceof SourceFault || error instanceof MergeInTheWay) return undefined;
    throw error;
  }
}

class MergeInTheWay extends Error {}

function editNode(document: Document, node: unknown, old: KrmValue, next: KrmValue): Node {
  if (isNode(node) && valuesEqual(old, next)) return node;
  if (isMapNode(node) && isMap(old) && isMap(next)) return editMap(document, node, old, next);
  if (isSeq(node) && isList(old) && isList(next)) return editSeq(document, node, old, next);
  const made = makeNode(document, next);
  if (isScalarNode(node)) {
    made.comment = node.comment;
    made.commentBefore = node.commentBefore;
    if (isScalarNode(made) && typeof next === 'string' && !next.includes('\n') && isQuoted(node)) made.type = node.type;
  }
  return made;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}

function isQuoted(node: Scalar): boolean {
  return node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
}

function editMap(document: Document, node: YAMLMap, old: KrmMap, next: KrmMap): Node {
  const seen = new Set<string>();
  const items: Pair[] = [];
  for (const pair of node.items as Pair[]) {
    if (isMergeNode(pair.key)) items.push(pair);
    else {
      const name = isScalarNode(pair.key) ? keyText(pair.key.value as KrmScalar) : '';
      const value = next[name];
      if (value === undefined) continue;
      seen.add(name);
      pair.value = editNode(document, pair.value, old[name] ?? null, value);
      items.push(pair);
    }
  }
  if (items.length > seen.size) throw new MergeInTheWay();
  for (const [name, value] of Object.entries(next)) {
    if (value === undefined || seen.has(name)) continue;
    items.push(document.createPair(makeScalar(name), makeNode(document, value)));
  }
  node.items = items;
  return node;
}

function editSeq(document: Document, node: YAMLSeq, old: readonly KrmValue[], next: readonly KrmValue[]): Node {
  const match = matchItems(old, next);
  node.items = match.map((index, at) => {
    const value = next[at] as KrmValue;
    return index < 0 ? makeNode(document, value) : editNode(document, node.items[index], old[index] as KrmValue, value);
  });
  return node;
}

function makeNode(document: Document, value: KrmValue): Node {
  if (isList(value)) {
    const list = document.createNode([]) as YAMLSeq;
    list.items = value.map((item) => makeNode(document, item));
    return list;
  }
  if (!isMap(value)) return makeScalar(value);
  const map = document.createNode({}) as YAMLMap;
  for (const [name, item] of Object.entries(value)) {
    if (item !== undefined) map.items.push(document.createPair(makeScalar(name), makeNode(document, item)));
  }
  return map;
}

function makeScalar(value: KrmScalar): Scalar {
  const scalar = new Scalar(value);
  if (typeof value !== 'string') return scalar;
  const text = renderScalar(value, 'plain', true);
  if (isBlockSafe(value)) scalar.type = 'BLOCK_LITERAL';
  else if (text.startsWith('"')) scalar.type = 'QUOTE_DOUBLE';
  else if (text.startsWith("'")) scalar.type = 'QUOTE_SINGLE';
  else scalar.type = 'PLAIN';
  return scalar;
}

/** `list: # comment` stays behind its key: `yaml` reads it as a comment above the list's first item. */
function repairKeyComments(document: Document): void {
  visit(document, {
    Pair: (_, pair) => {
      const value = pair.value;
      if (!isPair(pair) || !(isMapNode(value) || isSeq(value)) || !isScalarNode(pair.key)) return;
      const separator =
        (pair as Pair & { srcToken?: { sep?: { type: string; source: string }[] } }).srcToken?.sep ?? [];
      const newline = separator.findIndex(({ type }) => type === 'newline');
      const comment = separator.findIndex(({ type }) => type === 'comment');
      if (comment < 0 || comment > newline || value.commentBefore === undefined) return;
      const [first, ...rest] = (value.commentBefore ?? '').split('\n');
      pair.key.comment = first;
      value.commentBefore = rest.length > 0 ? rest.join('\n') : undefined;
    },
  });
}

/** The first list under a key is indented. */
function isWide(document: Document): boolean {
  let wide: boolean | undefined;
  visit(document, {
    Pair: (_, pair) => {
      if (!isSeq(pair.value) || pair.value.flow || wide !== undefined) return;
      const list = pair.value.srcToken;
      const key = isScalarNode(pair.key) ? pair.key.srcToken : undefined;
      if (list?.type === 'block-seq' && key !== undefined && 'indent' in key) wide = list.indent > key.indent;
    },
  });
  return wide ?? false;
}
