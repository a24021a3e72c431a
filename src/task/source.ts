import { TerminalError } from '../api/errors.ts';
import type { CloneSource, InitSource, PackageSource, UpgradeSource } from '../api/generated/package-revision.ts';
import type { CloneTask, OciSource, Task, UpgradeStrategy, UpgradeTask } from './types.ts';

export const UPGRADE_STRATEGIES = [
  'resource-merge',
  'fast-forward',
  'force-delete-replace',
  'copy-merge',
] as const satisfies readonly UpgradeStrategy[];

/**
 * The task that `spec.source` of a PackageRevision stands for. Checks what the CRD's schema checks too, because manifests
 * also come from files that no API server has seen.
 * @throws TerminalError InvalidSource with the field at fault
 */
export function fromSource(source: PackageSource): Task {
  const members = Object.entries(source).filter(([, member]) => member !== undefined && member !== null);
  if (members.length !== 1) throw invalid('', 'exactly one of init, cloneFrom, copyFrom and upgrade must be set');
  if (source.init) return { type: 'init', init: checkedInit(source.init) };
  if (source.cloneFrom) return { type: 'clone', clone: cloneOf(source.cloneFrom) };
  if (source.copyFrom) return { type: 'edit', edit: { sourceRef: { name: nameOf(source.copyFrom, 'copyFrom') } } };
  if (source.upgrade) return { type: 'upgrade', upgrade: upgradeOf(source.upgrade) };
  throw invalid(`.${members[0]?.[0]}`, `source of type ${members[0]?.[0]} not supported`);
}

function checkedInit(init: InitSource): InitSource {
  if (!init.subpackage) return init;
  throw invalid('.init.subpackage', 'a subpackage cannot be initialised on its own; add its files to a package');
}

/** A git or OCI source may have an empty reference beside it, which clients send. */
function cloneOf({ upstreamRef, git, oci }: CloneSource): CloneTask['clone'] {
  if (upstreamRef?.name || (upstreamRef && !git && !oci)) {
    return { upstreamRef: { name: nameOf(upstreamRef, 'cloneFrom.upstreamRef') } };
  }
  if (git?.repo) return { git };
  if (git) throw invalid('.cloneFrom.git.repo', 'git.repo is required');
  if (oci) return { oci: imageOf(oci, 'cloneFrom.oci') };
  throw invalid('.cloneFrom', 'invalid clone source: must specify one of upstreamRef, git and oci');
}

function upgradeOf(source: UpgradeSource): UpgradeTask['upgrade'] {
  const { oldUpstream, newUpstream, currentPackage, oci, strategy } = source;
  if (strategy && !UPGRADE_STRATEGIES.includes(strategy)) {
    const known = UPGRADE_STRATEGIES.join(', ');
    throw invalid('.upgrade.strategy', `strategy ${JSON.stringify(strategy)} is not one of ${known}`);
  }
  const base = {
    currentPackage: { name: nameOf(currentPackage, 'upgrade.currentPackage') },
    ...(strategy ? { strategy } : {}),
  };
  if (oci && !oldUpstream && !newUpstream) return { ...base, oci: imageOf(oci, 'upgrade.oci') };
  if (oci) throw invalid('.upgrade', 'set either oldUpstream and newUpstream, or oci');
  return {
    oldUpstream: { name: nameOf(oldUpstream, 'upgrade.oldUpstream') },
    newUpstream: { name: nameOf(newUpstream, 'upgrade.newUpstream') },
    ...base,
  };
}

function imageOf({ image, secretRef }: OciSource, field: string): OciSource {
  if (!image) throw invalid(`.${field}.image`, `${field}.image is required`);
  return { image, ...(secretRef?.name ? { secretRef: { name: secretRef.name } } : {}) };
}

function nameOf(reference: { readonly name?: string } | undefined, field: string): string {
  if (reference?.name) return reference.name;
  throw invalid(`.${field}.name`, `${field}.name is required`);
}

function invalid(field: string, message: string): TerminalError {
  return new TerminalError('InvalidSource', message, { field: `spec.source${field}` });
}
