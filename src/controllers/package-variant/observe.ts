import { PACKAGE_VARIANT, type PackageRevision, type PackageVariant, type Repository } from '../../api/kinds.ts';
import { INPUT_HASH_ANNOTATION } from '../../api/labels.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { Lister } from '../../kube/controller.ts';
import { isSamePlace } from '../../task/mutations/upgrade.ts';
import { baseOf, INDEX, variantOf } from '../indexes.ts';
import type { ObservedRevision } from './plan.ts';

/** What the variant reads from, or why it cannot be told yet. `retry` marks what passes by itself or by other objects' progress. */
export type UpstreamResolution =
  | { readonly revision: PackageRevision }
  | { readonly reason: string; readonly message: string; readonly retry: boolean };

export interface VariantListers {
  readonly repositories: Lister<Repository>;
  readonly revisions: Lister<PackageRevision>;
  readonly variants: Lister<PackageVariant>;
}

/**
 * Finds the upstream revision: `workspaceName` names it exactly (the repository's branch stands for the branch head),
 * `revision` N the published one, neither the latest published one.
 */
export function resolveUpstream(variant: PackageVariant, listers: VariantListers): UpstreamResolution {
  const { repo, package: pkg, revision, workspaceName } = variant.spec.upstream;
  const namespace = variant.metadata.namespace ?? '';
  const fault = repositoryFault(listers.repositories.get(`${namespace}/${repo}`), repo);
  if (fault) return { ...fault, retry: true };
  const candidates = listers.revisions.byIndex(INDEX.package, `${namespace}/${repo}/${pkg}`);
  const unread = unreadCandidate(candidates, workspaceName);
  if (unread) return unread;
  const found = candidates.find((candidate) => isWanted(candidate, candidates, workspaceName, revision));
  if (!found) return { reason: 'UpstreamNotFound', message: notFoundMessage(variant, candidates), retry: true };
  const lifecycle = found.status?.observedLifecycle;
  if (lifecycle !== 'Published' && lifecycle !== 'DeletionProposed') {
    const state = lifecycle ?? 'not made yet';
    return {
      reason: 'UpstreamNotPublished',
      message: `upstream ${found.metadata.name} is ${state}, not published`,
      retry: true,
    };
  }
  if (workspaceName && revision !== undefined && revision > 0 && found.status?.revision !== revision) {
    return {
      reason: 'ValidationError',
      message: `spec.upstream: workspaceName ${workspaceName} is revision ${found.status?.revision}, not ${revision}; give one of the two`,
      retry: false,
    };
  }
  return { revision: found };
}

/**
 * A revision of git whose content was not read yet, or cannot be read, and that may be the wanted one. Any may be the
 * latest one; taking an older one instead would be a downgrade.
 */
function unreadCandidate(
  candidates: readonly PackageRevision[],
  workspaceName: string | undefined,
): { readonly reason: string; readonly message: string; readonly retry: boolean } | undefined {
  const unread = candidates.find(
    ({ status, spec }) => !status?.selfLock && !spec.source && (!workspaceName || spec.workspaceName === workspaceName),
  );
  if (!unread) return undefined;
  const { name } = unread.metadata;
  const ready = findCondition(unread.status?.conditions, 'Ready');
  if (ready?.status !== 'False')
    return { reason: 'UpstreamPending', message: `${name} is being looked at`, retry: true };
  return { reason: 'UpstreamUnreadable', message: `upstream ${name}: ${ready.message}`, retry: true };
}

/** Why a repository cannot be used now, if it cannot: its coming or going on helps. "Not read yet" is never "not there". */
export function repositoryFault(
  repository: Repository | undefined,
  name: string,
): { readonly reason: string; readonly message: string } | undefined {
  if (!repository) return { reason: 'RepositoryNotFound', message: `Repository ${name} does not exist` };
  const ready = findCondition(repository.status?.conditions, 'Ready');
  if (ready?.status === 'True') return undefined;
  const because = ready?.message ? `: ${ready.message}` : ' yet';
  return { reason: 'RepositoryNotReady', message: `Repository ${name} is not ready${because}` };
}

function isWanted(
  candidate: PackageRevision,
  candidates: readonly PackageRevision[],
  workspaceName: string | undefined,
  revision: number | undefined,
): boolean {
  if (workspaceName) return candidate.spec.workspaceName === workspaceName;
  const number = candidate.status?.revision ?? 0;
  if (revision !== undefined && revision > 0) return number === revision;
  return number > 0 && candidates.every((other) => (other.status?.revision ?? 0) <= number);
}

