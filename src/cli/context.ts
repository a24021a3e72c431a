import type { Writable } from 'node:stream';

/** A stream that may be a terminal. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What a command may touch of the process; handed in by main, so that commands can be tested without a process. */
export interface CliContext {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly cwd: string;
  /** Fires when the user or the system asks the command to end. */
  readonly signal: AbortSignal;
  /** The command is at its end: what of it does not end by itself in a moment is cut off. Absent: it may take its time. */
  readonly endSoon?: (exitCode: number) => void;
}

/** Exit codes: 0 all is well, 1 something failed or is not Ready, 2 the command line is wrong. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
