import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { buildGoProgram } from '../images/go-program.ts';
import { type Service, startService } from '../service.ts';

/** Porch's function runner as a process. */
export interface PorchRunner {
  readonly target: string;
  readonly port: number;
  log(): string;
  /** Ids of the functions that run there now. */
  children(): Promise<readonly string[]>;
  /** At once, without a word to its clients. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface PorchRunnerOptions {
  /** Programs of this machine, by the names of the images that they stand for. */
  readonly functions: Readonly<Record<string, string>>;
  readonly port?: number;
  /** Default: its own. */
  readonly maxMessageBytes?: number;
}

const START_MILLISECONDS = 30_000;
/** Ports are looked for first and bound later. */
const TRIES = 5;

/** Porch's function runner of a release, unchanged. */
export function buildPorchRunner(): Promise<string> {
  const module = join(import.meta.dirname, 'porch');
  const program = { name: 'function-runner', module, package: 'github.com/nephio-project/porch/func/server' };
  return buildGoProgram(program);
}

/** Starts it with its runtime for programs alone: it needs no cluster then. */
export async function startPorchRunner(options: PorchRunnerOptions): Promise<PorchRunner> {
  const program = await buildPorchRunner();
  const folder = await mkdtemp(join(tmpdir(), 'veranda-porch-'));
  const config = join(folder, 'config.yaml');
  const functions = Object.entries(options.functions).map(([image, path]) => ({ function: path, images: [image] }));
  await writeFile(config, JSON.stringify({ functions }));
  const limit = options.maxMessageBytes === undefined ? [] : [`--max-request-body-size=${options.maxMessageBytes}`];
  const flags = ['--disable-runtimes=pod', '--functions=/', `--config=${config}`, ...limit];
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const logFile = join(folder, `log-${attempt}`);
    const service = await startService('function-runner', [program, `--port=${port}`, ...flags], { logFile });
    try {
      const listens = () => service.output().includes(`Listening on :${port}`) || undefined;
      await service.waitFor('its port', listens, START_MILLISECONDS);
      return runnerOf(service, port, folder);
    } catch (error) {
      await service.stop();
      if (attempt < TRIES) continue;
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

function runnerOf(service: Service, port: number, folder: string): PorchRunner {
  return {
    target: `127.0.0.1:${port}`,
    port,
    log: () => service.output(),
    children: () => childrenOf(service.pid),
    kill: async () => {
      process.kill(service.pid, 'SIGKILL');
      await service.stop();
    },
    stop: async () => {
      await service.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Any thread of a process may have started them. */
async function childrenOf(pid: number): Promise<readonly string[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  return lists.flatMap((list) => list.split(' ').filter((id) => id !== ''));
}
