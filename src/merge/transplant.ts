import { eolOf } from '../krm/edit-text.ts';
import { parseKrmFile } from '../krm/file.ts';
import { applyEdits, type TextEdit } from '../krm/text-edits.ts';
import { getIn, type KrmPath, type KrmValue, valuesEqual } from '../krm/value.ts';
import { type BlockNode, blockNodes } from './comment-map.ts';

/**
 * Gives nodes of a document the text that they have in another one: its quotes, flow and block styles and the comments
 * inside. Only the indentation follows the place.
 * @param value of `text`
 * @param pairs `pathKey` in the other document by `pathKey` in this one
 * @returns `text` where the lines cannot be carried over
 */
export function transplant(
  text: string,
  value: KrmValue,
  other: { readonly source: string; readonly value: KrmValue },
  pairs: ReadonlyMap<string, string>,
): string {
  const [here, there] = [blockNodes(text), blockNodes(other.source)];
  const edits: TextEdit[] = [];
  for (const [path, otherPath] of pairs) {
    const [mine, theirs] = [here.get(path), there.get(otherPath)];
    if (!mine || !theirs || !valuesEqual(at(value, path), at(other.value, otherPath))) continue;
    const lines = reindented(other.source, theirs, mine.column, eolOf(text));
    const unfinished = mine.end === text.length && !text.endsWith('\n');
    if (lines !== undefined)
      edits.push({ start: mine.start, end: mine.end, text: unfinished ? lines.trimEnd() : lines });
  }
  if (edits.length === 0) return text;
  const result = applyEdits(text, edits);
  const read = parseKrmFile('document.yaml', new TextEncoder().encode(result));
  const same =
    read.problems.length === 0 && read.documents.length === 1 && valuesEqual(read.documents[0]?.value, value);
  return same ? result : text;
}

function at(value: KrmValue, path: string): KrmValue | undefined {
  return getIn(value, JSON.parse(path) as KrmPath);
}

/** Undefined when a line begins left of the node. */
function reindented(
  source: string,
  { start, end, column }: BlockNode,
  wanted: number,
  eol: string,
): string | undefined {
  const lines = source
    .slice(start, end)
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
  if (lines.some((line) => line.trim() !== '' && line.search(/\S/) < column)) return undefined;
  return lines.map((line) => (line.trim() === '' ? eol : `${' '.repeat(wanted)}${line.slice(column)}${eol}`)).join('');
}
