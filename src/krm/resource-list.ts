import { TerminalError } from '../api/errors.ts';
import { parseKrmFile, stringifyKrm } from './file.ts';
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

/** `config.kubernetes.io/v1` ResourceList as plain data. */
export interface ResourceList {
  readonly items: readonly KrmMap[];
  readonly functionConfig?: KrmMap;
  readonly results?: readonly FunctionResult[];
}

/** The wire format that a function reads on its standard input: YAML in block style, without `results`. */
export function serializeResourceList(list: ResourceList): string {
  const { items, functionConfig } = list;
  return stringifyKrm({
    apiVersion: 'config.kubernetes.io/v1',
    kind: 'ResourceList',
    items,
    ...(functionConfig === undefined ? {} : { functionConfig }),
  });
}

const WRAPPERS: readonly (KrmValue | undefined)[] = ['ResourceList', 'List'];

/**
 * Reads what a function wrote to its standard output: a ResourceList (or List) of any version, or resources as they
 * are, in one or more documents.
 * @throws TerminalError reason InvalidFunctionOutput; also for empty output, which else would delete everything
 */
export function parseResourceList(output: string | Uint8Array): ResourceList {
  const bytes = typeof output === 'string' ? new TextEncoder().encode(output) : output;
  const file = parseKrmFile('function output', bytes);
  const [problem] = file.problems;
  if (problem !== undefined) fail(`line ${problem.line}: ${problem.message}`);
  const values = file.documents.map(({ value }) => value).filter((value) => value !== null);
  const [first] = values;
  if (first === undefined)
    fail('the function wrote nothing; a function that keeps no resource writes an empty items list');
  const wrapped = isMap(first) && WRAPPERS.includes(first.kind) && ('items' in first || 'functionConfig' in first);
  if (values.length > 1 || !wrapped) return { items: checkItems(values) };
  const { items = null, functionConfig, results } = first;
  if (items !== null && !isList(items)) fail('items is no list');
  return {
    items: checkItems(items ?? []),
    functionConfig: isMap(functionConfig) ? functionConfig : undefined,
    results: parseResults(results),
  };
}

function fail(message: string): never {
  throw new TerminalError('InvalidFunctionOutput', message);
}

function checkItems(items: readonly KrmValue[]): KrmMap[] {
  return items.map((item, index) => {
    if (!isMap(item)) fail(`item ${index} is no map`);
    return item;
  });
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

/** The object without keys that are undefined. */
function defined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
