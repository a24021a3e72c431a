import {
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  type PackageRevision,
  type PackageVariant,
  REPOSITORY,
} from '../../api/kinds.ts';
import { objectKey, objectLabel } from '../../api/object.ts';
import type { StoreChange } from '../../kube/adapters/embedded/store.ts';
import type { LocalOperator } from '../local-operator.ts';
import type { ManifestSet } from '../manifest-set.ts';
import { obstacleOf, type PlannedChange, type PlanOutcome, plannedChange, plannedDeletion } from './changes.ts';
import type { PlanReport } from './format.ts';
import type { PlannedStores } from './planned-stores.ts';
import { plannedVariants } from './variants.ts';

/** Revisions that were there in the course of a plan and are no more. */
export class GoneRevisions {
  readonly #gone = new Map<string, PackageRevision>();

  note({ before, after }: StoreChange): void {
    const object = after ?? before;
    if (object?.kind !== PACKAGE_REVISION.kind) return;
    const key = objectKey(object.metadata);
    if (after) this.#gone.delete(key);
    else this.#gone.set(key, object as PackageRevision);
  }

  list(): readonly PackageRevision[] {
    return [...this.#gone.values()];
  }
}

export interface PlanParts {
  readonly operator: Pick<LocalOperator, 'list'>;
  readonly stores: PlannedStores;
  readonly gone: GoneRevisions;
  readonly manifests: ManifestSet;
  /** The variants as a cluster has them; absent without one. */
  readonly before?: ReadonlyMap<string, PackageVariant>;
}

/** What became of everything when nothing was left to do. */
export async function collectPlan({ operator, stores, gone, manifests, before }: PlanParts): Promise<PlanReport> {
  const variants = await operator.list(PACKAGE_VARIANT);
  const after = new Map(variants.map((variant) => [objectKey(variant.metadata), variant]));
  const revisions = await operator.list(PACKAGE_REVISION);
  const outcome: PlanOutcome = { stores, variants: new Map([...(before ?? []), ...after]) };
  const changes = await listChanges(revisions, gone.list(), outcome);
  const named = new Set(manifests.objects.map(objectLabel));
  const told = revisions.filter(
    (revision) => revision.metadata.deletionTimestamp !== undefined || named.has(objectLabel(revision)),
  );
  const owners = [...(await operator.list(REPOSITORY)), ...(await operator.list(PACKAGE_VARIANT_SET)), ...variants];
  const obstacles = [...owners, ...told].map(obstacleOf).filter((obstacle) => obstacle !== undefined);
  const planned = before && plannedVariants(before, after);
  const touched = new Set([...changes, ...(planned ?? [])].map(({ variant }) => variant));
  const stuck = new Set(obstacles.map(({ object }) => object));
  const unchanged = variants.filter(
    (variant) => !touched.has(objectKey(variant.metadata)) && !stuck.has(objectLabel(variant)),
  );
  return {
    changes,
    ...(planned ? { variants: planned } : {}),
    obstacles,
    unchanged: unchanged.length,
    errors: manifests.errors,
  };
}

async function listChanges(
  revisions: readonly PackageRevision[],
  gone: readonly PackageRevision[],
  outcome: PlanOutcome,
): Promise<readonly PlannedChange[]> {
  const changes: (PlannedChange | undefined)[] = [];
  for (const revision of revisions) changes.push(await plannedChange(revision, outcome));
  for (const revision of gone) changes.push(await plannedDeletion(revision, outcome));
  return changes.filter((change) => change !== undefined).sort((a, b) => (a.revision < b.revision ? -1 : 1));
}
