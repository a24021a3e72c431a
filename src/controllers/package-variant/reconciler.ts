import { PACKAGE_REVISION, PACKAGE_VARIANT, type PackageRevision, type PackageVariant } from '../../api/kinds.ts';
import { FIELD_MANAGER, PACKAGE_REVISION_FINALIZER, PACKAGE_VARIANT_FINALIZER } from '../../api/labels.ts';
import { objectKey } from '../../api/object.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { ReconcileContext, ReconcileResult, Reconciler } from '../../kube/controller.ts';
import { ensureFinalizer } from '../../kube/finalizers.ts';
import { packageRevisionName } from '../../repository/names.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { INDEX } from '../indexes.ts';
import { latestLabels } from '../package-revision/labels.ts';
import { ObjectReport } from '../report.ts';
import { type ApprovalDecision, decideApproval } from './approval.ts';
import { claimedMetadata, claimPatch } from './claim.ts';
import { decideVariant, type VariantDecision } from './decide.ts';
import { finalizeVariant, leaveFormerPlaces } from './finalize.ts';
import { planHistory, takeHistoryStep } from './history.ts';
import { injectedCondition } from './injected.ts';
import type { ObservedRevision, VariantPlan } from './plan.ts';
import { DeletedDrafts, isRejected } from './rejection.ts';
import {
  blockedPhase,
  NOT_PENDING,
  rejectionStatus,
  revisionConditions,
  targetStatus,
  upstreamCondition,
  upstreamLockCondition,
  upstreamStatus,
  wasPublished,
} from './status.ts';
import { upgradeSource } from './upgrade.ts';
import { approvalSettings } from './validate.ts';

type Source = NonNullable<PackageRevision['spec']['source']>;

/**
 * Decides which revision of the downstream package should exist and with which inputs, and approves it as the policy
 * says. Observes: the variant, revisions of its two packages, their repositories, injected objects. Writes:
 * PackageRevision objects (never content), its own status and finalizer.
 */
export class PackageVariantReconciler implements Reconciler {
  readonly name = 'packagevariant';
  readonly workers: number;
  readonly #env: ControllerEnvironment;
  readonly #deletedDrafts: DeletedDrafts;

  constructor(env: ControllerEnvironment, workers: number) {
    this.#env = env;
    this.#deletedDrafts = new DeletedDrafts(env.revisions);
    this.workers = workers;
  }

