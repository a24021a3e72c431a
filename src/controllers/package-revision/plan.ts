import type { Lifecycle } from '../../repository/types.ts';
import { BRANCH_DIVERGED } from './branch-edit.ts';

/** The next step that brings git and a PackageRevision object together. Pure; one step at a time, each safe to repeat. */
export type RevisionPlan =
  | { readonly action: 'none' }
  | { readonly action: 'addFinalizer' }
  /** Run the object's one task and write a draft. */
  | { readonly action: 'create' }
  /** Apply the owning variant's inputs and the spec's metadata to the draft. */
  | { readonly action: 'mutate' }
  /** Compare a published revision with the owning variant's inputs, without writing. */
  | { readonly action: 'compare' }
  /** Somebody pushed to the draft, or asked for a render: take the content as it is and render it. */
  | { readonly action: 'render' }
  | { readonly action: 'transition'; readonly to: Lifecycle }
  /** Git moved on its own: the object's spec follows. */
  | { readonly action: 'follow'; readonly lifecycle: Lifecycle }
  /** The revision is gone from git and cannot be made again: the object goes too. */
  | { readonly action: 'forget' }
  /** A published revision is gone from git though nobody asked for that: the object stays and says so. */
  | { readonly action: 'vanished'; readonly tag: string }
  /** A push that arrived late has left branches beside the revision which say nothing new: they go. */
  | { readonly action: 'dropStrays' }
  | { readonly action: 'deleteFromGit' }
  | { readonly action: 'removeFinalizer' }
  | { readonly action: 'blocked'; readonly reason: string; readonly message: string };

export interface ObservedRevisionState {
  readonly deleting: boolean;
  readonly hasFinalizer: boolean;
  /** Finalizers of others, who want the content to be there until they have let go. */
  readonly heldBy?: readonly string[];
  /** `spec.lifecycle`, defaulted. */
  readonly desired: Lifecycle;
  readonly hasSource: boolean;
  /** Made because git held the revision; nobody asked for it. */
  readonly discovered: boolean;
  /** What git showed when the status was written last; absent when nothing was ever seen in git. */
  readonly seen?: {
    readonly lifecycle: Lifecycle;
    readonly commit: string;
    /** Tag of a Published revision. */
    readonly tag?: string;
  };
  /** What git shows now. */
  readonly git?: {
    readonly lifecycle: Lifecycle;
    readonly commit: string;
    readonly branchHead: boolean;
    readonly handPushed: boolean;
    readonly hasStrays: boolean;
    /** Highest published revision of its package. */
    readonly latest: boolean;
    /** Inputs that the content was made from, or compared with last. */
    readonly inputHash?: string;
  };
  /** A failure recorded for exactly these inputs (generation, wanted hash, commit): trying again cannot help. */
  readonly failedForGood: boolean;
  /** Labels, annotations or gates of the package that the spec asks for and that were not written yet. */
  readonly metadataPending: boolean;
  /** Somebody asked for another render. */
  readonly renderRequested: boolean;
  /** Inputs that the owning variant wants in this revision; absent without an owner. */
  readonly wantedHash?: string;
  /** Rendered condition for the commit that git shows; hand pushes are rendered once. */
  readonly renderedCommit?: string;
  /** Deletion policy of the owning variant while that is being deleted as well. */
  readonly leftBehind?: 'delete' | 'orphan';
  /** Revisions that were made from this one, as many as are shown; absent without any. */
  readonly referencedBy?: readonly string[];
  /** Nothing may be written to its repository. */
  readonly readOnly: boolean;
  /** Why its branch cannot be read as a package, though it is there. */
  readonly unreadable?: string;
  /** Why a move towards publication is not allowed now (failed render, unmet gates); absent when it is. */
  readonly proposalFault?: string;
  /**
   * Revision that was published since its variant decided on what to go on from, unless somebody has worked on the draft since: its
   * content would be lost.
   */
  readonly overtakenBy?: string;
  /** Why it must not be published, and so is not proposed: what somebody changed on the branch would be lost. */
  readonly heldByBranch?: string;
}

