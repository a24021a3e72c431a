import { TerminalError } from '../api/errors.ts';
import type { KrmDocument } from '../krm/file.ts';
import { describeId, idKey, resourceId } from '../krm/identity.ts';
import {
  getString,
  isList,
  isMap,
  type KrmMap,
  type KrmPath,
  type KrmValue,
  valuesEqual,
  withKey,
} from '../krm/value.ts';
import { mergeComments } from './comment-merge.ts';
import { inlineListKeys } from './inline-keys.ts';
import { firstOf, type ListKeyLookup } from './list-keys.ts';
import { PREFERENCE_ANNOTATION, type Preference } from './types.ts';
import { type FieldConflict, mergeValues } from './value-merge.ts';

export interface DocumentMerge {
  /** The same object as the local value when nothing is to be written. */
  readonly value: KrmValue;
  /** Gives the document's text its comments, once `value` is written into it. */
  readonly comments: (text: string) => string;
  /** Where the whole text of one side is the result, that text. */
  readonly text?: string;
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
  const keep = { value: local.value, comments: (text: string) => text, conflicts: [] };
  if (base?.source === updated.source || local.source === updated.source) return keep;
  if (base?.source === local.source) return { ...keep, value: updated.value, text: updated.source };
  const conflicts: FieldConflict[] = [];
  const report = (conflict: FieldConflict) => conflicts.push(conflict);
  const inline = inlineListKeys(local.source) ?? inlineListKeys(updated.source);
  const withInline = inline ? { ...options, keys: firstOf(inline, options.keys) } : options;
  const merged = located(file, local.value, () =>
    mergeResource(base?.value, local.value, updated.value, withInline, report),
  );
  const value = valuesEqual(merged, local.value) ? local.value : (merged ?? {});
  return { value, conflicts, comments: (text) => mergeComments(text, value, { base, local, updated }) };
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
  options: DocumentMergeOptions,
  report: (conflict: FieldConflict) => void,
): KrmValue | undefined {
  if (isResourceList(local) && isResourceList(updated) && (base === undefined || isResourceList(base))) {
    return mergeResourceList(base, local, updated, options, report);
  }
  const resource = isMap(local) ? local : {};
  const prefer = preferenceOf(local) ?? preferenceOf(updated) ?? options.prefer;
  return mergeValues(base, local, updated, { prefer, report, keysAt: (path) => options.keys(resource, path) });
}

/** The preference that a resource states for itself. */
export function preferenceOf(resource: KrmValue | undefined): Preference | undefined {
  const said = getString(resource, ['metadata', 'annotations', PREFERENCE_ANNOTATION]);
  return said === 'local' || said === 'upstream' ? said : undefined;
}

/** `kind: List` and the like: a document that wraps resources. */
function isResourceList(value: KrmValue): value is KrmMap & { readonly items: readonly KrmValue[] } {
  if (!isMap(value) || !isList(value.items)) return false;
  if (typeof value.kind !== 'string' || !value.kind.endsWith('List')) return false;
  return value.items.every((item) => getString(item, ['kind']) !== undefined);
}

/** Wrapped resources merge one by one, each by its own schema. */
function mergeResourceList(
  base: (KrmMap & { readonly items: readonly KrmValue[] }) | undefined,
  local: KrmMap & { readonly items: readonly KrmValue[] },
  updated: KrmMap & { readonly items: readonly KrmValue[] },
  options: DocumentMergeOptions,
  report: (conflict: FieldConflict) => void,
): KrmValue | undefined {
  const { prefer } = options;
  const keysAt = (path: KrmPath) =>
    path.length === 1 && path[0] === 'items' ? ({ type: 'named', names: resourceNames } as const) : undefined;
  // Items that are on both sides are merged by their own rules first; the list then takes and drops whole items.
  const items = new Map(base?.items.map((item) => [idKey(resourceId(item)), item]));
  const locals = new Map(local.items.map((item) => [idKey(resourceId(item)), item]));
  const merged = new Map<KrmValue, KrmValue>();
  const updatedItems = updated.items.map((item) => {
    const mine = locals.get(idKey(resourceId(item)));
    if (mine === undefined) return item;
    const name = describeId(resourceId(item));
    const within = (conflict: FieldConflict) => report({ ...conflict, field: `items[${name}].${conflict.field}` });
    const result = mergeResource(items.get(idKey(resourceId(item))), mine, item, options, within) ?? mine;
    merged.set(mine, result);
    return result;
  });
  const localItems = local.items.map((item) => merged.get(item) ?? item);
  const [mine, theirs] = [withKey(local, 'items', localItems), withKey(updated, 'items', updatedItems)];
  return mergeValues(base, mine, theirs, { prefer, report, keysAt });
}

function resourceNames(items: readonly KrmValue[]): readonly string[] {
  return items.map((item) => describeId(resourceId(item)));
}
