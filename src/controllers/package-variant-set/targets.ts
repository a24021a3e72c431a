import type {
  PackageVariantSetSpec,
  RepositoryTarget,
  VariantTarget,
} from '../../api/generated/package-variant-set.ts';
import type { KubeObject } from '../../api/object.ts';
import { selects } from './selector.ts';
import type { Target } from './types.ts';

/** Objects of the kind that a target selects, whatever their labels; undefined for a target that is to be left out. */
export type Selectable = (index: number) => readonly KubeObject[] | undefined;

/** All places that a set's targets stand for, in the order of the targets. Pure. */
export function unrollTargets({ targets, upstream }: PackageVariantSetSpec, objects: Selectable): readonly Target[] {
  return targets.flatMap((target, index) => {
    const found = objects(index);
    if (!found) return [];
    const listed = (target.repositories ?? []).flatMap((repository, at) =>
      listedTargets(repository, { index, name: `spec.targets[${index}].repositories[${at}]` }, upstream.package),
    );
    return [...listed, ...selectedTargets(target, index, found, upstream.package)];
  });
}

function listedTargets(
  { name: repoDefault, packageNames }: RepositoryTarget,
  place: Pick<Target, 'index' | 'name'>,
  upstreamPackage: string,
): readonly Target[] {
  const names = packageNames?.length ? packageNames : [upstreamPackage];
  return names.map((packageDefault) => ({ ...place, repoDefault, packageDefault }));
}

function selectedTargets(
  target: VariantTarget,
  index: number,
  objects: readonly KubeObject[],
  packageDefault: string,
): readonly Target[] {
  const selector = target.objectSelector ?? target.repositorySelector;
  if (!selector) return [];
  const field = target.objectSelector ? 'objectSelector' : 'repositorySelector';
  const wanted = target.objectSelector?.name;
  return objects
    .filter(({ metadata }) => (!wanted || metadata.name === wanted) && selects(selector, metadata.labels))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .map((object) => ({
      index,
      name: `spec.targets[${index}].${field} (${object.kind} ${object.metadata.name})`,
      repoDefault: object.metadata.name,
      packageDefault,
      object,
    }));
}
