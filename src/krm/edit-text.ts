import { TerminalError } from '../api/errors.ts';
import { HOUSE_STYLE, renderBlock, renderJson, type Style } from './emit.ts';
import { SourceFault } from './events.ts';
import { readValue } from './fast-reader.ts';
import { editNodes } from './node-edit.ts';
import { columnOf, readSourceTree, type SourceNode, UntrackedForm } from './source-tree.ts';
import { spliceDocument } from './splice.ts';
import { OverlappingEdits } from './text-edits.ts';
import { isList, isMap, type KrmValue, valuesEqual } from './value.ts';

/**
 * New text of one document, touching only what differs between `old` and `next`. Ways of less and less fidelity are
 * tried until one reads back as `next`: splices into the text, splices with aliases written out, an edit of the parsed
 * nodes, new text.
 * @param json the text is JSON and must stay it; a text that looks like JSON stays it in any case
 * @throws TerminalError InvalidYaml when `next` cannot be written
 */
export function editText(source: string, old: KrmValue, next: KrmValue, json = false): string {
  const wanted = plainData(next);
  if (valuesEqual(old, wanted)) return source;
  for (const attempt of attempts(source, old, wanted, json)) {
    const text = attempt();
    if (text !== undefined && readsAs(text, wanted)) return text;
  }
  throw new TerminalError('InvalidYaml', 'the data cannot be written as YAML');
}

function* attempts(source: string, old: KrmValue, next: KrmValue, json: boolean): Generator<() => string | undefined> {
  yield () => splice(source, old, next, json, false);
  if (/\*|<</.test(source)) yield () => splice(source, old, next, json, true);
  if (!json) yield () => editNodes(source, old, next);
  yield () => newText(next, { ...HOUSE_STYLE, eol: eolOf(source), json });
}

/** Text of a whole new document. */
export function newText(value: KrmValue, style: Style): string {
  return style.json ? `${renderJson(value, '', style)}${style.eol}` : renderBlock(value, 0, style);
}

function splice(
  source: string,
  old: KrmValue,
  next: KrmValue,
  json: boolean,
  expandAliases: boolean,
): string | undefined {
  const eol = eolOf(source);
  const finished = source === '' || source.endsWith('\n');
  const whole = finished ? source : source + eol;
  try {
    const root = readSourceTree(whole);
    if (root === undefined) return undefined;
    const style = detectStyle(whole, root, json);
    const text = spliceDocument(whole, root, old, next, style, expandAliases);
    return finished ? text : text.replace(/\r?\n$/, '');
  } catch (error) {
    if (error instanceof UntrackedForm || error instanceof OverlappingEdits || error instanceof SourceFault) {
      return undefined;
    }
    throw error;
  }
}

function readsAs(text: string, wanted: KrmValue): boolean {
  try {
    return valuesEqual(readValue(text), wanted);
  } catch (error) {
    if (error instanceof SourceFault) return false;
    throw error;
  }
}

/** The line break that a text uses: that of its first line. */
export function eolOf(source: string): string {
  const newline = source.indexOf('\n');
  return newline > 0 && source[newline - 1] === '\r' ? '\r\n' : '\n';
}

function detectStyle(source: string, root: SourceNode, json: boolean): Style {
  const layout = { step: 0, listOffset: -1 };
  measure(source, root, layout);
  const step = layout.step > 0 ? layout.step : HOUSE_STYLE.step;
  const listOffset = layout.listOffset >= 0 ? layout.listOffset : HOUSE_STYLE.listOffset;
  return { step, listOffset, eol: eolOf(source), json: json || isJson(root) };
}

/** Finds the first nested map and the first list under a key. */
function measure(source: string, node: SourceNode, layout: { step: number; listOffset: number }): void {
  if (layout.step > 0 && layout.listOffset >= 0) return;
  if (node.kind === 'list' && !node.flow) for (const { value } of node.items) measure(source, value, layout);
  if (node.kind !== 'map' || node.flow) return;
  for (const { key, value } of node.entries) {
    if ((value.kind !== 'map' && value.kind !== 'list') || value.flow) continue;
    const offset = columnOf(source, value.start) - columnOf(source, key.start);
    if (value.kind === 'map' && layout.step === 0 && offset > 0) layout.step = offset;
    if (value.kind === 'list' && layout.listOffset < 0 && offset >= 0) layout.listOffset = offset;
    measure(source, value, layout);
  }
}

function isJson(root: SourceNode): boolean {
  if (root.kind === 'list') return root.flow && root.items.length > 0 && root.items.every(({ value }) => isJson(value));
  if (root.kind !== 'map' || !root.flow || root.entries.length === 0) return false;
  return root.entries.every(({ key }) => key.style === 'double');
}

/** Data as they are read back: no undefined, no negative zero, no bigint that fits a number. */
export function plainData(value: KrmValue): KrmValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Object.is(value, -0)) return 0;
  if (isList(value)) {
    const items = value.map(plainData);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isMap(value)) return value;
  const entries = Object.entries(value).filter((entry): entry is [string, KrmValue] => entry[1] !== undefined);
  const changed = entries.map(([key, item]) => [key, plainData(item)] as const);
  const same = entries.length === Object.keys(value).length && changed.every(([key, item]) => item === value[key]);
  return same ? value : Object.fromEntries(changed);
}
