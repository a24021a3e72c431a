import { readKptfile } from '../krm/kptfile.ts';
import {
  deleteIn,
  getIn,
  getString,
  isList,
  isMap,
  type KrmMap,
  type KrmPath,
  type KrmValue,
  valuesEqual,
  withKey,
} from '../krm/value.ts';
import type { PackageFile } from '../package/types.ts';
import type { FileSides } from './classify.ts';
import { mergeComments } from './comment-merge.ts';
import { rewriteFile } from './document-text.ts';
import type { ListKeys } from './list-keys.ts';
import { resourceRef, sameContent } from './resources-merge.ts';
import type { MergeConflict, Preference } from './types.ts';
import { type FieldConflict, mergeInStages, mergeValues } from './value-merge.ts';

export interface KptfileMergeOptions {
  readonly prefer: Preference;
  /** Whose `upstream` and `upstreamLock` stand afterwards; upstream's only if it has any. */
  readonly lock: 'local' | 'updated';
}

export interface KptfileMerge {
  readonly file: PackageFile;
  readonly conflicts: readonly MergeConflict[];
}

/**
 * Merges a package's Kptfile: functions of the pipeline by name, else by image without tag and digest, else as they are;
 * keywords, emails, readiness gates and conditions as unions. The package keeps its name. What upstream's own render
 * said of itself is not taken. A side without a Kptfile is an empty one.
 * @throws TerminalError InvalidKptfile with file, line and field
 */
export function mergeKptfile(
  path: string,
  { base, local, updated }: FileSides & { readonly local: PackageFile },
  options: KptfileMergeOptions,
): KptfileMerge {
  const [o, u] = [base, updated].map((side) => side && readKptfile(path, side.bytes).file);
  const file = readKptfile(path, local.bytes).file;
  const document = file.documents[0];
  const theirDocument = u?.documents[0];
  if (!theirDocument || !document || !isMap(document.value)) return { file: local, conflicts: [] };
  const mine = document.value;
  const conflicts: MergeConflict[] = [];
  const report = (conflict: FieldConflict) => {
    if (!conflict.field?.startsWith('status')) conflicts.push({ resource: resourceRef(mine), file: path, ...conflict });
  };
  const theirs = mapOf(theirDocument.value);
  const { stages } = mergeInStages({ prefer: options.prefer, report, keysAt: kptfileKeys }, (merge) =>
    mergeValues(content(o?.documents[0]?.value), mergeable(mine), content(theirs), merge),
  );
  const lockFrom = options.lock === 'updated' ? theirs : {};
  const states = stages.map((merged) => assemble(mine, mapOf(merged), lockFrom));
  const value = states.at(-1) ?? mine;
  const versions = { base: o?.documents[0], local: document, updated: theirDocument };
  const comments = (text: string) => mergeComments(text, value, versions, kptfileKeys);
  const bytes = rewriteFile(file, new Map([[0, { stages: states, comments }]]), []);
  return { file: { mode: local.mode, bytes }, conflicts };
}

/** Fields that are the package's own and not upstream's. */
const OWN_FIELDS: readonly (readonly string[])[] = [
  ['apiVersion'],
  ['kind'],
  ['metadata', 'name'],
  ['metadata', 'namespace'],
  ['upstream'],
  ['upstreamLock'],
];

function mergeable(kptfile: KrmMap): KrmMap {
  return OWN_FIELDS.reduce((value, path) => deleteIn(value, path), kptfile);
}

/** What a Kptfile of another package has to give. */
function content(kptfile: KrmValue | undefined): KrmMap {
  return withoutRender(mergeable(mapOf(kptfile)));
}

/** Without what a render said of itself. */
export function withoutRender(kptfile: KrmMap): KrmMap {
  const conditions = getIn(kptfile, ['status', 'conditions']);
  let next = deleteIn(kptfile, ['status', 'renderStatus']);
  if (isList(conditions)) {
    const others = conditions.filter((condition) => getString(condition, ['type']) !== 'Rendered');
    const status = withKey(mapOf(next.status), 'conditions', others);
    next = withKey(next, 'status', others.length > 0 ? status : deleteIn(status, ['conditions']));
  }
  return isMap(next.status) && Object.keys(next.status).length === 0 ? deleteIn(next, ['status']) : next;
}

