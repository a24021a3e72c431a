import type { PackageRevisionStatus } from '../../api/generated/package-revision.ts';
import type { PackageRevision } from '../../api/kinds.ts';
import { APPROVED_BY_ANNOTATION, PROPOSED_BY_ANNOTATION } from '../../api/labels.ts';
import type { Lifecycle, PersonStamp } from '../../repository/types.ts';

/** Where no policy of the cluster says who it was. */
const UNKNOWN = 'unknown';

/** Who approved a revision, as the author of its publication: git has no users, so the name stands for both. */
export function approverOf({ metadata }: PackageRevision): PersonStamp | undefined {
  const name = metadata.annotations?.[APPROVED_BY_ANNOTATION];
  return name ? { name, email: name } : undefined;
}

/** Who asked for a move that was carried out. What git did on its own names nobody; a revision that is sent back begins anew. */
export function stampsOf(
  { metadata, status }: PackageRevision,
  from: Lifecycle,
  to: Lifecycle,
): Pick<PackageRevisionStatus, 'proposedBy' | 'approvedBy'> {
  const { [PROPOSED_BY_ANNOTATION]: proposer, [APPROVED_BY_ANNOTATION]: approver } = metadata.annotations ?? {};
  if (to === 'Draft') return { proposedBy: undefined, approvedBy: undefined };
  if (to === 'Proposed') return { proposedBy: proposer || UNKNOWN, approvedBy: undefined };
  if (to === 'Published' && from !== 'DeletionProposed') {
    return { proposedBy: status?.proposedBy ?? (proposer || UNKNOWN), approvedBy: approver || UNKNOWN };
  }
  return {};
}
