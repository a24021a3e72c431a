import { type ChildProcess, spawn } from 'node:child_process';
import { errorMessage, TerminalError } from '../api/errors.ts';

export interface ChildOptions {
  /** Program and arguments; no shell is involved. */
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: string;
  /** Bytes of standard output that are taken; more end the process. */
  readonly maxOutputBytes: number;
  /** Kills the process and all that it has started. */
  readonly signal: AbortSignal;
}

export interface ChildResult {
  /** 128 + the number of the signal when one ended it, as in a shell. */
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  /** Its start; the rest is dropped. */
  readonly stderr: string;
}

const MAX_STDERR_BYTES = 64 * 1024;
/** Milliseconds that the output may stay open when the process itself has ended. */
const DRAIN_TIME = 500;
const SIGNAL_EXIT_CODE = 137;

/**
 * Runs a program to its end: writes `input`, collects what it prints. It need not read its input. What it started is
 * ended with it.
 * @throws TerminalError CommandNotRun when it cannot be started, BadOutput when it prints too much; the signal's reason,
 * once the process is gone
 */
export async function runChild(options: ChildOptions): Promise<ChildResult> {
  const { command, cwd, env, input, maxOutputBytes, signal } = options;
  signal.throwIfAborted();
  const [program = '', ...args] = command;
  // Its own process group, so that a kill reaches what it starts.
  const child = spawn(program, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const stdout = new Collector(maxOutputBytes);
  const stderr = new Collector(MAX_STDERR_BYTES);
  const onAbort = () => killGroup(child);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    child.stdout.on('data', (chunk: Uint8Array) => {
      if (!stdout.add(chunk)) killGroup(child);
    });
    child.stderr.on('data', (chunk: Uint8Array) => stderr.add(chunk));
    // A program that does not read closes the pipe, which is its right.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const exitCode = await ended(child, program);
    signal.throwIfAborted();
    if (stdout.overflowed) throw tooMuch(maxOutputBytes);
    return { exitCode, stdout: stdout.bytes(), stderr: new TextDecoder().decode(stderr.bytes()) };
  } finally {
    signal.removeEventListener('abort', onAbort);
    killGroup(child);
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  }
}

function ended(child: ChildProcess, program: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', (error) => {
    const message = `${JSON.stringify(program)} cannot be run: ${errorMessage(error)}`;
    reject(new TerminalError('CommandNotRun', message, { cause: error }));
  });
  let drain: NodeJS.Timeout | undefined;
  const settle = (code: number | null) => {
    clearTimeout(drain);
    resolve(code ?? SIGNAL_EXIT_CODE);
  };
  // 'close' comes when all is read; something left in the background could hold it back for ever.
  child.once('exit', (code) => {
    drain = setTimeout(() => settle(code), DRAIN_TIME);
  });
  child.once('close', settle);
  return promise;
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

function tooMuch(maxOutputBytes: number): TerminalError {
  return new TerminalError('BadOutput', `the function printed more than ${maxOutputBytes} bytes and was stopped`);
}

/** Keeps the first bytes of a stream. */
class Collector {
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  overflowed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False when it is more than is kept. */
  add(chunk: Uint8Array): boolean {
    const room = this.#limit - this.#size;
    if (chunk.byteLength > room) this.overflowed = true;
    if (room > 0) {
      const kept = chunk.subarray(0, room);
      this.#chunks.push(kept);
      this.#size += kept.byteLength;
    }
    return !this.overflowed;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks, this.#size);
  }
}
