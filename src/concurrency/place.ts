/** A place in a queue that its holder may leave while it waits for something that needs none, a remote for example. */
export class Place {
  readonly #acquire: () => Promise<() => void>;
  #giveBack: (() => void) | undefined;
  #away = 0;
  #ended = false;

  /** @param acquire waits for a place and gives the function that gives it back */
  constructor(acquire: () => Promise<() => void>) {
    this.#acquire = acquire;
  }

  /** Once only. @throws what `acquire` and the work throw */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#ended = true;
      this.#leave();
    }
  }

  /**
   * Gives the place to others during the wait, then queues for one again.
   * @throws what the wait and `acquire` throw
   */
  async outside<T>(wait: () => Promise<T>): Promise<T> {
    if (this.#away++ === 0) this.#leave();
    try {
      return await wait();
    } finally {
      if (--this.#away === 0) await this.#enter();
    }
  }

  async #enter(): Promise<void> {
    if (this.#ended) return;
    const giveBack = await this.#acquire();
    // Meanwhile the work may have ended, or another wait of it may have brought a place.
    if (this.#ended || this.#giveBack) giveBack();
    else this.#giveBack = giveBack;
  }

  #leave(): void {
    this.#giveBack?.();
    this.#giveBack = undefined;
  }
}
