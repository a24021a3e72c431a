import type { PackageRevision, PackageVariant, PackageVariantSet, Repository } from '../api/kinds.ts';
import {
  CONTENT_ANNOTATIONS,
  READ_ONLY_ANNOTATION,
  RECONCILE_AT_ANNOTATION,
  REPLACE_BRANCH_CONTENT_ANNOTATION,
} from '../api/labels.ts';
import { type KubeObject, objectKey } from '../api/object.ts';
import { findCondition } from '../kube/conditions.ts';
import type { Informer, Lister } from '../kube/controller.ts';
import type { Injectables, SecretChanges, Selectables } from './environment.ts';
import {
  INDEX,
  remoteOf,
  repositoryIndexes,
  revisionIndexes,
  setOf,
  upstreamNames,
  variantIndexes,
  variantOf,
} from './indexes.ts';
import { addSetIndexes, connectSets } from './package-variant-set/wiring.ts';
import { isReadOnly } from './repository/claim.ts';

/** Annotations of a PackageRevision, and of a Repository, that ask for another look at it. */
const REVISION_ANNOTATIONS = [
  ...CONTENT_ANNOTATIONS,
  REPLACE_BRANCH_CONTENT_ANNOTATION,
  RECONCILE_AT_ANNOTATION,
] as const;
const REPOSITORY_ANNOTATIONS = [RECONCILE_AT_ANNOTATION, READ_ONLY_ANNOTATION] as const;

/** Adds a key to a controller's work queue. */
export interface Queues {
  repository(key: string): void;
  /** The same, to find the revisions whose objects have gone. */
  rediscovery(key: string): void;
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
  readonly selectables: Pick<Selectables, 'onChange'>;
  readonly secretChanges: SecretChanges;
}

type Change<T> = { readonly before?: T; readonly after?: T; readonly initial?: boolean };

export function addIndexes({ repositories, revisions, variants, variantSets }: Informers): void {
  for (const [name, index] of Object.entries(repositoryIndexes)) repositories.addIndex(name, index);
  for (const [name, index] of Object.entries(revisionIndexes)) revisions.addIndex(name, index);
  for (const [name, index] of Object.entries(variantIndexes)) variants.addIndex(name, index);
  addSetIndexes({ variantSets });
}

