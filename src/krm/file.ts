import { isUtf8 } from 'node:buffer';
import { TerminalError } from '../api/errors.ts';
import { editText, eolOf, newText, plainData } from './edit-text.ts';
import { HOUSE_STYLE, renderBlock } from './emit.ts';
import { SourceFault } from './events.ts';
import { readValue } from './fast-reader.ts';
import { MAX_DOCUMENTS, MAX_FILE_BYTES } from './limits.ts';
import { type Piece, splitDocuments } from './split.ts';
import { isMap, type KrmMap, type KrmValue, valuesEqual } from './value.ts';

/** A fault in a file, with its place. Reading never throws for content. */
export interface Diagnostic {
  readonly code: 'syntax' | 'duplicateKey' | 'tooDeep' | 'tooLarge' | 'encoding';
  readonly message: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
}

/** One document of a file that holds data; comment-only and empty documents are kept by the file but are none. */
export interface KrmDocument {
  /** Number among the documents that hold data, from 0: the `index` annotation of the KRM function specification. */
  readonly index: number;
  /** This document's own text, without separators. */
  readonly source: string;
  /** 1-based line of the file at which the source starts. */
  readonly line: number;
  /** Plain data, read by the fast reader on first use; null when the document has problems. */
  readonly value: KrmValue;
}

/**
 * A YAML or JSON file of a package. `edit` is the only way to write: it returns the file with new data in some of its
 * documents and leaves every byte alone that need not change.
 */
export interface KrmFile {
  readonly path: string;
  readonly documents: readonly KrmDocument[];
  /** Empty when the file can be read and edited. */
  readonly problems: readonly Diagnostic[];
  /** The original bytes as long as nothing was edited. */
  readonly bytes: Uint8Array;
  /**
   * @param changes document index -> new value; null removes the document; an index past the end appends in order
   * @throws TerminalError reason InvalidYaml when the file has problems or a value cannot be written
   */
  edit(changes: ReadonlyMap<number, KrmValue | null>): KrmFile;
}

/** Reads a file; the documents' data are read on first use. Never throws for content. */
export function parseKrmFile(path: string, bytes: Uint8Array): KrmFile {
  const refused = refuse(bytes);
  if (refused !== undefined) return new ParsedFile(path, [], '', bytes, [refused]);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const bom = text.startsWith(BOM) ? BOM : '';
  const pieces = splitDocuments(text.slice(bom.length));
  const documents = pieces.filter((piece) => piece.kind === 'document');
  if (documents.length > MAX_DOCUMENTS) {
    const message = `the file holds ${documents.length} documents; ${MAX_DOCUMENTS} are the limit`;
    const place = { line: (documents[MAX_DOCUMENTS]?.line ?? 0) + 1, column: 1 };
    return new ParsedFile(path, [], '', bytes, [{ code: 'tooLarge', message, ...place }]);
  }
  return new ParsedFile(path, pieces.map(toPart), bom, bytes, []);
}

const BOM = '\ufeff';

function refuse(bytes: Uint8Array): Diagnostic | undefined {
  if (bytes.length > MAX_FILE_BYTES) {
    const message = `the file has ${bytes.length} bytes; ${MAX_FILE_BYTES} are the limit`;
    return { code: 'tooLarge', message, line: 1, column: 1 };
  }
  if (isUtf8(bytes)) return undefined;
  for (let start = 0, line = 1; ; line += 1) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(start, end)) || newline < 0) {
      return { code: 'encoding', message: 'the file is not UTF-8', line, column: 1 };
    }
    start = end + 1;
  }
}

/** A separator, or a document with what was read from it. */
interface Part {
  readonly text: string;
  readonly line: number;
  readonly column: number;
  readonly directives: string;
  readonly content?: DocumentContent;
}

function toPart(piece: Piece): Part {
  const { text, line, column, directives } = piece;
  if (piece.kind === 'separator') return { text, line, column, directives };
  return { text, line, column, directives, content: new DocumentContent(piece) };
}

