import type { PackageVariantSpec } from '../../api/generated/package-variant.ts';
import type { PackageVariant, PackageVariantSet } from '../../api/kinds.ts';
import { sameJson } from '../../kube/json.ts';
import { distinctVariantName, downstreamId, variantName } from './names.ts';
import { belongsTo, claimPatch, isOfAnotherSet, isStray } from './ownership.ts';
import type { DesiredVariant, PlannedVariant, TargetFault, VariantChange } from './types.ts';

/** What has to happen to a set's variants. */
export interface SetPlan {
  /** In the order of the targets. */
  readonly variants: readonly PlannedVariant[];
  /** Nobody wants them any more, and nobody has deleted them yet. */
  readonly remove: readonly PackageVariant[];
  readonly faults: readonly TargetFault[];
}

/** The variants of the set's namespace, by name and by owner. */
export interface Variants {
  /** Those that may be the set's. */
  readonly candidates: readonly PackageVariant[];
  byName(name: string): PackageVariant | undefined;
}

/**
 * Compares what a set wants with the variants it has. A variant is known by its downstream, so that it keeps its name
 * whatever becomes of the set's other targets, and whoever named it. Pure.
 */
export function planSet(set: PackageVariantSet, desired: readonly DesiredVariant[], variants: Variants): SetPlan {
  const own = variants.candidates.filter((variant) => belongsTo(set, variant));
  const known = knownByDownstream(own);
  const names = new Set(own.map(({ metadata }) => metadata.name));
  const planned = new Map<string, PlannedVariant>();
  const faults: TargetFault[] = [];
  for (const wanted of desired) {
    const id = downstreamId(wanted.spec.downstream);
    const first = planned.get(id);
    if (first) {
      faults.push(duplicate(wanted, first));
      continue;
    }
    const place = known.get(id) ?? freePlace(set, wanted, names, variants);
    if ('reason' in place) {
      faults.push(place);
      continue;
    }
    const { name } = place.metadata;
    names.add(name);
    const existing = 'spec' in place ? place : undefined;
    planned.set(id, { ...wanted, name, existing, change: changeOf(set, wanted.spec, existing) });
  }
  const remove = [...known].filter(
    ([id, { metadata }]) => !planned.has(id) && metadata.deletionTimestamp === undefined,
  );
  return { variants: [...planned.values()], remove: remove.map(([, variant]) => variant), faults };
}

/** Of two with one downstream, which a restore may leave behind, the first made counts, and the other is left alone. */
function knownByDownstream(own: readonly PackageVariant[]): ReadonlyMap<string, PackageVariant> {
  const age = ({ metadata }: PackageVariant): string =>
    [metadata.deletionTimestamp === undefined ? 0 : 1, metadata.creationTimestamp ?? '', metadata.name].join(' ');
  const known = new Map<string, PackageVariant>();
  for (const variant of own.toSorted((a, b) => (age(a) < age(b) ? -1 : 1))) {
    const id = downstreamId(variant.spec.downstream);
    if (!known.has(id)) known.set(id, variant);
  }
  return known;
}

type Place = PackageVariant | { readonly metadata: { readonly name: string } } | TargetFault;

/** A name for a variant that the set does not have: Porch's, if need be one that nobody else has. */
function freePlace(
  { metadata, ...set }: PackageVariantSet,
  { target, spec }: DesiredVariant,
  names: ReadonlySet<string>,
  variants: Variants,
): Place {
  const plain = variantName(metadata.name, spec.downstream);
  const distinct = distinctVariantName(metadata.name, spec.downstream);
  const taken = variants.byName(plain);
  if (names.has(plain) || (taken && isOfAnotherSet({ metadata, ...set }, taken)))
    return { metadata: { name: distinct } };
  if (!taken) return { metadata: { name: plain } };
  if (isStray(taken) && downstreamId(taken.spec.downstream) === downstreamId(spec.downstream)) return taken;
  const message = `PackageVariant ${plain} exists already and is not this set's`;
  const place = { variant: plain, ...spec.downstream };
  return { target, place, reason: 'VariantExists', message, passes: true };
}

function changeOf(
  set: PackageVariantSet,
  spec: PackageVariantSpec,
  existing: PackageVariant | undefined,
): VariantChange {
  if (!existing) return 'create';
  if (existing.metadata.deletionTimestamp !== undefined) return 'wait';
  if (!sameJson(existing.spec, spec)) return 'update';
  return claimPatch(set, existing) ? 'claim' : 'none';
}

function duplicate({ target, spec }: DesiredVariant, first: PlannedVariant): TargetFault {
  const { repo, package: pkg } = spec.downstream;
  const message = `${repo}/${pkg} is the downstream of ${first.target} already`;
  return { target, place: { repo, package: pkg }, reason: 'DuplicateTarget', message, passes: false };
}