/** Maps every event to the few keys that it concerns: work in proportion to the change, whatever the size of the fleet. */
export function connect(
  informers: Informers,
  { injectables, selectables, secretChanges }: Surroundings,
  queues: Queues,
): void {
  const { repositories, revisions, variants, variantSets } = informers;
  const wakeVariants = (index: string, value: string): void => {
    for (const variant of variants.byIndex(index, value)) queues.variant(objectKey(variant.metadata));
  };

  /** What has got a downstream, or lost one, may not be deleted, or may be now. */
  const wakeUpstream = (name: string): void => {
    if (revisions.get(name)) queues.revision(name);
    for (const { metadata } of revisions.byIndex(INDEX.locked, name)) queues.revision(objectKey(metadata));
  };

  /** What is deleted along with its variant asks for the variant's policy. */
  const wakeDeleted = (variant: string): void => {
    for (const { metadata } of revisions.byIndex(INDEX.variant, variant)) {
      if (metadata.deletionTimestamp !== undefined) queues.revision(objectKey(metadata));
    }
  };

  repositories.onChange((change) => {
    const object = current(change);
    const key = objectKey(object.metadata);
    if (specChanged(change) || annotationChanged(change, REPOSITORY_ANNOTATIONS)) queues.repository(key);
    // Whoever writes to the same remote may have waited for this one to leave its place, or has to give way now.
    for (const remote of remotesClaimedAnew(change)) {
      for (const { metadata } of repositories.byIndex(INDEX.remote, remote)) queues.repository(objectKey(metadata));
    }
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
    for (const name of upstreamsChanged(change)) wakeUpstream(name);
    const owner = variantOf(object);
    if (!change.after && owner !== undefined) {
      queues.variant(owner);
      // Git may still hold what the variant leaves behind.
      if (variants.get(owner)?.metadata.deletionTimestamp !== undefined) {
        queues.rediscovery(`${object.metadata.namespace ?? ''}/${object.spec.repository}`);
      }
    }
  });

  variants.onChange((change) => {
    const object = current(change);
    for (const set of new Set([change.before, change.after].map((variant) => variant && setOf(variant)))) {
      if (set !== undefined) queues.variantSet(set);
    }
    if (specChanged(change) || annotationChanged(change, [RECONCILE_AT_ANNOTATION])) {
      queues.variant(objectKey(object.metadata));
    }
    if (!specChanged(change)) return;
    if (object.metadata.deletionTimestamp !== undefined) wakeDeleted(objectKey(object.metadata));
    // Whoever writes to the same package may have waited for this one to leave it, or has to give way now.
    for (const place of new Set([change.before, change.after].flatMap(downstreamPlaces))) {
      wakeVariants(INDEX.downstream, place);
    }
  });

  connectSets(informers, selectables, queues.variantSet);
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

/** Reasons why a function did not run, or failed, of which a FunctionConfig can be the cause or the cure. */
const FUNCTION_FAULTS: ReadonlySet<string> = new Set([
  'AuthDenied',
  'BadOutput',
  'CrashLoop',
  'FunctionNotFound',
  'ImageNotAllowed',
  'ImagePull',
  'InputTooLarge',
  'NoEntrypoint',
  'OOMKilled',
  'PodForbidden',
  'PodNotStarted',
  'RenderFailed',
  'Unschedulable',
]);

/** Functions are run in another way from now on: what they have failed may succeed, without anybody asking for it. */
export function wakeFailedFunctions(revisions: Lister<PackageRevision>, wake: Pick<Queues, 'revision'>): void {
  for (const { metadata, status } of revisions.list()) {
    const ready = findCondition(status?.conditions, 'Ready');
    if (ready?.status === 'False' && FUNCTION_FAULTS.has(ready.reason)) wake.revision(objectKey(metadata));
  }
}

function downstreamPlaces(variant: PackageVariant | undefined): readonly string[] {
  return variant ? variantIndexes[INDEX.downstream](variant) : [];
}

/** Remotes on which one writer more or less is there now. */
function remotesClaimedAnew({ before, after, initial }: Change<Repository>): ReadonlySet<string> {
  const claim = (repository: Repository | undefined): string =>
    repository && repository.metadata.deletionTimestamp === undefined && !isReadOnly(repository)
      ? JSON.stringify([repository.metadata.uid, remoteOf(repository), repository.spec?.git?.directory])
      : '';
  if (initial || claim(before) === claim(after)) return new Set();
  return new Set([before, after].flatMap((repository) => (repository ? [remoteOf(repository)] : [])));
}

/** Upstreams that a revision names now and did not before, or the other way round. */
function upstreamsChanged({ before, after, initial }: Change<PackageRevision>): readonly string[] {
  const [had, has] = [before, after].map((revision) => new Set(revision ? upstreamNames(revision) : []));
  return initial || !had || !has ? [] : [...had.symmetricDifference(has)];
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
    before?.metadata.uid !== after?.metadata.uid ||
    isLetGo(before, after)
  );
}

/** A finalizer of an object that is being deleted is gone: whoever waited for it goes on. */
function isLetGo(before: KubeObject | undefined, after: KubeObject | undefined): boolean {
  if (after?.metadata.deletionTimestamp === undefined) return false;
  return before?.metadata.finalizers?.length !== after.metadata.finalizers?.length;
}

/** Why nothing of the revision was seen yet. */
function readyMessage(revision: PackageRevision | undefined): string | undefined {
  return findCondition(revision?.status?.conditions, 'Ready')?.message;
}

function readiness(repository: Repository | undefined): string | undefined {
  return findCondition(repository?.status?.conditions, 'Ready')?.status;
}

function annotationChanged({ before, after }: Change<KubeObject>, names: readonly string[]): boolean {
  return names.some((name) => before?.metadata.annotations?.[name] !== after?.metadata.annotations?.[name]);
}

/** Other inputs, or another way to make the content, are asked for, or the revision came under another owner. */
function wantsOther({ before, after }: Change<PackageRevision>): boolean {
  const wanted = (revision: PackageRevision | undefined): string =>
    [
      ...REVISION_ANNOTATIONS.map((name) => revision?.metadata.annotations?.[name]),
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
