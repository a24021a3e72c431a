import { TerminalError, VerandaError } from '../api/errors.ts';
import type { FunctionInput, FunctionItem, FunctionOutput } from '../functions/types.ts';
import { fromWire, toWire } from '../functions/wire.ts';
import { type LineComment, lineComments, setLineComments } from '../krm/comments.ts';
import { editSource, parseKrmFile, stringifyKrm } from '../krm/file.ts';
import { MAX_FILE_BYTES } from '../krm/limits.ts';
import { parseResults } from '../krm/resource-list.ts';
import { getIn, isList, isMap, type KrmMap, type KrmPath, setIn } from '../krm/value.ts';

/** Bytes that a ResourceList may have, in either direction. */
export const MAX_WIRE_BYTES = MAX_FILE_BYTES;

/**
 * What a function outside of this process reads: a ResourceList in YAML, its items with their comments and with the
 * annotations that say where each lies.
 * @throws TerminalError InputTooLarge
 */
export function encodeInput({ items, functionConfig }: FunctionInput): string {
  const config = functionConfig === undefined ? '' : stringifyKrm({ functionConfig });
  const text = resourceList(items, toWire(items)) + config;
  const size = Buffer.byteLength(text);
  if (size <= MAX_WIRE_BYTES) return text;
  const message = `the resources have ${size} bytes as a ResourceList; ${MAX_WIRE_BYTES} are the limit for a function`;
  throw new TerminalError('InputTooLarge', message);
}

/** Resources for a pipe of commands: a ResourceList whose items say where they lie. */
export function encodeForPipe(items: readonly FunctionItem[]): string {
  const wired = toWire(items).map((value) => {
    const annotations = getIn(value, ['metadata', 'annotations']) as KrmMap;
    const kept = Object.entries(annotations).filter(([key]) => !OF_ONE_CALL.includes(key));
    return setIn(value, ['metadata', 'annotations'], Object.fromEntries(kept));
  });
  return resourceList(items, wired);
}

const OF_ONE_CALL = [
  'internal.config.kubernetes.io/id',
  'config.k8s.io/id',
  'internal.config.kubernetes.io/package-path',
];

function resourceList(items: readonly FunctionItem[], wired: readonly KrmMap[]): string {
  const head = `apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:${items.length === 0 ? ' []' : ''}\n`;
  return head + items.map((item, at) => asListItem(itemText(item, wired[at] as KrmMap))).join('');
}

/** Comments are kept where there are some; plain data are written anew, which is faster. */
function itemText(item: FunctionItem, wired: KrmMap): string {
  const text = item.text?.();
  const indent = text === undefined ? undefined : listIndent(text);
  const marked = indent === undefined ? wired : setIn(wired, ['metadata', 'annotations', SEQUENCE_INDENT], indent);
  if (text?.includes('#') && mayBeIndented(text)) return editSource(text, marked);
  return stringifyKrm(marked);
}

const SEQUENCE_INDENT = 'internal.config.kubernetes.io/seqindent';

/** How the first block list of a document stands below its key; a hint that functions pass on. */
function listIndent(text: string): 'compact' | 'wide' {
  const first = /^([ ]*)(?:- )*[^\s#][^\n]*:[ ]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*([ ]*)- /m.exec(text);
  if (first === null) return 'compact';
  const [, key = '', dash = ''] = first;
  return dash.length > key.length ? 'wide' : 'compact';
}

/** Flow style, tabs, carriage returns and document markers do not survive being moved to the right. */
function mayBeIndented(text: string): boolean {
  return !/^\s*[{[%]/.test(text) && !/\r|^\t|^(?:---|\.\.\.)/m.test(text);
}

/** The lines of a document as an item of a list whose dashes stand at the start of the line. */
function asListItem(text: string): string {
  let begun = false;
  // Line breaks at the end may belong to a text in the last field.
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
  const moved = lines.map((line) => {
    if (!begun && /^\s*(?:#|$)/.test(line)) return line;
    const lead = begun ? '  ' : '- ';
    begun = true;
    return line === '' ? line : lead + line;
  });
  return `${moved.join('\n')}\n`;
}

/**
 * Reads what a function printed: exactly one ResourceList (or List) that has `items`. An item that came back as it
 * was is the object that was given; comments that the function wrote are in the item's text.
 * @throws TerminalError BadOutput
 */
export function decodeOutput(
  stdout: Uint8Array,
  given: readonly FunctionItem[],
): Pick<FunctionOutput, 'items' | 'results'> {
  try {
    const { items, results } = readList(stdout);
    const commented = commentsByItem(stdout);
    const decoded = fromWire(items, given);
    return {
      items: decoded.map((item, at) => withComments(item, commented.get(at) ?? [])),
      results: parseResults(results) ?? [],
    };
  } catch (error) {
    if (!(error instanceof VerandaError)) throw error;
    throw new TerminalError('BadOutput', `the output of the function cannot be used: ${error.message}`, {
      cause: error,
    });
  }
}

function readList(stdout: Uint8Array): { readonly items: readonly KrmMap[]; readonly results: KrmMap[string] } {
  const { documents, problems } = parseKrmFile('function output', stdout);
  const [problem] = problems;
  if (problem !== undefined) refuse(`line ${problem.line}: ${problem.message}`);
  const values = documents.map(({ value }) => value).filter((value) => value !== null);
  const [list] = values;
  if (list === undefined) refuse('it is empty; a function that keeps no resource writes an empty items list');
  if (values.length > 1) refuse(`it has ${values.length} documents instead of one ResourceList`);
  if (!isMap(list) || (list.kind !== 'ResourceList' && list.kind !== 'List')) refuse('it is no ResourceList');
  if (!('items' in list)) refuse('the ResourceList has no items');
  const items = list.items ?? [];
  if (!isList(items)) refuse('items is no list');
  const maps = items.map((item, at) => (isMap(item) ? item : refuse(`item ${at} is no map`)));
  return { items: maps, results: list.results };
}

function refuse(message: string): never {
  throw new TerminalError('BadOutput', message);
}

/** Line comments of the items, with paths relative to the item. */
function commentsByItem(stdout: Uint8Array): ReadonlyMap<number, readonly LineComment[]> {
  if (!stdout.includes(HASH)) return new Map();
  const comments = lineComments(new TextDecoder().decode(stdout));
  const ofItems = comments.filter(({ path }) => path[0] === 'items' && typeof path[1] === 'number' && path.length > 2);
  const groups = Map.groupBy(ofItems, ({ path }) => path[1] as number);
  return new Map(
    [...groups].map(([at, group]) => [at, group.map((comment) => ({ ...comment, path: comment.path.slice(2) }))]),
  );
}

const HASH = 0x23;

/** Comments that a function lost come back by themselves; those that it wrote win. */
function withComments(item: FunctionItem, comments: readonly LineComment[]): FunctionItem {
  if (comments.length === 0) return item;
  const before = item.text?.();
  const known = new Map(
    (before === undefined ? [] : lineComments(before)).map(({ path, text }) => [pathKey(path), text]),
  );
  const written = comments.filter(({ path, text }) => known.get(pathKey(path)) !== text);
  if (written.length === 0) return item;
  const text = before === undefined ? stringifyKrm(item.value) : editSource(before, item.value);
  const commented = setLineComments(text, written);
  return { ...item, text: () => commented };
}

function pathKey(path: KrmPath): string {
  return JSON.stringify(path);
}
