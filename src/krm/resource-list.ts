import { getIn, isList, isMap, type KrmMap, type KrmValue } from './value.ts';

export type ResultSeverity = 'error' | 'warning' | 'info';

export interface ResourceRef {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** One structured result of a function (KRM function specification v1, `results[]`). */
export interface FunctionResult {
  readonly message: string;
  /** Absent means info. */
  readonly severity?: ResultSeverity;
  readonly resourceRef?: ResourceRef;
  readonly field?: { readonly path?: string; readonly currentValue?: KrmValue; readonly proposedValue?: KrmValue };
  /** `index` is the document's number in the file, from 0. */
  readonly file?: { readonly path?: string; readonly index?: number };
  readonly tags?: { readonly [key: string]: string };
}

/** Results as a list, or in the older form `{name, items}`. Entries that are no maps are passed over. */
export function parseResults(results: KrmValue | undefined): FunctionResult[] | undefined {
  const items = isMap(results) ? results.items : results;
  return isList(items) ? items.filter((item) => isMap(item)).map(parseResult) : undefined;
}

function parseResult(item: KrmMap): FunctionResult {
  const ref = isMap(item.resourceRef) ? item.resourceRef : undefined;
  return defined({
    message: text(item.message) ?? '',
    severity: severity(item.severity),
    resourceRef: ref === undefined ? undefined : parseRef(ref),
    field: isMap(item.field) ? parseField(item.field) : undefined,
    file: isMap(item.file) ? parseFileRef(item.file) : undefined,
    tags: isMap(item.tags) ? parseTags(item.tags) : undefined,
  });
}

function severity(value: KrmValue | undefined): ResultSeverity | undefined {
  return value === 'error' || value === 'warning' || value === 'info' ? value : undefined;
}

/** Older functions put name and namespace under `metadata`. */
function parseRef(ref: KrmMap): ResourceRef {
  return defined({
    apiVersion: text(ref.apiVersion),
    kind: text(ref.kind),
    name: text(ref.name) ?? text(getIn(ref, ['metadata', 'name'])),
    namespace: text(ref.namespace) ?? text(getIn(ref, ['metadata', 'namespace'])),
  });
}

/** Older functions call the proposed value `suggestedValue`. */
function parseField(field: KrmMap): FunctionResult['field'] {
  const { path, currentValue, proposedValue = field.suggestedValue } = field;
  return defined({ path: text(path), currentValue, proposedValue });
}

function parseFileRef(file: KrmMap): FunctionResult['file'] {
  return defined({ path: text(file.path), index: typeof file.index === 'number' ? file.index : undefined });
}

function parseTags(tags: KrmMap): { readonly [key: string]: string } {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, text(value) ?? '']));
}

function text(value: KrmValue | undefined): string | undefined {
  if (value === undefined || value === null || isList(value) || isMap(value)) return undefined;
  return String(value);
}

/** A result as plain data, in the order in which the reference writes its fields; index 0 is left out. */
export function resultMap({ message, severity, resourceRef, field, file, tags }: FunctionResult): KrmMap {
  return defined<KrmMap>({
    message,
    severity,
    resourceRef: resourceRef && defined<KrmMap>({ ...resourceRef }),
    field: field && defined<KrmMap>({ ...field }),
    file: file && defined<KrmMap>({ path: file.path, index: file.index === 0 ? undefined : file.index }),
    tags,
  });
}

/** The object without keys that are undefined. */
export function defined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
