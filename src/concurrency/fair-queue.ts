import { AsyncLocalStorage } from 'node:async_hooks';
import PQueue from 'p-queue';
import { TransientError } from '../api/errors.ts';
import { abortable } from './abortable.ts';
import { jobId, type LaneOptions, LaneQueue, Lanes } from './lanes.ts';
import { Place } from './place.ts';
import { type Job, runInSlot } from './slot-job.ts';

export interface FairQueueOptions {
  /** Jobs that run at the same time. */
  readonly total: number;
  /** Jobs of one lane that run at the same time. */
  readonly perLane: number;
  /** Jobs of one lane that may wait; infinite where callers are few anyway. Default 1,000. */
  readonly backlogPerLane?: number;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Jobs with a higher number start earlier than others of their lane. Default 0. */
  readonly priority?: number;
}

/** What a running job holds: a place in the queue, which jobs that it starts itself may use. */
interface Slot {
  open: boolean;
  lent?: PQueue;
}

/**
 * Runs jobs with a limit on all of them and on those of each lane (a repository, say). Lanes take turns, so a lane with
 * thousands of waiting jobs delays another lane's job by at most one turn.
 *
 * Re-entrance: a job may run other jobs in the same queue and wait for them. They get no place of their own, which might
 * never come free, but use the place of the job that runs them, one after another, whatever their lane. The job counts
 * as ended, for its caller too, when all these have. A job must not wait in any other way for a job of the same queue
 * that somebody else started (through a shared promise, for example): that can stand still for ever.
 */
export class FairQueue {
  readonly #lanes: Lanes;
  readonly #queue: PQueue<LaneQueue, LaneOptions>;
  readonly #backlogPerLane: number;
  readonly #slots = new AsyncLocalStorage<Slot | undefined>();
  #added = 0;
  #closed = false;

  constructor(options: FairQueueOptions) {
    this.#lanes = new Lanes(options.perLane);
    this.#queue = new PQueue({ concurrency: options.total, queueClass: LaneQueue.bind(null, this.#lanes) });
    this.#backlogPerLane = options.backlogPerLane ?? 1000;
  }

  /** Number of waiting jobs. */
  get waiting(): number {
    return this.#lanes.waiting;
  }

  /** Number of running jobs, lent places not counted. */
  get running(): number {
    return this.#queue.pending;
  }

  /** Number of lanes that have jobs. */
  get lanes(): number {
    return this.#lanes.size;
  }

  /**
   * Runs a job when it is its lane's turn. An abort takes a waiting job out; a running one gets the signal, and its
   * caller is freed at once while its place stays taken until it has ended.
   * @throws the signal's reason; what the job throws; TransientError QueueFull when the lane's backlog is full,
   * QueueClosed after `drain`
   */
  async run<T>(lane: string, job: Job<T>, options: RunOptions): Promise<T> {
    const { signal, priority = 0 } = options;
    const held: Job<T> = (inner) => this.#hold(job, inner);
    const outer = this.#slots.getStore();
    if (outer?.open) {
      outer.lent ??= new PQueue({ concurrency: 1 });
      return await runInSlot(outer.lent, held, signal, { priority });
    }
    if (this.#closed) throw new TransientError('QueueClosed', 'the queue takes no more jobs');
    if (this.#lanes.waitingIn(lane) >= this.#backlogPerLane) {
      throw new TransientError('QueueFull', `${this.#backlogPerLane} jobs are waiting for ${lane} already`);
    }
    const id = jobId(lane, this.#added++);
    return await runInSlot(this.#queue, held, signal, { lane, id, priority }, () => this.#lanes.release(lane));
  }

  /**
   * As `run`, for a job that leaves its place while it waits for something that needs none. The signal takes the job out
   * while it waits for a place; to end while it runs is up to the job.
   */
  async runWithPlace<T>(lane: string, job: (place: Place) => Promise<T>, options: RunOptions): Promise<T> {
    // A job that comes back needs a place like its first one, which is not what it lends to the jobs that it runs.
    const outer = this.#slots.getStore();
    const place = new Place(() => this.#slots.run(outer, () => this.#acquire(lane, options)));
    return await place.hold(() => this.#hold(() => job(place), options.signal));
  }

  /**
   * Takes no more jobs and waits until all have ended.
   * @throws the signal's reason; jobs then go on
   */
  async drain(signal: AbortSignal): Promise<void> {
    this.#closed = true;
    await abortable(this.#queue.onIdle(), signal);
  }

  /** A place, which the function that comes gives back. */
  async #acquire(lane: string, options: RunOptions): Promise<() => void> {
    const taken = Promise.withResolvers<void>();
    const givenBack = Promise.withResolvers<void>();
    const holding: Job<void> = () => {
      taken.resolve();
      return givenBack.promise;
    };
    this.run(lane, holding, options).catch(taken.reject);
    await taken.promise;
    return givenBack.resolve;
  }

  async #hold<T>(job: Job<T>, signal: AbortSignal): Promise<T> {
    const slot: Slot = { open: true };
    try {
      return await this.#slots.run(slot, () => job(signal));
    } finally {
      while (slot.lent !== undefined && slot.lent.size + slot.lent.pending > 0) await slot.lent.onIdle();
      slot.open = false;
    }
  }
}
