import { isKind, PACKAGE_VARIANT, type PackageVariant, REPOSITORY, type Repository } from '../api/kinds.ts';
import type { KubeObject } from '../api/object.ts';
import type { StoreChange } from '../kube/adapters/embedded/store.ts';
import type { EventSink, RecordedEvent } from '../kube/events.ts';
import type { ProgressOutput } from './output.ts';
import { isReady, nameOf, type ReportedWarning, readyCondition } from './report.ts';

/** A watch may go on for weeks. */
const MAX_WARNINGS = 1000;

/** Follows a run: tells what happens while it happens, and keeps the warnings for its end. */
export class RunObserver implements EventSink {
  readonly #output: ProgressOutput;
  readonly #variants = new Map<string, PackageVariant>();
  readonly #repositories = new Map<string, Repository>();
  /** By uid: reasons for which an object was not Ready at some time. */
  readonly #obstacles = new Map<string, Set<string>>();
  readonly #warnings = new Map<string, RecordedEvent>();
  #changes = 0;

  constructor(output: ProgressOutput) {
    this.#output = output;
  }

  /** Grows whenever a repository, a variant or an event changes. */
  get changes(): number {
    return this.#changes;
  }

  changed({ before, after }: StoreChange): void {
    const object = after ?? before;
    if (!object) return;
    if (after) this.#noteObstacle(after);
    else this.#obstacles.delete(object.metadata.uid ?? '');
    if (isKind(PACKAGE_VARIANT, object)) this.#note(this.#variants, object, after === undefined);
    else if (isKind(REPOSITORY, object)) this.#note(this.#repositories, object, after === undefined);
    else return;
    this.#tell(before, after);
    this.#output.status(() => this.#summary());
  }

  async write(event: RecordedEvent): Promise<void> {
    if (event.type !== 'Warning') return;
    this.#changes += 1;
    this.#warnings.delete(event.id);
    this.#warnings.set(event.id, event);
    const [oldest] = this.#warnings.keys();
    if (oldest !== undefined && this.#warnings.size > MAX_WARNINGS) this.#warnings.delete(oldest);
  }

  /**
   * Warnings that still matter: what kept an object from being Ready is over when the object is Ready.
   * @param find the object of an event as it is now
   */
  warnings(find: (event: RecordedEvent) => KubeObject | undefined): readonly ReportedWarning[] {
    const lasting = [...this.#warnings.values()].filter((event) => {
      const object = find(event);
      if (!object || object.metadata.uid !== event.regarding.uid) return false;
      if (!this.#obstacles.get(event.regarding.uid ?? '')?.has(event.reason)) return true;
      const ready = readyCondition(object);
      return ready?.status !== 'True' && ready?.reason === event.reason && saysSame(ready.message, event.message);
    });
    return lasting.map(({ regarding, reason, message }) => ({
      object: `${regarding.kind} ${regarding.namespace ?? ''}/${regarding.name}`,
      reason,
      message,
    }));
  }

  #note<T extends KubeObject>(known: Map<string, T>, object: T, gone: boolean): void {
    this.#changes += 1;
    if (gone) known.delete(object.metadata.uid ?? '');
    else known.set(object.metadata.uid ?? '', object);
  }

  #noteObstacle(object: KubeObject): void {
    const ready = readyCondition(object);
    if (!ready || ready.status === 'True') return;
    const uid = object.metadata.uid ?? '';
    const reasons = this.#obstacles.get(uid) ?? new Set<string>();
    this.#obstacles.set(uid, reasons.add(ready.reason));
  }

  #tell(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const object = after ?? before;
    if (!object) return;
    const state = after ? stateOf(after) : 'deleted';
    if (state === '' || (before && after && stateOf(before) === state)) return;
    this.#output.detail(`${object.kind === PACKAGE_VARIANT.kind ? '' : `${object.kind} `}${nameOf(object)}: ${state}`);
  }

  #summary(): string {
    const count = (objects: Iterable<KubeObject>): string => {
      const all = [...objects];
      return `${all.filter(isReady).length} of ${all.length}`;
    };
    const variants = [...this.#variants.values()];
    const busy = variants.find((variant) => readyCondition(variant)?.status === 'Unknown');
    const doing = busy ? `; ${nameOf(busy)}: ${readyCondition(busy)?.message ?? ''}` : '';
    return `Ready: ${count(this.#repositories.values())} repositories, ${count(variants)} variants${doing}`;
  }
}

/** A long message is cut in an event. */
function saysSame(condition: string, event: string): boolean {
  return condition === event || condition.startsWith(event.replace(/…$/, ''));
}

/** One or two words; '' before the object was looked at. */
function stateOf(object: KubeObject): string {
  if (object.metadata.deletionTimestamp !== undefined) return 'being deleted';
  const ready = readyCondition(object);
  if (!ready) return '';
  if (isKind(PACKAGE_VARIANT, object)) {
    const phase = object.status?.phase ?? 'Pending';
    // Steps on the way are not told one by one, only what is in the way.
    return ready.status === 'False' ? `${phase} (${ready.reason})` : phase;
  }
  return ready.status === 'True' ? 'Ready' : `not Ready (${ready.reason})`;
}