const published = (lifecycle: Lifecycle): boolean => lifecycle === 'Published' || lifecycle === 'DeletionProposed';

export function planRevision(state: ObservedRevisionState): RevisionPlan {
  return state.readOnly ? planReadOnly(state) : planWritable(state);
}

/** What the object says of git is made so where that takes no write; where it takes one, that is said. */
function planReadOnly(state: ObservedRevisionState): RevisionPlan {
  if (state.deleting) return state.hasFinalizer ? { action: 'removeFinalizer' } : { action: 'none' };
  if (!state.failedForGood && needsComparison(state)) return { action: 'compare' };
  const plan = planWritable({ ...state, failedForGood: true, git: state.git && { ...state.git, hasStrays: false } });
  const hasFault = plan.action === 'blocked' && plan.reason !== 'Unreadable';
  const wishes = plan.action === 'transition' || hasFault || (!state.git && !state.seen);
  if (!wishes || plan.action === 'forget') return plan;
  return { action: 'blocked', reason: 'ReadOnly', message: 'the repository is registered as read-only' };
}

function planWritable(state: ObservedRevisionState): RevisionPlan {
  if (state.deleting) return planDeletion(state);
  if (!state.git) return planMissing(state);
  const { git } = state;
  // The head of a branch has nothing to be cleaned up, unless somebody wants it to go.
  const needsFinalizer = !git.branchHead || state.desired === 'DeletionProposed';
  if (!state.hasFinalizer && needsFinalizer) return { action: 'addFinalizer' };
  if (git.hasStrays) return { action: 'dropStrays' };
  if (state.seen && state.seen.lifecycle !== git.lifecycle && state.seen.lifecycle === state.desired) {
    return { action: 'follow', lifecycle: git.lifecycle };
  }
  // A manifest that says nothing of the lifecycle, or an old one, is no wish to take a publication back.
  if (!state.seen && published(git.lifecycle) && !published(state.desired)) {
    return { action: 'follow', lifecycle: git.lifecycle };
  }
  if (git.branchHead) return { action: 'none' };
  if (!state.failedForGood && needsComparison(state)) return { action: 'compare' };
  const content = planContent(state, git);
  if (content) return content;
  return planTransition(state, git.lifecycle);
}

function planMissing(state: ObservedRevisionState): RevisionPlan {
  if (state.seen?.tag !== undefined) return { action: 'vanished', tag: state.seen.tag };
  if (state.seen && state.unreadable !== undefined) {
    return { action: 'blocked', reason: 'Unreadable', message: state.unreadable };
  }
  if (state.seen || (state.discovered && !state.hasSource)) return { action: 'forget' };
  if (!state.hasSource) {
    return {
      action: 'blocked',
      reason: 'NoSource',
      message: 'spec.source is not set and the repository has no such revision',
    };
  }
  if (state.failedForGood) return { action: 'none' };
  if (state.overtakenBy !== undefined) return overtaken(state.overtakenBy);
  return state.hasFinalizer ? { action: 'create' } : { action: 'addFinalizer' };
}

/** Content may change in drafts only; a proposed revision is frozen. */
function planContent(
  state: ObservedRevisionState,
  git: NonNullable<ObservedRevisionState['git']>,
): RevisionPlan | undefined {
  if (state.failedForGood) return undefined;
  if (git.lifecycle === 'Draft') {
    if (git.handPushed && state.renderedCommit !== git.commit) return { action: 'render' };
    const otherInputs = state.wantedHash !== undefined && git.inputHash !== state.wantedHash;
    if (otherInputs || state.metadataPending) return { action: 'mutate' };
    if (state.renderRequested) return { action: 'render' };
    // What is proposed was rendered as it is, whoever made it.
    const leaving = state.desired === 'Proposed' || state.desired === 'Published';
    return leaving && state.renderedCommit !== git.commit ? { action: 'render' } : undefined;
  }
  return undefined;
}

