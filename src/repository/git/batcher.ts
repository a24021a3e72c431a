import { setImmediate } from 'node:timers/promises';
import { ConflictError, TerminalError, TransientError } from '../../api/errors.ts';
import { Crowd } from './crowd.ts';
import { RefView } from './ref-view.ts';
import type { GitRemote } from './remote.ts';
import type { Oid, PushOutcome, RefUpdate } from './types.ts';
import { waitFor } from './waiting.ts';

/** Units that go out in one push at most. */
const BATCH_LIMIT = 250;
/** Pushes of a whole batch before its units are pushed one by one. */
const BATCH_ATTEMPTS = 2;
/** Pushes of one unit on its own while its refs keep moving. */
const UNIT_ATTEMPTS = 3;

export interface UnitPlan<T> {
  /**
   * What must change on the remote. An update whose target is what is there already stands for work that was done
   * before (by a push whose answer was lost); it is not sent unless it is a witness.
   */
  readonly updates: readonly RefUpdate[];
  /** What the caller gets when the push went through. */
  readonly result: T;
}

/** A change that is made wholly or not at all. */
export interface PushUnit<T> {
  /**
   * Called again, with newer refs, after each rejected push.
   * @throws ConflictError when what the unit expects no longer holds; the other units go on without it
   */
  plan(view: RefView): Promise<UnitPlan<T>>;
}

export interface SubmitOptions {
  readonly signal?: AbortSignal;
  /** Asked right before each push; once it answers false the unit leaves the queue by ConflictError reason Superseded. */
  readonly wanted?: () => boolean;
}

interface Job {
  cancelled: boolean;
  plan(view: RefView): Promise<PlannedJob>;
  fail(error: unknown): void;
}

interface PlannedJob {
  readonly job: Job;
  readonly updates: readonly RefUpdate[];
  settle(): void;
}

/** `refs` are those that the failure is due to. */
type Sent =
  | { readonly kind: 'done' }
  | { readonly kind: 'stale'; readonly refs: ReadonlySet<string> }
  | { readonly kind: 'refused'; readonly refs: ReadonlySet<string>; readonly words: string }
  | { readonly kind: 'lost'; readonly error: TransientError };

/**
 * The one queue of pushes to a remote. While a push is in flight the next batch gathers, and a little longer when many
 * come; a batch goes out as one atomic push in which each unit builds on the ones before it. A rejected batch is planned
 * again on a new listing, and after that unit by unit, so that a unit which cannot be pushed fails alone.
 */
export class GitBatcher {
  readonly #remote: GitRemote;
  readonly #queue: Job[] = [];
  readonly #crowd = new Crowd();
  #running = false;
  /** False once the server has said that it cannot. */
  #atomic = true;

  constructor(remote: GitRemote) {
    this.#remote = remote;
  }

