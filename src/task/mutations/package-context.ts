import { TerminalError } from '../../api/errors.ts';
import { type KrmDocument, type KrmFile, parseKrmFile } from '../../krm/file.ts';
import { deleteIn, getIn, getString, isMap, type KrmMap, setIn, valuesEqual } from '../../krm/value.ts';
import type { Package } from '../../package/package.ts';
import type { PackageFile } from '../../package/types.ts';
import type { Mutation } from '../types.ts';
import { isPackageContext, PACKAGE_CONTEXT_FILE } from './deployment-context.ts';

export interface VariantPackageContext {
  readonly data?: { readonly [key: string]: string };
  readonly removeKeys?: readonly string[];
}

/**
 * Annotation of the package context: what a variant changed in it, so that dropping a key from the variant undoes it.
 * Keys that had the wanted value anyway are not in it, so packages that Porch made for a variant need no edit.
 */
const RECORD_ANNOTATION = 'veranda.dev/variant-context';

/** `was` is the value before (absent: no such key), `set` the one that the variant gave (absent: it removed the key). */
interface KeyRecord {
  readonly was?: string;
  readonly set?: string;
}

interface ContextRecord {
  readonly variant: string;
  readonly keys: { readonly [key: string]: KeyRecord };
}

type Data = { readonly [key: string]: string };

/**
 * Sets and removes keys of the package's context for a variant. Keys that it no longer names go back to what they were
 * before, unless somebody changed them since.
 * @throws TerminalError InvalidPackageContext when there is something to set and no usable package-context.yaml
 */
export function packageContext(variant: string, wanted: VariantPackageContext = {}): Mutation {
  return {
    name: 'packageContext',
    async apply(_context, pkg) {
      const found = findContext(pkg, isAsked(wanted));
      if (!found) return { pkg, result: {} };
      const { file, document, data, entry } = found;
      const record = readRecord(document, variant);
      if (!isAsked(wanted) && !record) return { pkg, result: {} };
      const original = undo(data, record);
      const next = inOrderOf(data, apply(original, wanted));
      const value = setIn(withRecord(document, variant, original, wanted), ['data'], next);
      const bytes = file.edit(new Map([[0, value]])).bytes;
      return { pkg: pkg.edit([[PACKAGE_CONTEXT_FILE, { mode: entry.mode, bytes }]]), result: {} };
    },
  };
}

function isAsked({ data, removeKeys }: VariantPackageContext): boolean {
  return Object.keys(data ?? {}).length > 0 || (removeKeys ?? []).length > 0;
}

interface FoundContext {
  readonly file: KrmFile;
  readonly document: KrmMap;
  readonly data: Data;
  readonly entry: PackageFile;
}

/** @param required whether a missing or unusable context is an error or passed over */
function findContext(pkg: Package, required: boolean): FoundContext | undefined {
  const entry = pkg.get(PACKAGE_CONTEXT_FILE);
  if (!entry) {
    if (!required) return undefined;
    throw invalid('the package has no such file, which spec.packageContext would change');
  }
  const file = parseKrmFile(PACKAGE_CONTEXT_FILE, entry.bytes);
  const fault = contextFault(file);
  if (fault === undefined) {
    const document = (file.documents[0] as KrmDocument).value as KrmMap;
    return { file, document, data: getIn(document, ['data']) as Data, entry };
  }
  if (!required) return undefined;
  throw invalid(fault, file.problems[0]?.line ?? file.documents[0]?.line);
}

function contextFault(file: KrmFile): string | undefined {
  if (file.problems[0]) return file.problems[0].message;
  const [document, ...others] = file.documents;
  if (!document || others.length > 0) return `must hold one object, not ${file.documents.length}`;
  if (!isPackageContext(document.value)) return 'must be a ConfigMap with the name kptfile.kpt.dev';
  const { data } = document.value;
  if (!isMap(data)) return 'has no data';
  const wrong = Object.entries(data).find(([, value]) => typeof value !== 'string');
  return wrong && `data.${wrong[0]} is no string`;
}

function readRecord(document: KrmMap, variant: string): ContextRecord | undefined {
  const text = getString(document, ['metadata', 'annotations', RECORD_ANNOTATION]);
  if (text === undefined) return undefined;
  try {
    const record: unknown = JSON.parse(text);
    return isRecord(record) && record.variant === variant ? record : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is ContextRecord {
  if (typeof value !== 'object' || value === null || !('keys' in value) || !('variant' in value)) return false;
  const { keys } = value;
  return (
    typeof keys === 'object' && keys !== null && Object.values(keys).every((key) => typeof key === 'object' && key)
  );
}

function undo(data: Data, record: ContextRecord | undefined): Data {
  const original = new Map(Object.entries(data));
  for (const [key, { was, set }] of Object.entries(record?.keys ?? {})) {
    if (original.get(key) !== set) continue;
    if (was === undefined) original.delete(key);
    else original.set(key, was);
  }
  return Object.fromEntries(original);
}

function apply(original: Data, { data, removeKeys }: VariantPackageContext): Data {
  const removed = new Set(removeKeys);
  return Object.fromEntries(Object.entries({ ...original, ...data }).filter(([key]) => !removed.has(key)));
}

function withRecord(document: KrmMap, variant: string, original: Data, wanted: VariantPackageContext): KrmMap {
  const path = ['metadata', 'annotations', RECORD_ANNOTATION];
  const next = apply(original, wanted);
  const touched = [...new Set([...Object.keys(wanted.data ?? {}), ...(wanted.removeKeys ?? [])])].sort();
  const keys = touched
    .filter((key) => original[key] !== next[key])
    .map((key): [string, KeyRecord] => [key, { was: original[key], set: next[key] }]);
  if (keys.length > 0) return setIn(document, path, JSON.stringify({ variant, keys: Object.fromEntries(keys) }));
  const without = deleteIn(document, path);
  const annotations = ['metadata', 'annotations'];
  return without !== document && valuesEqual(getIn(without, annotations), {})
    ? deleteIn(without, annotations)
    : without;
}

/** `next` with the keys of `present` in their old order and the new ones behind, sorted. */
function inOrderOf(present: Data, next: Data): Data {
  const kept = Object.keys(present).filter((key) => Object.hasOwn(next, key));
  const added = Object.keys(next).filter((key) => !Object.hasOwn(present, key));
  return Object.fromEntries([...kept, ...added.sort()].map((key) => [key, next[key] as string]));
}

function invalid(message: string, line?: number): TerminalError {
  return new TerminalError('InvalidPackageContext', `package context: ${message}`, {
    file: PACKAGE_CONTEXT_FILE,
    line,
  });
}
