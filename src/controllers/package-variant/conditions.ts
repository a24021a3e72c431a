/** Condition types of a PackageVariant. `Ready`: the right revision exists with the right content and nothing is to be done. */
export const CONDITION = {
  ready: 'Ready',
  upstreamResolved: 'UpstreamResolved',
  pendingApproval: 'PendingApproval',
  published: 'Published',
} as const;

/** `status.phase`, one word for the table. */
export type VariantPhase = 'Pending' | 'Blocked' | 'Draft' | 'Proposed' | 'Published' | 'Suspended';