/** A document's data, read at most once. */
class DocumentContent {
  readonly #piece: Piece;
  #read: { readonly value: KrmValue; readonly problem?: Diagnostic } | undefined;

  constructor(piece: Piece, value?: KrmValue) {
    this.#piece = piece;
    if (value !== undefined) this.#read = { value };
  }

  get value(): KrmValue {
    return this.#result().value;
  }

  get problem(): Diagnostic | undefined {
    return this.#result().problem;
  }

  #result() {
    this.#read ??= this.#parse();
    return this.#read;
  }

  #parse(): { readonly value: KrmValue; readonly problem?: Diagnostic } {
    const { text, line, column, directives } = this.#piece;
    // What stands behind a marker obeys other rules than a line of its own, and tags need their directives.
    const prefix = directives === '' && column === 0 ? '' : `${directives}---${column > 0 ? ' ' : '\n'}`;
    try {
      return { value: readValue(prefix + text) };
    } catch (error) {
      if (!(error instanceof SourceFault)) throw error;
      const offset = Math.max(0, error.offset - prefix.length);
      const before = text.slice(0, offset).split('\n');
      const lastLine = before.at(-1) ?? '';
      const place = { line: line + before.length, column: lastLine.length + 1 + (before.length === 1 ? column : 0) };
      return { value: null, problem: { code: error.code, message: error.message, ...place } };
    }
  }
}

class ParsedFile implements KrmFile {
  readonly path: string;
  readonly documents: readonly KrmDocument[];
  readonly #parts: readonly Part[];
  readonly #bom: string;
  readonly #faults: readonly Diagnostic[];
  #bytes: Uint8Array | undefined;
  #problems: readonly Diagnostic[] | undefined;

  constructor(
    path: string,
    parts: readonly Part[],
    bom: string,
    bytes: Uint8Array | undefined,
    faults: readonly Diagnostic[],
  ) {
    this.path = path;
    this.#parts = parts;
    this.#bom = bom;
    this.#bytes = bytes;
    this.#faults = faults;
    this.documents = parts.filter((part) => part.content !== undefined).map(toDocument);
  }

  get problems(): readonly Diagnostic[] {
    this.#problems ??= [
      ...this.#faults,
      ...this.#parts.map((part) => part.content?.problem).filter((problem) => problem !== undefined),
    ];
    return this.#problems;
  }

  get bytes(): Uint8Array {
    this.#bytes ??= new TextEncoder().encode(this.#bom + this.#parts.map((part) => part.text).join(''));
    return this.#bytes;
  }

  edit(changes: ReadonlyMap<number, KrmValue | null>): KrmFile {
    const [problem] = this.problems;
    if (problem !== undefined) {
      const { line, column } = problem;
      throw new TerminalError('InvalidYaml', problem.message, { file: this.path, line, column });
    }
    const parts = editParts(this.#parts, changes, this.path.endsWith('.json'));
    return parts === this.#parts ? this : new ParsedFile(this.path, parts, this.#bom, undefined, []);
  }
}

function toDocument(part: Part, index: number): KrmDocument {
  const content = part.content as DocumentContent;
  return {
    index,
    source: part.text,
    line: part.line + 1,
    get value() {
      return content.value;
    },
  };
}

function editParts(parts: readonly Part[], changes: ReadonlyMap<number, KrmValue | null>, json: boolean) {
  const result: Part[] = [];
  let index = -1;
  let changed = false;
  let dropsNextMarker = false;
  for (const part of parts) {
    if (part.content === undefined) {
      if (!(dropsNextMarker && isBareMarker(part))) result.push(part);
      dropsNextMarker = false;
      continue;
    }
    index += 1;
    const next = changes.get(index);
    if (next === undefined || (next !== null && valuesEqual(part.content.value, next))) result.push(part);
    else {
      changed = true;
      // Nothing stands in front of the first document: what is behind it goes, so that the file does not begin with it.
      if (next === null) dropsNextMarker = !dropSeparator(result) && result.length === 0;
      else result.push(editedPart(part, next, json));
    }
  }
  const appended = [...changes].filter(([at, value]) => at > index && value !== null).sort(([a], [b]) => a - b);
  for (const [, value] of appended) appendPart(result, value, json);
  if (!changed && appended.length === 0) return parts;
  return renumber(result);
}

