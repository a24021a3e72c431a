import {
  type Document,
  isAlias,
  isMap as isMapNode,
  isScalar as isScalarNode,
  isSeq,
  type Node,
  parseDocument,
  Scalar,
  type ScalarTag,
} from 'yaml';
import { SourceFault } from './events.ts';
import { taggedValue } from './fast-reader.ts';
import { keyText, resolvePlain } from './scalars.ts';
import { isList, isMap, type KrmMap, type KrmScalar, type KrmValue, withKey } from './value.ts';

const NON_STRING =
  /^(?:~?|null|Null|NULL|true|True|TRUE|false|False|FALSE|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[bB][01_]+|[-+]?0[oO][0-7_]+|[-+]?(?:\.[0-9_]+|_*[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]+)?)$/;

/** Untagged plain scalars that are no strings, with Go's rules; one that was not changed is written as it was read. */
const PLAIN: ScalarTag = {
  tag: 'tag:yaml.org,2002:null',
  default: true,
  test: NON_STRING,
  identify: (value) => value === null || (typeof value !== 'string' && typeof value !== 'object'),
  resolve: (text) => resolvePlain(text),
  stringify: ({ source, value }) => {
    if (source !== undefined && Object.is(resolvePlain(source), value)) return source;
    return String(value);
  },
};

const TAGGED = ['null', 'bool', 'int', 'float'].map(
  (name): ScalarTag => ({
    tag: `tag:yaml.org,2002:${name}`,
    default: false,
    resolve: (text, onError) => {
      const value = taggedValue(`!!${name}`, text);
      if (value === undefined) onError(`${JSON.stringify(text)} is no !!${name}`);
      return new Scalar(value ?? null);
    },
  }),
);

/**
 * The document of a text with its comments, read by the same scalar rules as the fast reader.
 * @throws SourceFault
 */
export function readNodes(source: string): Document {
  const document = parseDocument<Node, true>(source, {
    version: '1.2',
    schema: 'core',
    customTags: (tags) => [...tags.filter((tag) => typeof tag !== 'string' && isStructural(tag.tag)), PLAIN, ...TAGGED],
    resolveKnownTags: false,
    keepSourceTokens: true,
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: 'silent',
    strict: true,
  });
  const [error] = document.errors;
  if (error !== undefined) throw new SourceFault('syntax', error.message, error.pos[0]);
  return document;
}

function isStructural(tag: string): boolean {
  return /:(?:map|seq|str)$/.test(tag);
}

/**
 * Plain data of a parsed document.
 * @throws SourceFault for keys that are no scalars and for aliases without an anchor
 */
export function nodeValue(document: Document): KrmValue {
  return toValue(document.contents, new Map());
}

function toValue(node: unknown, anchors: Map<string, KrmValue>): KrmValue {
  if (isAlias(node)) {
    const value = anchors.get(node.source);
    if (value === undefined) throw new SourceFault('syntax', `no anchor ${node.source}`, node.range?.[0] ?? 0);
    return value;
  }
  let value: KrmValue = null;
  if (isScalarNode(node)) value = node.value as KrmScalar;
  else if (isSeq(node)) value = node.items.map((item) => toValue(item, anchors));
  else if (isMapNode(node)) value = toMap(node.items, anchors);
  const anchor = (node as Node | null)?.anchor;
  if (anchor !== undefined) anchors.set(anchor, value);
  return value;
}

function toMap(pairs: readonly { key: unknown; value: unknown }[], anchors: Map<string, KrmValue>): KrmMap {
  let map: KrmMap = {};
  const merged = new Set<string>();
  for (const pair of pairs) {
    const key = toValue(pair.key, anchors);
    const value = toValue(pair.value, anchors);
    if (isMergeNode(pair.key)) {
      for (const source of isList(value) ? value : [value]) {
        if (!isMap(source)) throw new SourceFault('syntax', 'a merge key takes a map or a list of maps', 0);
        for (const [name, item] of Object.entries(source)) {
          if (Object.hasOwn(map, name)) continue;
          map = withKey(map, name, item ?? null);
          merged.add(name);
        }
      }
      continue;
    }
    if (isList(key) || isMap(key)) throw new SourceFault('syntax', 'a key must be a scalar', 0);
    map = withKey(map, keyText(key), value);
  }
  return map;
}

/** True for the plain `<<` key. */
export function isMergeNode(key: unknown): boolean {
  return isScalarNode(key) && key.type === 'PLAIN' && key.source === '<<';
}
