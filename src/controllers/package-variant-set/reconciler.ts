import { TerminalError } from '../../api/errors.ts';
import type { PackageRevision, PackageVariant, PackageVariantSet, Repository } from '../../api/kinds.ts';
import { CONFIRM_DELETIONS_ANNOTATION, RECONCILE_AT_ANNOTATION } from '../../api/labels.ts';
import { objectLabel } from '../../api/object.ts';
import { describeDiagnostics } from '../../api/validate.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { Lister, ReconcileContext, ReconcileResult, Reconciler } from '../../kube/controller.ts';
import type { ControllerEnvironment } from '../environment.ts';
import { INDEX } from '../indexes.ts';
import { ObjectReport } from '../report.ts';
import { type CompiledSet, compileSet, hasExpressions } from './compile.ts';
import { type DeletionDecision, decideDeletions } from './deletion-guard.ts';
import { variantSetKeys } from './indexes.ts';
import { faultOutcome, rolloutMember, type TargetOutcome, variantOutcome, waitingOutcome } from './outcome.ts';
import { belongsTo } from './ownership.ts';
import { planSet, type SetPlan } from './plan.ts';
import { describePreview, previewOf } from './preview.ts';
import { isFault } from './render.ts';
import { desiredOf, RenderCache } from './render-cache.ts';
import { decideRollout, type RolloutDecision } from './rollout.ts';
import { selectObjects } from './select.ts';
import { conditionsOf, retainedCondition, type SetResult, setStatus, verdictOf } from './summary.ts';
import { unrollTargets } from './targets.ts';
import type { PlannedVariant, TargetFault } from './types.ts';
import { pinnedUpstream, upstreamOf } from './upstream.ts';
import { VariantWrites } from './writes.ts';

/** What the reconciler reads and writes. */
export interface SetEnvironment extends Pick<ControllerEnvironment, 'store' | 'selectables' | 'events' | 'logger'> {
  readonly repositories: Lister<Repository>;
  readonly revisions: Lister<PackageRevision>;
  readonly variants: Lister<PackageVariant>;
  readonly variantSets: Lister<PackageVariantSet>;
}

/** What is kept of a generation of a set between its reconciles. */
interface Memory {
  readonly compiled: CompiledSet;
  readonly cache: RenderCache;
}

/** What a set asks for, compared with what there is. */
interface Observed {
  readonly plan: SetPlan;
  readonly faults: readonly TargetFault[];
  /** Variants that the set has. */
  readonly existing: number;
  readonly rollout: RolloutDecision;
  readonly revision?: number;
}

/**
 * Keeps one PackageVariant for each target of a set. Observes: the set, its variants, repositories, the objects that it
 * selects, its upstream. Writes: the variants' spec and ownership, the set's status. One bad target never stops the others.
 */
export class PackageVariantSetReconciler implements Reconciler {
  readonly name = 'packagevariantset';
  readonly workers: number;
  readonly #env: SetEnvironment;
  readonly #memory = new Map<string, Memory>();

  constructor(env: SetEnvironment, workers: number) {
    this.#env = env;
    this.workers = workers;
  }

  async reconcile(key: string, context: ReconcileContext): Promise<ReconcileResult | undefined> {
    const set = this.#env.variantSets.get(key);
    // Variants of a set that goes are deleted by their owner reference, each under its own deletion policy.
    if (!set || set.metadata.deletionTimestamp !== undefined) {
      this.#memory.delete(key);
      return undefined;
    }
    const report = new ObjectReport(this.#env, set, context);
    try {
      if (set.spec.suspend) report.ready('Suspended', 'spec.suspend is set');
      else await this.#bring(key, set, report, context);
    } catch (error) {
      report.failed(error);
    }
    return report.write();
  }

  async #bring(
    key: string,
    set: PackageVariantSet,
    report: ObjectReport<PackageVariantSet>,
    context: ReconcileContext,
  ): Promise<void> {
    this.#lookAnew(key, set, report);
    const memory = await this.#remember(key, set);
    const { faults } = memory.compiled;
    if (faults.length > 0) {
      const [first] = faults;
      const all = [...faults, ...memory.compiled.targets.flatMap(({ fault }) => (fault ? [asDiagnostic(fault)] : []))];
      throw new TerminalError('ValidationError', describeDiagnostics(all), {
        object: objectLabel(set),
        field: first?.field,
      });
    }
    const observed = await this.#observe(set, memory, context);
    if (set.spec.mode === 'preview') this.#preview(observed, report);
    else await this.#execute(set, observed, report, context);
  }

