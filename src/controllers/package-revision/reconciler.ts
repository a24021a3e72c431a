import { ConflictError } from '../../api/errors.ts';
import {
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  type PackageRevision,
  type PackageVariant,
  type Repository,
} from '../../api/kinds.ts';
import {
  FIELD_MANAGER,
  PACKAGE_REVISION_FINALIZER,
  RECONCILE_AT_ANNOTATION,
  RENDER_REQUEST_ANNOTATION,
  REPOSITORY_LABEL,
} from '../../api/labels.ts';
import { objectKey } from '../../api/object.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { ReconcileContext, ReconcileResult, Reconciler } from '../../kube/controller.ts';
import { removeFinalizer } from '../../kube/finalizers.ts';
import { conflictSummary } from '../../merge/describe.ts';
import type { Package } from '../../package/package.ts';
import type { Lifecycle, PackageRepository, RevisionInfo } from '../../repository/types.ts';
import { RenderError } from '../../task/errors.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { sourceNames, variantOf } from '../indexes.ts';
import { namespaceLeaves } from '../leaving-namespace.ts';
import { repositoryFault } from '../package-variant/observe.ts';
import { isReadOnly } from '../repository/claim.ts';
import { baseRevision, overtakenBy } from './base.ts';
import { BRANCH_DIVERGED, branchEdit, divergence, heldByBranch } from './branch-edit.ts';
import { type ContentChange, RevisionContent } from './content.ts';
import { latestLabelPatch } from './labels.ts';
import {
  fingerprint,
  knownInputHash,
  movedTag,
  observeRevision,
  renderRequest,
  unreadable,
  unrenderedProposal,
} from './observe.ts';
import { planRevision, type RevisionPlan } from './plan.ts';
import { publishRevision } from './publish.ts';
import { referrersOf } from './referrers.ts';
import { RevisionReport } from './report.ts';
import { findRevision } from './sources.ts';
import { stampsOf } from './stamps.ts';
import { gitStatus, mirrorOf, outcomeStatus } from './status.ts';

/** More steps than any sequence needs: create or render, propose, publish. A plan that never ends is a bug, not a wait. */
const MAX_STEPS = 8;
/** Reasons of a ConflictError that comes from the repository, not from the object store. */
const LOST_IN_GIT: readonly string[] = ['RefMoved', 'WorkspaceExists', 'Overtaken', BRANCH_DIVERGED];

interface Work {
  object: PackageRevision;
  readonly repositoryObject: Repository;
  readonly repository: PackageRepository;
  git: RevisionInfo | undefined;
  blocked: boolean;
  readonly signal: AbortSignal;
  readonly report: RevisionReport;
}

/**
 * Brings git to what a PackageRevision says, and its status to what git holds. The only controller that changes content.
 * Observes: the object, its Repository, its owning PackageVariant. Writes: git, the object's status, finalizer, latest label.
 */
export class PackageRevisionReconciler implements Reconciler {
  readonly name = 'packagerevision';
  readonly workers: number;
  readonly #env: ControllerEnvironment;
  readonly #content: RevisionContent;
  /** Attempts that failed for good, by object; forgotten at a restart, so that a new version tries once more. */
  readonly #failures = new Map<string, string>();

  constructor(env: ControllerEnvironment, workers: number) {
    this.#env = env;
    this.workers = workers;
    this.#content = new RevisionContent(env);
  }

