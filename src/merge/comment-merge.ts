import type { KrmDocument } from '../krm/file.ts';
import { getIn, isList, isMap, type KrmPath, type KrmValue, valuesEqual } from '../krm/value.ts';
import { alignPaths, type KeysAt } from './align.ts';
import {
  type CommentChange,
  type CommentMap,
  type NodeComments,
  pathKey,
  readComments,
  writeComments,
} from './comment-map.ts';
import { transplant } from './transplant.ts';

type Version = Pick<KrmDocument, 'value' | 'source'>;

interface Versions {
  readonly base: Version | undefined;
  readonly local: Version;
  readonly updated: Version;
}

/** Says upstream's identity of a resource; every package writes its own. */
const MERGE_KEY = /^kpt-merge:/;

/**
 * Finishes the text of a merged document: what is new in it looks as it does upstream, and comments are merged as values
 * are. What only upstream changed of them is taken; where both sides did, the local comment stays, unless it stands
 * behind a value that is upstream's now.
 * @param text of the merged document, with local comments
 * @param value of that text
 */
export function mergeComments(text: string, value: KrmValue, versions: Versions, keysAt: KeysAt): string {
  const { base, local, updated } = versions;
  const known = alignPaths(local.value, value, keysAt);
  const from = alignPaths(updated.value, value, keysAt);
  const looks = transplant(text, value, updated, outermostNew(from, known));
  const [theirs, original] = [readComments(updated.source), base ? readComments(base.source) : NO_COMMENTS];
  if (theirs.size === 0 && original.size === 0) return looks;
  const before = base ? alignPaths(base.value, value, keysAt) : new Map<string, string>();
  const ours = readComments(looks);
  const changes = new Map<string, CommentChange>();
  for (const [path, theirPath] of from) {
    const change = mergeOne({
      base: original.get(before.get(path) ?? ''),
      local: ours.get(path),
      updated: theirs.get(theirPath),
      isNew: !known.has(path),
      tookValue: () => tookValue({ path, theirPath, localPath: known.get(path) }, value, versions),
    });
    if (Object.keys(change).length > 0) changes.set(path, change);
  }
  return writeComments(looks, changes);
}

const NO_COMMENTS: CommentMap = new Map();

/** Nodes that are upstream's alone, without those inside them. */
function outermostNew(from: ReadonlyMap<string, string>, known: ReadonlyMap<string, string>): Map<string, string> {
  const isParentKnown = (path: string) => known.has(pathKey((JSON.parse(path) as KrmPath).slice(0, -1)));
  return new Map([...from].filter(([path]) => !known.has(path) && isParentKnown(path)));
}

interface CommentSides {
  readonly base: NodeComments | undefined;
  readonly local: NodeComments | undefined;
  readonly updated: NodeComments | undefined;
  readonly isNew: boolean;
  readonly tookValue: () => boolean;
}

function mergeOne({ base, local, updated, isNew, tookValue }: CommentSides): CommentChange {
  const changes: [keyof NodeComments, CommentChange[keyof NodeComments]][] = [];
  for (const slot of ['head', 'line', 'foot'] as const) {
    const [was, now, wanted] = [base?.[slot], local?.[slot], updated?.[slot]];
    if (same(now, wanted) || (same(was, wanted) && !isNew)) continue;
    if (slot === 'line' && MERGE_KEY.test(String(now ?? wanted))) continue;
    const untouched = isNew ? now === undefined : same(now, was);
    if (untouched || (slot === 'line' && tookValue())) changes.push([slot, wanted ?? null]);
  }
  return Object.fromEntries(changes);
}

function same(a: NodeComments['head'] | NodeComments['line'], b: NodeComments['head'] | NodeComments['line']): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

interface NodePaths {
  readonly path: string;
  readonly theirPath: string;
  readonly localPath: string | undefined;
}

/** The node is a scalar that was changed to upstream's value. */
function tookValue({ path, theirPath, localPath }: NodePaths, value: KrmValue, { local, updated }: Versions): boolean {
  const at = (root: KrmValue, key: string | undefined) =>
    key === undefined ? undefined : getIn(root, JSON.parse(key) as KrmPath);
  const now = at(value, path);
  if (isMap(now) || isList(now)) return false;
  return valuesEqual(now, at(updated.value, theirPath)) && !valuesEqual(now, at(local.value, localPath));
}
