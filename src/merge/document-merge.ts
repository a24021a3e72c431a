import { TerminalError } from '../api/errors.ts';
import { MERGE_PREFERENCE_ANNOTATION } from '../api/labels.ts';
import type { KrmDocument } from '../krm/file.ts';
import { describeId, idKey, resourceId } from '../krm/identity.ts';
import { getString, isList, isMap, type KrmMap, type KrmPath, type KrmValue, withKey } from '../krm/value.ts';
import { mergeComments } from './comment-merge.ts';
import type { DocumentChange } from './document-text.ts';
import { inlineListKeys } from './inline-keys.ts';
import { firstOf, type ListKeyLookup, type ListKeys } from './list-keys.ts';
import type { Preference } from './types.ts';
import { type FieldConflict, mergeInStages, mergeValues, type ValueMerge } from './value-merge.ts';

export interface DocumentMerge {
  /** How the local document becomes the merged one; absent when it is that. */
  readonly change?: DocumentChange;
  readonly conflicts: readonly FieldConflict[];
}

export interface DocumentMergeOptions {
  readonly prefer: Preference;
  readonly keys: ListKeyLookup;
}

type Version = Pick<KrmDocument, 'value' | 'source'>;

/**
 * Merges one document. What only one side touched keeps that side's text to the byte.
 * @throws TerminalError KindMismatch naming file and field
 */
export function mergeDocument(
  base: Version | undefined,
  local: Version,
  updated: Version,
  options: DocumentMergeOptions,
  file: string,
): DocumentMerge {
  if (base?.source === updated.source || local.source === updated.source) return { conflicts: [] };
  if (base?.source === local.source) return { change: { text: updated.source }, conflicts: [] };
  const conflicts: FieldConflict[] = [];
  const inline = inlineListKeys(local.source) ?? inlineListKeys(updated.source);
  const lookup = inline ? firstOf(inline, options.keys) : options.keys;
  const merge: ValueMerge = {
    prefer: preferenceOf(local.value) ?? preferenceOf(updated.value) ?? options.prefer,
    report: (conflict) => conflicts.push(conflict),
    keysAt: keysOf(local.value, lookup),
  };
  const { value = {}, stages } = located(file, local.value, () =>
    mergeInStages(merge, (now) => mergeResource(base?.value, local.value, updated.value, now, lookup)),
  );
  const comments = (text: string) => mergeComments(text, value, { base, local, updated }, merge.keysAt);
  return { change: { stages: stages.length > 0 ? stages : [value], comments }, conflicts };
}

function keysOf(resource: KrmValue, lookup: ListKeyLookup): ValueMerge['keysAt'] {
  if (isResourceList(resource)) return (path) => (isItems(path) ? RESOURCES : undefined);
  return (path) => lookup(isMap(resource) ? resource : {}, path);
}

/** Errors of the merge say where they arose. */
function located<T>(file: string, resource: KrmValue, merge: () => T): T {
  try {
    return merge();
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    const message = `${describeId(resourceId(resource))}: ${error.message}`;
    throw new TerminalError(error.reason, message, { ...error.location, file, cause: error });
  }
}

function mergeResource(
  base: KrmValue | undefined,
  local: KrmValue,
  updated: KrmValue,
  merge: ValueMerge,
  lookup: ListKeyLookup,
): KrmValue | undefined {
  if (isResourceList(local) && isResourceList(updated) && (base === undefined || isResourceList(base))) {
    return mergeResourceList(base, local, updated, merge, lookup);
  }
  return mergeValues(base, local, updated, { ...merge, keysAt: keysOf(local, lookup) });
}

/** The preference that a resource states for itself. */
export function preferenceOf(resource: KrmValue | undefined): Preference | undefined {
  const said = getString(resource, ['metadata', 'annotations', MERGE_PREFERENCE_ANNOTATION]);
  return said === 'local' || said === 'upstream' ? said : undefined;
}

type ResourceList = KrmMap & { readonly items: readonly KrmValue[] };

/** `kind: List` and the like: a document that wraps resources. */
function isResourceList(value: KrmValue): value is ResourceList {
  if (!isMap(value) || !isList(value.items)) return false;
  if (typeof value.kind !== 'string' || !value.kind.endsWith('List')) return false;
  return value.items.every((item) => getString(item, ['kind']) !== undefined);
}

/** Wrapped resources merge one by one, each by its own schema. */
function mergeResourceList(
  base: ResourceList | undefined,
  local: ResourceList,
  updated: ResourceList,
  merge: ValueMerge,
  lookup: ListKeyLookup,
): KrmValue | undefined {
  // Items that are on both sides are merged by their own rules first; the list then takes and drops whole items.
  const [bases, locals] = [byId(base?.items ?? []), byId(local.items)];
  const merged = new Map<KrmValue, KrmValue>();
  const updatedItems = updated.items.map((item) => {
    const id = resourceId(item);
    const mine = locals.get(idKey(id));
    if (mine === undefined) return item;
    const report = (conflict: FieldConflict) =>
      merge.report({ ...conflict, field: `items[${describeId(id)}].${conflict.field ?? ''}` });
    const result = mergeResource(bases.get(idKey(id)), mine, item, { ...merge, report }, lookup) ?? mine;
    merged.set(mine, result);
    return result;
  });
  const localItems = local.items.map((item) => merged.get(item) ?? item);
  const [mine, theirs] = [withKey(local, 'items', localItems), withKey(updated, 'items', updatedItems)];
  return mergeValues(base, mine, theirs, { ...merge, keysAt: keysOf(local, lookup) });
}

function byId(items: readonly KrmValue[]): ReadonlyMap<string, KrmValue> {
  return new Map(items.map((item) => [idKey(resourceId(item)), item]));
}

function isItems(path: KrmPath): boolean {
  return path.length === 1 && path[0] === 'items';
}

const RESOURCES: ListKeys = {
  type: 'named',
  names: (items) => items.map((item) => describeId(resourceId(item))),
};
