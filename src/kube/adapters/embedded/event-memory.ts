import { LRUCache } from 'lru-cache';
import type { EventSink, RecordedEvent } from '../../events.ts';

/** Keeps the last events of each object in memory, for those who show them. */
export class EventMemory implements EventSink {
  readonly #perObject: number;
  readonly #objects: LRUCache<string, Map<string, RecordedEvent>>;

  constructor(options: { readonly perObject?: number; readonly objects?: number } = {}) {
    this.#perObject = options.perObject ?? 20;
    this.#objects = new LRUCache({ max: options.objects ?? 10_000 });
  }

  async write(event: RecordedEvent): Promise<void> {
    const key = objectId(event.regarding);
    const events = this.#objects.get(key) ?? new Map<string, RecordedEvent>();
    this.#objects.set(key, events);
    events.delete(event.id);
    events.set(event.id, event);
    const [oldest] = events.keys();
    if (oldest !== undefined && events.size > this.#perObject) events.delete(oldest);
  }

  /** Events of an object, the one that was last seen longest ago first. */
  of(object: { readonly kind: string; readonly namespace?: string; readonly name: string }): readonly RecordedEvent[] {
    return [...(this.#objects.get(objectId(object))?.values() ?? [])];
  }
}

function objectId({ kind, namespace = '', name }: Parameters<EventMemory['of']>[0]): string {
  return `${kind} ${namespace}/${name}`;
}
