import { LRUCache } from 'lru-cache';
import { ConflictError, TerminalError } from '../../../api/errors.ts';
import type { EventSink, RecordedEvent } from '../../events.ts';
import type { ApiClient } from './client.ts';

export interface KubernetesEventSinkOptions {
  readonly client: Pick<ApiClient, 'json'>;
  /** Which process reports, for example the pod's name. */
  readonly reportingInstance: string;
  readonly signal?: AbortSignal;
}

/** Events that are remembered as created. */
const MAX_KNOWN = 4096;
/** Limits of events.k8s.io/v1, in characters. */
const MAX_NOTE = 1024;
const MAX_SHORT_TEXT = 128;
const MAX_NAME = 253;
/** Where events of objects without a namespace go, as client-go does it. */
const CLUSTER_NAMESPACE = 'default';

/** Writes events to an API server (events.k8s.io/v1): created once, then counted in their series. */
export class KubernetesEventSink implements EventSink {
  readonly #options: KubernetesEventSinkOptions;
  readonly #known = new LRUCache<string, true>({ max: MAX_KNOWN });

  constructor(options: KubernetesEventSinkOptions) {
    this.#options = options;
  }

  /** @throws as the client */
  async write(event: RecordedEvent): Promise<void> {
    const isKnown = this.#known.has(event.id);
    try {
      if (isKnown) await this.#count(event);
      else await this.#create(event);
    } catch (error) {
      // Events are removed after an hour, and a create may have succeeded without its answer.
      if (isKnown && error instanceof TerminalError && error.reason === 'NotFound') await this.#create(event);
      else if (error instanceof ConflictError && error.reason === 'AlreadyExists') await this.#count(event);
      else throw error;
    }
    this.#known.set(event.id, true);
  }

  async #create(event: RecordedEvent): Promise<void> {
    const { client, reportingInstance, signal } = this.#options;
    const { regarding, type, reason, message, count, firstSeen } = event;
    const { apiVersion, kind, namespace, name, uid } = regarding;
    await client.json({
      method: 'POST',
      path: collection(event),
      body: {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { namespace: namespace ?? CLUSTER_NAMESPACE, name: eventName(event) },
        eventTime: microTime(firstSeen),
        reportingController: 'veranda',
        reportingInstance: reportingInstance.slice(0, MAX_SHORT_TEXT),
        action: 'Reconcile',
        type,
        reason: reason.slice(0, MAX_SHORT_TEXT),
        note: shorten(message),
        regarding: { apiVersion, kind, namespace, name, uid },
        ...(count > 1 ? { series: series(event) } : {}),
      },
      signal,
    });
  }

  async #count(event: RecordedEvent): Promise<void> {
    if (event.count < 2) return;
    const { client, signal } = this.#options;
    await client.json({
      method: 'PATCH',
      path: `${collection(event)}/${encodeURIComponent(eventName(event))}`,
      contentType: 'application/merge-patch+json',
      body: { series: series(event) },
      signal,
    });
  }
}

function collection({ regarding: { namespace = CLUSTER_NAMESPACE } }: RecordedEvent): string {
  return `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/events`;
}

function eventName({ id, regarding: { name } }: RecordedEvent): string {
  return `${name.slice(0, MAX_NAME - 1 - id.length)}.${id}`;
}

function series({ count, lastSeen }: RecordedEvent) {
  return { count, lastObservedTime: microTime(lastSeen) };
}

function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}

/** The limit is in bytes. */
function shorten(message: string): string {
  const bytes = Buffer.from(message, 'utf8');
  if (bytes.length <= MAX_NOTE) return message;
  // A character that is cut in two becomes a mark of three bytes, and goes.
  const cut = bytes.subarray(0, MAX_NOTE - 3).toString('utf8');
  return `${cut.replace(/\uFFFD$/, '')}…`;
}
