import { setImmediate } from 'node:timers/promises';

/**
 * Work that many do in small pieces on this thread, without waiting for anything, gets so long of each turn of the event loop, all
 * of it together: timers and the network have theirs however many there are.
 */
export class TimeSlice {
  readonly #milliseconds: number;
  #began = Number.NEGATIVE_INFINITY;
  #nextTurn: Promise<void> | undefined;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  /** To be asked right before each piece, with nothing awaited in between. */
  get isUsedUp(): boolean {
    return performance.now() - this.#began > this.#milliseconds;
  }

  nextTurn(): Promise<void> {
    this.#nextTurn ??= this.#begin();
    return this.#nextTurn;
  }

  async #begin(): Promise<void> {
    await setImmediate();
    this.#nextTurn = undefined;
    this.#began = performance.now();
  }
}
