/** Time as components of this folder see it; tests bring one that they move by hand. */
export interface Clock {
  now(): Date;
  /** Calls back once, no earlier than after `milliseconds`; the answer takes the timer back. */
  setTimer(milliseconds: number, callback: () => void): () => void;
}

/** The longest delay that a timer of the platform keeps; longer ones would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => new Date(),
  setTimer: (milliseconds, callback) => {
    const timer = setTimeout(callback, Math.min(Math.max(milliseconds, 0), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/**
 * Resolves after `milliseconds`.
 * @throws the signal's reason
 */
export async function delay(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = clock.setTimer(milliseconds, resolve);
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
