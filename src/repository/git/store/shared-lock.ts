/**
 * Readers-writer lock: any number of `shared` sections, or one `exclusive` one. A waiting exclusive section holds new
 * shared ones back, so that it cannot starve.
 */
export class SharedLock {
  #readers = 0;
  #writing = false;
  readonly #waitingWriters: (() => void)[] = [];
  #waitingReaders: (() => void)[] = [];

  async shared<T>(section: () => Promise<T>): Promise<T> {
    while (this.#writing || this.#waitingWriters.length > 0) {
      await new Promise<void>((resolve) => this.#waitingReaders.push(resolve));
    }
    this.#readers += 1;
    try {
      return await section();
    } finally {
      this.#readers -= 1;
      this.#wake();
    }
  }

  async exclusive<T>(section: () => Promise<T>): Promise<T> {
    if (this.#writing || this.#readers > 0) {
      await new Promise<void>((resolve) => this.#waitingWriters.push(resolve));
    } else {
      this.#writing = true;
    }
    try {
      return await section();
    } finally {
      this.#writing = false;
      this.#wake();
    }
  }

  #wake(): void {
    if (this.#writing || this.#readers > 0) return;
    const writer = this.#waitingWriters.shift();
    if (writer !== undefined) {
      // Handed over here: nobody can slip in between the wake-up and its turn.
      this.#writing = true;
      writer();
      return;
    }
    const readers = this.#waitingReaders;
    this.#waitingReaders = [];
    for (const reader of readers) reader();
  }
}
