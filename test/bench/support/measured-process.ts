import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export interface Measurement {
  readonly exitCode: number;
  readonly wallSeconds: number;
  /** User and system time of the command and of all children that it waited for, as the kernel counts it. */
  readonly cpuSeconds: number;
  /** Highest resident set of the command's own process, from /proc. */
  readonly peakRssMiB: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SAMPLE_MS = 10;
/** Kernel clock ticks a second, in which /proc counts CPU time. */
const TICKS = 100;
/** Runs the command as its only child and tells afterwards what all its children used. */
const WRAPPER = '"$@"; code=$?; read -r line < /proc/$$/stat; echo "$line" >&3; exit $code';

/** Runs a command and measures it from outside: nothing that it prints about itself counts. */
export async function measure(
  command: readonly string[],
  options: { readonly cwd: string; readonly environment?: NodeJS.ProcessEnv },
): Promise<Measurement> {
  const start = performance.now();
  const child = spawn('/bin/sh', ['-c', WRAPPER, 'sh', ...command], {
    cwd: options.cwd,
    env: options.environment ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [stdout, stderr, usage] = [1, 2, 3].map((index) => textOf(child.stdio[index] as NodeJS.ReadableStream));
  const running = { value: true };
  const peak = samplePeakRss(child.pid ?? 0, running);
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? -1));
  });
  const wallSeconds = (performance.now() - start) / 1000;
  running.value = false;
  return {
    exitCode,
    wallSeconds,
    cpuSeconds: childTicks((await usage) ?? '') / TICKS,
    peakRssMiB: (await peak) / 1024,
    stdout: (await stdout) ?? '',
    stderr: (await stderr) ?? '',
  };
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/** cutime + cstime of /proc/PID/stat; the command's name before them may hold blanks. */
function childTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[13] ?? 0) + Number(fields[14] ?? 0);
}

/** KiB. The high-water mark only grows, so that the last sample before the end tells all but the last milliseconds. */
async function samplePeakRss(wrapper: number, running: { readonly value: boolean }): Promise<number> {
  let peak = 0;
  while (running.value) {
    for (const pid of await childrenOf(wrapper)) peak = Math.max(peak, await highWaterMark(pid));
    await delay(SAMPLE_MS);
  }
  return peak;
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

async function highWaterMark(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
}