  /** Somebody asked for a look that relies on nothing known. */
  #lookAnew(key: string, { metadata, status }: PackageVariantSet, report: ObjectReport<PackageVariantSet>): void {
    const askedAt = metadata.annotations?.[RECONCILE_AT_ANNOTATION];
    if (askedAt === undefined || askedAt === status?.lastHandledReconcileAt) return;
    this.#memory.delete(key);
    report.status({ lastHandledReconcileAt: askedAt });
  }

  /** The evaluator is loaded only for sets that need it, and each generation is compiled once. */
  async #remember(key: string, set: PackageVariantSet): Promise<Memory> {
    const known = this.#memory.get(key);
    const { uid, generation } = set.metadata;
    if (known && known.compiled.uid === uid && known.compiled.generation === generation) return known;
    const compile = hasExpressions(set) ? (await import('../../krm/cel/text.ts')).compileText : neverCompiled;
    const compiled = compileSet(set, compile);
    const memory = { compiled, cache: new RenderCache(compiled) };
    this.#memory.set(key, memory);
    return memory;
  }

  async #observe(set: PackageVariantSet, { compiled, cache }: Memory, context: ReconcileContext): Promise<Observed> {
    const { signal } = context;
    const { metadata, spec } = set;
    const namespace = metadata.namespace ?? '';
    const selection = await selectObjects(set, compiled, this.#env, signal);
    const resolution = upstreamOf(set, this.#env);
    const { upstream, revision } = pinnedUpstream(set, resolution);
    const surroundings = {
      upstream,
      revision: 'revision' in resolution ? resolution.revision : resolution,
      repository: (name: string) => this.#env.repositories.get(`${namespace}/${name}`),
    };
    const rendered = await cache.render(unrollTargets(spec, selection.objects), surroundings, signal);
    const candidates = this.#candidates(set);
    const byName = (name: string) => this.#env.variants.get(`${namespace}/${name}`);
    const plan = planSet(set, desiredOf(rendered), { candidates, byName });
    const waitFor = spec.rollout?.waitFor ?? 'Ready';
    return {
      plan,
      faults: [...selection.faults, ...rendered.filter(isFault), ...plan.faults],
      existing: candidates.filter((variant) => belongsTo(set, variant) && !isGoing(variant)).length,
      rollout: decideRollout(
        spec.rollout,
        plan.variants.map((planned) => rolloutMember(planned, waitFor)),
        { before: set.status?.rollout, now: context.now() },
      ),
      ...(revision === undefined ? {} : { revision }),
    };
  }

  #candidates(set: PackageVariantSet): readonly PackageVariant[] {
    const found = variantSetKeys(set).flatMap((value) => this.#env.variants.byIndex(INDEX.variantSet, value));
    return [...new Set(found)];
  }

  #preview({ plan, faults, rollout, revision }: Observed, report: ObjectReport<PackageVariantSet>): void {
    const preview = previewOf(faults.length > 0 ? { ...plan, remove: [] } : plan);
    const outcomes = [...faults.map(faultOutcome), ...plan.variants.map((planned) => withoutWrite(planned, 'Preview'))];
    const result: SetResult = {
      outcomes,
      rollout,
      revision,
      retained: 0,
      deletion: { reason: 'Preview', message: '' },
    };
    const verdict = verdictOf(result);
    report.status({ ...setStatus(result), preview });
    rethrow(outcomes.map(({ retry }) => retry));
    if (faults.length > 0) report.conditions(conditionsOf(verdict));
    else report.ready('Preview', describePreview(preview));
  }

  async #execute(
    set: PackageVariantSet,
    { plan, faults, existing, rollout, revision }: Observed,
    report: ObjectReport<PackageVariantSet>,
    context: ReconcileContext,
  ): Promise<void> {
    const writes = new VariantWrites(this.#env.store, context.signal);
    const isWritten = ({ name, change }: PlannedVariant) => change === 'claim' || rollout.release.has(name);
    const written = await writes.apply(set, plan.variants.filter(isWritten));
    const outcomes = [
      ...faults.map(faultOutcome),
      ...written,
      ...plan.variants.filter((planned) => !isWritten(planned)).map((planned) => withoutWrite(planned)),
    ];
    const retries = outcomes.map(({ retry }) => retry).filter((retry) => retry !== undefined);
    const names = plan.remove.map(({ metadata }) => metadata.name);
    const deletion = this.#decideDeletions(set, names, { existing, desired: plan.variants.length }, context.now());
    // Nothing is removed on account of a set that could not be read whole, or before what is to replace it is there.
    const hold = holdReason(faults, retries.length > 0, rollout);
    const { removed, failures } =
      deletion.allowed && !hold ? await writes.remove(plan.remove) : { removed: 0, failures: [] };
    const retained = plan.remove.length - removed;
    const result: SetResult = { outcomes, rollout, revision, retained, deletion: hold ?? deletion };
    if (removed > 0) report.event('VariantsDeleted', `${removed} variants that are not wanted any more were deleted`);
    if (rollout.againInMs !== undefined) report.requeueAfter(rollout.againInMs);
    if (deletion.againInMs !== undefined) report.requeueAfter(deletion.againInMs);
    report.status({ ...setStatus(result), deletions: deletion.afterRemoval(removed), preview: undefined });
    rethrow([...retries, ...failures]);
    this.#conclude(set, result, report);
  }

  #decideDeletions(
    set: PackageVariantSet,
    candidates: readonly string[],
    numbers: { readonly existing: number; readonly desired: number },
    now: Date,
  ): DeletionDecision {
    return decideDeletions({
      ...numbers,
      guard: set.spec.deletionGuard,
      selects: set.spec.targets.some(({ repositories }) => repositories === undefined),
      set: set.metadata.uid ?? '',
      candidates,
      confirmation: set.metadata.annotations?.[CONFIRM_DELETIONS_ANNOTATION],
      before: set.status?.deletions,
      now,
    });
  }

  #conclude(set: PackageVariantSet, result: SetResult, report: ObjectReport<PackageVariantSet>): void {
    const before = findCondition(set.status?.conditions, 'Ready');
    const verdict = verdictOf(result);
    report.conditions([retainedCondition(result)]);
    report.conditions(conditionsOf(verdict));
    // Messages hold counts: an event for each of them would be one for each variant.
    const isNews = before?.reason !== verdict.reason;
    if (isNews && (verdict.kind === 'stalled' || verdict.kind === 'retrying')) {
      report.warning(verdict.reason, verdict.message);
    }
  }
}

