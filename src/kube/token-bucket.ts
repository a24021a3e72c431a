/** Lets through `burst` at once and then one each `refillMs`. */
export class TokenBucket {
  readonly #burst: number;
  readonly #refillMs: number;
  #tokens: number;
  #at: number;

  /** @param now milliseconds since the epoch */
  constructor(rate: { readonly burst: number; readonly refillMs: number }, now: number) {
    this.#burst = rate.burst;
    this.#refillMs = rate.refillMs;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** Whether there is a token; takes it. */
  take(now: number): boolean {
    const refilled = Math.floor((now - this.#at) / this.#refillMs);
    if (refilled > 0) {
      this.#tokens = Math.min(this.#burst, this.#tokens + refilled);
      this.#at += refilled * this.#refillMs;
    }
    if (this.#tokens === 0) return false;
    this.#tokens--;
    return true;
  }
}
