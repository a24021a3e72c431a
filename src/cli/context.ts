import type { Writable } from 'node:stream';

/** What a command may touch of the process; handed in by main, so that commands can be tested without a process. */
export interface CliContext {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: Writable;
  readonly cwd: string;
}

/** Exit codes: 0 all is well, 1 something failed or is not Ready, 2 the command line is wrong. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
