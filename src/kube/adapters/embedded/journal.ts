import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stringify } from 'safe-stable-stringify';
import { TerminalError } from '../../../api/errors.ts';
import type { KubeObject } from '../../../api/object.ts';
import type { Managers } from './managed-fields.ts';

/** One change of an embedded store; `object` is the state after it, or the last one of what was removed. */
export interface StoreRecord {
  readonly type: 'put' | 'remove';
  readonly object: KubeObject;
  readonly managers: Managers;
}

/**
 * A store's changes in a file, one JSON document a line, in order. A crash loses at most the last changes, never one between
 * others: a last line without its end is ignored.
 */
export class Journal {
  readonly #file: FileHandle;
  #pending: string[] = [];
  #writing: Promise<void> | undefined;
  #failure: unknown;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * Opens or begins a journal and gives back what it holds. The file is rewritten to what is still true (a new file takes
   * its name when it is complete), so that it does not grow from run to run.
   * @throws TerminalError JournalDamaged with file and line; errors of the file system
   */
  static async open(path: string): Promise<{ readonly journal: Journal; readonly records: readonly StoreRecord[] }> {
    await mkdir(dirname(path), { recursive: true });
    const records = latest(parseJournal(path, await readOrEmpty(path)));
    const temporary = `${path}.new`;
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(records.map(line).join(''));
      await file.sync();
      await rename(temporary, path);
    } catch (error) {
      await file.close();
      throw error;
    }
    return { journal: new Journal(file), records };
  }

  /** Queues a change to be written soon; failures come out of `flush` and `close`. */
  append(record: StoreRecord): void {
    this.#pending.push(line(record));
    this.#writing ??= this.#write();
  }

  /**
   * Waits until everything appended is in the file.
   * @throws errors of the file system; once one write has failed no later one is tried
   */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Writes what is left, makes it durable and closes the file. */
  async close(): Promise<void> {
    try {
      await this.flush();
      await this.#file.sync();
    } finally {
      await this.#file.close();
    }
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    try {
      // Changes of the same turn go in one write.
      await Promise.resolve();
      while (this.#pending.length > 0 && this.#failure === undefined) {
        const lines = this.#pending;
        this.#pending = [];
        await this.#file.appendFile(lines.join(''));
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#writing = undefined;
    }
  }
}

function line(record: StoreRecord): string {
  return `${stringify(record)}\n`;
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (Reflect.get(Object(error), 'code') === 'ENOENT') return '';
    throw error;
  }
}

function parseJournal(path: string, text: string): StoreRecord[] {
  const lines = text.split('\n');
  // What follows the last line feed was not written to its end.
  return lines.slice(0, -1).map((content, index) => {
    try {
      const record: StoreRecord = JSON.parse(content, reviveBigInt);
      if (typeof record.object.metadata.uid !== 'string') throw new TypeError('no object');
      return record;
    } catch (cause) {
      throw new TerminalError('JournalDamaged', 'is no record of a change; remove the file to begin anew', {
        file: path,
        line: index + 1,
        cause,
      });
    }
  });
}

function reviveBigInt(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const exact = typeof value !== 'number' || Number.isSafeInteger(value) || !/^-?\d+$/.test(context?.source ?? '');
  return exact ? value : BigInt(context?.source ?? 0);
}

/** The last put of each object that was not removed, and the very last record, since it holds the highest version. */
function latest(records: readonly StoreRecord[]): StoreRecord[] {
  const current = new Map<string, StoreRecord>();
  for (const record of records) {
    const uid = record.object.metadata.uid ?? '';
    current.delete(uid);
    if (record.type === 'put') current.set(uid, record);
  }
  const last = records.at(-1);
  return [...current.values(), ...(last?.type === 'remove' ? [last] : [])];
}