  async reconcile(key: string, context: ReconcileContext): Promise<ReconcileResult | undefined> {
    const variant = this.#env.variants.get(key);
    if (!variant) {
      this.#deletedDrafts.take(key);
      return undefined;
    }
    const report = new ObjectReport(this.#env, variant, context);
    try {
      if (variant.metadata.deletionTimestamp !== undefined) {
        await finalizeVariant(this.#env, variant, context.signal);
        return undefined;
      }
      const options = { fieldManager: FIELD_MANAGER, signal: context.signal };
      const { store } = this.#env;
      const withFinalizer = await ensureFinalizer(store, PACKAGE_VARIANT, variant, PACKAGE_VARIANT_FINALIZER, options);
      report.replaced(withFinalizer);
      await this.#bring(withFinalizer, report, context);
    } catch (error) {
      report.failed(error);
    }
    return report.write();
  }

  async #bring(
    variant: PackageVariant,
    report: ObjectReport<PackageVariant>,
    context: ReconcileContext,
  ): Promise<void> {
    if (variant.spec.suspend) {
      report.status({ phase: 'Suspended' });
      report.ready('Suspended', 'spec.suspend is set');
      return;
    }
    if (variant.spec.injectors?.length) await this.#env.injectables.prepare?.(variant, context.signal);
    const deleted = this.#deletedDrafts.take(objectKey(variant.metadata));
    const decision = decideVariant(variant, this.#env, this.#env.injectables, deleted);
    report.status({ ...upstreamStatus(decision), ...rejectionStatus(variant, decision) });
    report.conditions([upstreamCondition(decision)]);
    await this.#execute(variant, decision, report, context);
  }

  async #execute(
    variant: PackageVariant,
    decision: VariantDecision,
    report: ObjectReport<PackageVariant>,
    context: ReconcileContext,
  ): Promise<void> {
    const { plan, inputHash } = decision;
    const { signal } = context;
    switch (plan.action) {
      case 'blocked':
        report.status({ phase: blockedPhase(plan) });
        if (plan.retry) report.waiting(plan.reason, plan.message);
        else report.blocked(plan.reason, plan.message);
        return;
      case 'wait':
        report.progressing(plan.reason, plan.message);
        return;
      case 'none':
        return this.#settle(variant, plan.current, decision, report, context);
      case 'clone':
        await this.#createRevision(
          variant,
          plan.workspace,
          { cloneFrom: { upstreamRef: { name: decision.upstream?.metadata.name ?? '' } } },
          inputHash,
          signal,
        );
        return this.#started(plan, report, `cloning ${decision.upstream?.metadata.name} as ${plan.workspace}`);
      case 'edit':
        await this.#createRevision(
          variant,
          plan.workspace,
          { copyFrom: { name: plan.source.name } },
          inputHash,
          signal,
        );
        return this.#started(plan, report, `new draft ${plan.workspace} on top of ${plan.source.name}`);
      case 'upgrade': {
        const upstream = decision.upstream as PackageRevision;
        const source = upgradeSource(variant, plan.source.name, upstream, this.#env.revisions);
        await this.#createRevision(variant, plan.workspace, source, inputHash, signal);
        const message = `upgrading ${plan.source.name} to ${upstream.metadata.name} as ${plan.workspace}`;
        return this.#started(plan, report, message);
      }
      case 'mutateDraft':
        await this.#annotate(plan.draft, variant, inputHash, signal);
        return this.#started(plan, report, `changing ${plan.draft.name}`);
      case 'adopt':
        await this.#annotate(plan.revision, variant, inputHash, signal);
        return this.#started(plan, report, `comparing ${plan.revision.name} with what is wanted`);
      case 'rebaseDraft':
        await this.#env.store.delete(
          PACKAGE_REVISION,
          { namespace: variant.metadata.namespace, name: plan.draft.name },
          { signal },
        );
        // Whoever deletes the draft that the status names rejects it; this was not a person.
        report.status({ inputHash: undefined, downstreamTargets: undefined });
        return this.#started(plan, report, `replacing ${plan.draft.name}, whose inputs have changed`);
    }
  }

  #started(plan: VariantPlan, report: ObjectReport<PackageVariant>, message: string): void {
    report.event(plan.action, message);
    report.progressing(plan.action, message);
  }

  /** The right revision exists: claim it, keep its metadata, approve it as the policy says, tell where it stands. */
  async #settle(
    variant: PackageVariant,
    current: ObservedRevision,
    { inputHash, rejected }: VariantDecision,
    report: ObjectReport<PackageVariant>,
    context: ReconcileContext,
  ): Promise<void> {
    const key = `${variant.metadata.namespace ?? ''}/${current.name}`;
    const found = this.#env.revisions.get(key);
    if (!found) return;
    const revision = await this.#claim(variant, found, inputHash, context.signal);
    report.status({ ...targetStatus(revision), inputHash });
    report.conditions([upstreamLockCondition(revision), ...revisionConditions(revision)]);
    const injected = injectedCondition(revision);
    if (report.conditions([injected]) && injected.status !== 'absent') {
      report.warning(injected.reason, injected.message);
    }
    const left = await leaveFormerPlaces(this.#env, variant, context.signal);
    if (left.length > 0) report.event('Moved', `went from ${left.join(', ')} to ${revision.metadata.name}`);
    const lifecycle = revision.status?.observedLifecycle;
    if (lifecycle === 'Published') {
      report.status({ phase: 'Published' });
      report.conditions([NOT_PENDING]);
      await this.#keepHistory(variant, report, context.signal);
      report.ready('UpToDate', `${revision.metadata.name} is published as revision ${revision.status?.revision}`);
      return;
    }
    const ready = findCondition(revision.status?.conditions, 'Ready');
    const rendered = findCondition(revision.status?.conditions, 'Rendered');
    report.status({ phase: lifecycle === 'Proposed' ? 'Proposed' : 'Draft' });
    if (rendered?.status === 'False' || ready?.status === 'False') {
      report.conditions([NOT_PENDING]);
      const fault = rendered?.status === 'False' ? rendered : ready;
      const reason = fault?.reason ?? 'NotReady';
      const message = `${revision.metadata.name}: ${fault?.message ?? 'is not ready'}`;
      const isStalled = findCondition(revision.status?.conditions, 'Stalled')?.status === 'True';
      if (isStalled) report.blocked(reason, message);
      else report.waiting(reason, message);
      return;
    }
    if (injected.status === 'False') {
      report.conditions([NOT_PENDING]);
      report.waiting('InjectionMissing', `${revision.metadata.name}: ${injected.message}`, 'Warning');
      return;
    }
    await this.#approve(variant, revision, isRejected(rejected, revision), report, context);
  }

  async #keepHistory(
    variant: PackageVariant,
    report: ObjectReport<PackageVariant>,
    signal: AbortSignal,
  ): Promise<void> {
    for (const step of planHistory(variant, this.#env.revisions)) {
      const { reason, message } = await takeHistoryStep(this.#env, step, variant, signal);
      report.event(reason, message);
    }
  }

  async #approve(
    variant: PackageVariant,
    revision: PackageRevision,
    rejected: boolean,
    report: ObjectReport<PackageVariant>,
    context: ReconcileContext,
  ): Promise<void> {
    const decision = this.#approvalDecision(variant, revision, rejected, context.now());
    if (decision.decision === 'wait') {
      const { reason, message } = decision;
      if (rejected) report.status({ phase: 'Rejected' });
      report.ready('DraftReady', `${revision.metadata.name} ${message}`);
      const before = findCondition(report.current().status?.conditions, 'PendingApproval');
      report.conditions([{ type: 'PendingApproval', status: 'True', reason, message }]);
      if (before?.reason !== reason) report.event(reason, `${revision.metadata.name} ${message}`);
      if (decision.afterMs !== undefined) report.requeueAfter(decision.afterMs);
      return;
    }
    let object = revision;
    for (const lifecycle of ['Proposed', 'Published'] as const) {
      if (object.spec.lifecycle === lifecycle || object.spec.lifecycle === 'Published') continue;
      const patch = { metadata: { resourceVersion: object.metadata.resourceVersion }, spec: { lifecycle } };
      object = await this.#env.store.patch(PACKAGE_REVISION, object.metadata, patch, {
        fieldManager: FIELD_MANAGER,
        signal: context.signal,
      });
    }
    report.conditions([NOT_PENDING]);
    if (object !== revision) report.event('Approved', `${revision.metadata.name}: ${decision.message}`);
    report.progressing('Publishing', `${revision.metadata.name}: ${decision.message}`);
  }

  #approvalDecision(
    variant: PackageVariant,
    revision: PackageRevision,
    rejected: boolean,
    now: Date,
  ): ApprovalDecision {
    const settings = approvalSettings(variant);
    if ('field' in settings) return { decision: 'wait', reason: 'ApprovalManual', message: settings.message };
    const { repo, package: pkg } = variant.spec.downstream;
    const siblings = this.#env.revisions.byIndex(INDEX.package, `${variant.metadata.namespace ?? ''}/${repo}/${pkg}`);
    return decideApproval({
      settings,
      rejected,
      ready: findCondition(revision.status?.conditions, 'Ready')?.status === 'True',
      rendered: findCondition(revision.status?.conditions, 'Rendered')?.status !== 'False',
      gates: (revision.spec.readinessGates ?? []).map((gate) => gate.conditionType),
      conditions: revision.status?.packageConditions ?? [],
      publishedBefore: siblings.some(wasPublished),
      createdAt: new Date(revision.metadata.creationTimestamp ?? now),
      now,
    });
  }

  async #createRevision(
    variant: PackageVariant,
    workspace: string,
    source: Source,
    inputHash: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { repo, package: pkg } = variant.spec.downstream;
    const claimed = claimedMetadata(variant, repo, inputHash);
    const revision: PackageRevision = {
      apiVersion: PACKAGE_REVISION.apiVersion,
      kind: PACKAGE_REVISION.kind,
      metadata: {
        name: packageRevisionName(repo, pkg, workspace),
        namespace: variant.metadata.namespace,
        ...claimed,
        // What the revision's controller would have to add at once.
        labels: { ...claimed.labels, ...latestLabels(false) },
        finalizers: [PACKAGE_REVISION_FINALIZER],
      },
      spec: { packageName: pkg, repository: repo, workspaceName: workspace, lifecycle: 'Draft', source },
    };
    await this.#env.store.apply(revision, { fieldManager: FIELD_MANAGER, signal });
  }

  /** Owner, labels and annotations of the variant on its revision; no write when they are there. */
  async #claim(
    variant: PackageVariant,
    revision: PackageRevision,
    inputHash: string | undefined,
    signal: AbortSignal,
  ): Promise<PackageRevision> {
    const patch = claimPatch(variant, revision, inputHash);
    if (!patch) return revision;
    return this.#env.store.patch(PACKAGE_REVISION, revision.metadata, patch, { fieldManager: FIELD_MANAGER, signal });
  }

  async #annotate(
    revision: ObservedRevision,
    variant: PackageVariant,
    inputHash: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const object = this.#env.revisions.get(`${variant.metadata.namespace ?? ''}/${revision.name}`);
    if (object) await this.#claim(variant, object, inputHash, signal);
  }
}
