import { Fifo } from './fifo.ts';

/** `low` is for what can wait, such as the objects that are there at start: it is served when nothing else can be. */
export type Priority = 'normal' | 'low';

const PRIORITIES = ['normal', 'low'] as const satisfies readonly Priority[];

export interface FairLinesOptions<T> {
  /** Taken items of one lane that are not released yet. */
  readonly perLane: number;
  readonly laneOf: (item: T) => string;
  /** False for an item that is to be passed over. */
  readonly isCurrent: (item: T) => boolean;
}

interface Lane<T> {
  readonly name: string;
  readonly lines: Readonly<Record<Priority, Fifo<T>>>;
  taken: number;
}

/**
 * Waiting items by lane. `take` goes round the lanes that have an item and room for it; inside a lane it is first in, first
 * out. Constant cost, whatever waits; a lane with nothing waiting or taken takes no memory.
 */
export class FairLines<T> {
  readonly #options: FairLinesOptions<T>;
  readonly #lanes = new Map<string, Lane<T>>();
  /** Lanes with room and perhaps an item, the one whose turn it is first. */
  readonly #ready = { normal: new Set<Lane<T>>(), low: new Set<Lane<T>>() } as const;

  constructor(options: FairLinesOptions<T>) {
    this.#options = options;
  }

  /** Number of lanes with items, waiting or taken. */
  get size(): number {
    return this.#lanes.size;
  }

  push(item: T, priority: Priority): void {
    const name = this.#options.laneOf(item);
    let lane = this.#lanes.get(name);
    if (!lane) {
      lane = { name, lines: { normal: new Fifo(), low: new Fifo() }, taken: 0 };
      this.#lanes.set(name, lane);
    }
    lane.lines[priority].push(item);
    this.#settle(lane);
  }

  /** The next item; it counts as taken until `release`. Undefined when none may be taken now. */
  take(): T | undefined {
    for (const priority of PRIORITIES) {
      for (const lane of this.#ready[priority]) {
        const item = this.#shift(lane.lines[priority]);
        // Its turn is over, so it goes to the end.
        this.#ready[priority].delete(lane);
        if (item !== undefined) lane.taken++;
        this.#settle(lane);
        if (item !== undefined) return item;
      }
    }
    return undefined;
  }

  /** Ends what was taken from a lane. */
  release(item: T): void {
    const lane = this.#lanes.get(this.#options.laneOf(item));
    if (!lane) return;
    lane.taken--;
    this.#settle(lane);
  }

  /** Forgets what waits. */
  clear(): void {
    for (const lane of this.#lanes.values()) {
      for (const priority of PRIORITIES) lane.lines[priority].clear();
      this.#settle(lane);
    }
  }

  #shift(line: Fifo<T>): T | undefined {
    for (let item = line.shift(); item !== undefined; item = line.shift()) {
      if (this.#options.isCurrent(item)) return item;
    }
    return undefined;
  }

  #settle(lane: Lane<T>): void {
    for (const priority of PRIORITIES) {
      if (lane.lines[priority].isEmpty || lane.taken >= this.#options.perLane) this.#ready[priority].delete(lane);
      else this.#ready[priority].add(lane);
    }
    if (lane.taken === 0 && PRIORITIES.every((priority) => lane.lines[priority].isEmpty)) this.#lanes.delete(lane.name);
  }
}
