import type PQueue from 'p-queue';
import type { Queue, QueueAddOptions, RunFunction } from 'p-queue';

/** Work that is handed an abort signal of its own and should stop soon when it fires. */
export type Job<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Adds a job to a queue. While it waits, an abort takes it out; while it runs, an abort frees the caller at once, but
 * the slot stays taken until the job has really ended, so that a limit is a limit.
 * @param signal passed on to the job
 * @param onEnd called when a job that was started has ended, before its slot is free
 * @throws the signal's reason, or what the job throws
 */
export async function runInSlot<T, Options extends QueueAddOptions>(
  queue: PQueue<Queue<RunFunction, Options>, Options>,
  job: Job<T>,
  signal: AbortSignal,
  options: Partial<Options>,
  onEnd: () => void = () => {},
): Promise<T> {
  signal.throwIfAborted();
  const waiting = new AbortController();
  let started = false;
  const outcome = Promise.withResolvers<T>();
  const onAbort = () => {
    outcome.reject(signal.reason);
    if (!started) waiting.abort(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const run = async () => {
    started = true;
    try {
      outcome.resolve(await job(signal));
    } catch (error) {
      outcome.reject(error);
    } finally {
      onEnd();
    }
  };
  queue.add(run, { ...options, signal: waiting.signal }).catch(outcome.reject);
  try {
    return await outcome.promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
