import { editSource, parseKrmFile } from '../krm/file.ts';
import { isList, isMap, type KrmPath, type KrmValue } from '../krm/value.ts';
import { alignPaths } from './align.ts';
import { type CommentChange, type NodeComments, pathKey, readComments, writeComments } from './comment-map.ts';

/**
 * Gives a rewritten document the comments, order and style of the one that it was made from. Comments follow map keys
 * and the keys of list items, wherever they moved; those of scalar items stay only while value and place are the same.
 * Comments of what is gone are dropped, comments that `to` has of its own win.
 * @throws TerminalError reason InvalidYaml when one of the texts cannot be read
 */
export function copyComments(from: string, to: string): string {
  const [before, after] = [dataOf(from), dataOf(to)];
  const edited = editSource(from, after);
  return writeComments(edited, new Map([...strayComments(edited, before, after), ...readComments(to)]));
}

function dataOf(source: string): KrmValue {
  return parseKrmFile('document.yaml', new TextEncoder().encode(source)).edit(new Map()).documents[0]?.value ?? null;
}

/** Comments of scalar items that came to stand behind other values. */
function strayComments(edited: string, before: KrmValue, after: KrmValue): Map<string, CommentChange> {
  const aligned = alignPaths(before, after);
  const scalars = scalarItems(after, []);
  const strays = new Map<string, CommentChange>();
  for (const [path, comments] of readComments(edited)) {
    if (scalars.has(path) && !aligned.has(path)) strays.set(path, removal(comments));
  }
  return strays;
}

function removal({ head, line, foot }: NodeComments): CommentChange {
  return {
    ...(head ? { head: null } : {}),
    ...(line === undefined ? {} : { line: null }),
    ...(foot ? { foot: null } : {}),
  };
}

function scalarItems(value: KrmValue, path: KrmPath): Set<string> {
  if (isMap(value)) {
    const inner = Object.entries(value).flatMap(([key, item]) => [...scalarItems(item ?? null, [...path, key])]);
    return new Set(inner);
  }
  if (!isList(value)) return new Set();
  const mixed = value.some((item) => isMap(item) || isList(item));
  const paths = value.flatMap((item, index) =>
    isMap(item) || isList(item) || mixed ? [...scalarItems(item, [...path, index])] : [pathKey([...path, index])],
  );
  return new Set(paths);
}
