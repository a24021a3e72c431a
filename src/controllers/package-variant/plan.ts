import type { Lifecycle } from '../../repository/types.ts';
import { MADE_BY_VARIANTS } from '../indexes.ts';

/**
 * What should happen to a variant's downstream package next. A pure function of what was observed, compared by hashes of
 * inputs (never by rendered output); it is also what a preview prints.
 */
export type VariantPlan =
  | { readonly action: 'none'; readonly current: ObservedRevision }
  | { readonly action: 'wait'; readonly reason: string; readonly message: string; readonly current?: ObservedRevision }
  | { readonly action: 'clone'; readonly workspace: string }
  | { readonly action: 'edit'; readonly workspace: string; readonly source: ObservedRevision }
  | { readonly action: 'upgrade'; readonly workspace: string; readonly source: ObservedRevision }
  | { readonly action: 'mutateDraft'; readonly draft: ObservedRevision }
  | { readonly action: 'rebaseDraft'; readonly draft: ObservedRevision }
  | { readonly action: 'adopt'; readonly revision: ObservedRevision }
  | { readonly action: 'blocked'; readonly reason: string; readonly message: string; readonly retry: boolean };

export interface ObservedRevision {
  readonly name: string;
  readonly workspace: string;
  /** Lifecycle in git; absent while nothing has been written for the object, or nothing was looked at yet. */
  readonly lifecycle?: Lifecycle;
  /** The revision controller has compared the object with git at least once. */
  readonly lookedAt: boolean;
  /** Somebody asked for it to be made; without it the revision was found in git. */
  readonly hasSource: boolean;
  readonly revision: number;
  /** The object's own deletion is under way. */
  readonly deleting: boolean;
  /** Made for this variant: owned by it, or its commits say so. */
  readonly ours: boolean;
  /** Another object controls it: it is never adopted. */
  readonly controlled: boolean;
  /** Hash of the inputs that its content was made from; absent when others made it. */
  readonly inputHash?: string;
  /** Hash of the inputs that were asked for last (annotation), which may not have been applied yet. */
  readonly wantedHash?: string;
  /** Inputs were compared by a dry run and differ. */
  readonly differs: boolean;
  /** Its upstream lock names another commit of the wanted upstream package. Absent counts as no. */
  readonly upstreamMoved?: boolean;
  /** Published, and gone from git since. */
  readonly vanished: boolean;
  /** Holds commits that somebody else made. */
  readonly handPushed: boolean;
  /** Number of the published revision that it goes on from, 0 when it begins the package; absent when nobody can tell. */
  readonly baseRevision?: number;
  /** Id of the package's tree: equal ones are equal packages. */
  readonly tree?: string;
  /** Why making or changing it fails, if it does; `retry` unless it has failed for good. */
  readonly failure?: { readonly reason: string; readonly message: string; readonly retry: boolean };
}

/** Hash of a variant's inputs in two parts, so that a moved upstream is told from a changed spec: `v1:<upstream>.<rest>`. */
export interface WantedInputs {
  readonly hash: string;
  /** Workspace for a revision on top of `base` (0 when there is none): derived from the inputs, so a retry finds what the last try made. */
  readonly workspace: (base: number) => string;
}

export interface ObservedVariant {
  readonly wanted: WantedInputs;
  readonly adoptExisting: boolean;
  /** Why these inputs are not to be made into a draft again: a person did not want it. */
  readonly rejected?: string;
  /** All revisions of the downstream package but the branch head. */
  readonly revisions: readonly ObservedRevision[];
}

const isPublished = (revision: ObservedRevision): boolean =>
  revision.lifecycle === 'Published' || revision.lifecycle === 'DeletionProposed';

export function planVariant(observed: ObservedVariant): VariantPlan {
  const plan = planInputs(observed);
  const makesDraft = plan.action === 'clone' || plan.action === 'edit' || plan.action === 'upgrade';
  return makesDraft && observed.rejected !== undefined ? blocked('Rejected', observed.rejected) : plan;
}

