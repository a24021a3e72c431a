import { randomInt } from 'node:crypto';

/** Reproducible random numbers (mulberry32): one seed, one sequence. */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** From 0 up to, and without, `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new RangeError('nothing to pick from');
    return value;
  }

  /** A DNS label of seven letters. */
  word(): string {
    return Array.from({ length: 7 }, () => String.fromCharCode(97 + this.below(26))).join('');
  }
}

/** The seed that the environment names (`SEED`), else a new one. */
export function seedOf(environment: { readonly SEED?: string }): number {
  const { SEED } = environment;
  return SEED === undefined || SEED === '' ? randomInt(1, 2 ** 31) : Number(SEED);
}
