import { TerminalError } from '../../../api/errors.ts';
import type { LineComment } from '../../../krm/comments.ts';
import { SourceFault } from '../../../krm/events.ts';
import { readValue } from '../../../krm/fast-reader.ts';
import { formatPath, isList, isMap, type KrmMap, type KrmValue, setIn, valuesEqual } from '../../../krm/value.ts';
import { defineFunction, FunctionFault } from '../../define-function.ts';
import type { StringMap } from '../../function-config.ts';
import { lineCommentsOf } from '../../item-comments.ts';
import type { Results } from '../../results.ts';
import type { FunctionItem } from '../../types.ts';
import { readSetters } from './config.ts';
import { isWanted, resolvePattern, setterPattern, soleSetter } from './pattern.ts';
import { typedValue } from './typing.ts';

/** Sets fields that are marked with a comment `# kpt-set: <pattern>`. */
export const applySetters = defineFunction({
  name: 'apply-setters',
  versions: '>=0.1.0 <0.3.0',
  summary: 'Sets the values of fields that carry a `# kpt-set:` comment.',
  readConfig: readSetters,
  transform(items, setters, results) {
    const next = items.map((item) => {
      const value = withSetters(item, setters, results);
      return value === item.value ? item : { ...item, value };
    });
    if (results.list.length === 0) results.note('no matches for input setter(s)');
    return next;
  },
});

function withSetters(item: FunctionItem, setters: StringMap, results: Results): KrmMap {
  let { value } = item;
  for (const comment of commentsOf(item)) {
    const pattern = setterPattern(comment.text);
    if (pattern === undefined || isMap(comment.value) || !isWanted(pattern, setters)) continue;
    const { text, next } = newValue(item, comment, pattern, setters);
    if (!valuesEqual(next, comment.value)) value = setIn(value, comment.path, next);
    const place = { field: { path: formatPath(comment.path) }, file: { path: item.path } };
    results.note(`set field value to ${JSON.stringify(text)}`, place);
  }
  return value;
}

function commentsOf(item: FunctionItem): readonly LineComment[] {
  try {
    return lineCommentsOf(item, 'kpt-set:');
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    throw new FunctionFault(`failed to apply setters: ${item.path}: ${error.message}`);
  }
}

function newValue(item: FunctionItem, { path, value }: LineComment, pattern: string, setters: StringMap) {
  try {
    if (isList(value)) return listValue(pattern, setters);
    const current = value === null || isMap(value) ? '' : String(value);
    const text = resolvePattern(pattern, current, setters);
    return { text, next: typedValue(text, isMap(value) ? null : value, item.value, path) };
  } catch (error) {
    if (!(error instanceof FunctionFault)) throw error;
    throw new FunctionFault(`failed to apply setters: ${item.path}: ${formatPath(path)}: ${error.message}`);
  }
}

/** A list is set as a whole, from a setter whose value is a YAML list; the empty text is the empty list. */
function listValue(pattern: string, setters: StringMap): { readonly text: string; readonly next: KrmValue } {
  const name = soleSetter(pattern);
  if (name === undefined) throw new FunctionFault(`invalid setter pattern for array node: ${JSON.stringify(pattern)}`);
  const text = setters[name] ?? '';
  if (text === '') return { text, next: [] };
  const next = readSetterList(text);
  if (next !== undefined) return { text, next };
  throw new FunctionFault(`input to array setter must be an array of values, but found ${JSON.stringify(text)}`);
}

function readSetterList(text: string): readonly KrmValue[] | undefined {
  try {
    const value = readValue(text);
    return isList(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SourceFault) return undefined;
    throw error;
  }
}
