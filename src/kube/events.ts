import { LRUCache } from 'lru-cache';
import type { KubeObject } from '../api/object.ts';
import { type Logger, nullLogger } from '../observability/logger.ts';
import type { EventRecorder } from './controller.ts';
import { RecentMap } from './recent-map.ts';
import { TokenBucket } from './token-bucket.ts';

/** What happened to an object, and how often. */
export interface RecordedEvent {
  /** The same for all counts of one event. */
  readonly id: string;
  readonly regarding: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
    readonly uid?: string;
  };
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly firstSeen: Date;
  readonly lastSeen: Date;
}

/** Where events go. An event that is counted again is written again, with the same id. */
export interface EventSink {
  write(event: RecordedEvent): Promise<void>;
}

export interface EventRecorderOptions {
  readonly sink: EventSink;
  /** Takes secrets out of a text. */
  readonly sanitise: (text: string) => string;
  readonly now?: () => Date;
  readonly logger?: Logger;
}

/** After client-go: what is equal within this time is one event with a count. */
const WINDOW_MS = 600_000;
/** Events of one reason with more messages than this within the window become one event. */
const MAX_SIMILAR = 10;
/** Events of one object: so many at once, then one in five minutes. */
const RATE = { burst: 25, refillMs: 300_000 } as const;
/** Objects whose events are remembered. */
const MAX_OBJECTS = 4096;
/** Events of one object that are remembered for counting. */
const MAX_EVENTS = 64;
/** Events that wait for the sink; more are lost. */
const MAX_PENDING = 1000;
/** An API server takes 1 kB. */
const MAX_MESSAGE = 1000;

interface History {
  readonly bucket: TokenBucket;
  readonly events: RecentMap<string, RecordedEvent>;
  /** By type and reason: messages with the time when each was last seen. */
  readonly similar: RecentMap<string, RecentMap<string, number>>;
}

type EventText = Parameters<EventRecorder['record']>[1];

/**
 * Counts equal events, joins similar ones, drops what is too much for one object, and hands the rest to a sink in the background, one
 * at a time. Recording never waits and never fails; memory is bounded.
 */
export class AggregatingEventRecorder implements EventRecorder {
  readonly #sink: EventSink;
  readonly #sanitise: (text: string) => string;
  readonly #now: () => Date;
  readonly #logger: Logger;
  readonly #histories = new LRUCache<string, History>({ max: MAX_OBJECTS });
  /** Latest state of events that the sink has not got yet, by id. */
  readonly #pending = new Map<string, RecordedEvent>();
  #writing: Promise<void> | undefined;
  #recorded = 0;
  #lost = 0;

  constructor(options: EventRecorderOptions) {
    this.#sink = options.sink;
    this.#sanitise = options.sanitise;
    this.#now = options.now ?? (() => new Date());
    this.#logger = options.logger ?? nullLogger;
  }

  /** Number of events that were dropped or that the sink did not take. */
  get lost(): number {
    return this.#lost;
  }

  record(object: KubeObject, text: EventText): void {
    const now = this.#now();
    const history = this.#historyOf(object, now);
    if (this.#pending.size >= MAX_PENDING || !history.bucket.take(now.getTime())) {
      this.#lost++;
      return;
    }
    const event = this.#count(history, object, { ...text, message: this.#sanitise(text.message) }, now);
    // Behind the others, so that a sink gets events in the order in which they were last seen.
    this.#pending.delete(event.id);
    this.#pending.set(event.id, event);
    this.#writing ??= this.#write();
  }

  /** Waits until the sink has got everything recorded so far. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  #historyOf({ apiVersion, kind, metadata }: KubeObject, now: Date): History {
    const key = metadata.uid ?? `${apiVersion} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
    const history = this.#histories.get(key) ?? {
      bucket: new TokenBucket(RATE, now.getTime()),
      events: new RecentMap<string, RecordedEvent>(MAX_EVENTS),
      similar: new RecentMap<string, RecentMap<string, number>>(MAX_EVENTS),
    };
    this.#histories.set(key, history);
    return history;
  }

  #count(history: History, object: KubeObject, { type, reason, message: full }: EventText, now: Date): RecordedEvent {
    const message = full.length <= MAX_MESSAGE ? full : `${full.slice(0, MAX_MESSAGE - 1)}…`;
    const group = `${type} ${reason}`;
    const joined = countMessages(history, group, message, now.getTime()) > MAX_SIMILAR;
    const key = joined ? group : `${group} ${message}`;
    const before = history.events.get(key);
    const goesOn = before && now.getTime() - before.lastSeen.getTime() <= WINDOW_MS;
    const { apiVersion, kind, metadata } = object;
    const { namespace, name, uid } = metadata;
    const event: RecordedEvent = {
      id: goesOn ? before.id : `${now.getTime().toString(16)}${(this.#recorded++).toString(16).padStart(6, '0')}`,
      regarding: { apiVersion, kind, namespace, name, uid },
      type,
      reason,
      message: joined ? `(one of several like it) ${message}` : message,
      count: goesOn ? before.count + 1 : 1,
      firstSeen: goesOn ? before.firstSeen : now,
      lastSeen: now,
    };
    history.events.set(key, event);
    return event;
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    // Recording is over when the first write begins.
    await Promise.resolve();
    for (const [id, event] of this.#pending) {
      this.#pending.delete(id);
      try {
        await this.#sink.write(event);
      } catch (error) {
        this.#lost++;
        this.#logger.debug('event lost', { reason: event.reason, error });
      }
    }
    this.#writing = undefined;
  }
}

/** Number of messages of a group within the window, this one included. */
function countMessages({ similar }: History, group: string, message: string, now: number): number {
  const messages = similar.get(group) ?? new RecentMap<string, number>(MAX_SIMILAR + 1);
  similar.set(group, messages);
  messages.set(message, now);
  messages.deleteWhere((seen) => now - seen > WINDOW_MS);
  return messages.size;
}
