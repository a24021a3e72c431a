import { ConflictError } from '../../../api/errors.ts';
import type { KubeObject } from '../../../api/object.ts';

export interface LoggedEvent {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

/**
 * The latest events of one kind, oldest first. Readers hold a version, not a queue, so that a slow one costs no memory: it
 * falls behind the history and has to list again.
 */
export class EventLog {
  readonly #limit: number;
  #events: LoggedEvent[] = [];
  /** Events up to this version are no longer known. */
  #forgotten = 0;
  readonly #waiting = new Set<() => void>();
  #readers = 0;

  /** @param limit events that are surely kept; up to twice as many are */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Version of the latest event, or of the latest forgotten one. */
  get version(): number {
    return this.#events.at(-1)?.version ?? this.#forgotten;
  }

  /** Number of readers that have not ended. */
  get readers(): number {
    return this.#readers;
  }

  append(event: LoggedEvent): void {
    this.#events.push(event);
    if (this.#events.length > 2 * this.#limit) {
      const removed = this.#events.splice(0, this.#events.length - this.#limit);
      this.#forgotten = removed.at(-1)?.version ?? this.#forgotten;
    }
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /**
   * Events after `version`, in batches, as they happen; ends when the signal fires.
   * @throws ConflictError Expired when events after `version` are no longer known
   */
  async *read(version: number, signal: AbortSignal): AsyncGenerator<readonly LoggedEvent[], void, undefined> {
    this.#readers++;
    try {
      let cursor = version;
      while (!signal.aborted) {
        const batch = this.#after(cursor);
        const last = batch.at(-1);
        if (last) {
          cursor = last.version;
          yield batch;
        } else {
          await this.#nextEvent(signal);
        }
      }
    } finally {
      this.#readers--;
    }
  }

  async #nextEvent(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    this.#waiting.delete(wake);
    signal.removeEventListener('abort', wake);
  }

  #after(version: number): LoggedEvent[] {
    if (!Number.isSafeInteger(version) || version < this.#forgotten) {
      throw new ConflictError(
        'Expired',
        `resource version ${version} is too old: history begins at ${this.#forgotten}`,
      );
    }
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.version ?? 0) <= version) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }
}
