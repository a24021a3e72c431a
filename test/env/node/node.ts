import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { binary } from '../cluster/binaries.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { freePort } from '../free-port.ts';
import { buildPauseImage } from '../images/function-images.ts';
import { type Image, imageArchive } from '../images/image.ts';
import type { Registry } from '../registry/registry.ts';
import { makeSandbox, removeSandbox, type SandboxLayout, startInSandbox } from '../sandbox/sandbox.ts';
import { requireProgram, type Service } from '../service.ts';
import {
  containerdAddress,
  containerdConfig,
  FIXED_FOLDERS,
  kubeletConfig,
  type NodeLayout,
  networkConfig,
  PAUSE_IMAGE,
  registryConfigurations,
} from './configuration.ts';

export interface NodeOptions {
  /** Default: one that no other node has. */
  readonly name?: string;
  /** Registries with TLS that images come from; those without, on the loopback device, need no mention. */
  readonly registries?: readonly Registry[];
}

/** What a node needs of its control plane: the administrator's configuration, and one for the kubelet. */
export type NodeControlPlane = Pick<ControlPlane, 'kubeconfig' | 'kubeconfigFor'>;

/** A kubelet with containerd that runs pods on this machine. */
export interface ClusterNode {
  readonly name: string;
  /** Path of containerd's socket. */
  readonly containerdAddress: string;
  /** Its folder with files and log, its network bridge, its cgroup. */
  readonly sandbox: SandboxLayout;
  /** Lets pods pull from a registry with TLS; passwords come from the pull secrets of the pods. */
  trustRegistry(registry: Registry): Promise<void>;
  /** Puts an image on the node under a name, without a registry. */
  importImage(image: Image, reference: string): Promise<void>;
  /** Names of the images on the node. */
  images(): Promise<string[]>;
  /** Ids of the containers that run for pods of a namespace, those that hold the name spaces of the pods included. */
  runningContainers(namespace: string): Promise<string[]>;
  /** What its programs have printed. */
  log(): string;
  /** Ends it and all that runs on it, and takes it out of the cluster. */
  stop(): Promise<void>;
}

const run = promisify(execFile);
const SOCKET_MILLISECONDS = 30_000;
const READY_MILLISECONDS = 60_000;

/**
 * Adds a node to a control plane that has a scheduler and a controller manager, and waits until it is ready. Its programs
 * have process numbers and mounts of their own, so that nothing of it stays when they are ended; they end with this
 * process. What the node of a killed test has left is removed first.
 * @throws Error that says what is missing on this machine
 */
export async function startNode(controlPlane: NodeControlPlane, options: NodeOptions = {}): Promise<ClusterNode> {
  requireProgram('/usr/lib/cni/bridge', 'containernetworking-plugins');
  const runc = requireProgram('runc');
  const binaries = await nodeBinaries();
  const sandbox = await makeSandbox();
  const layout = { ...sandbox, name: options.name ?? `node-${sandbox.suffix}`, kubeletPort: await freePort() };
  const node = new RunningNode(layout, controlPlane, binaries);
  try {
    for (const registry of options.registries ?? []) await node.trustRegistry(registry);
    await node.start(runc);
    return node;
  } catch (error) {
    const kept = join(tmpdir(), `veranda-${layout.name}.log`);
    await writeFile(kept, node.log());
    process.stderr.write(`test environment: the log of the node is kept in ${kept}\n`);
    await node.stop();
    throw error;
  }
}

interface NodeBinaries {
  readonly kubelet: string;
  readonly kubectl: string;
  /** Folder with containerd, its shim and ctr. */
  readonly containerd: string;
}

async function nodeBinaries(): Promise<NodeBinaries> {
  for (const name of ['containerd-shim-runc-v2', 'ctr'] as const) await binary(name);
  const containerd = dirname(await binary('containerd'));
  return { kubelet: await binary('kubelet'), kubectl: await binary('kubectl'), containerd };
}

class RunningNode implements ClusterNode {
  readonly name: string;
  readonly sandbox: SandboxLayout;
  readonly containerdAddress: string;
  readonly #layout: NodeLayout;
  readonly #controlPlane: NodeControlPlane;
  readonly #binaries: NodeBinaries;
  #processes: Service | undefined;

  constructor(layout: NodeLayout, controlPlane: NodeControlPlane, binaries: NodeBinaries) {
    this.name = layout.name;
    this.sandbox = layout;
    this.containerdAddress = containerdAddress(layout);
    this.#layout = layout;
    this.#controlPlane = controlPlane;
    this.#binaries = binaries;
  }

