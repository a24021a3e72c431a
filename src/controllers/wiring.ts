import type { PackageRevision, PackageVariant, PackageVariantSet, Repository } from '../api/kinds.ts';
import { CONTENT_ANNOTATIONS } from '../api/labels.ts';
import { objectKey } from '../api/object.ts';
import { findCondition } from '../kube/conditions.ts';
import type { Informer } from '../kube/controller.ts';
import type { Injectables, SecretChanges } from './environment.ts';
import { INDEX, repositoryIndexes, revisionIndexes, setOf, variantIndexes, variantOf } from './indexes.ts';

/** Adds a key to a controller's work queue. */
export interface Queues {
  repository(key: string): void;
  revision(key: string): void;
  variant(key: string): void;
  variantSet(key: string): void;
}

interface Informers {
  readonly repositories: Informer<Repository>;
  readonly revisions: Informer<PackageRevision>;
  readonly variants: Informer<PackageVariant>;
  readonly variantSets: Informer<PackageVariantSet>;
}

/** What changes beside the informers' objects. */
interface Surroundings {
  readonly injectables: Pick<Injectables, 'onChange'>;
  readonly secretChanges: SecretChanges;
}

type Change<T> = { readonly before?: T; readonly after?: T };

export function addIndexes({ repositories, revisions, variants }: Informers): void {
  for (const [name, index] of Object.entries(repositoryIndexes)) repositories.addIndex(name, index);
  for (const [name, index] of Object.entries(revisionIndexes)) revisions.addIndex(name, index);
  for (const [name, index] of Object.entries(variantIndexes)) variants.addIndex(name, index);
}

/** Maps every event to the few keys that it concerns: work in proportion to the change, whatever the size of the fleet. */
export function connect(informers: Informers, { injectables, secretChanges }: Surroundings, queues: Queues): void {
  const { repositories, revisions, variants, variantSets } = informers;
  const wakeVariants = (index: string, value: string): void => {
    for (const variant of variants.byIndex(index, value)) queues.variant(objectKey(variant.metadata));
  };

  repositories.onChange((change) => {
    const object = current(change);
    const key = objectKey(object.metadata);
    if (specChanged(change)) queues.repository(key);
    if (readiness(change.before) === readiness(change.after)) return;
    wakeVariants(INDEX.variantRepository, key);
    for (const revision of revisions.byIndex(INDEX.repository, key)) {
      if (findCondition(revision.status?.conditions, 'Ready')?.status !== 'True')
        queues.revision(objectKey(revision.metadata));
    }
  });

  revisions.onChange((change) => {
    const object = current(change);
    if (specChanged(change) || wantsOther(change)) queues.revision(objectKey(object.metadata));
    const place = `${object.metadata.namespace ?? ''}/${object.spec.repository}/${object.spec.packageName}`;
    wakeVariants(INDEX.downstream, place);
    if (contentChanged(change)) {
      wakeVariants(INDEX.upstream, place);
      for (const made of revisions.byIndex(INDEX.source, objectKey(object.metadata)))
        queues.revision(objectKey(made.metadata));
    }
    const owner = variantOf(object);
    if (!change.after && owner !== undefined) queues.variant(owner);
  });

  variants.onChange((change) => {
    const object = current(change);
    for (const set of new Set([change.before, change.after].map((variant) => variant && setOf(variant)))) {
      if (set !== undefined) queues.variantSet(set);
    }
    if (!specChanged(change)) return;
    queues.variant(objectKey(object.metadata));
    // Whoever writes to the same package may have waited for this one to leave it, or has to give way now.
    for (const place of new Set([change.before, change.after].flatMap(downstreamPlaces))) {
      wakeVariants(INDEX.downstream, place);
    }
  });

  variantSets.onChange((change) => {
    if (specChanged(change)) queues.variantSet(objectKey(current(change).metadata));
  });

  injectables.onChange(({ metadata }) => wakeVariants(INDEX.injector, `${metadata.namespace ?? ''}/${metadata.name}`));

  secretChanges.onChange(({ namespace, name }) => {
    for (const { metadata } of repositories.byIndex(INDEX.secret, `${namespace}/${name}`)) {
      queues.repository(objectKey(metadata));
    }
  });
}

function downstreamPlaces(variant: PackageVariant | undefined): readonly string[] {
  return variant ? variantIndexes[INDEX.downstream](variant) : [];
}

function current<T>(change: Change<T>): T {
  return (change.after ?? change.before) as T;
}

function specChanged({
  before,
  after,
}: Change<Repository | PackageRevision | PackageVariant | PackageVariantSet>): boolean {
  return (
    before?.metadata.generation !== after?.metadata.generation ||
    before?.metadata.deletionTimestamp !== after?.metadata.deletionTimestamp ||
    before?.metadata.uid !== after?.metadata.uid
  );
}

/** Why nothing of the revision was seen yet. */
function readyMessage(revision: PackageRevision | undefined): string | undefined {
  return findCondition(revision?.status?.conditions, 'Ready')?.message;
}

function readiness(repository: Repository | undefined): string | undefined {
  return findCondition(repository?.status?.conditions, 'Ready')?.status;
}

/** Other inputs, or another way to make the content, are asked for, or the revision came under another owner. */
function wantsOther({ before, after }: Change<PackageRevision>): boolean {
  const wanted = (revision: PackageRevision | undefined): string =>
    [
      ...CONTENT_ANNOTATIONS.map((name) => revision?.metadata.annotations?.[name]),
      revision && variantOf(revision),
    ].join(' ');
  return wanted(before) !== wanted(after);
}

/** What a variant that reads from the revision can see of it has changed. */
function contentChanged({ before, after }: Change<PackageRevision>): boolean {
  const seen = (revision: PackageRevision | undefined): string =>
    [
      revision?.status?.observedLifecycle,
      revision?.status?.packageTree,
      revision?.status?.revision,
      revision?.status?.selfLock === undefined && readyMessage(revision),
    ].join(' ');
  return seen(before) !== seen(after);
}
