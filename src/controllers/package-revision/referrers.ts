import type { PackageRevision } from '../../api/kinds.ts';
import { objectKey } from '../../api/object.ts';
import type { Lister } from '../../kube/controller.ts';
import { INDEX, namesOf } from '../indexes.ts';

/** As many as the CRD allows. */
const MAX_SHOWN = 32;

/**
 * The revisions that have this one as their upstream, by name in order, as many as a status shows; those of other namespaces with
 * theirs before. Undefined without any.
 */
export function referrersOf(
  object: PackageRevision,
  revisions: Lister<PackageRevision>,
): readonly string[] | undefined {
  const { namespace } = object.metadata;
  const self = objectKey(object.metadata);
  const found = new Set<string>();
  for (const name of namesOf(object)) {
    for (const { metadata } of revisions.byIndex(INDEX.referrer, name)) {
      if (objectKey(metadata) === self) continue;
      found.add(metadata.namespace === namespace ? metadata.name : objectKey(metadata));
    }
  }
  return found.size === 0 ? undefined : [...found].sort().slice(0, MAX_SHOWN);
}
