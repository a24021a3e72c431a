import { TransientError } from '../api/errors.ts';

/** Milliseconds that a function has to stop when it is told to; after that it is no longer waited for. */
const GRACE = 1000;

/**
 * Runs a function with a time limit. At the limit, and when `signal` fires, its own signal fires, and this waits a
 * moment for the function to be gone before it gives up.
 * @throws TransientError Timeout naming the limit; the reason of `signal`; what the work throws
 */
export async function runWithin<T>(
  milliseconds: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const givenUp = Promise.withResolvers<never>();
  let grace: NodeJS.Timeout | undefined;
  const stop = (reason: unknown) => {
    controller.abort(reason);
    grace ??= setTimeout(() => givenUp.reject(reason), GRACE);
  };
  const onAbort = () => stop(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const limit = setTimeout(() => stop(timedOut(milliseconds)), milliseconds);
  try {
    const result = await Promise.race([givenUp.promise, work(controller.signal)]);
    controller.signal.throwIfAborted();
    return result;
  } catch (error) {
    controller.signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(limit);
    clearTimeout(grace);
    signal.removeEventListener('abort', onAbort);
  }
}

function timedOut(milliseconds: number): TransientError {
  return new TransientError(
    'Timeout',
    `the function was stopped: it took longer than its limit of ${milliseconds / 1000} s`,
  );
}
