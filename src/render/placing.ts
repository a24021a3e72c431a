import { TerminalError } from '../api/errors.ts';
import { describeId, idKey, resourceId } from '../krm/identity.ts';
import { getString, type KrmMap } from '../krm/value.ts';
import type { Package } from '../package/package.ts';
import { describeItem, itemFile, itemText, joinPath, type RenderItem } from './item.ts';
import type { OutputItem } from './output.ts';
import type { PackageItems } from './read-items.ts';

export interface PlacingContext {
  readonly pkg: Package;
  readonly content: PackageItems;
  /** Directory, relative to the running package, below which items without a path are put; '' is the package's root. */
  readonly defaultDirectory: string;
  /** Ids from here on were given to items that the step generated. */
  readonly firstNewId: number;
}

/**
 * Gives every item a file and a document number. Generated items without a path go to
 * `[<namespace>/]<kind>_<name>.yaml`; one that has the identity of what already lies there replaces it, so that a
 * generator run twice gives one document.
 * @throws TerminalError PathTaken for two items in one place, naming both, and for a place that a file holds which is
 * no file of resources
 */
export function placeItems(items: readonly OutputItem[], context: PlacingContext): RenderItem[] {
  return new Placing(context).place(items);
}

/** What has its place in one file. */
interface FilePlaces {
  readonly documents: Map<number, RenderItem>;
  /** By identity; the first when there are several. */
  readonly identities: Map<string, RenderItem>;
  /** A document number that is free, as are all after it. */
  nextIndex: number;
}

class Placing {
  readonly #context: PlacingContext;
  readonly #files = new Map<string, FilePlaces>();
  /** In order, by id. */
  readonly #placed = new Map<number, RenderItem>();

  constructor(context: PlacingContext) {
    this.#context = context;
  }

  place(items: readonly OutputItem[]): RenderItem[] {
    const homeless: OutputItem[] = [];
    for (const item of items) {
      if (item.path === undefined || item.index === undefined) homeless.push(item);
      else this.#put(complete(item, item.path, item.index));
    }
    for (const item of homeless) this.#findPlace(item);
    return [...this.#placed.values()];
  }

  #findPlace(item: OutputItem): void {
    const path = item.path ?? this.#defaultPath(item);
    const file = joinPath(item.packagePath, path);
    const key = identityKey(item.value);
    const before = key === undefined ? undefined : this.#files.get(file)?.identities.get(key);
    if (before !== undefined) this.#replace(before, item);
    else this.#put(complete(item, path, this.#placesOf(file).nextIndex));
  }

  #put(item: RenderItem): void {
    const file = itemFile(item);
    const { content } = this.#context;
    if (item.source?.file !== file) this.#checkFile(file, item);
    const { documents, identities } = this.#placesOf(file);
    const other = documents.get(item.index);
    if (other !== undefined) {
      throw pathTaken(`${describeItem(item)} and ${describeItem(other)} have the same place`, file);
    }
    if (content.untouched.get(file)?.includes(item.index) === true) {
      throw pathTaken(`${describeItem(item)} has the place of a document that is no resource`, file);
    }
    documents.set(item.index, item);
    const key = identityKey(item.value);
    if (key !== undefined && !identities.has(key)) identities.set(key, item);
    const places = this.#placesOf(file);
    places.nextIndex = Math.max(places.nextIndex, item.index + 1);
    this.#placed.set(item.id, item);
  }

  #placesOf(file: string): FilePlaces {
    let places = this.#files.get(file);
    if (places === undefined) {
      const nextIndex = Math.max(-1, ...(this.#context.content.untouched.get(file) ?? [])) + 1;
      places = { documents: new Map(), identities: new Map(), nextIndex };
      this.#files.set(file, places);
    }
    return places;
  }

  #checkFile(file: string, item: RenderItem): void {
    const { pkg, content } = this.#context;
    if (!pkg.has(file) || content.files.has(file)) return;
    const id = describeId(resourceId(item.value));
    throw pathTaken(`${id} would overwrite ${file}, which is ignored or no file of resources`, file);
  }

  #replace(before: RenderItem, item: OutputItem): void {
    const file = itemFile(before);
    if (before.id >= this.#context.firstNewId) {
      throw pathTaken(`${describeId(resourceId(item.value))} is generated twice in ${file}`, file);
    }
    const next = { ...before, value: item.value, text: itemText(item.value, before.base) };
    this.#placesOf(file).documents.set(before.index, next);
    this.#placed.set(before.id, next);
  }

  #defaultPath(item: OutputItem): string {
    const { group, kind, namespace, name } = resourceId(item.value);
    const folder = [this.#context.defaultDirectory, namespace].filter((part) => part !== '').join('/');
    const base = name || (getString(item.value, ['metadata', 'generateName']) ?? '');
    const path = joinPath(folder, `${kind.toLowerCase()}_${base}.yaml`);
    const holders = this.#files.get(joinPath(item.packagePath, path))?.documents.values() ?? [];
    const foreign = [...holders].some((other) => resourceId(other.value).group !== group);
    return foreign ? joinPath(folder, `${kind.toLowerCase()}.${group || 'core'}_${base}.yaml`) : path;
  }
}

/** undefined for what has no name yet. */
function identityKey(value: KrmMap): string | undefined {
  const id = resourceId(value);
  return id.name === '' ? undefined : idKey(id);
}

function complete(item: OutputItem, path: string, index: number): RenderItem {
  if (item.path === path && item.index === index && item.text !== undefined) return item as RenderItem;
  return { ...item, path, index, text: item.text ?? itemText(item.value, item.base) };
}

function pathTaken(message: string, file: string): TerminalError {
  return new TerminalError('PathTaken', message, { file });
}
