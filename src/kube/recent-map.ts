/**
 * A map that holds the keys that were set last. For the many small ones, one or more an object: an LRU cache lays out arrays of its
 * whole size at once, which is kilobytes for each.
 */
export class RecentMap<K, V> {
  readonly #max: number;
  readonly #entries = new Map<K, V>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#max) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  deleteWhere(isUnwanted: (value: V) => boolean): void {
    for (const [key, value] of this.#entries) if (isUnwanted(value)) this.#entries.delete(key);
  }
}