  async start(runc: string): Promise<void> {
    const processes = await this.#startProcesses(await this.#writeConfigurations(runc));
    this.#processes = processes;
    const pause = await buildPauseImage();
    const isUp = () =>
      this.#ctr('version').then(
        () => true,
        () => undefined,
      );
    await processes.waitFor('containerd', isUp, SOCKET_MILLISECONDS);
    await this.importImage(pause, PAUSE_IMAGE);
    await processes.waitFor('a node that is ready', () => this.#isReady(), READY_MILLISECONDS);
  }

  async trustRegistry({ url, host, caFile }: Registry): Promise<void> {
    const folder = join(registryConfigurations(this.#layout), host);
    await mkdir(folder, { recursive: true });
    const ca = caFile === undefined ? '' : `  ca = "${caFile}"\n`;
    const hosts = `server = "${url}"\n[host."${url}"]\n  capabilities = ["pull", "resolve"]\n${ca}`;
    await writeFile(join(folder, 'hosts.toml'), hosts);
  }

  async importImage(image: Image, reference: string): Promise<void> {
    const file = join(this.sandbox.directory, `import-${image.manifest.digest.slice(7, 19)}.tar`);
    await writeFile(file, await imageArchive(image, reference));
    try {
      await this.#ctr('images', 'import', file);
    } finally {
      await rm(file, { force: true });
    }
  }

  async images(): Promise<string[]> {
    return await this.#ctr('images', 'list', '--quiet');
  }

  async runningContainers(namespace: string): Promise<string[]> {
    const ofNamespace = `labels."io.kubernetes.pod.namespace"==${namespace}`;
    const ids = await this.#ctr('containers', 'list', '--quiet', ofNamespace);
    const tasks = await this.#ctr('tasks', 'list');
    const running = tasks.filter((line) => line.endsWith('RUNNING')).map((line) => line.split(/\s/)[0]);
    return ids.filter((id) => running.includes(id));
  }

  log(): string {
    return this.#processes?.output() ?? '';
  }

  async stop(): Promise<void> {
    await removeSandbox(this.#layout, this.#processes);
    // The control plane may have ended before.
    await this.#kubectl('delete', 'node', this.name, '--wait=false').catch(() => undefined);
  }

  async #writeConfigurations(runc: string): Promise<string> {
    const file = (name: string, content: string | object) =>
      writeFile(join(this.sandbox.directory, name), typeof content === 'string' ? content : JSON.stringify(content));
    const kubeconfig = await this.#controlPlane.kubeconfigFor(`system:node:${this.name}`, ['system:nodes']);
    const clientCa = join(this.sandbox.directory, 'client-ca.pem');
    await mkdir(join(this.sandbox.directory, 'cni'));
    await file('cni/network.conflist', networkConfig(this.#layout));
    await file('containerd.toml', containerdConfig(this.#layout, runc));
    await file('kubelet.json', kubeletConfig(this.#layout, clientCa));
    await writeFile(clientCa, await authorityOf(kubeconfig));
    return kubeconfig;
  }

  async #startProcesses(kubeconfig: string): Promise<Service> {
    const kubelet = [
      this.#binaries.kubelet,
      `--config=${join(this.sandbox.directory, 'kubelet.json')}`,
      `--kubeconfig=${kubeconfig}`,
      `--hostname-override=${this.name}`,
    ];
    const command = [
      join(import.meta.dirname, 'run.sh'),
      this.sandbox.directory,
      this.#binaries.containerd,
      ...kubelet,
    ];
    return await startInSandbox(`node ${this.name}`, this.#layout, command, FIXED_FOLDERS);
  }

  async #isReady(): Promise<true | undefined> {
    const path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}';
    const status = await this.#kubectl('get', 'node', this.name, '--ignore-not-found', '--output', path);
    return status === 'True' || undefined;
  }

  async #ctr(...args: string[]): Promise<string[]> {
    const place = ['--address', this.containerdAddress, '--namespace', 'k8s.io'];
    const { stdout } = await run(join(this.#binaries.containerd, 'ctr'), [...place, ...args]);
    return stdout.split('\n').filter((line) => line !== '');
  }

  async #kubectl(...args: string[]): Promise<string> {
    const { stdout } = await run(this.#binaries.kubectl, ['--kubeconfig', this.#controlPlane.kubeconfig, ...args]);
    return stdout;
  }
}

async function authorityOf(kubeconfig: string): Promise<string> {
  const { clusters } = parse(await readFile(kubeconfig, 'utf8')) as {
    clusters: { cluster: { 'certificate-authority-data': string } }[];
  };
  return Buffer.from(clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64').toString();
}
