import { describeError } from '../../api/errors.ts';
import type { VariantSetTargetStatus } from '../../api/generated/package-variant-set.ts';
import { PACKAGE_VARIANT, type PackageVariant, type PackageVariantSet } from '../../api/kinds.ts';
import { FIELD_MANAGER, PACKAGE_VARIANT_FINALIZER, PACKAGE_VARIANT_SET_LABEL } from '../../api/labels.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { ReconcileContext, ReconcileResult, Reconciler } from '../../kube/controller.ts';
import { sanitiseText } from '../../observability/sanitise.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { INDEX } from '../indexes.ts';
import { ObjectReport } from '../report.ts';
import { type PlannedVariant, planSet } from './plan.ts';
import { expandTargets } from './targets.ts';

/** Targets listed in status; those that are not Ready come first. */
const MAX_TARGETS = 50;

/**
 * Keeps one PackageVariant for each target of a set. Observes: the set and its variants. Writes: the variants' spec and
 * ownership, the set's status. One bad target never stops the others.
 */
export class PackageVariantSetReconciler implements Reconciler {
  readonly name = 'packagevariantset';
  readonly workers: number;
  readonly #env: ControllerEnvironment;

  constructor(env: ControllerEnvironment, workers: number) {
    this.#env = env;
    this.workers = workers;
  }

  async reconcile(key: string, context: ReconcileContext): Promise<ReconcileResult | undefined> {
    const set = this.#env.variantSets.get(key);
    // Variants of a set that goes are deleted by their owner reference, each under its own deletion policy.
    if (!set || set.metadata.deletionTimestamp !== undefined) return undefined;
    const report = new ObjectReport(this.#env, set, context);
    try {
      await this.#bring(set, report, context.signal);
    } catch (error) {
      report.failed(error);
    }
    return report.write();
  }

  async #bring(set: PackageVariantSet, report: ObjectReport<PackageVariantSet>, signal: AbortSignal): Promise<void> {
    const { desired, faults } = expandTargets(set);
    const plan = planSet(
      set.metadata.name,
      desired,
      this.#env.variants.byIndex(INDEX.variantSet, set.metadata.uid ?? ''),
    );
    const targets: VariantSetTargetStatus[] = faults.map(({ target, reason, message }) => ({
      ready: false,
      message: `${target}: ${reason}: ${message}`,
    }));
    for (const planned of plan.keep) targets.push(targetStatus(planned, planned.existing));
    for (const planned of plan.apply) targets.push(await this.#apply(set, planned, signal));
    // Nothing is removed on account of a set that could not be read whole.
    if (faults.length === 0) for (const variant of plan.remove) await this.#remove(variant, signal);
    summarise(report, targets, faults.length);
  }

  async #apply(set: PackageVariantSet, planned: PlannedVariant, signal: AbortSignal): Promise<VariantSetTargetStatus> {
    try {
      const applied = await this.#env.store.apply(variantObject(set, planned), { fieldManager: FIELD_MANAGER, signal });
      return targetStatus(planned, applied);
    } catch (error) {
      const { repo, package: pkg } = planned.spec.downstream;
      return { variant: planned.name, repo, package: pkg, ready: false, message: sanitiseText(describeError(error)) };
    }
  }

  async #remove({ metadata }: PackageVariant, signal: AbortSignal): Promise<void> {
    await this.#env.store.delete(PACKAGE_VARIANT, metadata, { uid: metadata.uid, signal });
  }
}

function variantObject(
  { apiVersion, kind, metadata }: PackageVariantSet,
  { name, spec }: PlannedVariant,
): PackageVariant {
  return {
    apiVersion: PACKAGE_VARIANT.apiVersion,
    kind: PACKAGE_VARIANT.kind,
    metadata: {
      name,
      namespace: metadata.namespace,
      labels: { [PACKAGE_VARIANT_SET_LABEL]: metadata.uid ?? '' },
      finalizers: [PACKAGE_VARIANT_FINALIZER],
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true }],
    },
    spec,
  };
}

function targetStatus({ name, spec }: PlannedVariant, variant: PackageVariant | undefined): VariantSetTargetStatus {
  const ready = findCondition(variant?.status?.conditions, 'Ready');
  const current = variant?.status?.observedGeneration === variant?.metadata.generation;
  return {
    variant: name,
    repo: spec.downstream.repo,
    package: spec.downstream.package,
    ready: current && ready?.status === 'True',
    message: current && ready ? `${ready.reason}: ${ready.message}` : 'not looked at yet',
  };
}

function summarise(
  report: ObjectReport<PackageVariantSet>,
  targets: readonly VariantSetTargetStatus[],
  faults: number,
): void {
  const ready = targets.filter((target) => target.ready).length;
  const listed = [...targets].sort((a, b) => Number(a.ready) - Number(b.ready)).slice(0, MAX_TARGETS);
  report.status({
    summary: { desired: targets.length, ready, progressing: targets.length - ready - faults, failed: faults },
    targets: listed,
  });
  const counts = `${ready} of ${targets.length} variants are Ready`;
  if (faults > 0)
    report.blocked('TargetsFailed', `${faults} targets cannot be used: ${listed[0]?.message}; ${counts}`, false);
  else if (ready === targets.length) report.ready('AllReady', counts);
  else report.progressing('VariantsNotReady', `${counts}; ${listed[0]?.variant}: ${listed[0]?.message}`);
}
