import { describeError, TerminalError } from '../../api/errors.ts';
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
    const outcomes: TargetOutcome[] = faults.map(({ target, reason, message }) => ({
      state: 'unusable',
      status: { ready: false, message: `${target}: ${reason}: ${message}` },
    }));
    for (const planned of plan.keep) outcomes.push(targetOutcome(planned, planned.existing));
    for (const planned of plan.apply) outcomes.push(await this.#apply(set, planned, signal));
    summarise(report, outcomes);
    // Nothing is removed on account of a set that could not be read whole.
    const failures: unknown[] = outcomes.flatMap(({ retry }) => (retry === undefined ? [] : [retry]));
    if (faults.length === 0) for (const variant of plan.remove) failures.push(...(await this.#remove(variant, signal)));
    if (failures.length > 0) throw failures[0];
  }

  async #apply(set: PackageVariantSet, planned: PlannedVariant, signal: AbortSignal): Promise<TargetOutcome> {
    try {
      this.#refuseForeign(set, planned);
      const applied = await this.#env.store.apply(variantObject(set, planned), { fieldManager: FIELD_MANAGER, signal });
      return targetOutcome(planned, applied);
    } catch (error) {
      signal.throwIfAborted();
      const { repo, package: pkg } = planned.spec.downstream;
      const message = sanitiseText(describeError(error));
      const final = error instanceof TerminalError;
      return {
        state: final ? 'unusable' : 'progressing',
        status: { variant: planned.name, repo, package: pkg, ready: false, message },
        ...(final ? {} : { retry: error }),
      };
    }
  }

  /** @throws TerminalError when the name is that of a variant which somebody else made */
  #refuseForeign({ metadata }: PackageVariantSet, { name, existing }: PlannedVariant): void {
    const found = existing ? undefined : this.#env.variants.get(`${metadata.namespace ?? ''}/${name}`);
    if (!found || found.metadata.ownerReferences?.some((reference) => reference.uid === metadata.uid)) return;
    throw new TerminalError('VariantExists', `PackageVariant ${name} exists already and is not this set's`);
  }

  /** What went wrong, if anything did: one that cannot be removed keeps no other. */
  async #remove({ metadata }: PackageVariant, signal: AbortSignal): Promise<readonly unknown[]> {
    try {
      await this.#env.store.delete(PACKAGE_VARIANT, metadata, { uid: metadata.uid, signal });
      return [];
    } catch (error) {
      signal.throwIfAborted();
      return [error];
    }
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

/** Worst first: what nobody but the set's author can help, what waits for its variant's author, what takes its time. */
const STATES = ['unusable', 'stalled', 'progressing', 'ready'] as const;

interface TargetOutcome {
  readonly state: (typeof STATES)[number];
  readonly status: VariantSetTargetStatus;
  /** Why it must be tried again. */
  readonly retry?: unknown;
}

function targetOutcome({ name, spec }: PlannedVariant, variant: PackageVariant | undefined): TargetOutcome {
  const { repo, package: pkg } = spec.downstream;
  const { conditions, observedGeneration } = variant?.status ?? {};
  const ready = findCondition(conditions, 'Ready');
  const place = { variant: name, repo, package: pkg };
  if (!ready || observedGeneration !== variant?.metadata.generation) {
    return { state: 'progressing', status: { ...place, ready: false, message: 'not looked at yet' } };
  }
  const isStalled = findCondition(conditions, 'Stalled')?.status === 'True';
  const state = ready.status === 'True' ? 'ready' : isStalled ? 'stalled' : 'progressing';
  return { state, status: { ...place, ready: state === 'ready', message: `${ready.reason}: ${ready.message}` } };
}

function summarise(report: ObjectReport<PackageVariantSet>, outcomes: readonly TargetOutcome[]): void {
  const count = (...states: readonly TargetOutcome['state'][]): number =>
    outcomes.filter(({ state }) => states.includes(state)).length;
  const sorted = [...outcomes].sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state));
  const [unusable, failed, ready] = [count('unusable'), count('unusable', 'stalled'), count('ready')];
  report.status({
    summary: { desired: outcomes.length, ready, progressing: count('progressing'), failed },
    targets: sorted.slice(0, MAX_TARGETS).map(({ status }) => status),
  });
  const worst = sorted[0]?.status;
  const first = [worst?.variant, worst?.message].filter(Boolean).join(': ');
  const counts = `${ready} of ${outcomes.length} variants are Ready`;
  if (unusable > 0) report.blocked('TargetsFailed', `${unusable} targets cannot be used: ${first}; ${counts}`, false);
  else if (failed > 0) report.blocked('VariantsFailed', `${counts}; ${failed} cannot go on: ${first}`, true);
  else if (ready === outcomes.length) report.ready('AllReady', counts);
  else report.progressing('VariantsNotReady', `${counts}; ${first}`);
}
