import { setInterval } from 'node:timers';
import type { RawData, WebSocket } from 'ws';
import { TerminalError, TransientError } from '../../api/errors.ts';
import type { ApiClient } from '../../kube/adapters/kubernetes/client.ts';

/** A container, and what is to be run in it. */
export interface PodTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Program and arguments to be executed beside what runs there; absent: the streams of the container's own process. */
  readonly command?: readonly string[];
}

export interface StreamLimits {
  readonly maxStdoutBytes: number;
  /** What is beyond is dropped and said. Default 64 KiB. */
  readonly maxStderrBytes?: number;
  /** Milliseconds between pings; two without any answer end the connection. Default 20 s. */
  readonly pingMs?: number;
}

export interface StreamResult {
  /** Absent where the server does not say: the streams of a container's own process end without one. */
  readonly exitCode?: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** The only version of the protocol in which standard input can be ended while output goes on (KEP-4006). */
const PROTOCOL = 'v5.channel.k8s.io';
const [STDIN, STDOUT, STDERR, STATUS, CLOSE] = [0, 1, 2, 3, 255];
/** Servers refuse large frames; small ones cost time. */
const CHUNK_BYTES = 64 * 1024;
const MAX_STDERR_BYTES = 64 * 1024;
const PING_MS = 20_000;

/**
 * Runs one command in a container with `input` as its standard input, over the API server's streaming protocol. Settles
 * exactly once. An abort closes the connection; the process in the container may go on, which the caller has to end.
 * @throws the signal's reason; TransientError PodStreamLost when the connection ended before the command did,
 * TransientError PodStreamRefused when it could not be opened, TerminalError BadOutput when it printed too much
 */
export async function runInPod(
  client: Pick<ApiClient, 'webSocket'>,
  target: PodTarget,
  input: Uint8Array,
  limits: StreamLimits,
  signal: AbortSignal,
): Promise<StreamResult> {
  signal.throwIfAborted();
  const socket = await client.webSocket({
    path: pathOf(target),
    query: queryOf(target),
    protocols: [PROTOCOL],
    signal,
  });
  const streams = new PodStreams(socket, target, limits);
  const onAbort = () => streams.fail(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await streams.run(input);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function pathOf({ namespace, pod, command }: PodTarget): string {
  return `/api/v1/namespaces/${namespace}/pods/${pod}/${command === undefined ? 'attach' : 'exec'}`;
}

function queryOf({
  container,
  command = [],
}: PodTarget): Readonly<Record<string, string | boolean | readonly string[]>> {
  const streams = { container, stdin: true, stdout: true, stderr: true, tty: false };
  return command.length === 0 ? streams : { ...streams, command };
}

class PodStreams {
  readonly #socket: WebSocket;
  readonly #target: PodTarget;
  readonly #limits: StreamLimits;
  readonly #settled = Promise.withResolvers<StreamResult>();
  readonly #stdout: Uint8Array[] = [];
  readonly #stderr: Uint8Array[] = [];
  #stdoutBytes = 0;
  #stderrBytes = 0;
  #isSettled = false;
  #isAlive = true;

  constructor(socket: WebSocket, target: PodTarget, limits: StreamLimits) {
    this.#socket = socket;
    this.#target = target;
    this.#limits = limits;
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data) => this.#receive(data));
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('error', (error) => this.fail(this.#lost(error.message)));
    socket.on('close', () => this.#closed());
  }

  async run(input: Uint8Array): Promise<StreamResult> {
    const watch = setInterval(() => this.#ping(), this.#limits.pingMs ?? PING_MS);
    try {
      if (this.#socket.protocol !== PROTOCOL) this.fail(refused(this.#target, `the server speaks no ${PROTOCOL}`));
      this.#socket.resume();
      // Not waited for: a command need not read its input to the end.
      void this.#send(input);
      return await this.#settled.promise;
    } finally {
      clearInterval(watch);
      this.#socket.removeAllListeners('message');
      if (this.#socket.readyState === this.#socket.OPEN) this.#socket.close(1000);
      else this.#socket.terminate();
    }
  }

  fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#settled.reject(error);
    this.#socket.terminate();
  }

  #succeed(exitCode: number | undefined): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const dropped = this.#stderrBytes - sizeOf(this.#stderr);
    const stderr = new TextDecoder().decode(Buffer.concat(this.#stderr));
    this.#settled.resolve({
      ...(exitCode === undefined ? {} : { exitCode }),
      stdout: Buffer.concat(this.#stdout),
      stderr: dropped > 0 ? `${stderr}\n(${dropped} bytes more)` : stderr,
    });
  }

  /** One chunk after the other, each when the one before has left: never more than one is held here. */
  async #send(input: Uint8Array): Promise<void> {
    for (let start = 0; start < input.length && !this.#isSettled; start += CHUNK_BYTES) {
      const chunk = input.subarray(start, start + CHUNK_BYTES);
      const frame = Buffer.allocUnsafe(chunk.length + 1);
      frame[0] = STDIN;
      frame.set(chunk, 1);
      if (!(await this.#sendFrame(frame))) return;
    }
    if (!this.#isSettled) await this.#sendFrame(Buffer.from([CLOSE, STDIN]));
  }

  /** False when the connection is gone, which its own events tell of. */
  #sendFrame(frame: Buffer): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#socket.send(frame, { binary: true }, (error) => resolve(!error));
    return promise;
  }

  #receive(data: RawData): void {
    this.#isAlive = true;
    const frame = data as Buffer;
    const [channel] = frame;
    const payload = frame.subarray(1);
    if (channel === STDOUT) this.#keepOutput(payload);
    else if (channel === STDERR) this.#keepError(payload);
    else if (channel === STATUS && payload.length > 0) this.#finish(payload);
  }

  #keepOutput(payload: Uint8Array): void {
    this.#stdoutBytes += payload.length;
    const { maxStdoutBytes } = this.#limits;
    if (this.#stdoutBytes <= maxStdoutBytes) this.#stdout.push(payload);
    else this.fail(new TerminalError('BadOutput', `the function printed more than ${maxStdoutBytes} bytes`));
  }

  #keepError(payload: Uint8Array): void {
    this.#stderrBytes += payload.length;
    const room = (this.#limits.maxStderrBytes ?? MAX_STDERR_BYTES) - sizeOf(this.#stderr);
    if (room > 0) this.#stderr.push(payload.subarray(0, room));
  }

  #finish(payload: Uint8Array): void {
    const { status, message, code, causes } = readStatus(payload);
    if (status === 'Success') {
      this.#succeed(this.#target.command === undefined ? undefined : 0);
      return;
    }
    const exitCode = causes.find(({ reason }) => reason === 'ExitCode')?.message;
    if (exitCode !== undefined) this.#succeed(Number(exitCode));
    // A container that is gone by now answers here too: the streams were open, the command never ran or was cut off.
    else this.fail(this.#lost(message ?? `code ${code ?? 'unknown'}`));
  }

  #closed(): void {
    // The streams of a container's own process may end without a status.
    if (this.#target.command === undefined && this.#stdoutBytes > 0) this.#succeed(undefined);
    else this.fail(this.#lost('it ended before the function did'));
  }

  #ping(): void {
    if (!this.#isAlive) {
      this.fail(this.#lost('nothing came back for too long'));
      return;
    }
    this.#isAlive = false;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  #lost(why: string): TransientError {
    return new TransientError('PodStreamLost', `the connection to pod ${this.#target.pod} was lost: ${why}`);
  }
}

interface ExecStatus {
  readonly status?: string;
  readonly message?: string;
  readonly code?: number;
  readonly causes: readonly { readonly reason?: string; readonly message?: string }[];
}

function readStatus(payload: Uint8Array): ExecStatus {
  const text = new TextDecoder().decode(payload);
  try {
    const { status, message, code, details } = JSON.parse(text) as ExecStatus & {
      readonly details?: { readonly causes?: ExecStatus['causes'] };
    };
    return { status, message, code, causes: details?.causes ?? [] };
  } catch {
    return { message: text, causes: [] };
  }
}

function refused({ pod }: PodTarget, why: string): TransientError {
  return new TransientError('PodStreamRefused', `a command could not be run in pod ${pod}: ${why}`);
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}