  async reconcile(key: string, context: ReconcileContext): Promise<ReconcileResult | undefined> {
    const object = this.#env.revisions.get(key);
    if (!object) {
      this.#failures.delete(key);
      return undefined;
    }
    const report = new RevisionReport(this.#env, object, context);
    try {
      const repositoryObject = this.#repositoryOf(object);
      if (object.metadata.deletionTimestamp !== undefined) {
        const left = !repositoryObject || repositoryObject.metadata.deletionTimestamp !== undefined;
        if (left || (await namespaceLeaves(this.#env.store, object.metadata, context.signal))) {
          return await this.#letGo(object, context.signal);
        }
      }
      const fault = repositoryFault(repositoryObject, object.spec.repository);
      if (fault || !repositoryObject) {
        // A repository that nobody has looked at yet says nothing; its first answer wakes this object.
        if (repositoryObject && !repositoryObject.status?.conditions) return undefined;
        if (fault) report.waiting(fault.reason, fault.message);
      } else {
        await this.#run(key, await this.#open(object, repositoryObject, context.signal, report));
      }
    } catch (error) {
      report.failed(error);
      if (error instanceof RenderError) {
        report.rendered(error.report, undefined);
        report.status({ observedPrrResourceVersion: object.metadata.annotations?.[RENDER_REQUEST_ANNOTATION] });
      }
    }
    return report.write();
  }

  async #open(
    object: PackageRevision,
    repositoryObject: Repository,
    signal: AbortSignal,
    report: RevisionReport,
  ): Promise<Work> {
    const repository = await this.#env.gateway.open(repositoryObject);
    const asked = object.metadata.annotations?.[RECONCILE_AT_ANNOTATION];
    const isAsked = asked !== undefined && asked !== object.status?.lastHandledReconcileAt;
    if (isAsked) report.status({ lastHandledReconcileAt: asked });
    // Who asks for a render has written to git just before.
    if (isAsked || renderRequest(object) !== undefined) await this.#lookAgain({ repositoryObject, repository, signal });
    const git = findRevision(await repository.snapshot({ signal }), object);
    return { object, repositoryObject, repository, git, blocked: false, signal, report };
  }

  /** Git has no more to be cleaned up, or is none of ours any more: the object may go. */
  async #letGo(object: PackageRevision, signal: AbortSignal): Promise<undefined> {
    await removeFinalizer(this.#env.store, PACKAGE_REVISION, object, PACKAGE_REVISION_FINALIZER, this.#options(signal));
    return undefined;
  }

  #repositoryOf(object: PackageRevision): Repository | undefined {
    return this.#env.repositories.get(`${object.metadata.namespace ?? ''}/${object.spec.repository}`);
  }

  async #run(key: string, work: Work): Promise<void> {
    for (let step = 0; step < MAX_STEPS; step++) {
      this.#catchUp(key, work);
      const variant = await this.#variantNow(work);
      const object = work.report.current();
      const referencedBy = referrersOf(object, this.#env.revisions);
      const failedForGood = this.#failures.get(key) === this.#attempt(work);
      const snapshot = await work.repository.snapshot({ signal: work.signal });
      // What git shows counts: it may be no object yet that the variant could see.
      const overtaking = variant && overtakenBy(object, work.git, snapshot);
      const known = {
        failedForGood,
        referencedBy,
        readOnly: isReadOnly(work.repositoryObject),
        overtakenBy: overtaking,
        heldByBranch: heldByBranch(work.object, work.git, variant, snapshot),
        unreadable: work.git ? undefined : unreadable(object, snapshot),
      };
      const plan = planRevision(observeRevision(object, work.git, variant, known));
      if (!(await this.#step(key, work, plan))) break;
    }
    if (work.git) await this.#mirror(work, work.git);
    work.report.status({ referencedBy: referrersOf(work.report.current(), this.#env.revisions) });
  }

  /** What was asked for while a push was under way is done at once: a proposal that is approved already is one push, not two. */
  #catchUp(key: string, work: Work): void {
    const newest = this.#env.revisions.get(key);
    if (newest && newest !== work.object && isAsked(newest, work.object)) this.#replace(work, newest);
  }

  /** Carries out one step; false when there is nothing more to do now. */
  async #step(key: string, work: Work, plan: RevisionPlan): Promise<boolean> {
    try {
      return await this.#execute(work, plan);
    } catch (error) {
      if (RevisionReport.isFinal(error)) this.#failures.set(key, this.#attempt(work));
      if (error instanceof ConflictError && error.reason === 'Superseded') return true;
      if (error instanceof ConflictError && LOST_IN_GIT.includes(error.reason)) await this.#lookAgain(work);
      throw error;
    }
  }

  /** The inputs of an attempt. A source that comes, or changes, is another input; so is another way to run functions. */
  #attempt({ object, git, report }: Work): string {
    const namespace = object.metadata.namespace ?? '';
    const sources = git ? [] : sourceNames(object).map((name) => this.#env.revisions.get(`${namespace}/${name}`));
    return fingerprint(report.current(), git, { sources, functionRules: this.#env.functionRules() });
  }

  /**
   * Somebody else has written to the remote: the next plan, and all other revisions, must see it. When there is nothing new to
   * see, nobody is woken: the repository would wake this very revision, which would find the same again, for ever.
   */
  async #lookAgain({
    repositoryObject,
    repository,
    signal,
  }: Pick<Work, 'repositoryObject' | 'repository' | 'signal'>): Promise<void> {
    const before = await repository.snapshot({ signal });
    const after = await repository.sync({ signal });
    if (before.version !== after.version) this.#env.wake.repository(objectKey(repositoryObject.metadata));
  }

  async #execute(work: Work, plan: RevisionPlan): Promise<boolean> {
    const { report, repository, signal } = work;
    const request = { ...work, object: report.current(), variant: this.#variant(work.object) };
    switch (plan.action) {
      case 'none':
        return false;
      case 'blocked':
        work.blocked = true;
        report.blocked(plan.reason, plan.message);
        return false;
      case 'addFinalizer':
        await this.#adopt(work);
        return true;
      case 'removeFinalizer':
        await this.#letGo(work.object, signal);
        report.gone();
        return false;
      case 'forget':
        await this.#letGo(work.object, signal);
        await this.#env.store.delete(PACKAGE_REVISION, work.object.metadata, { uid: work.object.metadata.uid, signal });
        report.gone();
        return false;
      case 'vanished':
        report.blocked('Vanished', `tag ${plan.tag} is gone from git; restore it, or delete this object`);
        await this.#labelLatest(work, false);
        return false;
      case 'create':
        return this.#changed(work, await this.#content.create(request));
      case 'mutate':
        return this.#changed(work, await this.#content.mutate(request, work.git as RevisionInfo));
      case 'render':
        return this.#changed(work, await this.#content.render(request, work.git as RevisionInfo));
      case 'compare': {
        const { differs, inputHash } = await this.#content.compare(request, work.git as RevisionInfo);
        report.compared(!differs, inputHash);
        return false;
      }
      case 'follow':
        await this.#patch(work, {
          metadata: { resourceVersion: work.object.metadata.resourceVersion },
          spec: { lifecycle: plan.lifecycle },
        });
        this.#reportGit(work, work.git as RevisionInfo);
        return true;
      case 'transition': {
        const before = work.git as RevisionInfo;
        work.git = await this.#transition(work, before, plan.to);
        report.status(stampsOf(report.current(), before.lifecycle, plan.to));
        this.#reportGit(work, work.git);
        report.event(plan.to, `${work.object.metadata.name} is ${plan.to}`);
        if (plan.to === 'Published') this.#env.wake.repository(objectKey(work.repositoryObject.metadata));
        return true;
      }
      case 'dropStrays': {
        const { strays = [] } = work.git as RevisionInfo;
        work.git = await repository.dropStrays(work.git as RevisionInfo, { signal });
        report.event('StrayDeleted', `deleted ${strays.map(({ ref }) => ref).join(', ')}: left behind by a late push`);
        return true;
      }
      case 'deleteFromGit':
        await repository.delete(work.git as RevisionInfo, { signal });
        work.git = undefined;
        this.#env.wake.repository(objectKey(work.repositoryObject.metadata));
        return true;
    }
  }

  async #changed(work: Work, change: ContentChange): Promise<boolean> {
    work.git = change.info;
    await this.#mirrorKptfile(work, change.outcome.pkg);
    this.#reportGit(work, change.info);
    work.report.status({
      observedGeneration: work.object.metadata.generation,
      observedPrrResourceVersion: work.object.metadata.annotations?.[RENDER_REQUEST_ANNOTATION],
      ...outcomeStatus(change.outcome, change.info, change.inputHash),
    });
    if (change.outcome.result.render) work.report.rendered(change.outcome.result.render, change.info.commit);
    for (const warning of change.outcome.result.warnings ?? []) work.report.warning('ContentWarning', warning);
    const conflicts = change.outcome.result.conflicts ?? [];
    if (conflicts.length > 0) work.report.warning('MergeConflict', conflictSummary(conflicts));
    return true;
  }

  async #transition(work: Work, info: RevisionInfo, to: Lifecycle): Promise<RevisionInfo> {
    const { repository, object, signal } = work;
    switch (to) {
      case 'Draft':
        return repository.reject(info, { signal });
      case 'Proposed':
        return repository.propose(info, { signal, wanted: () => this.#isWanted(object, to) });
      case 'DeletionProposed':
        return repository.proposeDeletion(info, { signal });
      case 'Published': {
        if (info.lifecycle === 'DeletionProposed') return repository.restore(info, { signal });
        return publishRevision({ ...work, variant: this.#variant(object) }, info);
      }
    }
  }

  #isWanted(object: PackageRevision, lifecycle: Lifecycle): boolean {
    const newest = this.#env.revisions.get(objectKey(object.metadata));
    return !newest || !isAsked(newest, object) || newest.spec.lifecycle === lifecycle;
  }

  /** Status of a revision that stands: what git says, and what its Kptfile says when that was not mirrored yet. */
  async #mirror(work: Work, info: RevisionInfo): Promise<void> {
    const { report, repository, signal } = work;
    const unrendered = unrenderedProposal(report.current(), info);
    const anew = report.unrendered(unrendered) || report.current().status?.packageTree !== info.tree;
    if (anew && !info.branchHead)
      await this.#mirrorKptfile(work, await repository.read(info.commit, info.package, { signal }));
    const inputHash = knownInputHash(report.current(), info);
    const movedFrom = movedTag(report.current(), info);
    if (movedFrom) report.warning('TagMoved', `${info.ref} was moved from commit ${movedFrom} to ${info.commit}`);
    this.#reportGit(work, info);
    if (inputHash) report.status({ inputHash });
    report.handPushed(info.editedByHand);
    const snapshot = await repository.snapshot({ signal });
    report.status({ baseRevision: info.revision === 0 ? baseRevision(report.current(), info, snapshot) : undefined });
    const edited = info.latest ? branchEdit(work.object, snapshot) : undefined;
    report.branchDiverged(edited && divergence(info, edited));
    report.unrendered(unrendered);
    if (!info.branchHead) await this.#labelLatest(work, info.latest);
    const rendered = findCondition(report.current().status?.conditions, 'Rendered');
    if (rendered?.status === 'False') report.blocked(rendered.reason, rendered.message);
    else if (!work.blocked) report.ready('Ready', `${info.lifecycle} in git at ${info.commit.slice(0, 12)}`);
  }

  async #mirrorKptfile(work: Work, pkg: Package): Promise<void> {
    const { status, gates } = mirrorOf(pkg);
    work.report.status(status);
    work.report.renderedBefore(status.packageConditions?.find((condition) => condition.type === 'Rendered'));
    const known = (work.object.spec.readinessGates ?? []).map((gate) => gate.conditionType);
    if (gates.length === known.length && gates.every((gate, index) => gate === known[index])) return;
    const readinessGates = gates.map((conditionType) => ({ conditionType }));
    await this.#patch(work, { spec: { readinessGates } });
  }

  async #labelLatest(work: Work, latest: boolean): Promise<void> {
    const labels = latestLabelPatch(work.object.metadata.labels, latest);
    if (labels) await this.#patch(work, { metadata: { labels } });
  }

