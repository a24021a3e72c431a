import type { FunctionItem } from '../functions/types.ts';
import { editSource, isResource, stringifyKrm } from '../krm/file.ts';
import { describeId, resourceId } from '../krm/identity.ts';
import { getString, type KrmMap, type KrmValue } from '../krm/value.ts';

/** A document's text and the data that it reads as. */
export interface ItemBase {
  readonly value: KrmMap;
  readonly text: string;
}

/** Where an item was read: what decides which bytes have to be written. */
export interface ItemSource extends ItemBase {
  /** Relative to the root package. */
  readonly file: string;
  /** Number of the document in its file, from 0. */
  readonly document: number;
}

/** An item as the renderer holds it between two functions: nothing of its bookkeeping is missing. */
export interface RenderItem extends FunctionItem {
  /** Normalised, relative to the package that `packagePath` names. */
  readonly path: string;
  readonly index: number;
  readonly packagePath: string;
  readonly id: number;
  readonly text: () => string;
  /** Absent on what a function generated. */
  readonly source?: ItemSource;
  /** What `text` is made of: the source, or the text that a function which changes comments gave last. */
  readonly base?: ItemBase;
}

/** File of an item, relative to the root package. */
export function itemFile(item: { readonly packagePath: string; readonly path: string }): string {
  return joinPath(item.packagePath, item.path);
}

/** `path` below `directory`; '' is the root. */
export function joinPath(directory: string, path: string): string {
  return directory === '' ? path : `${directory}/${path}`;
}

/** The text of an item's document with `value` as its data. */
export function itemText(value: KrmMap, base: ItemBase | undefined): () => string {
  let text: string | undefined;
  return () => {
    if (base === undefined) text ??= stringifyKrm(value);
    else text ??= value === base.value ? base.text : editSource(base.text, value);
    return text;
  };
}

/** Items by the directory of their package. */
export function itemPackages(items: readonly RenderItem[]): ReadonlyMap<string, readonly RenderItem[]> {
  return Map.groupBy(items, (item) => item.packagePath);
}

/**
 * Whether a document takes part in a render: it has apiVersion, kind and a name. Objects that the API server names
 * (`generateName`) and kustomizations, which have no name by nature, do as well.
 */
export function isRenderable(value: KrmValue): value is KrmMap {
  if (!isResource(value)) return false;
  return hasName(value) || value.kind === 'Kustomization' || value.kind === 'Component';
}

function hasName(value: KrmMap): boolean {
  return Boolean(getString(value, ['metadata', 'name']) || getString(value, ['metadata', 'generateName']));
}

/** `Deployment default/web in app.yaml (document 1)`, for messages. */
export function describeItem(item: RenderItem): string {
  return `${describeId(resourceId(item.value))} in ${itemFile(item)} (document ${item.index})`;
}
