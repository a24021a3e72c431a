/** Counts what evaluations cost and stops the one that costs too much. */
export class Meter {
  readonly limit: number;
  #spent = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get spent(): number {
    return this.#spent;
  }

  get left(): number {
    return Math.max(0, this.limit - this.#spent);
  }

  get exceeded(): boolean {
    return this.#spent > this.limit;
  }

  /** Adds what was spent elsewhere. */
  add(cost: number): void {
    this.#spent += cost;
  }

  /** @throws Error which becomes a value of the expression and ends the macro that it comes up in */
  charge(cost: number): void {
    this.#spent += cost;
    if (this.exceeded) throw new Error('too expensive');
  }
}
