import { abortable } from '../../concurrency/abortable.ts';

/** Waits for shared work: the signal ends this caller's wait, never the work. */
export function waitFor<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return signal ? abortable(work, signal) : work;
}

/** For callers that never give up. */
export function neverAborted(): AbortSignal {
  return new AbortController().signal;
}

/** Runs `work` on all items, at most `width` at a time; after the first failure no further item is begun. */
export async function forEachLimited<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done && !failed; next = iterator.next()) {
      await work(next.value).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}
