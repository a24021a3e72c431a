import type { PackageRevision, PackageVariant, Repository } from '../api/kinds.ts';
import { SET_NAME_LABEL, VARIANT_ANNOTATION } from '../api/labels.ts';
import { type ObjectMeta, objectKey } from '../api/object.ts';
import { cleanDirectory, remoteIdentity } from '../repository/address.ts';
import { variantSetNames } from './package-variant-set/indexes.ts';

/** Names of the informer indexes; each maps an event to the few objects that it concerns. */
export const INDEX = {
  /** namespace/repository */
  repository: 'repository',
  /** namespace/repository/package */
  package: 'package',
  /** namespace/repository/package that a variant reads from */
  upstream: 'upstream',
  /** namespace/repository/package that a variant writes to */
  downstream: 'downstream',
  /** namespace/repository, both ends of a variant */
  variantRepository: 'variantRepository',
  /** namespace/name of objects that a variant may inject */
  injector: 'injector',
  /** what tells the set of a variant: see {@link variantSetKeys} */
  variantSet: 'variantSet',
  /** namespace/name of the variant that a revision was made for */
  variant: 'variant',
  /** namespace/name of the Secret that a repository is read with */
  secret: 'secret',
  /** namespace/name of the revisions that a revision is still to be made from */
  source: 'source',
  /** what names a revision's upstream: see {@link upstreamNames} */
  referrer: 'referrer',
  /** what a lock says that was taken from a revision: see {@link namesOf} */
  locked: 'locked',
  /** a repository's remote, however its address is spelt */
  remote: 'remote',
} as const;

const inNamespace = (meta: ObjectMeta, ...parts: (string | undefined)[]): string[] =>
  parts.every((part) => part !== undefined && part !== '') ? [[meta.namespace ?? '', ...parts].join('/')] : [];

/** The remote of a repository, however its address is spelt; '' without one. */
export function remoteOf({ spec }: Repository): string {
  return spec?.git?.repo ? remoteIdentity(spec.git.repo) : '';
}

export const repositoryIndexes = {
  [INDEX.remote]: (repository: Repository) => [remoteOf(repository)].filter((remote) => remote !== ''),
  [INDEX.secret]: ({ metadata, spec }: Repository) => inNamespace(metadata, spec?.git?.secretRef?.name),
};

export const revisionIndexes = {
  [INDEX.repository]: (revision: PackageRevision) => inNamespace(revision.metadata, revision.spec?.repository),
  [INDEX.package]: (revision: PackageRevision) =>
    inNamespace(revision.metadata, revision.spec?.repository, revision.spec?.packageName),
  [INDEX.variant]: (revision: PackageRevision) => {
    const variant = variantOf(revision);
    return variant === undefined ? [] : [variant];
  },
  [INDEX.source]: (revision: PackageRevision) =>
    revision.status?.observedCommit === undefined
      ? sourceNames(revision).flatMap((name) => inNamespace(revision.metadata, name))
      : [],
  [INDEX.referrer]: (revision: PackageRevision) => upstreamNames(revision),
  [INDEX.locked]: ({ status }: PackageRevision) => lockNames(status?.selfLock),
};

export const variantIndexes = {
  [INDEX.upstream]: ({ metadata, spec }: PackageVariant) =>
    inNamespace(metadata, spec?.upstream?.repo, spec?.upstream?.package),
  [INDEX.downstream]: ({ metadata, spec }: PackageVariant) =>
    inNamespace(metadata, spec?.downstream?.repo, spec?.downstream?.package),
  [INDEX.variantRepository]: ({ metadata, spec }: PackageVariant) => [
    ...new Set([...inNamespace(metadata, spec?.upstream?.repo), ...inNamespace(metadata, spec?.downstream?.repo)]),
  ],
  [INDEX.variantSet]: (variant: PackageVariant) => variantSetNames(variant),
  [INDEX.injector]: ({ metadata, spec }: PackageVariant) =>
    (spec?.injectors ?? []).flatMap((injector) => inNamespace(metadata, injector.name)),
};

/** Key of the variant that a revision belongs to, by its owner reference or by what its commits say. */
export function variantOf(revision: PackageRevision): string | undefined {
  const { namespace, ownerReferences, annotations } = revision.metadata;
  const owner = ownerReferences?.find(
    (reference) => reference.kind === 'PackageVariant' && reference.controller === true,
  );
  return owner ? `${namespace ?? ''}/${owner.name}` : annotations?.[VARIANT_ANNOTATION];
}

/** Names of the revisions that a revision is made from; empty ones, which clients send, do not count. */
export function sourceNames({ spec }: PackageRevision): readonly string[] {
  const { cloneFrom, copyFrom, upgrade } = spec?.source ?? {};
  const { oldUpstream, newUpstream, currentPackage } = upgrade ?? {};
  const references = [cloneFrom?.upstreamRef, copyFrom, oldUpstream, newUpstream, currentPackage];
  return references.flatMap((reference) => (reference?.name ? [reference.name] : []));
}

/** Name of the revision of its own package that a revision was made to go on from; undefined for one that begins anew. */
export function baseOf({ spec }: PackageRevision): string | undefined {
  const { copyFrom, upgrade } = spec?.source ?? {};
  return copyFrom?.name || upgrade?.currentPackage?.name || undefined;
}

/** Workspaces that variants make, ours and Porch's: what a person made and a variant adopted is none of them. */
export const MADE_BY_VARIANTS = /^packagevariant-/;

type Lock = NonNullable<PackageRevision['status']>['selfLock'];

/**
 * What names the upstream that a revision was made from: `namespace/name` of the object that its source names (not the old upstream
 * of an upgrade, which nothing needs any more), and the place in git that its lock names, whoever cloned it and how. The head of a
 * branch is nobody's downstream: its content belongs to the revisions that were published to it.
 */
export function upstreamNames(revision: PackageRevision): readonly string[] {
  const { metadata, spec, status } = revision;
  if (status?.revision === -1) return [];
  const { cloneFrom, upgrade } = spec?.source ?? {};
  const named = [cloneFrom?.upstreamRef?.name, upgrade?.newUpstream?.name];
  return [...named.flatMap((name) => inNamespace(metadata, name)), ...lockNames(status?.upstreamLock)];
}

/** All names under which others may hold a revision as their upstream. */
export function namesOf(revision: PackageRevision): readonly string[] {
  return [objectKey(revision.metadata), ...lockNames(revision.status?.selfLock)];
}

function lockNames(lock: Lock): readonly string[] {
  const { repo, directory = '', commit } = lock?.git ?? {};
  return repo && commit ? [`${remoteIdentity(repo)}//${cleanDirectory(directory)}@${commit}`] : [];
}

/** Key of the set that a variant belongs to. */
export function setOf({ metadata }: PackageVariant): string | undefined {
  const owner = metadata.ownerReferences?.find((reference) => reference.kind === 'PackageVariantSet');
  const name = owner?.name ?? metadata.labels?.[SET_NAME_LABEL];
  return name === undefined ? undefined : `${metadata.namespace ?? ''}/${name}`;
}
