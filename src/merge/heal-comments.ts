import { Buffer } from 'node:buffer';
import { isKrmPath, type KrmDocument, type KrmFile, parseKrmFile } from '../krm/file.ts';
import { idKey, resourceId } from '../krm/identity.ts';
import type { Package } from '../package/package.ts';
import type { FileChange } from '../package/types.ts';
import { readComments } from './comment-map.ts';
import { copyComments } from './copy-comments.ts';
import { replaceTexts } from './document-text.ts';

/** Marks of ytt templates, whose comments are code. */
const YTT = /#[@!]/;
const YTT_COMMENT = /^# ?[@!]/;

/**
 * Restores comments, order and style of documents that came back from an editor which drops them. A file that kept any
 * comment shows that its editor keeps them: what is missing there was deleted by a person and stays so. Documents are
 * found by identity, in the same file first, else in the one file that has it. Files that cannot be read stay as they
 * are.
 */
export function healComments(before: Package, after: Package): Package {
  const changes: FileChange[] = [];
  let known: KnownDocuments | undefined;
  for (const [path, file] of after.entries()) {
    const old = before.get(path);
    if (!isKrmPath(path) || file.mode === '120000' || file.mode === '160000') continue;
    if (old && Buffer.compare(old.bytes, file.bytes) === 0) continue;
    known ??= new KnownDocuments(before);
    const healed = healFile(parseKrmFile(path, file.bytes), known);
    if (healed) changes.push([path, { mode: file.mode, bytes: healed }]);
  }
  return after.edit(changes);
}

function healFile(file: KrmFile, known: KnownDocuments): Uint8Array | undefined {
  if (file.problems.length > 0) return undefined;
  const olds = file.documents.map((document) => known.find(file.path, document));
  const comments = new Set(olds.flatMap((old) => (old ? commentTexts(old.source) : [])));
  const kept = file.documents.flatMap(({ source }) => commentTexts(source)).some((text) => comments.has(text));
  if (comments.size === 0 || kept) return undefined;
  const texts = new Map<number, string>();
  for (const [index, { source }] of file.documents.entries()) {
    const old = olds[index];
    if (old && !isYtt(old.source) && !isYtt(source)) {
      texts.set(index, copyComments(old.source, source));
    }
  }
  return known.sameFile(file.path, file, texts) ?? replaceTexts(file, texts);
}

/** A `#!` inside a text, such as a script, is no comment. */
function isYtt(source: string): boolean {
  return YTT.test(source) && commentTexts(source).some((text) => YTT_COMMENT.test(text));
}

function commentTexts(source: string): string[] {
  return [...readComments(source).values()].flatMap(({ head = [], line, foot = [] }) =>
    [...head, ...foot, ...(line === undefined ? [] : [`# ${line}`])].filter((text) => text !== ''),
  );
}

/** The documents of a package by identity. */
class KnownDocuments {
  readonly #files = new Map<string, KrmFile>();
  readonly #byPath = new Map<string, KrmDocument[]>();
  readonly #byId = new Map<string, KrmDocument[]>();

  constructor(pkg: Package) {
    for (const [path, { bytes, mode }] of pkg.entries()) {
      if (!isKrmPath(path) || mode === '120000' || mode === '160000') continue;
      const file = parseKrmFile(path, bytes);
      if (file.problems.length > 0) continue;
      this.#files.set(path, file);
      for (const document of file.documents) {
        add(this.#byPath, `${path}\0${keyOf(document)}`, document);
        if (resourceId(document.value).name !== '') add(this.#byId, keyOf(document), document);
      }
    }
  }

  /** Undefined also when several may be meant. */
  find(path: string, document: KrmDocument): KrmDocument | undefined {
    const here = this.#byPath.get(`${path}\0${keyOf(document)}`);
    const candidates = here ?? this.#byId.get(keyOf(document)) ?? [];
    return candidates.length === 1 ? candidates[0] : undefined;
  }

  /** The old file's bytes, when every document came out as it was: what stands between them is as it was, too. */
  sameFile(path: string, file: KrmFile, texts: ReadonlyMap<number, string>): Uint8Array | undefined {
    const old = this.#files.get(path);
    if (!old || old.documents.length !== file.documents.length) return undefined;
    const same = old.documents.every(
      ({ index, source }) => source === (texts.get(index) ?? file.documents[index]?.source),
    );
    return same ? old.bytes : undefined;
  }
}

function keyOf({ value }: KrmDocument): string {
  return idKey(resourceId(value));
}

function add(map: Map<string, KrmDocument[]>, key: string, document: KrmDocument): void {
  const list = map.get(key);
  if (list) list.push(document);
  else map.set(key, [document]);
}