function notFoundMessage(variant: PackageVariant, candidates: readonly PackageRevision[]): string {
  const { repo, package: pkg, revision, workspaceName } = variant.spec.upstream;
  const place = `package ${pkg} of Repository ${repo}`;
  if (candidates.length === 0) return `spec.upstream: ${place} does not exist`;
  const known = candidates.map((candidate) => candidate.spec.workspaceName).sort();
  const shown = known.slice(0, 5).join(', ') + (known.length > 5 ? ` and ${known.length - 5} more` : '');
  if (workspaceName) return `spec.upstream.workspaceName: ${place} has no workspace ${workspaceName}; it has ${shown}`;
  if (revision !== undefined && revision > 0)
    return `spec.upstream.revision: ${place} has no published revision ${revision}`;
  return `spec.upstream: ${place} has no published revision; to follow a branch, name it as workspaceName (known: ${shown})`;
}

/** The downstream package's revisions as the plan sees them; the branch head is none of them. */
export function observeDownstream(
  variant: PackageVariant,
  { repositories, revisions }: Pick<VariantListers, 'repositories' | 'revisions'>,
  upstream?: PackageRevision,
): ObservedRevision[] {
  const { repo, package: pkg } = variant.spec.downstream;
  const namespace = variant.metadata.namespace ?? '';
  const key = `${namespace}/${variant.metadata.name}`;
  const branch = repositories.get(`${namespace}/${repo}`)?.spec.git?.branch || 'main';
  const isHead = ({ spec, status }: PackageRevision): boolean =>
    status?.revision === -1 ||
    (spec.source === undefined && spec.workspaceName === branch && !status?.observedLifecycle);
  const all = revisions.byIndex(INDEX.package, `${namespace}/${repo}/${pkg}`).filter((revision) => !isHead(revision));
  return all
    .map((revision) => ({
      ...observeRevision(revision, key),
      upstreamMoved: hasMoved(upstream, revision),
      baseRevision: revision.status?.baseRevision ?? wantedBase(revision, all),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What a revision is to go on from of which nobody has seen anything in git yet. */
function wantedBase(revision: PackageRevision, siblings: readonly PackageRevision[]): number | undefined {
  const base = baseOf(revision);
  if (base === undefined) return revision.spec.source?.cloneFrom ? 0 : undefined;
  return siblings.find(({ metadata }) => metadata.name === base)?.status?.revision;
}

/** Whether a revision was made from another commit of the upstream's package; of another package it is not said. */
function hasMoved(upstream: PackageRevision | undefined, { status }: PackageRevision): boolean {
  const [wanted, lock] = [upstream?.status?.selfLock?.git, status?.upstreamLock?.git];
  if (!wanted?.commit || !lock?.commit || !isSamePlace(wanted, lock)) return false;
  return wanted.commit !== lock.commit;
}

function observeRevision(revision: PackageRevision, variantKey: string): ObservedRevision {
  const { metadata, spec, status } = revision;
  const current = status?.observedGeneration === metadata.generation;
  const stalled = findCondition(status?.conditions, 'Stalled');
  const ready = findCondition(status?.conditions, 'Ready');
  const failed = current && ready?.status === 'False';
  const comparedHash = holdsOtherInputs(revision) ? status?.inputHash : undefined;
  return {
    name: metadata.name,
    workspace: spec.workspaceName,
    lifecycle: status?.observedLifecycle,
    lookedAt: (status?.observedGeneration ?? -1) >= 0,
    hasSource: spec.source !== undefined,
    revision: status?.revision ?? 0,
    deleting: metadata.deletionTimestamp !== undefined,
    ours: variantOf(revision) === variantKey,
    controlled: hasOtherController(revision, variantKey),
    inputHash: madeFromInputs(revision),
    wantedHash: metadata.annotations?.[INPUT_HASH_ANNOTATION],
    differs: comparedHash !== undefined && comparedHash === metadata.annotations?.[INPUT_HASH_ANNOTATION],
    vanished: ready?.status === 'False' && ready.reason === 'Vanished',
    handPushed: findCondition(status?.conditions, 'HandPushed')?.status === 'True',
    tree: status?.packageTree,
    ...(failed ? { failure: { reason: ready.reason, message: ready.message, retry: stalled?.status !== 'True' } } : {}),
  };
}

/** Hash of the inputs that the content was made from; a comparison that found a difference leaves the hash that it was made with. */
export function madeFromInputs(revision: PackageRevision): string | undefined {
  return holdsOtherInputs(revision) ? undefined : revision.status?.inputHash;
}

function holdsOtherInputs({ status }: PackageRevision): boolean {
  return findCondition(status?.conditions, 'InputsMatch')?.status === 'False';
}

/** Another object has the say over the revision; what its commits tell of a variant that is gone does not count. */
function hasOtherController({ metadata }: PackageRevision, variantKey: string): boolean {
  const controller = metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (!controller) return false;
  return controller.kind !== PACKAGE_VARIANT.kind || `${metadata.namespace ?? ''}/${controller.name}` !== variantKey;
}
