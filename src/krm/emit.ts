import { TerminalError } from '../api/errors.ts';
import { MAX_DEPTH } from './limits.ts';
import { isAmbiguousPlain } from './scalars.ts';
import { isList, isMap, type KrmMap, type KrmScalar, type KrmValue } from './value.ts';

/** How new text looks. */
export interface Style {
  /** Spaces per level. */
  readonly step: number;
  /** Column of a list's dashes relative to its key: 0 compact (as kpt and Go write), `step` wide. */
  readonly listOffset: number;
  readonly eol: string;
  /** JSON text: double quotes everywhere, no block styles. */
  readonly json: boolean;
}

export const HOUSE_STYLE: Style = { step: 2, listOffset: 0, eol: '\n', json: false };

export type QuoteStyle = 'plain' | 'single' | 'double';

/** A value as text behind its `key:` or `-`. */
export interface Rendered {
  /** On the key's own line; empty when everything stands below. */
  readonly inline: string;
  /** Whole lines, each ending in a line break; empty when nothing stands below. */
  readonly below: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NEEDS_ESCAPE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/;
const PLAIN_FIRST = /^[^-?:,[\]{}#&*!|>'"%@`\s]|^[-?:](?=[^\s,[\]{}])/;
const DOCUMENT_MARKER = /^(?:---|\.\.\.)(?:\s|$)/;

/** Text of a scalar in one line, in the `preferred` style where that is legal and safe for Go and YAML 1.1 readers. */
export function renderScalar(value: KrmScalar, preferred: QuoteStyle, flow: boolean, json = false): string {
  if (typeof value !== 'string') return renderNonString(value, json);
  checkWellFormed(value);
  if (json) return escapeDouble(value);
  if (NEEDS_ESCAPE.test(value)) return escapeDouble(value);
  if (preferred === 'double') return escapeDouble(value);
  if (preferred === 'single') return quoteSingle(value);
  if (isAmbiguousPlain(value) || value.includes('\t')) return escapeDouble(value);
  return isPlainSafe(value, flow) ? value : quoteSingle(value);
}

function renderNonString(value: number | bigint | boolean | null, json: boolean): string {
  if (typeof value !== 'number') return String(value);
  if (Number.isNaN(value)) return json ? 'null' : '.nan';
  if (!Number.isFinite(value)) return json ? 'null' : value > 0 ? '.inf' : '-.inf';
  // A long integer would be read back as an exact one; the exponent marks it as floating point.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
}

function isPlainSafe(text: string, flow: boolean): boolean {
  if (!PLAIN_FIRST.test(text) || /\s$/.test(text) || DOCUMENT_MARKER.test(text)) return false;
  if (/: |:$| #/.test(text)) return false;
  return !flow || !/[,[\]{}]|^[-?:]|:[,[\]{}]/.test(text);
}

function quoteSingle(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
};

/** A double-quoted scalar that is JSON as well; what Go takes for a line break or refuses is escaped. */
function escapeDouble(text: string): string {
  const escaped = text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => SHORT_ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}

function checkWellFormed(text: string): void {
  if (text.isWellFormed()) return;
  throw new TerminalError('InvalidYaml', `a string holds half a surrogate pair: ${JSON.stringify(text.slice(0, 80))}`);
}

/** True when `text` can stand in a literal or folded block without an indentation indicator. */
export function isBlockSafe(text: string): boolean {
  if (!text.includes('\n') || /^[\s]/.test(text) || /^[ \t]+$/m.test(text)) return false;
  return !NEEDS_ESCAPE.test(text.replaceAll('\n', ''));
}

/** `|` with its chomping indicator, and the content lines at `column`. */
export function renderLiteral(text: string, column: number, eol: string): Rendered {
  checkWellFormed(text);
  const body = text.replace(/\n+$/, '');
  const breaks = text.length - body.length;
  const chomping = breaks === 0 ? '-' : breaks === 1 ? '' : '+';
  const indent = ' '.repeat(column);
  const lines = body.split('\n').map((line) => (line === '' ? eol : `${indent}${line}${eol}`));
  return { inline: `|${chomping}`, below: lines.join('') + eol.repeat(Math.max(0, breaks - 1)) };
}

/** Text of a map key in front of its colon. */
export function renderKey(key: string, flow: boolean, json: boolean): string {
  return renderScalar(key, 'plain', flow, json);
}

/** Any value in flow style. */
export function renderFlow(value: KrmValue, json: boolean, depth = 0): string {
  checkDepth(depth);
  if (isList(value)) return `[${value.map((item) => renderFlow(item, json, depth + 1)).join(', ')}]`;
  if (!isMap(value)) return renderScalar(value, 'plain', true, json);
  const entries = definedEntries(value).map(
    ([key, item]) => `${renderKey(key, true, json)}: ${renderFlow(item, json, depth + 1)}`,
  );
  return `{${entries.join(', ')}}`;
}

/** JSON with line breaks; `indent` is that of the line that the value begins in. */
export function renderJson(value: KrmValue, indent: string, style: Style, depth = 0): string {
  checkDepth(depth);
  if (!isBlockCollection(value)) return renderFlow(value, true, depth);
  const inner = indent + ' '.repeat(style.step);
  const items = isList(value)
    ? value.map((item) => renderJson(item, inner, style, depth + 1))
    : definedEntries(value).map(
        ([key, item]) => `${renderKey(key, true, true)}: ${renderJson(item, inner, style, depth + 1)}`,
      );
  const body = items.join(`,${style.eol}${inner}`);
  const [open, close] = isList(value) ? '[]' : '{}';
  return `${open}${style.eol}${inner}${body}${style.eol}${indent}${close}`;
}

/**
 * A value behind `key:` in a map whose keys stand at `column`.
 * @param column of the key
 */
export function renderEntryValue(value: KrmValue, column: number, style: Style, depth = 0): Rendered {
  if (isBlockCollection(value)) {
    const inner = column + (isList(value) ? style.listOffset : style.step);
    return { inline: '', below: renderBlock(value, inner, style, depth) };
  }
  return renderInline(value, column + style.step, style);
}

/**
 * A value behind the `-` of a list whose dashes stand at `column`.
 * @param column of the dash
 */
export function renderItemValue(value: KrmValue, column: number, style: Style, depth = 0): Rendered {
  if (!isBlockCollection(value)) return renderInline(value, column + 2, style);
  const text = renderBlock(value, column + 2, style, depth);
  const firstEnd = text.indexOf(style.eol);
  return { inline: text.slice(column + 2, firstEnd), below: text.slice(firstEnd + style.eol.length) };
}

/** Lines of a block collection at `column`; a scalar or an empty collection is one line (or a block scalar). */
export function renderBlock(value: KrmValue, column: number, style: Style, depth = 0): string {
  checkDepth(depth);
  const indent = ' '.repeat(column);
  if (isList(value) && value.length > 0) {
    return value.map((item) => renderItem(item, column, style, depth + 1)).join('');
  }
  if (isMap(value) && definedEntries(value).length > 0) {
    return definedEntries(value)
      .map(([key, item]) => renderEntry(key, item, column, style, depth + 1))
      .join('');
  }
  const { inline, below } = renderInline(value, column + style.step, style);
  return `${indent}${inline}${style.eol}${below}`;
}

/** The lines of one map entry. */
export function renderEntry(key: string, value: KrmValue, column: number, style: Style, depth = 0): string {
  const { inline, below } = renderEntryValue(value, column, style, depth);
  const gap = inline === '' ? '' : ' ';
  return `${' '.repeat(column)}${renderKey(key, false, style.json)}:${gap}${inline}${style.eol}${below}`;
}

/** The lines of one list item. */
export function renderItem(value: KrmValue, column: number, style: Style, depth = 0): string {
  const { inline, below } = renderItemValue(value, column, style, depth);
  return `${' '.repeat(column)}- ${inline}${style.eol}${below}`;
}

function renderInline(value: KrmValue, blockColumn: number, style: Style): Rendered {
  if (typeof value === 'string' && !style.json && isBlockSafe(value)) {
    return renderLiteral(value, blockColumn, style.eol);
  }
  return { inline: isScalar(value) ? renderScalar(value, 'plain', false, style.json) : emptyText(value), below: '' };
}

function emptyText(value: KrmValue): string {
  return isList(value) ? '[]' : '{}';
}

export function isScalar(value: KrmValue | undefined): value is KrmScalar {
  return value !== undefined && !isList(value) && !isMap(value);
}

/** A collection that has content, so that it is written as a block. */
export function isBlockCollection(value: KrmValue): value is readonly KrmValue[] | KrmMap {
  return isList(value) ? value.length > 0 : isMap(value) && definedEntries(value).length > 0;
}

/** Keys set to undefined are not there. */
export function definedEntries(map: KrmMap): [string, KrmValue][] {
  return Object.entries(map).filter((entry): entry is [string, KrmValue] => entry[1] !== undefined);
}

function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new TerminalError('InvalidYaml', `collections are nested more than ${MAX_DEPTH} levels deep`);
  }
}
