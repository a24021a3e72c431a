import { TerminalError } from '../../api/errors.ts';
import type { KptfileCondition } from '../../krm/kptfile.ts';
import {
  mergeKptfileMetadata,
  removeKptfileCondition,
  setKptfileCondition,
  setReadinessGates,
} from '../../krm/kptfile-changes.ts';
import { getIn, getString, isList, isMap, type KrmMap, type KrmPath } from '../../krm/value.ts';
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

/**
 * For new revisions: labels and annotations are added to those that the content came with.
 * @throws TerminalError InvalidCondition, KptfileMissing, InvalidKptfile
 */
export function upsertMetadata(metadata: PackageMetadata): Mutation {
  return metadataMutation(metadata, mergeKptfileMetadata);
}

/**
 * For changes of a draft's object: labels and annotations become those of the object.
 * @throws TerminalError as `upsertMetadata`
 */
export function replaceMetadata(metadata: PackageMetadata): Mutation {
  return metadataMutation(metadata, (kptfile, field, wanted) => {
    const present = getIn(kptfile, ['metadata', field]);
    const removed = Object.keys(isMap(present) ? present : {}).map((key) => [key, null]);
    return mergeKptfileMetadata(kptfile, field, { ...Object.fromEntries(removed), ...wanted });
  });
}

type MapWriter = (
  kptfile: KrmMap,
  field: 'labels' | 'annotations',
  wanted: { readonly [key: string]: string },
) => KrmMap;

function metadataMutation(metadata: PackageMetadata, writeMap: MapWriter): Mutation {
  const { labels, annotations, readinessGates, conditions } = metadata;
  return {
    name: 'metadata',
    async apply(_context, pkg) {
      for (const condition of conditions ?? []) checkCondition(condition);
      const edited = editRootKptfile(pkg, (kptfile) => {
        let next = kptfile;
        if (labels) next = writeMap(next, 'labels', labels);
        if (annotations) next = writeMap(next, 'annotations', annotations);
        if (readinessGates) next = syncGates(next, readinessGates);
        if (conditions) next = syncConditions(next, conditions);
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
  const present = typesAt(kptfile, ['info', 'readinessGates'], 'conditionType');
  return setReadinessGates(kptfile, [...present.filter(isInjectionType), ...wanted]);
}

function syncConditions(kptfile: KrmMap, wanted: readonly KptfileCondition[]): KrmMap {
  const types = new Set(wanted.map(({ type }) => type));
  const stale = typesAt(kptfile, ['status', 'conditions'], 'type').filter(
    (type) => !types.has(type) && !isInjectionType(type),
  );
  const kept = stale.reduce(removeKptfileCondition, kptfile);
  return wanted.reduce((next, condition) => setKptfileCondition(next, withoutEmpty(condition)), kept);
}

function withoutEmpty({ type, status, reason, message }: KptfileCondition): KptfileCondition {
  return { type, status, ...(reason ? { reason } : {}), ...(message ? { message } : {}) };
}

function typesAt(kptfile: KrmMap, path: KrmPath, key: string): string[] {
  const list = getIn(kptfile, path);
  return isList(list) ? list.flatMap((entry) => getString(entry, [key]) ?? []) : [];
}
