import { setLineComments } from '../../../krm/comments.ts';
import { editSource, stringifyKrm } from '../../../krm/file.ts';
import {
  getIn,
  isList,
  isMap,
  type KrmMap,
  type KrmPath,
  type KrmScalar,
  type KrmValue,
  setIn,
} from '../../../krm/value.ts';
import { defineFunction } from '../../define-function.ts';
import { isKptfileItem } from '../../kptfile-item.ts';
import type { Results } from '../../results.ts';
import type { FunctionItem } from '../../types.ts';
import { plainPath, walk } from '../../walk.ts';
import { typedValue } from '../apply-setters/typing.ts';
import { fault, readSearchReplaceConfig, type SearchReplaceConfig } from './config.ts';
import { matchesPath } from './path-pattern.ts';

/** Finds fields by value, path and file; gives them a value, a line comment or both, or only lists them. */
export const searchReplace = defineFunction({
  name: 'search-replace',
  versions: '>=0.1.0 <0.3.0',
  summary: 'Finds fields by value, path or file, and sets their value or comment.',
  readConfig: readSearchReplaceConfig,
  transform(items, config, results) {
    const next = items.map((item) => {
      if (config.byFilePath?.matches(item.path ?? '') === false) return item;
      return putsByPath(config) ? withField(item, config, results) : withMatches(item, config, results);
    });
    if (results.list.length === 0) results.note('no matches');
    return next;
  },
});

/** A value for exactly one field needs no search: the field is made where it is missing. */
function putsByPath({ byValue, byValueRegex, byPath, putValue }: SearchReplaceConfig): boolean {
  return byPath?.absolute === true && byValue === undefined && byValueRegex === undefined && putValue !== undefined;
}

function withField(item: FunctionItem, config: SearchReplaceConfig, results: Results): FunctionItem {
  const path = config.byPath?.parts ?? [];
  const current = getIn(item.value, path);
  // A Kptfile knows its own fields only; a new one would make it unreadable.
  if (current === undefined && isKptfileItem(item)) return item;
  const broken = path.findIndex((_, at) => {
    const holder = getIn(item.value, path.slice(0, at));
    return holder !== undefined && holder !== null && !isMap(holder);
  });
  if (broken >= 0) throw fault(`${item.path}: ${path.slice(0, broken).join('.')} is no map`);
  if (isMap(current) || isList(current)) throw fault(`${item.path}: ${path.join('.')} is no single value`);
  const edit = editOf(current ?? null, item.value, path, config);
  return withEdits(item, [edit], config, results);
}

function withMatches(item: FunctionItem, config: SearchReplaceConfig, results: Results): FunctionItem {
  const edits: Edit[] = [];
  walk(item.value, (value, path) => {
    if (isMap(value)) return;
    if (isList(value)) {
      const marked = config.putComment !== undefined && value.length > 0 && typeof path.at(-1) === 'string';
      if (marked && hasPath(path, config)) edits.push({ path, value, comment: config.putComment });
    } else if (isMatch(value, path, config)) edits.push(editOf(value, item.value, path, config));
  });
  return withEdits(item, edits, config, results);
}

interface Edit {
  readonly path: KrmPath;
  /** What stands there afterwards. */
  readonly value: KrmValue;
  readonly comment?: string;
}

function isMatch(value: KrmScalar, path: KrmPath, config: SearchReplaceConfig): boolean {
  const { byValue, byValueRegex, byPath } = config;
  const text = String(value ?? '');
  if (byValue === undefined && byValueRegex === undefined) return hasPath(path, config);
  const found = byValue === text || byValueRegex?.matcher(text).find() === true;
  return found && (byPath === undefined || hasPath(path, config));
}

function hasPath(path: KrmPath, { byPath }: SearchReplaceConfig): boolean {
  return byPath !== undefined && matchesPath(byPath, plainPath(path));
}

function editOf(value: KrmScalar, resource: KrmMap, path: KrmPath, config: SearchReplaceConfig): Edit {
  const resolve = (text: string) => withGroups(text, String(value ?? ''), config);
  const comment = config.putComment === undefined ? undefined : resolve(config.putComment);
  if (config.putValue === undefined) return { path, value, comment };
  return { path, value: typedValue(resolve(config.putValue), value, resource, path), comment };
}

/** `${1}` is what the first group of the expression found. */
function withGroups(text: string, current: string, { byValueRegex }: SearchReplaceConfig): string {
  if (byValueRegex === undefined) return text;
  const matcher = byValueRegex.matcher(current);
  const groups = matcher.find() ? matcher.groupCount() : 0;
  return text.replaceAll(/\$\{(\d+)\}/g, (_reference, number: string) => {
    if (Number(number) === 0 || Number(number) > groups) throw fault('unable to resolve capture groups');
    return matcher.group(Number(number)) ?? '';
  });
}

function withEdits(
  item: FunctionItem,
  edits: readonly Edit[],
  config: SearchReplaceConfig,
  results: Results,
): FunctionItem {
  let { value } = item;
  for (const edit of edits) {
    if (edit.value !== getIn(value, edit.path)) value = setIn(value, edit.path, edit.value);
    report(item, edit, config, results);
  }
  const next = value === item.value ? item : { ...item, value };
  const comments = edits.flatMap(({ path, comment: text }) => (text === undefined ? [] : [{ path, text }]));
  const source = comments.length === 0 ? undefined : item.text?.();
  if (source === undefined) return next;
  const text = setLineComments(value === item.value ? source : editSource(source, value), comments);
  return text === source ? next : { ...next, text: () => text };
}

function report({ path: file }: FunctionItem, edit: Edit, config: SearchReplaceConfig, results: Results): void {
  const mutated = config.putValue !== undefined || config.putComment !== undefined;
  const list = isList(edit.value);
  const comment = edit.comment === undefined ? '' : ` # ${edit.comment}`;
  const text = isList(edit.value) ? `[${edit.value.map(scalarText).join(', ')}]` : scalarText(edit.value) + comment;
  const message = mutated
    ? `Mutated field value to ${JSON.stringify(text)}`
    : `Matched field value ${JSON.stringify(text)}`;
  results.note(message, { field: { path: plainPath(edit.path) + (list ? comment : '') }, file: { path: file } });
}

function scalarText(value: KrmValue): string {
  return stringifyKrm(value).trim();
}
