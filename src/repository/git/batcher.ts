import { setImmediate } from 'node:timers/promises';
import { ConflictError, TerminalError, TransientError } from '../../api/errors.ts';
import { abortable } from './abortable.ts';
import { RefView } from './ref-view.ts';
import type { GitRemote } from './remote.ts';
import type { Oid, RefUpdate } from './types.ts';

/** Units that go out in one push at most. */
const BATCH_LIMIT = 250;
/** Pushes of a whole batch before its units are pushed one by one. */
const BATCH_ATTEMPTS = 2;
/** Pushes of one unit on its own while its refs keep moving. */
const UNIT_ATTEMPTS = 3;

export interface UnitPlan<T> {
  /**
   * What must change on the remote. An update whose target is what is there already stands for work that was done
   * before (by a push whose answer was lost); it is not sent.
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

type Sent = 'done' | 'stale' | { readonly refused: string } | { readonly lost: TransientError };

/**
 * The one queue of pushes to a remote. While a push is in flight the next batch gathers; a batch goes out as one atomic
 * push in which each unit builds on the ones before it. A rejected batch is planned again on a new listing, and after
 * that unit by unit, so that a unit which cannot be pushed fails alone.
 */
export class GitBatcher {
  readonly #remote: GitRemote;
  readonly #queue: Job[] = [];
  #running = false;

  constructor(remote: GitRemote) {
    this.#remote = remote;
  }

  /**
   * Queues a unit and waits for its push. An aborted signal takes the unit out of the queue; once its push is in flight
   * it ends only the wait.
   * @throws ConflictError, and TransientError reason PushRejected with the server's words when a hook refused
   */
  submit<T>(unit: PushUnit<T>, signal?: AbortSignal): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const job: Job = {
      cancelled: false,
      fail: reject,
      async plan(view) {
        const { updates, result } = await unit.plan(view);
        return { job, updates, settle: () => resolve(result) };
      },
    };
    const cancel = (): void => {
      job.cancelled = true;
    };
    signal?.addEventListener('abort', cancel, { once: true });
    this.#queue.push(job);
    if (!this.#running) {
      this.#running = true;
      void this.#drain();
    }
    return abortable(
      promise.finally(() => signal?.removeEventListener('abort', cancel)),
      signal,
    );
  }

  async #drain(): Promise<void> {
    // Lets callers that are ready in the same turn of the event loop into the same push.
    await setImmediate();
    while (this.#queue.length > 0) {
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
    for (let attempt = 1; attempt <= BATCH_ATTEMPTS; attempt++) {
      const planned = await this.#planAll(pending);
      if (planned.length === 0) return;
      const sent = await this.#push(planned);
      if (sent === 'done') return;
      if (typeof sent === 'object' && 'lost' in sent && attempt === BATCH_ATTEMPTS) throw sent.lost;
      pending = planned.map(({ job }) => job);
      await this.#remote.relist();
    }
    for (const job of pending) await this.#sendAlone(job);
  }

  async #sendAlone(job: Job): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const planned = await this.#planAll([job]);
      if (planned.length === 0) return;
      const sent = await this.#push(planned);
      if (sent === 'done') return;
      if (typeof sent === 'object' && 'refused' in sent) {
        return job.fail(
          new TransientError('PushRejected', `${this.#remote.store.url} refused the push: ${sent.refused}`),
        );
      }
      if (attempt === UNIT_ATTEMPTS) {
        return job.fail(
          sent === 'stale' ? new ConflictError('RefMoved', 'the repository keeps moving; read it again') : sent.lost,
        );
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
    if (sent !== 'done') return sent;
    this.#remote.wrote(all);
    for (const job of planned) job.settle();
    return sent;
  }

  async #exchange(updates: readonly RefUpdate[]): Promise<Sent> {
    if (updates.length === 0) return 'done';
    try {
      const outcomes = [...(await this.#remote.store.push(updates, { atomic: true })).values()];
      const failures = outcomes.filter((outcome) => !outcome.ok);
      if (failures.length === 0) return 'done';
      if (failures.some((failure) => failure.stale)) return 'stale';
      return { refused: [...new Set(failures.map((failure) => failure.message))].join('; ') };
    } catch (error) {
      if (error instanceof TransientError) return { lost: error };
      throw error;
    }
  }
}

/** One update a ref: from what the remote has to what the last unit makes of it; those that change nothing fall out. */
function mergeUpdates(updates: readonly RefUpdate[]): RefUpdate[] {
  const merged = new Map<string, { ref: string; expected: Oid | null; target: Oid | null }>();
  for (const { ref, expected, target } of updates) {
    const earlier = merged.get(ref);
    if (earlier) earlier.target = target;
    else merged.set(ref, { ref, expected, target });
  }
  return [...merged.values()].filter(({ expected, target }) => expected !== target);
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
