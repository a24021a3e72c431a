import { open } from 'node:fs/promises';
import type { ControlPlane } from './control-plane.ts';

/** An answered request, as far as tests look at it. */
export interface AuditEvent {
  readonly verb: string;
  readonly userAgent?: string;
  readonly requestReceivedTimestamp: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

const WRITES: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** What an API server's audit log says of operators, from one look to the next. */
export class AuditLog {
  readonly #path: string;
  #offset = 0;
  #rest = '';

  /** @param plane with the option `audit` */
  constructor({ auditLog }: Pick<ControlPlane, 'auditLog'>) {
    if (auditLog === undefined) throw new Error('the control plane keeps no audit log');
    this.#path = auditLog;
  }

  /** Requests of operators since the last call. */
  async read(): Promise<readonly AuditEvent[]> {
    const events = (await this.#lines()).map((line) => JSON.parse(line) as AuditEvent);
    return events.filter(({ userAgent }) => userAgent?.startsWith('veranda/'));
  }

  async #lines(): Promise<readonly string[]> {
    const file = await open(this.#path);
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - this.#offset), 0, undefined, this.#offset);
      this.#offset += bytesRead;
      const lines = (this.#rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
      this.#rest = lines.pop() ?? '';
      return lines.map((line) => Buffer.from(line, 'latin1').toString());
    } finally {
      await file.close();
    }
  }
}

/** Writes to objects other than Leases and Events, those that were refused among them, as `<verb> <resource>/<name>[/<subresource>]`. */
export function writesIn(events: readonly AuditEvent[]): readonly string[] {
  return events
    .filter(({ verb, objectRef }) => WRITES.has(verb) && !['leases', 'events'].includes(objectRef?.resource ?? ''))
    .map(({ verb, objectRef }) => [`${verb} ${objectRef?.resource}`, objectRef?.name, objectRef?.subresource])
    .map((parts) => parts.filter((part) => part !== undefined).join('/'));
}
