import { TerminalError } from '../../api/errors.ts';
import type { KptfileCondition } from '../../krm/kptfile.ts';
import { deleteIn, getIn, isList, isMap, type KrmMap, type KrmPath, type KrmValue, setIn } from '../../krm/value.ts';
import { editRootKptfile } from '../root-kptfile.ts';
import type { Mutation } from '../types.ts';
import { isInjectionType } from './injection-points.ts';

/** What a PackageRevision object says about its package; a member that is absent leaves the Kptfile as it is. */
export interface PackageMetadata {
  readonly labels?: { readonly [key: string]: string };
  readonly annotations?: { readonly [key: string]: string };
  /** Condition types; written exactly, beside those of injection points, which the package itself decides. */
  readonly readinessGates?: readonly string[];
  /** Written exactly, likewise. */
  readonly conditions?: readonly KptfileCondition[];
}

const LABELS = ['metadata', 'labels'];
const ANNOTATIONS = ['metadata', 'annotations'];
const GATES = ['info', 'readinessGates'];
const CONDITIONS = ['status', 'conditions'];

/**
 * For new revisions: labels and annotations are added to those that the content came with.
 * @throws TerminalError InvalidCondition, KptfileMissing, InvalidKptfile
 */
export function upsertMetadata(metadata: PackageMetadata): Mutation {
  return metadataMutation(metadata, (kptfile, path, wanted) => {
    const merged = { ...mapAt(kptfile, path), ...wanted };
    return Object.keys(wanted).length === 0 ? kptfile : setIn(kptfile, path, merged);
  });
}

/**
 * For changes of a draft's object: labels and annotations become those of the object.
 * @throws TerminalError as `upsertMetadata`
 */
export function replaceMetadata(metadata: PackageMetadata): Mutation {
  return metadataMutation(metadata, (kptfile, path, wanted) =>
    Object.keys(wanted).length === 0
      ? deleteIn(kptfile, path)
      : setIn(kptfile, path, inOrderOf(mapAt(kptfile, path), wanted)),
  );
}

type MapWriter = (kptfile: KrmMap, path: KrmPath, wanted: KrmMap) => KrmMap;

function metadataMutation(metadata: PackageMetadata, writeMap: MapWriter): Mutation {
  return {
    name: 'metadata',
    async apply(_context, pkg) {
      for (const condition of metadata.conditions ?? []) checkCondition(condition);
      const edited = editRootKptfile(pkg, (kptfile) => {
        let next = kptfile;
        if (metadata.labels) next = writeMap(next, LABELS, metadata.labels);
        if (metadata.annotations) next = writeMap(next, ANNOTATIONS, metadata.annotations);
        if (metadata.readinessGates) next = syncGates(next, metadata.readinessGates);
        if (metadata.conditions) next = syncConditions(next, metadata.conditions);
        return next;
      });
      return { pkg: edited, result: {} };
    },
  };
}

function checkCondition({ type, status }: KptfileCondition): void {
  if (status === 'True' || status === 'False' || status === 'Unknown') return;
  const message = `condition ${type} has status ${JSON.stringify(status)}; it must be True, False or Unknown`;
  throw new TerminalError('InvalidCondition', message, { field: 'status.conditions' });
}

function syncGates(kptfile: KrmMap, wanted: readonly string[]): KrmMap {
  const types = new Set([...listedTypes(kptfile, GATES, 'conditionType').filter(isInjectionType), ...wanted]);
  return syncList(
    kptfile,
    GATES,
    'conditionType',
    [...types].map((conditionType) => ({ conditionType })),
  );
}

function syncConditions(kptfile: KrmMap, wanted: readonly KptfileCondition[]): KrmMap {
  const types = new Set(wanted.map(({ type }) => type));
  const kept = listAt(kptfile, CONDITIONS).filter((entry) => {
    const type = isMap(entry) ? entry.type : undefined;
    return typeof type === 'string' && isInjectionType(type) && !types.has(type);
  });
  return syncList(kptfile, CONDITIONS, 'type', [...(kept as readonly KrmMap[]), ...wanted.map(conditionEntry)]);
}

/** Absent rather than empty reason and message. */
export function conditionEntry({ type, status, reason, message }: KptfileCondition): KrmMap {
  return { type, status, ...(reason ? { reason } : {}), ...(message ? { message } : {}) };
}

/** Makes a list hold exactly `wanted`: entries that are there keep their place, new ones follow in order. */
function syncList(kptfile: KrmMap, path: KrmPath, key: string, wanted: readonly KrmMap[]): KrmMap {
  const byType = new Map(wanted.map((entry) => [entry[key], entry]));
  const entries: KrmMap[] = [];
  for (const type of [...listedTypes(kptfile, path, key), ...byType.keys()]) {
    const entry = byType.get(type);
    if (entry) entries.push(entry);
    byType.delete(type);
  }
  if (entries.length > 0) return setIn(kptfile, path, entries);
  const without = deleteIn(kptfile, path);
  const parent = path.slice(0, -1);
  return isEmptyMap(getIn(without, parent)) ? deleteIn(without, parent) : without;
}

function listedTypes(kptfile: KrmMap, path: KrmPath, key: string): string[] {
  return listAt(kptfile, path).flatMap((entry) => {
    const type = isMap(entry) ? entry[key] : undefined;
    return typeof type === 'string' ? [type] : [];
  });
}

function listAt(value: KrmMap, path: KrmPath): readonly KrmValue[] {
  const list = getIn(value, path);
  return isList(list) ? list : [];
}

function mapAt(value: KrmMap, path: KrmPath): KrmMap {
  const map = getIn(value, path);
  return isMap(map) ? map : {};
}

function isEmptyMap(value: KrmValue | undefined): boolean {
  return isMap(value) && Object.keys(value).length === 0;
}

/** `wanted` with the keys that `present` has too in the order they have there, the others behind in order. */
function inOrderOf(present: KrmMap, wanted: KrmMap): KrmMap {
  const kept = Object.keys(present).filter((key) => Object.hasOwn(wanted, key));
  return Object.fromEntries([...new Set([...kept, ...Object.keys(wanted).sort()])].map((key) => [key, wanted[key]]));
}
