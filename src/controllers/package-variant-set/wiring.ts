import type { PackageRevision, PackageVariantSet, Repository } from '../../api/kinds.ts';
import { CONFIRM_DELETIONS_ANNOTATION, RECONCILE_AT_ANNOTATION } from '../../api/labels.ts';
import { type KubeObject, objectKey } from '../../api/object.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { Change, Informer } from '../../kube/controller.ts';
import type { Selectables } from '../environment.ts';
import { kindKey, SET_INDEX, variantSetIndexes } from './indexes.ts';
import { looksTheSame } from './seen.ts';

interface Informers {
  readonly repositories: Informer<Repository>;
  readonly revisions: Informer<PackageRevision>;
  readonly variantSets: Informer<PackageVariantSet>;
}

export function addSetIndexes({ variantSets }: Pick<Informers, 'variantSets'>): void {
  for (const [name, index] of Object.entries(variantSetIndexes)) variantSets.addIndex(name, index);
}

/** Wakes the sets that what has changed concerns: those that select its kind, and those that are made from it. */
export function connectSets(
  { repositories, revisions, variantSets }: Informers,
  selectables: Pick<Selectables, 'onChange'>,
  wake: (key: string) => void,
): void {
  const wakeSelecting = (change: Change<KubeObject>, isSame: () => boolean): void => {
    const object = current(change);
    const { namespace } = object.metadata;
    const sets = variantSets.byIndex(
      SET_INDEX.selectedKind,
      namespace ? `${namespace}/${kindKey(object)}` : kindKey(object),
    );
    if (sets.length === 0 || (looksTheSame(change.before, change.after) && isSame())) return;
    for (const { metadata } of sets) wake(objectKey(metadata));
  };
  selectables.onChange((change) => wakeSelecting(change, () => true));
  repositories.onChange((change) => wakeSelecting(change, () => readiness(change.before) === readiness(change.after)));
  revisions.onChange((change) => {
    if (looksTheSame(change.before, change.after) && standing(change.before) === standing(change.after)) return;
    const { metadata, spec } = current(change);
    const place = `${metadata.namespace ?? ''}/${spec.repository}/${spec.packageName}`;
    for (const set of variantSets.byIndex(SET_INDEX.upstream, place)) wake(objectKey(set.metadata));
  });
  variantSets.onChange((change) => {
    if (asked(change.before) !== asked(change.after)) wake(objectKey(current(change).metadata));
  });
}

function current<T extends KubeObject>({ before, after }: Change<T>): T {
  return (after ?? before) as T;
}

function readiness(repository: Repository | undefined): string | undefined {
  return findCondition(repository?.status?.conditions, 'Ready')?.status;
}

function standing(revision: PackageRevision | undefined): string {
  const { observedLifecycle, revision: number, selfLock } = revision?.status ?? {};
  return [observedLifecycle, number, selfLock !== undefined].join(' ');
}

/** What annotations ask for. */
function asked(set: PackageVariantSet | undefined): string {
  const { annotations } = set?.metadata ?? {};
  return JSON.stringify([annotations?.[CONFIRM_DELETIONS_ANNOTATION], annotations?.[RECONCILE_AT_ANNOTATION]]);
}
