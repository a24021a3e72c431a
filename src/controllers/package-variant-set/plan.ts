import type { PackageVariantSpec } from '../../api/generated/package-variant.ts';
import type { PackageVariant } from '../../api/kinds.ts';
import { sameJson } from '../../kube/json.ts';
import { type DesiredVariant, distinctVariantName, variantName } from './targets.ts';

/** What has to happen to a set's variants; `keep` need nothing. */
export interface SetPlan {
  readonly apply: readonly PlannedVariant[];
  readonly keep: readonly PlannedVariant[];
  readonly remove: readonly PackageVariant[];
}

export interface PlannedVariant {
  readonly name: string;
  readonly target: string;
  readonly spec: PackageVariantSpec;
  readonly existing?: PackageVariant;
}

/**
 * Compares what a set wants with the variants it has. A variant is known by its downstream, so that it keeps its name
 * whatever becomes of the set's other targets.
 */
export function planSet(set: string, desired: readonly DesiredVariant[], existing: readonly PackageVariant[]): SetPlan {
  const byDownstream = new Map(existing.map((variant) => [downstreamId(variant.spec), variant]));
  const names = new Set(existing.map((variant) => variant.metadata.name));
  const apply: PlannedVariant[] = [];
  const keep: PlannedVariant[] = [];
  for (const { target, spec } of desired) {
    const id = downstreamId(spec);
    const found = byDownstream.get(id);
    byDownstream.delete(id);
    const name = found?.metadata.name ?? freeName(set, spec, names);
    names.add(name);
    const planned = { name, target, spec, existing: found };
    if (found && sameJson(found.spec, spec)) keep.push(planned);
    else apply.push(planned);
  }
  const remove = [...byDownstream.values()].filter((variant) => variant.metadata.deletionTimestamp === undefined);
  return { apply, keep, remove };
}

function freeName(set: string, { downstream }: PackageVariantSpec, names: ReadonlySet<string>): string {
  const name = variantName(set, downstream);
  return names.has(name) ? distinctVariantName(set, downstream) : name;
}

function downstreamId({ downstream }: PackageVariantSpec): string {
  return `${downstream.repo}\0${downstream.package}`;
}
