import { type Clock, delay } from '../../clock.ts';

export interface RequestRate {
  readonly requestsPerSecond: number;
  /** So many at once after a rest. */
  readonly burst: number;
}

/** Lets requests through at a rate, in the order in which they came. */
export class RequestPacer {
  readonly #intervalMs: number;
  readonly #burstMs: number;
  readonly #clock: Clock;
  /** When the next request is due if there were no burst. */
  #dueAt = 0;

  constructor(rate: RequestRate, clock: Clock) {
    this.#intervalMs = 1000 / rate.requestsPerSecond;
    this.#burstMs = this.#intervalMs * Math.max(0, rate.burst - 1);
    this.#clock = clock;
  }

  /** Resolves when the caller may go. @throws the signal's reason */
  async turn(signal: AbortSignal): Promise<void> {
    const now = this.#clock.now().getTime();
    const due = Math.max(this.#dueAt, now);
    this.#dueAt = due + this.#intervalMs;
    const wait = due - now - this.#burstMs;
    if (wait > 0) await delay(this.#clock, wait, signal);
  }
}