/** The merged content with the local Kptfile's own fields, in the local order. */
function assemble(local: KrmMap, merged: KrmMap, lockFrom: KrmMap): KrmMap {
  const metadata = { ...own(mapOf(local.metadata)), ...mapOf(merged.metadata) };
  const entries = new Map<string, KrmValue | undefined>(Object.entries(local));
  for (const key of entries.keys()) if (!OWN_TOP.includes(key)) entries.set(key, merged[key]);
  for (const [key, value] of Object.entries(merged)) entries.set(key, value);
  if (Object.keys(metadata).length > 0) entries.set('metadata', inOrderOf(mapOf(local.metadata), metadata));
  for (const key of ['upstream', 'upstreamLock']) {
    const value = lockFrom[key];
    if (value !== undefined) entries.set(key, sameAs(local[key], value));
  }
  return Object.fromEntries([...entries].filter(([, value]) => value !== undefined));
}

const OWN_TOP = OWN_FIELDS.filter((path) => path.length === 1).flat();

function own({ name, namespace }: KrmMap): KrmMap {
  return { ...(name === undefined ? {} : { name }), ...(namespace === undefined ? {} : { namespace }) };
}

function inOrderOf(model: KrmMap, map: KrmMap): KrmMap {
  const keys = [...Object.keys(model).filter((key) => Object.hasOwn(map, key)), ...Object.keys(map)];
  return Object.fromEntries([...new Set(keys)].map((key) => [key, map[key]]));
}

function sameAs(before: KrmValue | undefined, after: KrmValue): KrmValue {
  return before !== undefined && valuesEqual(before, after) ? before : after;
}

/** How the lists of a Kptfile are keyed. */
export function kptfileKeys(path: KrmPath): ListKeys | undefined {
  switch (path.join('.')) {
    case 'pipeline.mutators':
    case 'pipeline.validators':
      return { type: 'named', names: functionNames };
    case 'info.keywords':
    case 'info.emails':
      return { type: 'set' };
    case 'info.readinessGates':
      return { type: 'map', keys: [{ name: 'conditionType' }] };
    case 'status.conditions':
      return { type: 'map', keys: [{ name: 'type' }] };
    default:
      return undefined;
  }
}

/**
 * One name a function: its own, else its image's repository or its command; functions without a name that share an
 * image are told apart by all they say, so that none is ever merged with another one.
 */
export function functionNames(functions: readonly KrmValue[]): readonly string[] | undefined {
  const plain = functions.map((fn) => getString(fn, ['name']) || unnamed(fn));
  const names = functions.map((fn, index) => {
    const name = plain[index] as string;
    const alone = plain.indexOf(name) === plain.lastIndexOf(name);
    return alone ? name : `${name} ${JSON.stringify(sorted(fn))}`;
  });
  return new Set(names).size === names.length ? names : undefined;
}

function unnamed(fn: KrmValue): string {
  return getString(fn, ['exec']) || imageRepository(getString(fn, ['image']) ?? '');
}

/** An image reference without tag and digest; a port of the registry is no tag. */
export function imageRepository(image: string): string {
  const name = image.split('@')[0] ?? '';
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  return colon < 0 ? name : name.slice(0, colon);
}

function sorted(value: KrmValue): KrmValue {
  if (isList(value)) return value.map(sorted);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item ?? null)]),
  );
}

function mapOf(value: KrmValue | undefined): KrmMap {
  return isMap(value) ? value : {};
}

/** Whether two Kptfiles say the same but for what a clone writes (name, upstream, markers) and a render. */
export function kptfileContentEqual(path: string, a: PackageFile | undefined, b: PackageFile | undefined): boolean {
  const [x, y] = [a, b].map((file) => withMetadata(file ? content(readKptfile(path, file.bytes).kptfile.raw) : {}));
  return sameContent(x ?? {}, y ?? {});
}

function withMetadata(kptfile: KrmMap): KrmMap {
  return withKey(kptfile, 'metadata', mapOf(kptfile.metadata));
}