  /** One write for all that our objects bear. The version guards the finalizers, which other writers share. */
  async #adopt(work: Work): Promise<void> {
    const { uid, resourceVersion, finalizers = [] } = work.object.metadata;
    const latest = latestLabelPatch(work.object.metadata.labels, work.git?.latest ?? false);
    const labels = { [REPOSITORY_LABEL]: work.object.spec.repository, ...latest };
    const ours = [...finalizers, PACKAGE_REVISION_FINALIZER];
    const ownerReferences = ownersOf(work);
    await this.#patch(work, { metadata: { uid, resourceVersion, finalizers: ours, labels, ownerReferences } });
  }

  #reportGit(work: Work, info: RevisionInfo): void {
    work.report.status(gitStatus(info, work.repositoryObject.spec.deployment ?? false));
  }

  async #patch(work: Work, patch: object): Promise<void> {
    const { store } = this.#env;
    this.#replace(work, await store.patch(PACKAGE_REVISION, work.object.metadata, patch, this.#options(work.signal)));
  }

  #replace(work: Work, object: PackageRevision): void {
    work.object = object;
    work.report.replaced(object);
  }

  #options(signal: AbortSignal): { readonly fieldManager: string; readonly signal: AbortSignal } {
    return { fieldManager: FIELD_MANAGER, signal };
  }

  /**
   * What becomes of a revision whose object is deleted is the variant's word, if that is deleted as well. Its cache may not know of
   * that yet, and a draft that is deleted in git is lost.
   */
  async #variantNow({ object, signal }: Work): Promise<PackageVariant | undefined> {
    const known = this.#variant(object);
    const isNewsPossible =
      object.metadata.deletionTimestamp !== undefined && known?.metadata.deletionTimestamp === undefined;
    return known && isNewsPossible ? await this.#env.store.get(PACKAGE_VARIANT, known.metadata, signal) : known;
  }

  #variant(object: PackageRevision): ReturnType<ControllerEnvironment['variants']['get']> {
    const key = variantOf(object);
    return key === undefined ? undefined : this.#env.variants.get(key);
  }
}

/** Another spec of the same object, which is there to stay. */
function isAsked({ metadata }: PackageRevision, before: PackageRevision): boolean {
  const { uid, generation, deletionTimestamp } = before.metadata;
  if (metadata.deletionTimestamp !== deletionTimestamp || metadata.uid !== uid) return false;
  return (metadata.generation ?? 0) > (generation ?? 0);
}

/** A revision that nobody owns goes with its Repository: in the cluster, not in git. */
function ownersOf({ object, repositoryObject }: Work): PackageRevision['metadata']['ownerReferences'] {
  if (object.metadata.ownerReferences?.length || variantOf(object) !== undefined) return undefined;
  const { apiVersion, kind, metadata } = repositoryObject;
  return [{ apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '' }];
}
