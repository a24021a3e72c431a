import { type KrmFile, parseKrmFile } from '../krm/file.ts';
import type { KrmValue } from '../krm/value.ts';

/** What happens to one document of a file. */
export interface DocumentChange {
  /** States of the data to write in place, one after the other; the last one stays. */
  readonly stages?: readonly KrmValue[];
  /** Text to take instead of it. */
  readonly text?: string;
  /** Applied to the document's text after that. */
  readonly comments?: (text: string) => string;
}

/**
 * A file with some of its documents changed, removed and added; what is not named keeps its bytes.
 * @param changes by document index; null removes
 * @param appended texts of new documents
 * @throws TerminalError InvalidYaml
 */
export function rewriteFile(
  file: KrmFile,
  changes: ReadonlyMap<number, DocumentChange | null>,
  appended: readonly string[],
): Uint8Array {
  const edited = writeStages(file, changes);
  const texts = new Map<number, string>();
  for (const [index, change] of changes) {
    if (!change) continue;
    const source = edited.documents[index]?.source ?? '';
    const text = change.text ?? change.comments?.(source) ?? source;
    if (text !== source) texts.set(index, text);
  }
  const removed = [...changes].flatMap(([index, change]) => (change === null ? [index] : []));
  const replaced = texts.size === 0 ? edited : parseKrmFile(file.path, replaceTexts(edited, texts));
  const kept = removed.length === 0 ? replaced : replaced.edit(new Map(removed.map((index) => [index, null])));
  return appended.length === 0 ? kept.bytes : append(kept, appended);
}

function writeStages(file: KrmFile, changes: ReadonlyMap<number, DocumentChange | null>): KrmFile {
  let edited = file;
  const count = Math.max(0, ...[...changes.values()].map((change) => change?.stages?.length ?? 0));
  for (let stage = 0; stage < count; stage += 1) {
    const values = [...changes].flatMap(([index, change]): [number, KrmValue][] => {
      const value = change?.stages?.[stage];
      return value === undefined ? [] : [[index, value]];
    });
    edited = edited.edit(new Map(values));
  }
  return edited;
}

/** The documents' texts replaced in place; separators and comments between them stay. */
export function replaceTexts(file: KrmFile, texts: ReadonlyMap<number, string>): Uint8Array {
  const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(file.bytes);
  const parts: string[] = [];
  let at = 0;
  for (const { index, source } of file.documents) {
    const start = whole.indexOf(source, at);
    const text = texts.get(index) ?? source;
    parts.push(whole.slice(at, start), text, source.endsWith('\n') && !text.endsWith('\n') ? '\n' : '');
    at = start + source.length;
  }
  parts.push(whole.slice(at));
  return new TextEncoder().encode(parts.join(''));
}

function append(file: KrmFile, texts: readonly string[]): Uint8Array {
  let whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(file.bytes);
  for (const text of texts) {
    if (whole !== '' && !whole.endsWith('\n')) whole += '\n';
    const separated = whole.trim() === '' || /(^|\n)---[ \t]*\r?\n$/.test(whole);
    whole += `${separated ? '' : '---\n'}${text.endsWith('\n') ? text : `${text}\n`}`;
  }
  return new TextEncoder().encode(whole);
}
