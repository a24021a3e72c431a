import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };

/** The process that is measured. It is told what to do over IPC, one thing after the other; the clock is ours. */
export class SubjectProcess<Request extends object> {
  readonly #child: ChildProcess;

  /** @param module answers each message with an `Answer` */
  constructor(module: string) {
    this.#child = fork(module, { serialization: 'advanced' });
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

/** The measured process's side: answers what it is asked, until nobody asks any more. */
export function answerRequests<Request>(answer: (request: Request) => Promise<unknown>): void {
  process.on('message', (request: Request) => {
    answer(request).then(
      (value) => process.send?.({ ok: true, value } satisfies Answer),
      (error: unknown) => process.send?.({ ok: false, message: String(error) } satisfies Answer),
    );
  });
  process.on('disconnect', () => process.exit(0));
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
