import { type KrmFile, parseKrmFile } from '../krm/file.ts';
import { isMap, type KrmMap, type KrmValue, valuesEqual } from '../krm/value.ts';
import type { Package } from '../package/package.ts';
import type { FileChange } from '../package/types.ts';
import { itemFile, type RenderItem } from './item.ts';
import type { PackageItems } from './read-items.ts';

/**
 * The package with the items' data. A document that no function changed keeps its bytes, and so does a file whose
 * documents all do; what changed is edited in place. A file whose last document is gone is removed.
 */
export function writeItems(pkg: Package, content: PackageItems, items: readonly RenderItem[]): Package {
  return pkg.edit(fileChanges(pkg, content, items));
}

/**
 * The same after a failure: what is gone may be missed by the steps that did not run, so a file is removed only when
 * all its resources have moved to others.
 */
export function writePartialItems(pkg: Package, content: PackageItems, items: readonly RenderItem[]): Package {
  const alive = new Set(items.map(({ id }) => id));
  const read = [...content.items.values()].flat();
  const losers = new Set(read.filter(({ id }) => !alive.has(id)).map(itemFile));
  return pkg.edit(fileChanges(pkg, content, items).filter(([path, file]) => file !== null || !losers.has(path)));
}

function fileChanges(pkg: Package, content: PackageItems, items: readonly RenderItem[]): FileChange[] {
  const byFile = Map.groupBy(items, itemFile);
  const changes: FileChange[] = [];
  for (const file of new Set([...content.files.keys(), ...byFile.keys()])) {
    const bytes = new FileWriter(file, content, byFile.get(file) ?? []).bytes();
    if (bytes !== content.files.get(file)?.bytes)
      changes.push([file, bytes && { bytes, mode: pkg.get(file)?.mode ?? '100644' }]);
  }
  return changes;
}

class FileWriter {
  readonly #path: string;
  readonly #file: KrmFile | undefined;
  /** Numbers of the file's documents that are no items. */
  readonly #untouched: readonly number[];
  /** By document number. */
  readonly #items: readonly RenderItem[];

  constructor(path: string, content: PackageItems, items: readonly RenderItem[]) {
    this.#path = path;
    this.#file = content.files.get(path);
    this.#untouched = content.untouched.get(path) ?? [];
    this.#items = items.toSorted((a, b) => a.index - b.index);
  }

  /** null: the file is to be removed. */
  bytes(): Uint8Array | null {
    const file = this.#file;
    if (file === undefined)
      return this.#items.length === 0 ? null : this.#joined(this.#items.map((item) => item.text()));
    const inPlace = this.#items.filter((item) => item.source?.file === this.#path);
    const added = this.#items.filter((item) => item.source?.file !== this.#path);
    if (inPlace.length + added.length + this.#untouched.length === 0) {
      return file.documents.length === 0 ? file.bytes : null;
    }
    if (!isInOrder(inPlace)) return this.#rebuilt(file);
    const commented = withTexts(file, newTexts(inPlace));
    if (commented === undefined) return this.#rebuilt(file);
    const edited = commented.edit(this.#edits(commented, inPlace));
    if (added.length === 0) return edited.bytes;
    const kept = edited.documents.length === 0 ? [] : [new TextDecoder().decode(edited.bytes)];
    return this.#joined([...kept, ...added.map((item) => item.text())]);
  }

  #edits(file: KrmFile, inPlace: readonly RenderItem[]): Map<number, KrmValue | null> {
    const edits = new Map<number, KrmValue | null>();
    const byDocument = new Map(inPlace.map((item) => [item.source?.document, item]));
    for (const { index } of file.documents) {
      if (this.#untouched.includes(index)) continue;
      const item = byDocument.get(index);
      if (item === undefined) edits.set(index, null);
      else if (item.value !== item.source?.value) edits.set(index, inWrittenOrder(item));
    }
    return edits;
  }

  /** The documents in the order that a function gave them. */
  #rebuilt(file: KrmFile): Uint8Array {
    const others = this.#untouched.map((index) => ({ index, text: () => file.documents[index]?.source ?? '' }));
    const documents = [...this.#items, ...others].toSorted((a, b) => a.index - b.index);
    return this.#joined(documents.map((document) => document.text()));
  }

  #joined(texts: readonly string[]): Uint8Array {
    const [only] = this.#items;
    if (this.#path.endsWith('.json') && texts.length === 1 && only !== undefined && only.source === undefined) {
      return new TextEncoder().encode(`${JSON.stringify(only.value, null, 2)}\n`);
    }
    const ended = texts.map((text) => (text.endsWith('\n') ? text : `${text}\n`));
    return new TextEncoder().encode(ended.join('---\n'));
  }
}

function isInOrder(items: readonly RenderItem[]): boolean {
  return items.every((item, at) => {
    const before = items[at - 1];
    return before === undefined || (before.source?.document ?? 0) < (item.source?.document ?? 0);
  });
}

/**
 * New annotations come before whatever else is new in the metadata: functions of the reference always see a resource
 * with annotations, those that tell where it lies.
 */
function inWrittenOrder({ value, source }: RenderItem): KrmMap {
  const { metadata } = value;
  const before = source?.value.metadata;
  if (!isMap(metadata) || !isMap(before) || !isMap(metadata.annotations) || 'annotations' in before) return value;
  const entries = Object.entries(metadata);
  const old = entries.filter(([key]) => Object.hasOwn(before, key));
  const added = entries.filter(([key]) => key !== 'annotations' && !Object.hasOwn(before, key));
  return { ...value, metadata: Object.fromEntries([...old, ['annotations', metadata.annotations], ...added]) };
}

/** Documents whose comments a function changed, by their number. */
function newTexts(inPlace: readonly RenderItem[]): Map<number, string> {
  const texts = new Map<number, string>();
  for (const { source, base, text } of inPlace)
    if (source !== undefined && base !== source) texts.set(source.document, text());
  return texts;
}

/** The file with other texts of some documents; undefined when they cannot be told from what stands between them. */
function withTexts(file: KrmFile, texts: ReadonlyMap<number, string>): KrmFile | undefined {
  if (texts.size === 0) return file;
  let rest = new TextDecoder().decode(file.bytes);
  let written = '';
  for (const { index, source } of file.documents) {
    const start = rest.indexOf(source);
    if (start < 0) return undefined;
    const text = texts.get(index) ?? source;
    written += rest.slice(0, start) + (source.endsWith('\n') && !text.endsWith('\n') ? `${text}\n` : text);
    rest = rest.slice(start + source.length);
  }
  const next = parseKrmFile(file.path, new TextEncoder().encode(written + rest));
  const isAsBefore = (document: KrmFile['documents'][number]) => {
    return texts.has(document.index) || valuesEqual(document.value, next.documents[document.index]?.value);
  };
  return next.documents.length === file.documents.length && file.documents.every(isAsBefore) ? next : undefined;
}
