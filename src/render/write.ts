import type { KrmFile } from '../krm/file.ts';
import type { KrmValue } from '../krm/value.ts';
import type { Package } from '../package/package.ts';
import type { FileChange } from '../package/types.ts';
import { itemFile, type RenderItem } from './item.ts';
import type { PackageItems } from './read-items.ts';

/**
 * The package with the items' data. A document that no function changed keeps its bytes, and so does a file whose
 * documents all do; what changed is edited in place. A file whose last document is gone is removed.
 */
export function writeItems(pkg: Package, content: PackageItems, items: readonly RenderItem[]): Package {
  const byFile = Map.groupBy(items, itemFile);
  const changes: FileChange[] = [];
  for (const file of new Set([...content.files.keys(), ...byFile.keys()])) {
    const bytes = new FileWriter(file, content, byFile.get(file) ?? []).bytes();
    if (bytes !== content.files.get(file)?.bytes)
      changes.push([file, bytes && { bytes, mode: pkg.get(file)?.mode ?? '100644' }]);
  }
  return pkg.edit(changes);
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
    const edited = file.edit(this.#edits(file, inPlace));
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
      else if (item.value !== item.source?.value) edits.set(index, item.value);
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
