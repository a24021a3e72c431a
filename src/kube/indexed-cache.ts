import type { KubeObject } from '../api/object.ts';
import type { IndexFunction } from './controller.ts';

interface Index<T extends KubeObject> {
  readonly valuesOf: IndexFunction<T>;
  readonly objects: Map<string, Map<string, T>>;
}

/** Objects by key, with named indexes that are kept up with each change. */
export class IndexedCache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #onFault: (index: string, error: unknown) => void;

  /** @param onFault told when an index function throws; the object then has no values in that index */
  constructor(onFault: (index: string, error: unknown) => void) {
    this.#onFault = onFault;
  }

  get size(): number {
    return this.#objects.size;
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  /** @throws Error when there is no such index */
  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (!index) throw new Error(`no index ${name}`);
    return [...(index.objects.get(value)?.values() ?? [])];
  }

  /** @throws Error when the name is taken by another function */
  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    const existing = this.#indexes.get(name);
    if (existing?.valuesOf === valuesOf) return;
    if (existing) throw new Error(`index ${name} exists already`);
    this.#indexes.set(name, { valuesOf, objects: new Map() });
  }

  set(key: string, object: T): void {
    const before = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const [name, index] of this.#indexes) {
      if (before) this.#unindex(name, index, key, before);
      for (const value of this.#valuesOf(name, index, object)) {
        const bucket = index.objects.get(value) ?? new Map<string, T>();
        index.objects.set(value, bucket);
        bucket.set(key, object);
      }
    }
  }

  delete(key: string): void {
    const before = this.#objects.get(key);
    if (!before) return;
    this.#objects.delete(key);
    for (const [name, index] of this.#indexes) this.#unindex(name, index, key, before);
  }

  #unindex(name: string, index: Index<T>, key: string, before: T): void {
    for (const value of this.#valuesOf(name, index, before)) {
      const bucket = index.objects.get(value);
      bucket?.delete(key);
      if (bucket?.size === 0) index.objects.delete(value);
    }
  }

  #valuesOf(name: string, { valuesOf }: Index<T>, object: T): readonly string[] {
    try {
      return valuesOf(object);
    } catch (error) {
      this.#onFault(name, error);
      return [];
    }
  }
}
