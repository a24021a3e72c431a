import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { goCompiler } from '../go-compiler.ts';
import { identityOf, isRunning, type ProcessIdentity } from '../process-identity.ts';
import { requireProgram } from '../service.ts';
import { kubernetesRelease } from './kubernetes-release.ts';

interface Component {
  readonly version: string;
  /** Folder of the Go module in `test/env/go`. */
  readonly module: string;
  /** Import path of the program in front of its name; the whole path where it has another name. */
  readonly packages: string;
  readonly ldflags: string;
  readonly tags?: string;
}

function kubernetes(): Component {
  const { version, module } = kubernetesRelease();
  const [major, minor] = version.slice(1).split('.');
  const flags = { gitVersion: version, gitMajor: major, gitMinor: minor };
  const ldflags = Object.entries(flags).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return { version, module, packages: 'k8s.io/kubernetes/cmd/', ldflags: ['-s -w', ...ldflags].join(' ') };
}

const OTHERS = {
  etcd: { version: 'v3.6.16', module: 'etcd', packages: 'go.etcd.io/etcd/server/v3', ldflags: '-s -w' },
  containerd: {
    version: 'v2.4.2',
    module: 'containerd',
    packages: 'github.com/containerd/containerd/v2/cmd/',
    ldflags: '-s -w',
    tags: 'no_btrfs no_devmapper no_zfs',
  },
} as const satisfies Readonly<Record<string, Component>>;

const PROGRAMS = {
  etcd: 'etcd',
  'kube-apiserver': 'kubernetes',
  'kube-controller-manager': 'kubernetes',
  'kube-scheduler': 'kubernetes',
  kubectl: 'kubernetes',
  kubelet: 'kubernetes',
  containerd: 'containerd',
  'containerd-shim-runc-v2': 'containerd',
  ctr: 'containerd',
} as const satisfies Readonly<Record<string, 'kubernetes' | keyof typeof OTHERS>>;

export type ProgramName = keyof typeof PROGRAMS;

/**
 * The path of a program of Kubernetes, etcd or containerd: that of KUBEBUILDER_ASSETS (envtest's folder) where it is there, else built from its Go module when it is not in the cache yet. The cache is
 * `VERANDA_TESTENV_CACHE`, by default `~/.cache/veranda-testenv`; nothing of it is removed here.
 * Those of the folder KUBEBUILDER_ASSETS come first.
 * @throws Error that names what to install, or the file with what the compiler said
 */
export async function binary(name: ProgramName): Promise<string> {
  const assets = assetsFolder();
  if (assets !== undefined && existsSync(join(assets, name))) return join(assets, name);
  const of = PROGRAMS[name];
  const component: Component = of === 'kubernetes' ? kubernetes() : OTHERS[of];
  const folder = join(cacheFolder(), `${of}-${component.version}`);
  const path = join(folder, name);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  const unlock = await lock(join(cacheFolder(), 'build.lock'), () => existsSync(path));
  try {
    if (!existsSync(path)) await build(name, component, path);
  } finally {
    await unlock();
  }
  return path;
}

/** Where another tool has put programs for tests, by the convention of envtest. */
export function assetsFolder(): string | undefined {
  return process.env.KUBEBUILDER_ASSETS || undefined;
}

export function cacheFolder(): string {
  return process.env.VERANDA_TESTENV_CACHE || join(homedir(), '.cache/veranda-testenv');
}

async function build(name: ProgramName, component: Component, path: string): Promise<void> {
  const { packages, ldflags, tags } = component;
  const go = goCompiler();
  // Some modules are had from their repositories.
  requireProgram('git');
  const module = join(import.meta.dirname, '../go', component.module);
  const target = packages.endsWith('/') ? `${packages}${name}` : packages;
  const log = `${path}.log`;
  const unfinished = `${path}.${process.pid}`;
  process.stderr.write(`test environment: building ${name} (once, up to four minutes)\n`);
  const args = ['build', '-trimpath', '-ldflags', ldflags, ...(tags ? ['-tags', tags] : []), '-o', unfinished, target];
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false' };
  const output = openSync(log, 'w');
  try {
    const child = spawn(go, args, { cwd: module, env, stdio: ['ignore', output, output] });
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
    if (code !== 0)
      throw new Error(`${name} could not be built; see ${log}:\n${(await readFile(log, 'utf8')).slice(-2000)}`);
    await rename(unfinished, path);
  } finally {
    closeSync(output);
    await rm(unfinished, { force: true });
  }
}

/** Waits for builds of other processes; one that was killed holds nobody up. */
async function lock(path: string, isDone: () => boolean): Promise<() => Promise<void>> {
  const own = `${path}.${process.pid}`;
  await writeFile(own, JSON.stringify(identityOf(process.pid)));
  try {
    // A link appears with all that is in the file, or not at all.
    while (!(await tryLink(own, path))) {
      if (isDone()) return async () => undefined;
      if (!(await isHeld(path))) await rm(path, { force: true });
      else await sleep(500);
    }
    return () => rm(path, { force: true });
  } finally {
    await rm(own, { force: true });
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isHeld(path: string): Promise<boolean> {
  try {
    return isRunning(JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity);
  } catch (error) {
    // Given back just now: the next attempt tells.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    return false;
  }
}