function planInputs(observed: ObservedVariant): VariantPlan {
  const unseen = observed.revisions.find((revision) => revision.lifecycle === undefined && !revision.hasSource);
  if (unseen)
    return { action: 'wait', reason: 'Discovering', message: `${unseen.name} was found in git and is being looked at` };
  const revisions = observed.revisions.filter((revision) => !revision.deleting);
  const draft = currentDraft(revisions, observed);
  const latest = latestPublished(revisions);
  if (draft) {
    if (!draft.ours) return planAdoption(draft);
    if (latest && saysNothingNew(draft, latest)) return { action: 'rebaseDraft', draft };
    const newer = overtaking(draft, latest);
    // Without this draft, which has begun it, the package would be none of the variant's.
    const others = revisions.filter((revision) => revision !== draft);
    if (newer && !mayTakeOver(newer, others, observed)) return existsAlready(newer, observed.adoptExisting);
    return planDraft(draft, observed.wanted.hash, newer);
  }
  if (observed.revisions.length > revisions.length && !latest) {
    return { action: 'wait', reason: 'Deleting', message: 'an earlier revision is still being deleted' };
  }
  if (!latest) {
    const foreign = revisions[0];
    if (foreign) return existsAlready(foreign, observed.adoptExisting);
    return { action: 'clone', workspace: observed.wanted.workspace(0) };
  }
  if (!mayTakeOver(latest, revisions, observed)) return existsAlready(latest, observed.adoptExisting);
  return planPublished(latest, observed.wanted);
}

/** @param newer published since the draft was made: what it holds would be lost by publishing the draft */
function planDraft(draft: ObservedRevision, wanted: string, newer: ObservedRevision | undefined): VariantPlan {
  if (draft.lifecycle === undefined) {
    // An object that nobody has looked at yet may well have its draft in git, with other people's work in it.
    const pending = {
      action: 'wait',
      reason: 'DraftPending',
      message: `${draft.name} is being made`,
      current: draft,
    } as const;
    if (!draft.lookedAt) return pending;
    if (draft.wantedHash !== wanted || newer) return { action: 'rebaseDraft', draft };
    return draft.failure ? { action: 'blocked', ...draft.failure } : pending;
  }
  if (newer) return planOvertaken(draft, newer);
  if (draft.inputHash === wanted) return { action: 'none', current: draft };
  if (draft.lifecycle === 'Proposed') {
    return blocked('ProposedBlocked', `${draft.name} is proposed; reject or approve it before its inputs can change`);
  }
  // Content that others made is changed in place: it is theirs, so it is never replaced.
  if (draft.inputHash === undefined || upstreamPart(draft.inputHash) === upstreamPart(wanted)) {
    if (draft.wantedHash !== wanted) return { action: 'mutateDraft', draft };
    if (draft.failure) return { action: 'blocked', ...draft.failure };
    return { action: 'wait', reason: 'DraftPending', message: `${draft.name} is being changed`, current: draft };
  }
  if (draft.handPushed) {
    return blocked(
      'DraftBlocked',
      `the upstream moved, but ${draft.name} holds commits made by hand; publish or delete it`,
    );
  }
  return { action: 'rebaseDraft', draft };
}

/** The inputs have come back to what is published: that is compared with them once the draft is out of the way. */
function saysNothingNew(draft: ObservedRevision, latest: ObservedRevision): boolean {
  const { lifecycle, handPushed, workspace, tree } = draft;
  if (lifecycle !== 'Draft' || handPushed || !MADE_BY_VARIANTS.test(workspace)) return false;
  // These inputs were compared already, while a function failed, say: without the draft, it would be made again.
  if (latest.differs && latest.inputHash === draft.inputHash) return false;
  return latest.lifecycle === 'Published' && tree !== undefined && tree === latest.tree;
}

function planOvertaken(draft: ObservedRevision, newer: ObservedRevision): VariantPlan {
  const since = `${newer.name} was published since ${draft.name} was made`;
  if (draft.handPushed || !MADE_BY_VARIANTS.test(draft.workspace)) {
    const work = draft.handPushed ? 'holds commits made by hand' : 'somebody else made';
    return blocked('DraftBlocked', `${since}, which ${work}; publish or delete it`);
  }
  if (draft.lifecycle === 'Proposed') return blocked('ProposedBlocked', `${since}; reject it, and it is made anew`);
  return { action: 'rebaseDraft', draft };
}

