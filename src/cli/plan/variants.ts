import type { PackageVariant } from '../../api/kinds.ts';
import { setOf } from '../../controllers/indexes.ts';
import { changedFields } from '../../controllers/package-variant-set/preview.ts';

/** What happens to a PackageVariant, whoever asks for it: a manifest, or a set. */
export interface PlannedVariant {
  readonly action: 'create' | 'update' | 'delete';
  /** `<namespace>/<name>`. */
  readonly variant: string;
  /** `<namespace>/<name>` of the PackageVariantSet that has it. */
  readonly set?: string;
  readonly repository: string;
  readonly package: string;
  /** Of an update: paths of what differs. */
  readonly fields?: readonly string[];
}

/** How the variants of a cluster would change. */
export function plannedVariants(
  before: ReadonlyMap<string, PackageVariant>,
  after: ReadonlyMap<string, PackageVariant>,
): readonly PlannedVariant[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  return keys.flatMap((key) => plannedVariant(key, before.get(key), after.get(key)) ?? []);
}

function plannedVariant(
  key: string,
  before: PackageVariant | undefined,
  after: PackageVariant | undefined,
): PlannedVariant | undefined {
  const object = after ?? before;
  if (!object) return undefined;
  const set = setOf(object);
  const { repo, package: pkg } = object.spec.downstream;
  const what = { variant: key, ...(set === undefined ? {} : { set }), repository: repo, package: pkg };
  if (!before) return { action: 'create', ...what };
  if (!after || after.metadata.deletionTimestamp !== undefined) return { action: 'delete', ...what };
  const fields = [...changedFields(before.spec, after.spec, 'spec')];
  return fields.length === 0 ? undefined : { action: 'update', ...what, fields };
}
