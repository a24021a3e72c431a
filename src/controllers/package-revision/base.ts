import type { PackageRevision } from '../../api/kinds.ts';
import { packageRevisionName } from '../../repository/names.ts';
import type { RepositorySnapshot, RevisionInfo, TaskRecord } from '../../repository/types.ts';
import { baseOf, MADE_BY_VARIANTS } from '../indexes.ts';

type Packages = Pick<RepositorySnapshot, 'ofPackage'>;

/**
 * Number of the published revision of its own package that a revision goes on from: 0 when it begins the package, undefined when nobody
 * can tell. What its first commit says counts before what the object asks for, which may be no more than a copy of the object.
 */
export function baseRevision(
  object: PackageRevision,
  git: RevisionInfo | undefined,
  snapshot: Packages,
): number | undefined {
  const { source } = object.spec;
  const base = (git?.task && recordedBase(git.task)) ?? baseOf(object) ?? (source?.cloneFrom && BEGINS);
  if (base === undefined) return undefined;
  if (base === BEGINS) return 0;
  const found = snapshot.ofPackage(object.spec.packageName).find((revision) => isNamed(revision, base));
  return found && found.revision > 0 ? found.revision : object.status?.baseRevision;
}

/**
 * Name of the latest revision of the package, if it was published since a variant decided on what its draft goes on from. Who works on a
 * draft, or made it, has the say about it.
 */
export function overtakenBy(
  object: PackageRevision,
  git: RevisionInfo | undefined,
  snapshot: Packages,
): string | undefined {
  const base = guardedBase(object, git, snapshot);
  const { repository, packageName } = object.spec;
  const latest = snapshot.ofPackage(packageName).find((revision) => revision.latest);
  if (base === undefined || !latest || latest.revision <= base) return undefined;
  return packageRevisionName(repository, packageName, latest.workspace);
}

/** The number above which nothing may have been published when the draft is. */
export function guardedBase(
  object: PackageRevision,
  git: RevisionInfo | undefined,
  snapshot: Packages,
): number | undefined {
  if (git?.editedByHand || !MADE_BY_VARIANTS.test(object.spec.workspaceName)) return undefined;
  return baseRevision(object, git, snapshot);
}

const BEGINS = '';

/** The name in a task, as trailers have it, of the revision that it goes on from. */
function recordedBase(task: TaskRecord): string | undefined {
  switch (task.type) {
    case 'init':
    case 'clone':
      return BEGINS;
    case 'edit':
      return nameIn(task.edit, 'sourceRef');
    case 'upgrade':
      return nameIn(task.upgrade, 'localPackageRevisionRef');
    default:
      return undefined;
  }
}

function nameIn(record: unknown, field: string): string | undefined {
  const reference = member(record, field);
  const name = member(reference, 'name');
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function member(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined;
}

/** Whatever the repository was called in the cluster where the name was written down. */
function isNamed(revision: RevisionInfo, name: string): boolean {
  return name.endsWith(packageRevisionName('', revision.package, revision.workspace));
}