function editedPart(part: Part, next: KrmValue, json: boolean): Part {
  const text = editText(part.text, part.content?.value ?? null, next, json);
  if (part.column > 0) {
    // Not everything may stand behind a marker.
    const piece: Piece = { ...part, text, kind: 'document' };
    if (!valuesEqual(new DocumentContent(piece).value, plainData(next))) {
      return withText({ ...part, column: 0 }, `${eolOf(text)}${text}`, next);
    }
  }
  return withText(part, text, next);
}

/** The new part's data are `next`: `editText` has read them back. */
function withText(part: Omit<Part, 'content' | 'text'>, text: string, value: KrmValue): Part {
  const piece: Piece = { ...part, text, kind: 'document' };
  return { ...part, text, content: new DocumentContent(piece, plainData(value)) };
}

/** The marker in front of a removed document goes with it, comments stay. */
function dropSeparator(parts: Part[]): boolean {
  const last = parts.at(-1);
  const drops = last !== undefined && isBareMarker(last);
  if (drops) parts.pop();
  return drops;
}

function isBareMarker(part: Part): boolean {
  return part.content === undefined && /^---[ \t]*\r?\n?$/.test(part.text);
}

function appendPart(parts: Part[], value: KrmValue, json: boolean): void {
  const last = parts.at(-1);
  const eol = eolOf(parts.find((part) => part.text.includes('\n'))?.text ?? '');
  const hasDocument = parts.some((part) => part.content !== undefined);
  const unfinished = last !== undefined && !last.text.endsWith('\n');
  const afterMarker = last !== undefined && last.content === undefined && last.text.startsWith('---');
  const separator = `${unfinished ? eol : ''}${hasDocument && !afterMarker ? `---${eol}` : ''}`;
  if (separator !== '') parts.push({ text: separator, line: 0, column: 0, directives: '' });
  const text = newText(value, { ...HOUSE_STYLE, eol, json });
  parts.push(withText({ line: 0, column: 0, directives: '' }, text, value));
}

function renumber(parts: readonly Part[]): Part[] {
  let line = 0;
  return parts.map((part) => {
    const moved = { ...part, line };
    line += part.text.split('\n').length - 1;
    return moved;
  });
}

/** Edits one document on its own. `source` in, new text out, touching only what differs from `next`. */
export function editSource(source: string, next: KrmValue): string {
  try {
    return editText(source, readValue(source), next);
  } catch (error) {
    if (error instanceof SourceFault) throw new TerminalError('InvalidYaml', error.message, { cause: error });
    throw error;
  }
}

/** Text of a new document in the house style (two spaces, lists not indented under their key, Go-safe quoting). */
export function stringifyKrm(value: KrmValue): string {
  return renderBlock(value, 0, HOUSE_STYLE);
}

/** True for names that hold KRM by their name: `*.yaml`, `*.yml` and `Kptfile` (any folder). */
export function isKrmPath(path: string): boolean {
  return /(^|\/)Kptfile$|\.ya?ml$/.test(path);
}

/** apiVersion and kind are non-empty strings: a KRM resource. */
export function isResource(value: KrmValue | undefined): value is KrmMap {
  return (
    isMap(value) &&
    typeof value.apiVersion === 'string' &&
    typeof value.kind === 'string' &&
    value.apiVersion !== '' &&
    value.kind !== ''
  );
}
