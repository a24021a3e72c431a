import { isUtf8 } from 'node:buffer';
import { isKrmPath, isResource, parseKrmFile } from '../krm/file.ts';
import { describeId, idKey, type ResourceId, resourceId } from '../krm/identity.ts';
import type { KrmMap } from '../krm/value.ts';
import { changesBetween } from '../package/diff.ts';
import type { Package } from '../package/package.ts';
import type { PackageFile } from '../package/types.ts';
import { diffFields, type FieldDifference } from './field-diff.ts';
import { unifiedDiff } from './unified-diff.ts';

export interface ResourceDifference {
  readonly change: 'added' | 'removed' | 'changed';
  /** `<kind> <namespace>/<name>`. */
  readonly resource: string;
  readonly file: string;
  /** Only of changed resources. */
  readonly fields: readonly FieldDifference[];
}

/** Resources that differ, wherever they lie, by file and identity. Files that cannot be read have none. */
export function diffResources(before: Package, after: Package): ResourceDifference[] {
  const [old, next] = [resourcesOf(before), resourcesOf(after)];
  const differences: ResourceDifference[] = [];
  for (const [key, { id, file, value }] of next) {
    const was = old.get(key);
    const fields = was ? diffFields(was.value, value) : [];
    if (was && fields.length === 0) continue;
    differences.push({ change: was ? 'changed' : 'added', resource: describeId(id), file, fields });
  }
  for (const [key, { id, file }] of old) {
    if (!next.has(key)) differences.push({ change: 'removed', resource: describeId(id), file, fields: [] });
  }
  return differences.sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

function placeOf({ file, resource }: ResourceDifference): string {
  return `${file}\0${resource}`;
}

interface FoundResource {
  readonly id: ResourceId;
  readonly file: string;
  readonly value: KrmMap;
}

/** Of several resources of one identity those behind the first are told apart by their file. */
function resourcesOf(pkg: Package): Map<string, FoundResource> {
  const found = new Map<string, FoundResource>();
  for (const [path, { bytes, mode }] of pkg.entries()) {
    if (!isKrmPath(path) || mode === '120000' || mode === '160000') continue;
    const file = parseKrmFile(path, bytes);
    if (file.problems.length > 0) continue;
    for (const { value, index } of file.documents) {
      if (!isResource(value)) continue;
      const id = resourceId(value);
      const key = found.has(idKey(id)) ? `${idKey(id)} ${path} ${index}` : idKey(id);
      found.set(key, { id, file: path, value });
    }
  }
  return found;
}

/** All files that differ, as text in the unified format; what is no text is only named. */
export function diffText(before: Package, after: Package): string {
  return changesBetween(before, after)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, file]) => fileDiff(path, before.get(path), file ?? undefined))
    .join('');
}

function fileDiff(path: string, before: PackageFile | undefined, after: PackageFile | undefined): string {
  const names = `--- ${before ? `a/${path}` : '/dev/null'}\n+++ ${after ? `b/${path}` : '/dev/null'}\n`;
  const mode = before && after && before.mode !== after.mode ? `mode ${before.mode} -> ${after.mode}\n` : '';
  if (![before, after].every((file) => file === undefined || isText(file)))
    return `${names}${mode}binary file differs\n`;
  const [a, b] = [before, after].map((file) => (file ? new TextDecoder().decode(file.bytes) : ''));
  return `${names}${mode}${unifiedDiff(a ?? '', b ?? '')}`;
}

function isText({ bytes }: PackageFile): boolean {
  return isUtf8(bytes) && !bytes.includes(0);
}
