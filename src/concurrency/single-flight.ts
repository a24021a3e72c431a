import { abortable } from './abortable.ts';

interface Flight<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  callers: number;
}

/**
 * Lets concurrent callers with the same key share one run. Nothing is kept after the run has ended, success or not.
 * A caller inside a job of a queue must not wait for a run that needs that queue.
 */
export class SingleFlight<Key, T> {
  readonly #flights = new Map<Key, Flight<T>>();

  /** Number of keys with a run. */
  get size(): number {
    return this.#flights.size;
  }

  /**
   * Joins the run of `key` or starts one. An abort detaches this caller only; the run's own signal fires when the last
   * caller has left, and whoever comes after that starts a new run.
   * @throws the signal's reason; what the work throws, to all callers alike
   */
  async run(key: Key, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#start(key, work);
    flight.callers++;
    try {
      return await abortable(flight.promise, signal);
    } finally {
      flight.callers--;
      if (flight.callers === 0 && this.#forget(key, flight)) flight.controller.abort(signal.reason);
    }
  }

  #start(key: Key, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    // Deferred, so that work that throws at once is a rejection like any other.
    const promise = Promise.resolve().then(() => work(controller.signal));
    const flight: Flight<T> = { promise, controller, callers: 0 };
    this.#flights.set(key, flight);
    const done = () => {
      this.#forget(key, flight);
    };
    promise.then(done, done);
    return flight;
  }

  /** False when the run has ended or was given up before. */
  #forget(key: Key, flight: Flight<T>): boolean {
    return this.#flights.get(key) === flight && this.#flights.delete(key);
  }
}
