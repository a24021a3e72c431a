import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Request } from './subject.ts';

/** The process that is measured. It is told what to do over IPC; the clock is ours. */
export class SubjectProcess {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'subject.ts'), { serialization: 'advanced' });
  }

  /** What the process answers, and the milliseconds from question to answer. */
  async ask(request: Request): Promise<{ readonly value: unknown; readonly ms: number }> {
    const start = performance.now();
    this.#child.send(request);
    const [answer] = (await once(this.#child, 'message')) as [Answer];
    const ms = performance.now() - start;
    if (!answer.ok) throw new Error(answer.message);
    return { value: answer.value, ms };
  }

  /** MiB, from /proc. */
  async peakRss(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
  }

  async close(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.disconnect();
    await gone;
  }
}

const PING_EVERY_MS = 2;

/** Round trips in milliseconds, sorted, to an echoing port as long as `until` is not settled. */
export async function pingUntil(port: number, until: Promise<unknown>): Promise<number[]> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  const state = { running: true };
  const stop = (): void => {
    state.running = false;
  };
  until.then(stop, stop);
  const trips: number[] = [];
  while (state.running) {
    const start = performance.now();
    socket.write('.');
    await once(socket, 'data');
    trips.push(performance.now() - start);
    await delay(PING_EVERY_MS);
  }
  socket.destroy();
  return trips.sort((a, b) => a - b);
}

/** @param sorted ascending */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}
