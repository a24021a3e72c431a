import { TransientError } from '../api/errors.ts';

/**
 * What `promise` gives, unless the signal fires first. The work behind the promise goes on; its late failure is no
 * unhandled rejection. Leaves no listener behind.
 * @throws the signal's reason
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([aborted.promise, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

export interface DeadlineOptions {
  /** What is being done, for the message: `fetch of https://example.com/repo.git`. */
  readonly what: string;
  readonly milliseconds: number;
  /** Aborts the work as well. */
  readonly signal: AbortSignal;
}

/**
 * Runs work with a deadline. Its signal fires at the deadline and when `signal` does; the caller is then freed whether
 * the work stops or not. `AbortSignal.any` and `AbortSignal.timeout` would keep memory for as long as `signal` lives;
 * here nothing is left behind once the work has ended.
 * @throws TransientError DeadlineExceeded; the reason of `signal`; what the work throws
 */
export async function withDeadline<T>(options: DeadlineOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { what, milliseconds, signal } = options;
  signal.throwIfAborted();
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  const onTimeout = () =>
    controller.abort(new TransientError('DeadlineExceeded', `${what} took longer than ${milliseconds} ms`));
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(onTimeout, milliseconds);
  try {
    return await abortable(work(controller.signal), controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
