import { Buffer } from 'node:buffer';
import { isKrmPath, isResource, type KrmFile, parseKrmFile, stringifyKrm } from '../../krm/file.ts';
import { LOCAL_CONFIG_ANNOTATION } from '../../krm/identity.ts';
import { getIn, getString, isMap, type KrmMap, type KrmValue, setIn } from '../../krm/value.ts';
import type { Package } from '../../package/package.ts';
import { packageTree } from '../../package/subpackages.ts';
import type { FileChange } from '../../package/types.ts';

export const PACKAGE_CONTEXT_FILE = 'package-context.yaml';
/** Name of the ConfigMap that holds a package's context. */
const PACKAGE_CONTEXT_NAME = 'kptfile.kpt.dev';

export function newPackageContext(data: KrmMap): KrmMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: PACKAGE_CONTEXT_NAME, annotations: { [LOCAL_CONFIG_ANNOTATION]: 'true' } },
    data,
  };
}

export function isPackageContext(value: KrmValue | undefined): value is KrmMap {
  return (
    isResource(value) &&
    value.apiVersion === 'v1' &&
    value.kind === 'ConfigMap' &&
    getString(value, ['metadata', 'name']) === PACKAGE_CONTEXT_NAME
  );
}

/**
 * Gives a package the context that deployment repositories promise: one ConfigMap in package-context.yaml that says who
 * the package is. Keys that the package's author put there stay, wherever the ConfigMap was; the contexts of
 * subpackages are theirs and stay as they are.
 * @param identity written over what is there
 */
export function withDeploymentContext(
  pkg: Package,
  identity: { readonly name: string; readonly 'package-path': string },
): { readonly pkg: Package; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const changes: FileChange[] = [];
  let authorData: KrmMap = {};
  let target: KrmFile | undefined;
  for (const file of contextFiles(pkg)) {
    if (file.problems.length > 0) {
      warnings.push(`${file.path} cannot be read and was left as it is: ${file.problems[0]?.message}`);
    } else if (file.path === PACKAGE_CONTEXT_FILE) {
      target = file;
    } else {
      const contexts = file.documents.filter((document) => isPackageContext(document.value));
      for (const { value } of contexts) authorData = { ...authorData, ...dataOf(value) };
      const left = file.edit(new Map(contexts.map((document) => [document.index, null])));
      const mode = pkg.get(file.path)?.mode ?? '100644';
      if (contexts.length > 0)
        changes.push([file.path, left.documents.length > 0 ? { mode, bytes: left.bytes } : null]);
    }
  }
  if (!target && pkg.has(PACKAGE_CONTEXT_FILE)) return { pkg, warnings };
  changes.push([PACKAGE_CONTEXT_FILE, { mode: '100644', bytes: contextBytes(target, authorData, identity) }]);
  return { pkg: pkg.edit(changes), warnings };
}

/** Files of the root package itself that may hold its context. */
function contextFiles(pkg: Package): KrmFile[] {
  const files: KrmFile[] = [];
  for (const path of packageTree(pkg).get('')?.files ?? []) {
    const file = pkg.get(path);
    if (!file || !isKrmPath(path) || file.mode === '120000' || file.mode === '160000') continue;
    const relevant = path === PACKAGE_CONTEXT_FILE || Buffer.from(file.bytes).includes(PACKAGE_CONTEXT_NAME);
    if (relevant) files.push(parseKrmFile(path, file.bytes));
  }
  return files;
}

function contextBytes(file: KrmFile | undefined, authorData: KrmMap, identity: KrmMap): Uint8Array {
  if (!file) return new TextEncoder().encode(stringifyKrm(newPackageContext({ ...authorData, ...identity })));
  const [first, ...others] = file.documents.filter((document) => isPackageContext(document.value));
  if (!first)
    return file.edit(new Map([[file.documents.length, newPackageContext({ ...authorData, ...identity })]])).bytes;
  const own = dataOf(first.value);
  const data = Object.assign({}, own, authorData, ...others.map((other) => dataOf(other.value)), own, identity);
  const changes = new Map<number, KrmValue | null>([[first.index, setIn(first.value, ['data'], data)]]);
  for (const other of others) changes.set(other.index, null);
  return file.edit(changes).bytes;
}

function dataOf(value: KrmValue): KrmMap {
  const data = getIn(value, ['data']);
  return isMap(data) ? data : {};
}