/** A draft that somebody else made is changed in place and never replaced. */
function planAdoption(draft: ObservedRevision): VariantPlan {
  if (draft.lifecycle === undefined) {
    return { action: 'wait', reason: 'Discovering', message: `${draft.name} is being looked at before it is adopted` };
  }
  if (draft.lifecycle === 'Proposed') {
    return blocked('ProposedBlocked', `${draft.name} is proposed; reject or approve it before it can be adopted`);
  }
  return { action: 'mutateDraft', draft };
}

function planPublished(latest: ObservedRevision, wanted: WantedInputs): VariantPlan {
  if (latest.lifecycle === 'DeletionProposed') {
    return blocked('DeletionProposed', `${latest.name} is proposed for deletion; restore or delete it`);
  }
  if (latest.vanished) return blocked('DownstreamVanished', `${latest.name} was published and is gone from git`);
  if (latest.inputHash === wanted.hash) return { action: 'none', current: latest };
  const workspace = wanted.workspace(latest.revision);
  if (hasOtherUpstream(latest, wanted.hash)) return { action: 'upgrade', workspace, source: latest };
  // Other inputs need not be another content: an object that no point of the package asks for, a key that was not there.
  if (latest.wantedHash !== wanted.hash) return { action: 'adopt', revision: latest };
  if (latest.differs) return { action: 'edit', workspace, source: latest };
  if (latest.failure) return { action: 'blocked', ...latest.failure };
  return { action: 'wait', reason: 'Comparing', message: `${latest.name} is being compared`, current: latest };
}

/** Comparing inputs does not see the upstream: what others published goes on from the commit that its lock names. */
function hasOtherUpstream({ inputHash, upstreamMoved }: ObservedRevision, wanted: string): boolean {
  return inputHash === undefined ? upstreamMoved === true : upstreamPart(inputHash) !== upstreamPart(wanted);
}

/** The draft that matches best: the wanted inputs first, then any of ours, then one that may be adopted. */
function currentDraft(
  revisions: readonly ObservedRevision[],
  { wanted: { hash }, adoptExisting }: ObservedVariant,
): ObservedRevision | undefined {
  const drafts = revisions.filter((revision) => !isPublished(revision));
  const ours = drafts.filter((draft) => draft.ours);
  const matching = ours.find((draft) => draft.inputHash === hash || draft.wantedHash === hash);
  return matching ?? ours[0] ?? (adoptExisting ? drafts.find((draft) => !draft.controlled) : undefined);
}

/** A variant goes on from what it made itself; anything else it takes over only when asked to, and never from another owner. */
function mayTakeOver(
  latest: ObservedRevision,
  revisions: readonly ObservedRevision[],
  { adoptExisting }: ObservedVariant,
): boolean {
  if (revisions.some((revision) => revision.ours)) return true;
  return adoptExisting && !latest.controlled;
}

function latestPublished(revisions: readonly ObservedRevision[]): ObservedRevision | undefined {
  return revisions
    .filter((revision) => isPublished(revision) && revision.revision > 0)
    .reduce<ObservedRevision | undefined>(
      (best, next) => (best && best.revision >= next.revision ? best : next),
      undefined,
    );
}

/** What was published on top of the revision that a draft goes on from. */
function overtaking(
  { baseRevision }: ObservedRevision,
  latest: ObservedRevision | undefined,
): ObservedRevision | undefined {
  return baseRevision !== undefined && latest && latest.revision > baseRevision ? latest : undefined;
}

function existsAlready(revision: ObservedRevision, adoptExisting: boolean): VariantPlan {
  if (adoptExisting) return blocked('Conflict', `${revision.name} is controlled by another object`);
  return blocked(
    'DownstreamExists',
    `the package exists already (${revision.name}) and is not this variant's; set adoptionPolicy: adoptExisting to take it over`,
  );
}

function blocked(reason: string, message: string): VariantPlan {
  return { action: 'blocked', reason, message, retry: false };
}

/** The part of an input hash that stands for the upstream package. */
export function upstreamPart(hash: string | undefined): string | undefined {
  return hash?.split('.')[0];
}
