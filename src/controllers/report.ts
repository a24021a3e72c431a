import { describeError, VerandaError } from '../api/errors.ts';
import { FIELD_MANAGER } from '../api/labels.ts';
import { type Condition, type KubeObject, objectLabel } from '../api/object.ts';
import {
  type ConditionChange,
  progressingConditions,
  readyConditions,
  retryingConditions,
  setConditions,
  stalledConditions,
} from '../kube/conditions.ts';
import type { ReconcileContext, ReconcileResult } from '../kube/controller.ts';
import { outcomeOfError, retryPolicy } from '../kube/result.ts';
import { writeStatus } from '../kube/status-writer.ts';
import { sanitiseText } from '../observability/sanitise.ts';
import type { ControllerEnvironment } from './environment.ts';

interface CommonStatus {
  readonly conditions?: readonly Condition[];
  readonly observedGeneration?: number;
}

export type ReportedObject = KubeObject & { readonly status?: CommonStatus };
type StatusOf<T extends ReportedObject> = NonNullable<T['status']>;
type ReportEnvironment = Pick<ControllerEnvironment, 'store' | 'events' | 'logger'>;

/**
 * Collects what a reconcile found out about its object and writes it once at the end, if it says anything new. Errors
 * become conditions here and go on to the work queue.
 */
export class ObjectReport<T extends ReportedObject> {
  readonly #env: ReportEnvironment;
  readonly #context: ReconcileContext;
  #object: T;
  #status: StatusOf<T>;
  #error: { readonly cause: unknown } | undefined;
  #requeueAfterMs: number | undefined;
  #gone = false;

  constructor(env: ReportEnvironment, object: T, context: ReconcileContext) {
    this.#env = env;
    this.#context = context;
    this.#object = object;
    this.#status = { ...object.status } as StatusOf<T>;
  }

  /** The object with the status as it is collected so far. */
  current(): T {
    return { ...this.#object, status: this.#status };
  }

  /** The object as the store answered it to a write of this reconcile. */
  replaced(object: T): void {
    this.#object = object;
  }

  status(fields: Partial<StatusOf<T>>): void {
    this.#status = { ...this.#status, ...fields };
  }

  ready(reason: string, message: string): void {
    this.conditions(readyConditions(reason, message));
  }

  progressing(reason: string, message: string): void {
    this.conditions(progressingConditions(reason, message));
  }

  /** Nothing goes on until somebody changes something. */
  blocked(reason: string, message: string): void {
    if (this.conditions(stalledConditions(reason, message))) this.warning(reason, message);
  }

  /** It ends without a change of this object's spec. Whoever is waited for mostly says himself what is wrong: then it is no warning here. */
  waiting(reason: string, message: string, type: 'Normal' | 'Warning' = 'Normal'): void {
    const isNews = this.conditions(retryingConditions(reason, message));
    if (isNews) this.#env.events.record(this.#object, { type, reason, message });
  }

  /**
   * The reconcile threw; it does so again from `write`, so that the work queue decides about the next try.
   * @param retryAfterMs in place of that: when to try again
   */
  failed(error: unknown, retryAfterMs?: number): void {
    if (retryAfterMs === undefined) this.#error = { cause: error };
    else this.requeueAfter(retryAfterMs);
    const outcome = outcomeOfError(error, { sanitise: sanitiseText, conflicts: this.#context.conflicts });
    if (this.conditions(outcome.conditions) && outcome.event) this.#env.events.record(this.#object, outcome.event);
  }

  event(reason: string, message: string): void {
    this.#env.events.record(this.#object, { type: 'Normal', reason, message });
  }

  warning(reason: string, message: string): void {
    this.#env.events.record(this.#object, { type: 'Warning', reason, message });
  }

  requeueAfter(milliseconds: number): void {
    this.#requeueAfterMs = Math.min(milliseconds, this.#requeueAfterMs ?? Number.POSITIVE_INFINITY);
  }

  /** The object does not exist any more: there is no status to write. */
  gone(): void {
    this.#gone = true;
  }

  /** True when a condition changed its status, reason or message. */
  conditions(changes: readonly ConditionChange[]): boolean {
    const before = this.#status.conditions ?? [];
    const context = { observedGeneration: this.#object.metadata.generation, now: this.#context.now() };
    const after = setConditions(before, changes, context);
    if (after === before) return false;
    this.#status = { ...this.#status, conditions: after };
    return changes.some((change) => says(before, change.type) !== says(after, change.type));
  }

  /** @throws what `failed` was given, else why the status could not be written */
  async write(): Promise<ReconcileResult | undefined> {
    if (!this.#gone) await this.#writeStatus();
    if (this.#error) throw this.#error.cause;
    return this.#requeueAfterMs === undefined ? undefined : { requeueAfterMs: this.#requeueAfterMs };
  }

  async #writeStatus(): Promise<void> {
    const status = { ...this.#status, observedGeneration: this.#object.metadata.generation };
    try {
      await writeStatus(this.#env.store, this.#object, status, { fieldManager: FIELD_MANAGER });
    } catch (error) {
      if (retryPolicy(error) !== 'terminal') throw error;
      this.#refused(error);
      throw this.#error ? this.#error.cause : error;
    }
  }

  /** The object goes on showing its old status, so it must be said elsewhere why. */
  #refused(error: unknown): void {
    const message = sanitiseText(describeError(error));
    const field = error instanceof VerandaError ? error.location.field : undefined;
    this.warning('StatusRefused', `the status cannot be written: ${message}`);
    this.#env.logger.error('status refused', { object: objectLabel(this.#object), field, cause: message });
  }
}

function says(conditions: readonly Condition[], type: string): string {
  const found = conditions.find((condition) => condition.type === type);
  return found ? `${found.status} ${found.reason} ${found.message}` : '';
}
