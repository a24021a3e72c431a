import { setTimeout } from 'node:timers/promises';

/** After so long without two callers at once there is no crowd, in milliseconds. */
const OVER_MS = 1000;
/** Nobody comes any more, in milliseconds. */
const QUIET_MS = 120;
/** The longest that the first one waits for others, in milliseconds. */
const LONGEST_MS = 1000;
/** Enough for a push of their own. */
const ENOUGH = 24;

/**
 * Tells a fleet from a person. Who is alone is served at once. When many come one after the other, the next push waits until they have
 * gathered: a push costs the server the same for one as for a hundred, and who changes his mind within that time needs but one.
 */
export class Crowd {
  #lastCame = Number.NEGATIVE_INFINITY;
  #lastMet = Number.NEGATIVE_INFINITY;

  /** @param meets whether another one is waiting or being served */
  comes(meets: boolean): void {
    this.#lastCame = performance.now();
    if (meets) this.#lastMet = this.#lastCame;
  }

  /** Ends at once when there is no crowd, and else when it is large enough, or nobody follows. */
  async gather(waiting: () => number): Promise<void> {
    const began = performance.now();
    while (began - this.#lastMet < OVER_MS && waiting() > 0 && waiting() < ENOUGH) {
      const left = Math.min(began + LONGEST_MS, this.#lastCame + QUIET_MS) - performance.now();
      if (left <= 0) return;
      await setTimeout(left);
    }
  }
}
