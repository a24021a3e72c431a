interface Entry {
  readonly key: string;
  readonly dueAt: number;
  /** Order of asking, for keys that are due at the same time. */
  readonly number: number;
}

/** Keys with the time at which each is due, milliseconds since the epoch; the next one at logarithmic cost. */
export class DelayHeap {
  #heap: Entry[] = [];
  readonly #current = new Map<string, Entry>();
  #added = 0;

  get size(): number {
    return this.#current.size;
  }

  dueAt(key: string): number | undefined {
    return this.#current.get(key)?.dueAt;
  }

  entries(): { readonly key: string; readonly dueAt: number }[] {
    return [...this.#current.values()].map(({ key, dueAt }) => ({ key, dueAt }));
  }

  /** Replaces the time of a key. */
  set(key: string, dueAt: number): void {
    const entry = { key, dueAt, number: this.#added++ };
    this.#current.set(key, entry);
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
    if (this.#heap.length > 64 && this.#heap.length > 4 * this.#current.size) this.#dropReplaced();
  }

  delete(key: string): void {
    this.#current.delete(key);
  }

  clear(): void {
    this.#heap = [];
    this.#current.clear();
  }

  /** When the next key is due. */
  next(): number | undefined {
    while (this.#heap[0] && !this.#isCurrent(this.#heap[0])) this.#pop();
    return this.#heap[0]?.dueAt;
  }

  /** Takes out the next key that is due at `now`. */
  takeDue(now: number): string | undefined {
    const next = this.next();
    if (next === undefined || next > now) return undefined;
    const key = this.#pop()?.key;
    if (key !== undefined) this.#current.delete(key);
    return key;
  }

  #isCurrent(entry: Entry): boolean {
    return this.#current.get(entry.key) === entry;
  }

  #dropReplaced(): void {
    // A sorted list is a heap.
    this.#heap = [...this.#current.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #pop(): Entry | undefined {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (last && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
    return first;
  }

  #up(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (!this.#swapIfBefore(index, parent)) return;
      index = parent;
    }
  }

  #down(start: number): void {
    let index = start;
    for (;;) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      const [leftEntry, rightEntry] = [this.#heap[left], this.#heap[right]];
      const smaller = rightEntry && leftEntry && isBefore(rightEntry, leftEntry) ? right : left;
      if (!this.#swapIfBefore(smaller, index)) return;
      index = smaller;
    }
  }

  #swapIfBefore(lower: number, upper: number): boolean {
    const [below, above] = [this.#heap[lower], this.#heap[upper]];
    if (!below || !above || !isBefore(below, above)) return false;
    this.#heap[lower] = above;
    this.#heap[upper] = below;
    return true;
  }
}

function isBefore(left: Entry, right: Entry): boolean {
  return left.dueAt === right.dueAt ? left.number < right.number : left.dueAt < right.dueAt;
}
