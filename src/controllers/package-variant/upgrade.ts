import type { PackageSource } from '../../api/generated/package-revision.ts';
import type { PackageRevision, PackageVariant } from '../../api/kinds.ts';
import type { Lister } from '../../kube/controller.ts';
import { packageRevisionName } from '../../repository/names.ts';
import { isSamePlace } from '../../task/mutations/upgrade.ts';
import { INDEX } from '../indexes.ts';

/**
 * The source of a revision that brings a variant's package to a newer upstream.
 * @param currentName published revision of the downstream package
 */
export function upgradeSource(
  variant: PackageVariant,
  currentName: string,
  newUpstream: PackageRevision,
  revisions: Lister<PackageRevision>,
): PackageSource {
  const current = revisions.get(`${variant.metadata.namespace ?? ''}/${currentName}`);
  return {
    upgrade: {
      oldUpstream: { name: oldUpstreamName(variant, current, revisions) },
      newUpstream: { name: newUpstream.metadata.name },
      currentPackage: { name: currentName },
      ...(variant.spec.upgradeStrategy ? { strategy: variant.spec.upgradeStrategy } : {}),
    },
  };
}

/**
 * Name of the revision that the package's lock names, by commit, else by ref (a tag that was moved, a branch that went
 * on). When there is none any more, the name that it had: the upgrade then reads the lock's commit.
 */
function oldUpstreamName(
  variant: PackageVariant,
  current: PackageRevision | undefined,
  revisions: Lister<PackageRevision>,
): string {
  const { repo, package: pkg } = variant.spec.upstream;
  const lock = current?.status?.upstreamLock?.git;
  const candidates = revisions
    .byIndex(INDEX.package, `${variant.metadata.namespace ?? ''}/${repo}/${pkg}`)
    .filter(({ status }) => lock !== undefined && status?.selfLock?.git && isSamePlace(status.selfLock.git, lock));
  const found =
    candidates.find(({ status }) => status?.selfLock?.git?.commit === lock?.commit) ??
    candidates.find(({ status }) => status?.selfLock?.git?.ref === lock?.ref);
  return found?.metadata.name ?? packageRevisionName(repo, pkg, lock?.ref?.split('/').at(-1) || 'unknown');
}
