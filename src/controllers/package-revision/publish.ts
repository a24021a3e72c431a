import type { PackageRevision, PackageVariant } from '../../api/kinds.ts';
import type { PackageRepository, RevisionInfo } from '../../repository/types.ts';
import { guardedBase } from './base.ts';
import { mayReplace } from './branch-edit.ts';
import type { RevisionReport } from './report.ts';
import { approverOf } from './stamps.ts';

export interface Publication {
  readonly repository: PackageRepository;
  readonly object: PackageRevision;
  readonly variant: PackageVariant | undefined;
  readonly report: RevisionReport;
  readonly signal: AbortSignal;
}

/** @throws as `PackageRepository.publish` */
export async function publishRevision(publication: Publication, info: RevisionInfo): Promise<RevisionInfo> {
  const { repository, object, variant, report, signal } = publication;
  const base = variant && guardedBase(object, info, await repository.snapshot({ signal }));
  let replaced: string | undefined;
  const onBranchEdit = (tree: string) => {
    replaced = tree;
    return mayReplace(object, variant, tree) ? ('replace' as const) : ('refuse' as const);
  };
  const published = await repository.publish(info, { signal, author: approverOf(object), base, onBranchEdit });
  if (replaced !== undefined) {
    const message = `what somebody changed on the branch (tree ${replaced}) was replaced; it is in the branch's history`;
    report.warning('BranchReplaced', message);
  }
  return published;
}
