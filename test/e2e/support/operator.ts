import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ControllerStart {
  /** Path of a kubeconfig; its user's rights are what the operator has. */
  readonly kubeconfig: string;
  /** Beside `--mirrors` and addresses on free ports, which this sets; `--sync-address=off` goes before. */
  readonly flags?: readonly string[];
  /** Folder for mirrors. Default: one that is removed when the controller is stopped. */
  readonly mirrors?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Added to the name in messages, where a test has several. */
  readonly label?: string;
  /** `synced`, the default: caches are filled. `working`: it holds the lease as well. `started`: its servers listen. */
  readonly until?: 'started' | 'synced' | 'working';
}

/** A line of the log. */
export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** `veranda controller` as a process of its own. */
export interface RunningController {
  readonly pid: number;
  /** Its log so far. @throws Error for a line that is no JSON */
  logs(): readonly LogLine[];
  /** All that it has printed. */
  output(): string;
  /** Waits for a line of the log, one that was written before among them. */
  logged(what: string, matches: (line: LogLine) => boolean, milliseconds?: number): Promise<LogLine>;
  /** `http://127.0.0.1:<port>` of one of its servers. */
  url(server: 'metrics' | 'health' | 'sync'): string;
  /** What `/metrics` says. */
  metrics(): Promise<string>;
  /** Sum of the series of a name whose labels are these; 0 when there is none. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** Status of `/healthz` or `/readyz`. */
  health(path: '/healthz' | '/readyz'): Promise<number>;
  /** Resident memory in bytes. */
  residentBytes(): Promise<number>;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<Exit>;
  /** SIGTERM, and SIGKILL when it takes longer than the grace period; removes its folder. May be called more than once. */
  stop(): Promise<Exit>;
}

const ROOT = join(import.meta.dirname, '../../..');
const READY_MS = 120_000;
const STOP_MS = 40_000;
const POLL_MS = 20;
const LOG_MS = 90_000;

/**
 * Starts `veranda controller` and waits until it is of use.
 * @throws Error with its output when it ends before that
 */
export async function startController(start: ControllerStart): Promise<RunningController> {
  const { kubeconfig, flags = [], env = {}, label = '', until = 'synced' } = start;
  const ownFolder = start.mirrors === undefined ? await mkdtemp(join(tmpdir(), 'veranda-mirrors-')) : undefined;
  const mirrors = start.mirrors ?? ownFolder ?? '';
  const addresses = ['metrics', 'health', 'sync']
    .map((server) => `--${server}-address`)
    .filter((flag) => !flags.some((given) => given === flag || given.startsWith(`${flag}=`)))
    .map((flag) => `${flag}=127.0.0.1:0`);
  const args = ['controller', '--kubeconfig', kubeconfig, '--mirrors', mirrors, ...addresses, ...flags];
  const [program = '', ...before] = await command();
  // Ends with this process, also when this process is killed.
  const tied = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'] : [];
  const [first = '', ...rest] = [...tied, program, ...before, ...args];
  const child = spawn(first, rest, { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const controller = new ControllerHandle(`veranda controller ${label}`.trim(), child, ownFolder);
  try {
    await controller.isAt(until, flags);
  } catch (error) {
    await controller.stop();
    throw error;
  }
  return controller;
}

class ControllerHandle implements RunningController {
  readonly exited: Promise<Exit>;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #folder: string | undefined;
  #output = '';
  #exit: Exit | undefined;

  constructor(name: string, child: ChildProcess, folder: string | undefined) {
    this.#name = name;
    this.#child = child;
    this.#folder = folder;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      // Not `exit`: what it wrote last is still to come then.
      child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  output(): string {
    return this.#output;
  }

  logs(): readonly LogLine[] {
    const lines = this.#output.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as LogLine);
  }

  async logged(what: string, matches: (line: LogLine) => boolean, milliseconds = LOG_MS): Promise<LogLine> {
    return await this.#waitFor(`the line ${what}`, () => this.logs().find(matches), milliseconds);
  }

  async isAt(until: NonNullable<ControllerStart['until']>, flags: readonly string[]): Promise<void> {
    const servers = (['metrics', 'health', 'sync'] as const).filter(
      (server) => !flags.some((flag) => flag === `--${server}-address=off`),
    );
    await this.#waitFor('its servers', () => servers.every((server) => this.#port(server)) || undefined, READY_MS);
    if (until === 'started') return;
    await this.#waitFor('its caches', () => this.#says('caches are filled'), READY_MS);
    if (until === 'working') await this.#waitFor('the lease', () => this.#says('working'), READY_MS);
  }

  url(server: 'metrics' | 'health' | 'sync'): string {
    const port = this.#port(server);
    if (port === undefined) throw new Error(`${this.#name} does not listen for ${server}`);
    return `http://127.0.0.1:${port}`;
  }

  async metrics(): Promise<string> {
    return await (await fetch(`${this.url('metrics')}/metrics`)).text();
  }

  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
    return (await this.metrics())
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => wanted.every((pair) => line.includes(pair)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  async health(path: '/healthz' | '/readyz'): Promise<number> {
    const response = await fetch(`${this.url('health')}${path}`);
    await response.text();
    return response.status;
  }

  async residentBytes(): Promise<number> {
    return await this.metric('process_resident_memory_bytes');
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(): Promise<Exit> {
    if (!this.#exit) {
      this.kill('SIGCONT');
      this.kill('SIGTERM');
      const late = new AbortController();
      const ended = await Promise.race([
        this.exited.then(() => true),
        sleep(STOP_MS, false, { signal: late.signal }).catch(() => false),
      ]);
      late.abort();
      if (!ended) this.kill('SIGKILL');
    }
    const exit = await this.exited;
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
    return exit;
  }

  /** Lines that are JSON: a process that cannot start says why in other words. */
  #known(): readonly LogLine[] {
    return this.#output
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine);
  }

  #says(message: string): true | undefined {
    return this.#known().some((line) => line.message === message) || undefined;
  }

  #port(server: string): number | undefined {
    const line = this.#known().find((candidate) => candidate.message === 'listening' && candidate.server === server);
    return line && Number(String(line.address).slice(String(line.address).lastIndexOf(':') + 1));
  }

  async #waitFor<T>(what: string, answer: () => T | undefined, milliseconds: number): Promise<T> {
    const deadline = Date.now() + milliseconds;
    for (;;) {
      const found = answer();
      if (found !== undefined) return found;
      const problem = this.#exit ? `ended (${this.#exit.code ?? this.#exit.signal})` : 'is late';
      if (this.#exit || Date.now() > deadline) {
        throw new Error(`${this.#name} ${problem} while waiting for ${what}:\n${this.#output.slice(-4000)}`);
      }
      await sleep(POLL_MS);
    }
  }
}

/** The built command, or the sources where something in them is newer. */
async function command(): Promise<readonly string[]> {
  const bundle = join(ROOT, 'dist/main.js');
  const isCurrent = !existsSync(bundle) || (await newest(join(ROOT, 'src'))) < (await stat(bundle)).mtimeMs;
  return isCurrent ? [join(ROOT, 'bin/veranda')] : [process.execPath, join(ROOT, 'src/main.ts')];
}

async function newest(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const times = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name)).catch(() => undefined))?.mtimeMs ?? 0),
  );
  return Math.max(0, ...times);
}
