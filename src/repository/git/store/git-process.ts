import { type ChildProcess, spawn } from 'node:child_process';
import { TransientError } from '../../../api/errors.ts';
import { gitEnvironment } from './git-environment.ts';

export interface GitCall {
  /** Without `git` itself. Never holds a secret: other users can read it. */
  readonly args: readonly string[];
  readonly gitDirectory: string;
  /** Sent to standard input, which is then closed. */
  readonly input?: string;
  /** Configuration for this call only, over the environment. */
  readonly config?: readonly ConfigEntry[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Default 64 MiB. */
  readonly maxOutputBytes?: number;
}

export type ConfigEntry = readonly [key: string, value: string];

export interface GitResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  /** The last 64 KiB. */
  readonly stderr: string;
}

const DEFAULT_MAX_OUTPUT = 64 * 1024 * 1024;
const MAX_STDERR = 64 * 1024;
/** From the polite signal, at which git removes its lock files, to the other one. */
const KILL_GRACE_MS = 1000;

type Ending = 'exited' | 'timeout' | 'aborted' | 'output-too-large';

/**
 * Runs one git command in its own process group, which ends with the deadline, the signal or too much output.
 * A non-zero exit is a result, not an error.
 * @throws TransientError Timeout, OutputTooLarge, GitNotRunnable; the signal's reason when aborted
 */
export async function runGit(call: GitCall): Promise<GitResult> {
  call.signal?.throwIfAborted();
  const child = spawn('git', [...call.args], {
    cwd: call.gitDirectory,
    env: gitEnvironment(call.gitDirectory, call.config ?? [], call.environment ?? {}),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const stdout = new Capture(call.maxOutputBytes ?? DEFAULT_MAX_OUTPUT);
  const stderr = new Tail(MAX_STDERR);
  let ending: Ending = 'exited';
  const end = (why: Ending) => {
    if (ending !== 'exited') return;
    ending = why;
    killGroup(child);
  };
  const timer = setTimeout(() => end('timeout'), call.timeoutMs);
  const onAbort = () => end('aborted');
  call.signal?.addEventListener('abort', onAbort, { once: true });
  child.stdout.on('data', (chunk: Buffer) => {
    if (!stdout.add(chunk)) end('output-too-large');
  });
  child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
  // A child that ends early closes its input under us; its exit code tells more than the broken pipe.
  child.stdin.on('error', () => undefined);
  child.stdin.end(call.input ?? '');
  try {
    const exitCode = await exitOf(child);
    throwForEnding(ending, call);
    return { exitCode, stdout: stdout.bytes(), stderr: stderr.text() };
  } finally {
    clearTimeout(timer);
    call.signal?.removeEventListener('abort', onAbort);
  }
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new TransientError('GitNotRunnable', 'the git command could not be started', { cause })),
    );
    child.once('close', (code) => resolve(code ?? 255));
  });
}

function throwForEnding(ending: Ending, call: GitCall): void {
  const what = `git ${call.args[0] ?? ''}`;
  switch (ending) {
    case 'exited':
      return;
    case 'aborted':
      call.signal?.throwIfAborted();
      return;
    case 'timeout':
      throw new TransientError('Timeout', `${what} did not finish within ${call.timeoutMs} ms`);
    case 'output-too-large':
      throw new TransientError('OutputTooLarge', `${what} answered more than is accepted`);
  }
}

function killGroup(child: ChildProcess): void {
  signalGroup(child, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_GRACE_MS);
  child.once('close', () => clearTimeout(timer));
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended already.
  }
}

class Capture {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): boolean {
    this.#size += chunk.length;
    if (this.#size > this.#limit) return false;
    this.#chunks.push(chunk);
    return true;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

class Tail {
  readonly #limit: number;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    const all = Buffer.concat([this.#bytes, chunk]);
    this.#bytes = all.length > this.#limit ? all.subarray(all.length - this.#limit) : all;
  }

  text(): string {
    return this.#bytes.toString('utf8');
  }
}