/** Older revisions stay what they are: whether they hold what is wanted now, nobody asks. */
function needsComparison({ git, wantedHash }: ObservedRevisionState): boolean {
  if (git?.lifecycle !== 'Published' || git.branchHead || !git.latest) return false;
  return wantedHash !== undefined && git.inputHash !== wantedHash;
}

function planTransition(state: ObservedRevisionState, current: Lifecycle): RevisionPlan {
  const { desired } = state;
  if (desired === current) return { action: 'none' };
  if (published(current) !== published(desired) && published(current)) {
    return {
      action: 'blocked',
      reason: 'IllegalTransition',
      message: `a ${current} revision cannot become ${desired}`,
    };
  }
  if (!published(current) && desired === 'DeletionProposed') {
    return {
      action: 'blocked',
      reason: 'IllegalTransition',
      message: 'only published revisions can be proposed for deletion; delete a draft instead',
    };
  }
  const towardsPublication = !published(current) && desired !== 'Draft';
  if (towardsPublication && state.proposalFault !== undefined) {
    return { action: 'blocked', reason: 'NotProposable', message: state.proposalFault };
  }
  if (towardsPublication && state.overtakenBy !== undefined) return overtaken(state.overtakenBy);
  if (towardsPublication && state.heldByBranch !== undefined) {
    return { action: 'blocked', reason: BRANCH_DIVERGED, message: state.heldByBranch };
  }
  return { action: 'transition', to: desired };
}

/**
 * Garbage collection deletes a variant's revisions along with it and knows nothing of policies. What the policy keeps goes as an
 * object only, as the policy wants it in git, where it is found again.
 */
function planLeftBehind(policy: 'delete' | 'orphan', lifecycle: Lifecycle): RevisionPlan | undefined {
  if (policy === 'orphan') return { action: 'removeFinalizer' };
  if (lifecycle === 'Published') return { action: 'transition', to: 'DeletionProposed' };
  return lifecycle === 'DeletionProposed' ? { action: 'removeFinalizer' } : undefined;
}

function overtaken(by: string): RevisionPlan {
  return { action: 'blocked', reason: 'Overtaken', message: `${by} was published since, whose content would be lost` };
}

function planDeletion(state: ObservedRevisionState): RevisionPlan {
  if (!state.hasFinalizer) return { action: 'none' };
  if (!state.git) return { action: 'removeFinalizer' };
  // Whoever deletes the object only, as garbage collection does, leaves the branch as it is.
  if (state.git.branchHead && state.desired !== 'DeletionProposed') return { action: 'removeFinalizer' };
  if (state.leftBehind !== undefined) {
    const left = planLeftBehind(state.leftBehind, state.git.lifecycle);
    if (left) return left;
  }
  const { heldBy = [] } = state;
  if (heldBy.length > 0) {
    return {
      action: 'blocked',
      reason: 'Held',
      message: `is deleted once others have let go of it: ${heldBy.join(', ')}`,
    };
  }
  // A draft that outlives its revision would be taken for a new one.
  if (state.git.hasStrays) return { action: 'dropStrays' };
  if (state.git.handPushed && state.seen && state.seen.commit !== state.git.commit) {
    return {
      action: 'blocked',
      reason: 'DraftMoved',
      message: 'commits were pushed by hand after the deletion was asked for; delete the branch to give them up',
    };
  }
  if (state.git.lifecycle === 'Published' && !state.git.branchHead) {
    if (state.desired === 'DeletionProposed') return { action: 'transition', to: 'DeletionProposed' };
    return {
      action: 'blocked',
      reason: 'DeletionBlocked',
      message: 'must be proposed for deletion by setting spec.lifecycle to DeletionProposed prior to deletion',
    };
  }
  const { referencedBy = [] } = state;
  if (referencedBy.length > 0 && published(state.git.lifecycle) && !state.git.branchHead) {
    return { action: 'blocked', reason: 'Referenced', message: `is the upstream of ${listed(referencedBy)}` };
  }
  return { action: 'deleteFromGit' };
}

const SHOWN = 3;

function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? ' and others' : '';
  return `${names.slice(0, SHOWN).join(', ')}${more}; delete them, or upgrade them, first`;
}
