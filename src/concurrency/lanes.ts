import { PriorityQueue, type Queue, type QueueAddOptions, type RunFunction } from 'p-queue';

export interface LaneOptions extends QueueAddOptions {
  readonly lane: string;
}

interface Lane {
  readonly name: string;
  readonly waiting: PriorityQueue;
  running: number;
}

/**
 * Waiting jobs by lane. `take` goes round the lanes that have a job and room for it, and inside a lane by priority, then
 * by age. A lane without jobs, waiting or running, takes no memory.
 */
export class Lanes {
  readonly #perLane: number;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes with a job that may start now, the one whose turn it is first. */
  readonly #ready = new Set<Lane>();
  #waiting = 0;

  constructor(perLane: number) {
    this.#perLane = perLane;
  }

  /** Number of lanes with a job that may start now. */
  get ready(): number {
    return this.#ready.size;
  }

  /** Number of waiting jobs in all lanes. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Number of lanes with jobs. */
  get size(): number {
    return this.#lanes.size;
  }

  waitingIn(name: string): number {
    return this.#lanes.get(name)?.waiting.size ?? 0;
  }

  put(name: string, run: RunFunction, options: Partial<LaneOptions>): void {
    const lane = this.#lanes.get(name) ?? { name, waiting: new PriorityQueue(), running: 0 };
    this.#lanes.set(name, lane);
    lane.waiting.enqueue(run, options);
    this.#waiting++;
    this.#settle(lane);
  }

  /** The next job; its lane counts it as running until `release`. */
  take(): RunFunction | undefined {
    const [lane] = this.#ready;
    const run = lane?.waiting.dequeue();
    if (lane === undefined || run === undefined) return undefined;
    this.#waiting--;
    lane.running++;
    this.#ready.delete(lane);
    this.#settle(lane);
    return run;
  }

  release(name: string): void {
    const lane = this.#lanes.get(name);
    if (lane === undefined) return;
    lane.running--;
    this.#settle(lane);
  }

  remove(name: string, id: string): void {
    const lane = this.#lanes.get(name);
    if (lane === undefined) return;
    this.#waiting -= lane.waiting.size;
    lane.waiting.remove(id);
    this.#waiting += lane.waiting.size;
    this.#settle(lane);
  }

  setPriority(name: string, id: string, priority: number): void {
    this.#lanes.get(name)?.waiting.setPriority(id, priority);
  }

  filter(options: Readonly<Partial<LaneOptions>>): RunFunction[] {
    return [...this.#lanes.values()].flatMap((lane) => lane.waiting.filter({ priority: options.priority ?? 0 }));
  }

  #settle(lane: Lane): void {
    if (lane.waiting.size === 0 || lane.running >= this.#perLane) this.#ready.delete(lane);
    else this.#ready.add(lane);
    if (lane.waiting.size === 0 && lane.running === 0) this.#lanes.delete(lane.name);
  }
}

/** Lets a p-queue take its jobs from lanes. Ids of jobs are made by `jobId`, so that they lead to the lane. */
export class LaneQueue implements Queue<RunFunction, LaneOptions> {
  readonly #lanes: Lanes;

  constructor(lanes: Lanes) {
    this.#lanes = lanes;
  }

  /** Jobs that wait in a full lane do not count: p-queue asks for the next job whenever this is not 0. */
  get size(): number {
    return this.#lanes.ready;
  }

  enqueue(run: RunFunction, options: Partial<LaneOptions> = {}): void {
    this.#lanes.put(options.lane ?? '', run, options);
  }

  dequeue(): RunFunction | undefined {
    return this.#lanes.take();
  }

  remove(id: string): void {
    this.#lanes.remove(laneOf(id), id);
  }

  setPriority(id: string, priority: number): void {
    this.#lanes.setPriority(laneOf(id), id, priority);
  }

  filter(options: Readonly<Partial<LaneOptions>>): RunFunction[] {
    return this.#lanes.filter(options);
  }
}

export function jobId(lane: string, number: number): string {
  return `${number} ${lane}`;
}

function laneOf(id: string): string {
  return id.slice(id.indexOf(' ') + 1);
}
