import { isKrmPath, type KrmDocument, parseKrmFile } from '../krm/file.ts';
import { idKey, resourceId } from '../krm/identity.ts';
import { getIn, isMap, type KrmPath, type KrmValue, setIn, valuesEqual } from '../krm/value.ts';
import { changesBetween } from '../package/diff.ts';
import type { Package } from '../package/package.ts';
import type { FileChange, PackageFile } from '../package/types.ts';
import type { MergeConflict } from './types.ts';

const HIDDEN = '(hidden)';
/** Where a Secret holds what it is for; the annotation is a copy that kubectl keeps of it. */
const PLACES: readonly KrmPath[] = [
  ['data'],
  ['stringData'],
  ['metadata', 'annotations', 'kubectl.kubernetes.io/last-applied-configuration'],
];

/** Both sides of a difference without what their Secrets hold: only that a value came, went or changed is left to be seen. */
export function hideSecrets(before: Package, after: Package): { readonly before: Package; readonly after: Package } {
  const paths = changesBetween(before, after).map(([path]) => path);
  return {
    before: before.edit(hiddenFiles(before, paths, secretsOf(after, paths), `${HIDDEN} before`)),
    after: after.edit(hiddenFiles(after, paths, secretsOf(before, paths), `${HIDDEN} after`)),
  };
}

/** A conflict about a Secret without its values. */
export function hideSecretValues(conflict: MergeConflict): MergeConflict {
  if (conflict.resource?.kind !== 'Secret') return conflict;
  const sides = (['base', 'local', 'upstream'] as const).filter((side) => conflict[side] !== undefined);
  return { ...conflict, ...Object.fromEntries(sides.map((side) => [side, HIDDEN])) };
}

function secretsOf(pkg: Package, paths: readonly string[]): ReadonlyMap<string, KrmValue> {
  const documents = paths.flatMap((path) => {
    const file = pkg.get(path);
    return file && isKrmPath(path) ? parseKrmFile(path, file.bytes).documents.filter(isSecret) : [];
  });
  return new Map(documents.map(({ value }) => [idKey(resourceId(value)), value]));
}

function hiddenFiles(
  pkg: Package,
  paths: readonly string[],
  others: ReadonlyMap<string, KrmValue>,
  changed: string,
): FileChange[] {
  return paths.flatMap((path): FileChange[] => {
    const file = pkg.get(path);
    return file && isKrmPath(path) ? [[path, hiddenFile(path, file, others, changed)]] : [];
  });
}

function hiddenFile(
  path: string,
  file: PackageFile,
  others: ReadonlyMap<string, KrmValue>,
  changed: string,
): PackageFile {
  const parsed = parseKrmFile(path, file.bytes);
  if (parsed.problems.length > 0) {
    // Nobody can tell its values from the rest.
    const isSuspect = /\bSecret\b/.test(new TextDecoder().decode(file.bytes));
    return isSuspect ? { ...file, bytes: new TextEncoder().encode(`${changed}\n`) } : file;
  }
  const secrets = parsed.documents.filter(isSecret);
  const edits = secrets.map(({ index, value }): [number, KrmValue] => [
    index,
    PLACES.reduce((hidden, place) => hidePlace(hidden, place, others.get(idKey(resourceId(value))), changed), value),
  ]);
  return edits.length === 0 ? file : { ...file, bytes: parsed.edit(new Map(edits)).bytes };
}

function hidePlace(secret: KrmValue, place: KrmPath, other: KrmValue | undefined, changed: string): KrmValue {
  const content = getIn(secret, place);
  if (content === undefined) return secret;
  const known = getIn(other, place);
  const shown = (value: KrmValue | undefined, same: KrmValue | undefined) =>
    valuesEqual(value, same) ? HIDDEN : changed;
  if (!isMap(content)) return setIn(secret, place, shown(content, known));
  const values = Object.entries(content).map(([key, value]) => [key, shown(value, getIn(known, [key]))]);
  return setIn(secret, place, Object.fromEntries(values));
}

function isSecret({ value }: KrmDocument): boolean {
  return isMap(value) && value.kind === 'Secret' && value.apiVersion === 'v1';
}
