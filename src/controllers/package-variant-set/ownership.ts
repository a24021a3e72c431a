import { PACKAGE_VARIANT, PACKAGE_VARIANT_SET, type PackageVariant, type PackageVariantSet } from '../../api/kinds.ts';
import { PACKAGE_VARIANT_FINALIZER, PACKAGE_VARIANT_SET_LABEL, SET_NAME_LABEL } from '../../api/labels.ts';
import type { ObjectMeta, OwnerReference } from '../../api/object.ts';
import { sameJson } from '../../kube/json.ts';
import { setLabel } from './names.ts';

/**
 * Whether a variant is one of the set's. Its owner reference says so, by the name where a restored set has a new UID; a
 * variant that lost it is known by its labels. What anybody else controls never is.
 */
export function belongsTo({ metadata: set }: PackageVariantSet, { metadata }: PackageVariant): boolean {
  const owner = controllerOf(metadata);
  if (owner) return isSet(owner) && (owner.uid === set.uid || owner.name === set.name);
  const labels = metadata.labels ?? {};
  return labels[SET_NAME_LABEL] === setLabel(set.name) || (!!set.uid && labels[PACKAGE_VARIANT_SET_LABEL] === set.uid);
}

/** Some set made the variant and nobody controls it now: a set that would make one of that name may have it back. */
export function isStray({ metadata }: PackageVariant): boolean {
  return !controllerOf(metadata) && metadata.labels?.[PACKAGE_VARIANT_SET_LABEL] !== undefined;
}

export function isOfAnotherSet(set: PackageVariantSet, variant: PackageVariant): boolean {
  const owner = controllerOf(variant.metadata);
  return owner !== undefined && isSet(owner) && !belongsTo(set, variant);
}

/**
 * What a set's variant has in its metadata. Nothing of the set's own labels and annotations goes along: a tracking label
 * of a deployment tool would make that tool delete the variants.
 */
export function ownedMetadata({ apiVersion, kind, metadata }: PackageVariantSet, name: string): ObjectMeta {
  const uid = metadata.uid ?? '';
  return {
    name,
    namespace: metadata.namespace,
    labels: { [PACKAGE_VARIANT_SET_LABEL]: uid, [SET_NAME_LABEL]: setLabel(metadata.name) },
    finalizers: [PACKAGE_VARIANT_FINALIZER],
    ownerReferences: [{ apiVersion, kind, name: metadata.name, uid, controller: true, blockOwnerDeletion: true }],
  };
}

/** A merge patch of metadata by which a variant is known as the set's again; undefined when it is. */
export function claimPatch(set: PackageVariantSet, { metadata }: PackageVariant): object | undefined {
  const wanted = ownedMetadata(set, metadata.name);
  const [owner] = wanted.ownerReferences ?? [];
  const isLabelled = Object.entries(wanted.labels ?? {}).every(([key, value]) => metadata.labels?.[key] === value);
  const isOwned = controllerOf(metadata)?.uid === owner?.uid;
  if (isLabelled && isOwned) return undefined;
  return {
    ...(isLabelled ? {} : { labels: wanted.labels }),
    ...(isOwned
      ? {}
      : { ownerReferences: [...otherOwners(metadata), owner], resourceVersion: metadata.resourceVersion }),
  };
}

/** A merge patch that makes `before` say what `after` says. */
export function patchBetween(before: object, after: object): object {
  const [old, next] = [before as Fields, after as Fields];
  const removed = Object.keys(old).filter((key) => old[key] !== undefined && next[key] === undefined);
  const changed = Object.keys(next).filter((key) => next[key] !== undefined && !sameJson(old[key], next[key]));
  return Object.fromEntries([
    ...removed.map((key) => [key, null]),
    ...changed.map((key) => [key, isMap(old[key]) && isMap(next[key]) ? patchBetween(old[key], next[key]) : next[key]]),
  ]);
}

type Fields = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Those of sets are replaced: a variant has one. */
function otherOwners({ ownerReferences = [] }: ObjectMeta): readonly OwnerReference[] {
  return ownerReferences.filter((reference) => !isSet(reference));
}

function controllerOf({ ownerReferences }: ObjectMeta): OwnerReference | undefined {
  return ownerReferences?.find(({ controller }) => controller === true);
}

function isSet({ apiVersion, kind }: OwnerReference): boolean {
  return kind === PACKAGE_VARIANT_SET.kind && groupOf(apiVersion) === groupOf(PACKAGE_VARIANT.apiVersion);
}

function groupOf(apiVersion: string): string {
  return apiVersion.split('/')[0] ?? '';
}