function withoutWrite(planned: PlannedVariant, reason?: 'Preview'): TargetOutcome {
  const isPending = planned.change === 'create' || planned.change === 'update';
  return isPending ? waitingOutcome(planned, reason) : variantOutcome(planned, planned.existing);
}

/** Why variants that nobody wants any more stay for now, whatever the guard says. */
function holdReason(
  faults: readonly TargetFault[],
  hasFailed: boolean,
  rollout: RolloutDecision,
): { readonly reason: string; readonly message: string } | undefined {
  // A second target with the same downstream hides nothing.
  const blind = faults.filter(({ reason }) => reason !== 'DuplicateTarget');
  if (blind.length > 0) {
    const message = `nothing is deleted while ${blind.length} targets cannot be read: they may want what seems unwanted`;
    return { reason: 'TargetsUnreadable', message };
  }
  if (hasFailed) return { reason: 'WritesFailed', message: 'nothing is deleted before all writes have succeeded' };
  const isUnderWay = rollout.status !== undefined && rollout.status.state !== 'Complete';
  return isUnderWay
    ? { reason: 'RolloutUnderWay', message: 'nothing is deleted before the rollout is complete' }
    : undefined;
}

function isGoing({ metadata }: PackageVariant): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function asDiagnostic({ target, message }: TargetFault) {
  return message.startsWith(target) ? { field: '', message } : { field: target, message };
}

function neverCompiled(): never {
  throw new Error('a set without expressions has none to compile');
}

/** What is to be tried again goes on to the work queue. */
function rethrow(failures: readonly unknown[]): void {
  const failure = failures.find((candidate) => candidate !== undefined);
  if (failure !== undefined) throw failure;
}