  /**
   * Queues a unit and waits for its push. An aborted signal takes the unit out of the queue; once its push is in flight
   * it ends only the wait.
   * @throws ConflictError, and TransientError reason PushRejected with the server's words when a hook refused
   */
  submit<T>(unit: PushUnit<T>, { signal, wanted }: SubmitOptions = {}): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const job: Job = {
      cancelled: signal?.aborted ?? false,
      fail: reject,
      async plan(view) {
        if (wanted?.() === false) throw new ConflictError('Superseded', 'something else is asked for meanwhile');
        const { updates, result } = await unit.plan(view);
        return { job, updates, settle: () => resolve(result) };
      },
    };
    const cancel = (): void => {
      job.cancelled = true;
    };
    signal?.addEventListener('abort', cancel, { once: true });
    this.#crowd.comes(this.#running);
    this.#queue.push(job);
    if (!this.#running) {
      this.#running = true;
      void this.#drain();
    }
    return waitFor(
      promise.finally(() => signal?.removeEventListener('abort', cancel)),
      signal,
    );
  }

  async #drain(): Promise<void> {
    // Lets callers that are ready in the same turn of the event loop into the same push.
    await setImmediate();
    while (this.#queue.length > 0) {
      await this.#crowd.gather(() => this.#queue.length);
      const jobs = this.#queue.splice(0, BATCH_LIMIT).filter((job) => !job.cancelled);
      try {
        await this.#sendBatch(jobs);
      } catch (error) {
        for (const job of jobs) job.fail(error);
      }
    }
    this.#running = false;
  }

  async #sendBatch(jobs: readonly Job[]): Promise<void> {
    let pending = jobs;
    let alone: readonly Job[] = [];
    for (let attempt = 1; attempt <= BATCH_ATTEMPTS; attempt++) {
      const planned = await this.#planAll(pending);
      if (planned.length === 0) return;
      const sent = await this.#push(planned);
      if (sent.kind === 'done') return;
      if (sent.kind === 'lost' && attempt === BATCH_ATTEMPTS) throw sent.error;
      pending = planned.map(({ job }) => job);
      alone = sent.kind === 'lost' ? [] : planned.filter((plan) => touches(plan, sent.refs)).map(({ job }) => job);
      await this.#remote.relist();
      if (!this.#atomic) break;
    }
    const innocent = this.#atomic && alone.length > 0 ? pending.filter((job) => !alone.includes(job)) : [];
    for (const job of pending) if (!innocent.includes(job)) await this.#sendAlone(job);
    if (innocent.length > 0) await this.#sendBatch(innocent);
  }

  async #sendAlone(job: Job): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const planned = await this.#planAll([job]);
      if (planned.length === 0) return;
      const sent = await this.#push(planned);
      if (sent.kind === 'done') return;
      if (sent.kind === 'refused') {
        const message = `${this.#remote.store.url} refused the push: ${sent.words}`;
        return job.fail(new TransientError('PushRejected', message));
      }
      if (attempt === UNIT_ATTEMPTS) {
        const moving = new ConflictError('RefMoved', 'the repository keeps moving; read it again');
        return job.fail(sent.kind === 'lost' ? sent.error : moving);
      }
      await this.#remote.relist();
    }
  }

  async #planAll(jobs: readonly Job[]): Promise<PlannedJob[]> {
    const view = new RefView(await this.#remote.known());
    const planned: PlannedJob[] = [];
    for (const job of jobs) {
      if (job.cancelled) continue;
      try {
        const plan = await job.plan(view);
        view.apply(plan.updates);
        planned.push(plan);
      } catch (error) {
        job.fail(error);
      }
    }
    return planned;
  }

  /** Sends the updates of all jobs as one, and on success tells everybody. */
  async #push(planned: readonly PlannedJob[]): Promise<Sent> {
    const all = planned.flatMap(({ updates }) => updates);
    const sent = await this.#exchange(mergeUpdates(all));
    if (sent.kind !== 'done') return sent;
    this.#remote.wrote(all.filter((update) => !update.witness || changes(update)));
    for (const job of planned) job.settle();
    return sent;
  }

  async #exchange(updates: readonly RefUpdate[]): Promise<Sent> {
    if (updates.length === 0) return { kind: 'done' };
    if (!this.#atomic) return this.#exchangeInOrder(updates);
    try {
      return await this.#send(updates);
    } catch (error) {
      if (!(error instanceof TerminalError) || error.reason !== 'AtomicPushUnsupported') throw error;
      this.#atomic = false;
      return { kind: 'stale', refs: new Set() };
    }
  }

  /** One ref after the other, in the order of the unit, which is such that a later attempt can finish what one began. */
  async #exchangeInOrder(updates: readonly RefUpdate[]): Promise<Sent> {
    for (const update of updates.filter(changes)) {
      const sent = await this.#send([update]);
      if (sent.kind !== 'done') return sent;
      this.#remote.wrote([update]);
    }
    return { kind: 'done' };
  }

  async #send(updates: readonly RefUpdate[]): Promise<Sent> {
    try {
      return judge(await this.#remote.store.push(updates, { atomic: this.#atomic }));
    } catch (error) {
      if (error instanceof TransientError) return { kind: 'lost', error };
      throw error;
    }
  }
}

function judge(outcomes: ReadonlyMap<string, PushOutcome>): Sent {
  const refs = new Set<string>();
  const words = new Set<string>();
  let stale = false;
  for (const [ref, outcome] of outcomes) {
    if (outcome.ok || outcome.collateral) continue;
    refs.add(ref);
    words.add(outcome.message);
    stale ||= outcome.stale;
  }
  if (refs.size === 0) return { kind: 'done' };
  return stale ? { kind: 'stale', refs } : { kind: 'refused', refs, words: [...words].join('; ') };
}

function touches({ updates }: PlannedJob, refs: ReadonlySet<string>): boolean {
  return updates.some(({ ref }) => refs.has(ref));
}

/**
 * One update a ref: from what the remote has to what the last unit makes of it. Those that change nothing fall out, but for
 * witnesses of those that do.
 */
function mergeUpdates(updates: readonly RefUpdate[]): RefUpdate[] {
  const merged = new Map<string, RefUpdate>();
  for (const update of updates) {
    const earlier = merged.get(update.ref);
    const witness = earlier?.witness ?? update.witness;
    const { expected } = earlier ?? update;
    merged.set(update.ref, { ref: update.ref, expected, target: update.target, ...(witness ? { witness } : {}) });
  }
  const all = [...merged.values()];
  return all.some(changes) ? all.filter((update) => update.witness || changes(update)) : [];
}

function changes({ expected, target }: RefUpdate): boolean {
  return expected !== target;
}

/** For units: the ref must be as expected. */
export function expectRef(view: RefView, ref: string, expected: Oid | null): void {
  if ((view.get(ref) ?? null) !== expected) throw refMoved(view, ref, expected);
}

export function refMoved(view: RefView, ref: string, expected: Oid | null): ConflictError {
  const actual = view.get(ref) ?? 'no commit';
  return new ConflictError('RefMoved', `${ref} is at ${actual}, expected ${expected ?? 'no commit'}`);
}

/** For units that cannot work without the registered branch. */
export function branchNotFound(ref: string, url: string): TerminalError {
  return new TerminalError('BranchNotFound', `${ref.replace('refs/heads/', 'branch ')} does not exist in ${url}`, {
    field: 'spec.git.branch',
  });
}
