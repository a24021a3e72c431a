import { lineComments, setLineComments } from '../../../krm/comments.ts';
import { isList, isMap, type KrmPath, type KrmValue } from '../../../krm/value.ts';
import { defineFunction, FunctionFault } from '../../define-function.ts';
import { isKptfileItem } from '../../kptfile-item.ts';
import type { Results } from '../../results.ts';
import type { FunctionItem } from '../../types.ts';
import { plainPath, walk } from '../../walk.ts';
import { readNewSetters, type Setters } from './config.ts';

/** Marks the fields that hold the values of setters with a comment `# kpt-set: <pattern>`. A Kptfile has no such fields. */
export const createSetters = defineFunction({
  name: 'create-setters',
  versions: '>=0.1.0 <0.2.0',
  summary: 'Adds `# kpt-set:` comments to the fields that hold the values of setters.',
  readConfig: readNewSetters,
  transform(items, setters, results) {
    const next = items.map((item) => (isKptfileItem(item) ? item : withMarks(item, setters, results)));
    if (results.list.length > 0) return next;
    throw new FunctionFault('failed to create setters: no matches for the input list of setters');
  },
});

interface Mark {
  readonly path: KrmPath;
  readonly text: string;
  /** The field's value, for the result. */
  readonly value: string;
}

function withMarks(item: FunctionItem, setters: Setters, results: Results): FunctionItem {
  const marks = marksFor(item.value, setters);
  const source = marks.length === 0 ? undefined : item.text?.();
  if (source === undefined) return item;
  const text = setLineComments(source, marks);
  const placed = new Set(lineComments(text).map((comment) => JSON.stringify([comment.path, comment.text])));
  for (const mark of marks) {
    // Inside of a flow collection there is no room for a comment.
    if (!placed.has(JSON.stringify([mark.path, mark.text]))) continue;
    const message = `Added line comment ${JSON.stringify(mark.text)} for field with value ${JSON.stringify(mark.value)}`;
    results.note(message, { field: { path: plainPath(mark.path) }, file: { path: item.path } });
  }
  return text === source ? item : { ...item, text: () => text };
}

function marksFor(resource: KrmValue, setters: Setters): Mark[] {
  const marks: Mark[] = [];
  walk(resource, (value, path) => {
    const mark = isList(value) ? listMark(value, setters) : isMap(value) ? undefined : scalarMark(value, setters);
    if (mark !== undefined) marks.push({ path, ...mark });
  });
  return marks;
}

function listMark(list: readonly KrmValue[], { lists }: Setters): Omit<Mark, 'path'> | undefined {
  if (list.some((item) => isMap(item) || isList(item))) return undefined;
  const values = list.map(String).sort();
  const setter = lists.find((candidate) => candidate.values.join('\n') === values.join('\n'));
  return setter && { text: `kpt-set: \${${setter.name}}`, value: `[${values.join(' ')}]` };
}

function scalarMark(scalar: KrmValue, { scalars }: Setters): Omit<Mark, 'path'> | undefined {
  const value = String(scalar ?? '');
  if (value.includes('\n')) return undefined;
  const pattern = withReferences(value, scalars);
  return pattern === value ? undefined : { text: `kpt-set: ${pattern}`, value };
}

/** The text with references in place of values; at each place the first setter that fits. */
function withReferences(text: string, scalars: Setters['scalars']): string {
  let pattern = '';
  for (let at = 0; at < text.length; ) {
    const setter = scalars.find(({ value }) => text.startsWith(value, at));
    pattern += setter === undefined ? text[at] : `\${${setter.name}}`;
    at += setter === undefined ? 1 : setter.value.length;
  }
  return pattern;
}
