import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Image, imageArchive } from '../images/image.ts';
import { makeSandbox, removeSandbox, startInSandbox } from '../sandbox/sandbox.ts';
import { requireProgram, type Service } from '../service.ts';

/** A Docker engine of its own, beside any other that this machine may have. */
export interface DockerEngine {
  /** For DOCKER_HOST. */
  readonly host: string;
  /** Environment for its command line client, which sees no configuration of the user. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of the command line client. */
  readonly client: string;
  /** Runs the client and returns the lines that it prints. */
  run(...args: string[]): Promise<string[]>;
  /** Puts an image on the engine under a name; it can pull none but from the loopback device. */
  load(image: Image, reference: string): Promise<void>;
  log(): string;
  /** Ends it and its containers and removes its images. */
  stop(): Promise<void>;
}

const START_MILLISECONDS = 60_000;
/** What the engine's programs use and no option changes. */
const FIXED_FOLDERS = ['/run/containerd', '/run/netns', '/var/lib/containerd'];

/**
 * Starts the engine of Debian's package `docker.io`. It writes no firewall rules: ports of containers are published by its
 * own proxy process.
 * @throws Error that says why it cannot run here
 */
export async function startDockerEngine(): Promise<DockerEngine> {
  const program = requireProgram('dockerd', 'docker.io');
  const client = requireProgram('docker', 'docker.io');
  const layout = await makeSandbox();
  const socket = join(layout.directory, 'docker.sock');
  const host = `unix://${socket}`;
  const env = { PATH: process.env.PATH, DOCKER_HOST: host, DOCKER_CONFIG: join(layout.directory, 'client') };
  let service: Service | undefined;
  const run = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(client, args, { env, maxBuffer: 64 * 1024 * 1024 });
    return stdout.split('\n').filter((line) => line !== '');
  };
  try {
    await makeBridge(layout.bridge, `${layout.network}.1/24`);
    const places = {
      host,
      'data-root': join(layout.directory, 'data'),
      'exec-root': join(layout.directory, 'exec'),
      pidfile: join(layout.directory, 'pid'),
      bridge: layout.bridge,
      'cgroup-parent': `/${layout.cgroup}`,
      // The machine may not allow the engine's own, higher limit.
      'default-ulimit': 'nofile=1024:1024',
    };
    const firewall = ['--iptables=false', '--ip-masq=false', '--ip-forward=false'];
    const options = Object.entries(places).map(([name, value]) => `--${name}=${value}`);
    const engine = await startInSandbox('dockerd', layout, [program, ...options, ...firewall], FIXED_FOLDERS);
    service = engine;
    const version = () => run('version', '--format', '{{.Server.Version}}').catch(() => undefined);
    await engine.waitFor('an engine that answers', version, START_MILLISECONDS);
    return {
      host,
      env,
      client,
      run,
      async load(image, reference) {
        const file = join(layout.directory, `load-${image.manifest.digest.slice(7, 19)}.tar`);
        await writeFile(file, await imageArchive(image, reference));
        await run('load', '--quiet', '--input', file);
        await rm(file);
      },
      log: () => engine.output(),
      stop: () => removeSandbox(layout, service),
    };
  } catch (error) {
    await removeSandbox(layout, service);
    throw error;
  }
}

async function makeBridge(name: string, address: string): Promise<void> {
  const ip = async (...args: string[]) => await promisify(execFile)('ip', args);
  await ip('link', 'add', name, 'type', 'bridge');
  await ip('address', 'add', address, 'dev', name);
  await ip('link', 'set', name, 'up');
}
