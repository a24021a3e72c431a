import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { CallCounts, Kill } from './fault.ts';

/** What one process of the operator is to do. */
export interface Job {
  /** Folder of manifests. */
  readonly manifests: string;
  readonly workspace: string;
  readonly kill?: Kill;
  readonly timeoutMs: number;
}

export interface JobReport {
  /** Objects that are not Ready, and what they say: those of the manifests and those found in git. */
  readonly notReady: readonly string[];
  readonly counts: CallCounts;
}

export interface Ended {
  /** Absent when the process was killed. */
  readonly report?: JobReport;
  readonly signal: NodeJS.Signals | null;
}

/** A process of the operator that has been started. */
export interface OperatorProcess {
  /** Resolves when all code is loaded and work begins, or when the process has ended. */
  readonly loaded: Promise<void>;
  /** @throws when the process failed by itself, with what it said */
  readonly ended: Promise<Ended>;
  kill(): void;
}

const PROGRAM = join(import.meta.dirname, 'operator-process.ts');

/** Starts the local operator in a process of its own. `cache` is a folder for compiled code that all of them share. */
export function startOperator(job: Omit<Job, 'timeoutMs'>, cache: string): OperatorProcess {
  const full: Job = { ...job, timeoutMs: 300_000 };
  const child = spawn(process.execPath, ['--no-warnings', PROGRAM, JSON.stringify(full)], {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: cache },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const loaded = Promise.withResolvers<void>();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    if (stdout.includes('\n')) loaded.resolve();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    // `exit`, not `close`: a git command that outlives its killed parent may hold the pipes open.
    child.once('exit', (code, signal) => {
      loaded.resolve();
      if (signal !== null) resolve({ signal });
      else child.once('close', () => resolve({ signal, ...parse(code, stdout, stderr, reject) }));
    });
  });
  return { loaded: loaded.promise, ended, kill: () => void child.kill('SIGKILL') };
}

function parse(
  code: number | null,
  stdout: string,
  stderr: string,
  fail: (error: Error) => void,
): { report?: JobReport } {
  if (code === 0) return { report: JSON.parse(stdout.slice(stdout.indexOf('\n'))) };
  fail(new Error(`the operator's process ended with code ${code}: ${stderr}`));
  return {};
}
