import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServiceOptions {
  /** Takes all that it prints, so that a server never waits for a test to read. */
  readonly logFile: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Debian package that brings the program, for the message when it is missing. */
  readonly debianPackage?: string;
}

/** A server that runs as a process of this machine for the time of a test. */
export interface Service {
  readonly name: string;
  readonly pid: number;
  /** What it has printed. */
  output(): string;
  /**
   * Asks again and again until the answer is there.
   * @throws Error with the end of its output when it ends before that, or after `milliseconds`
   */
  waitFor<T>(what: string, answer: () => T | undefined | Promise<T | undefined>, milliseconds: number): Promise<T>;
  /** Ends it: politely first, by force after `graceMilliseconds`. */
  stop(graceMilliseconds?: number): Promise<void>;
}

const POLL_MILLISECONDS = 25;
/** Ends the program with this process, also when this process is killed. */
const WITH_THIS_PROCESS = ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'];

/** @throws Error that names the Debian package when the program is missing */
export async function startService(
  name: string,
  command: readonly string[],
  { logFile, cwd, env = process.env, debianPackage }: ServiceOptions,
): Promise<Service> {
  const program = requireProgram(command[0] ?? '', debianPackage);
  const tied = existsSync(WITH_THIS_PROCESS[0] ?? '') ? WITH_THIS_PROCESS : [];
  const [first = '', ...args] = [...tied, program, ...command.slice(1)];
  const log = openSync(logFile, 'a');
  try {
    const child = spawn(first, args, { cwd, env, stdio: ['ignore', log, log] });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return new ChildService(name, child, logFile);
  } finally {
    closeSync(log);
  }
}

/**
 * Where a program is: system folders are looked at too, since they are missing from the PATH of ordinary users.
 * @throws Error with the command that installs it
 */
export function requireProgram(program: string, debianPackage = program): string {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  const found = program.includes('/') ? program : folders.map((folder) => `${folder}/${program}`).find(existsSync);
  if (found !== undefined && existsSync(found)) return found;
  throw new Error(
    `${program} is missing: run scripts/setup-containers.sh as root (Debian: apt-get install ${debianPackage})`,
  );
}

class ChildService implements Service {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #ended: Promise<void>;

  constructor(name: string, child: ChildProcess, logFile: string) {
    this.name = name;
    this.#child = child;
    this.#logFile = logFile;
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve()));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  output(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  async waitFor<T>(
    what: string,
    answer: () => T | undefined | Promise<T | undefined>,
    milliseconds: number,
  ): Promise<T> {
    const deadline = Date.now() + milliseconds;
    for (;;) {
      const found = await answer();
      if (found !== undefined) return found;
      if (this.#hasEnded) throw this.#failure(`ended before ${what}`);
      if (Date.now() > deadline) throw this.#failure(`gave no sign of ${what} within ${milliseconds} ms`);
      await sleep(POLL_MILLISECONDS);
    }
  }

  async stop(graceMilliseconds = 5_000): Promise<void> {
    if (!this.#hasEnded) this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), graceMilliseconds);
    await this.#ended;
    clearTimeout(force);
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #failure(text: string): Error {
    return new Error(`${this.name} ${text}:\n${this.output().slice(-4_000)}`);
  }
}
