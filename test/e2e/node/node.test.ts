import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { type KubectlResult, kubectl as runKubectl, tryKubectl } from '../../env/cluster/kubectl.ts';
import { buildFunctionImages, type FunctionImage } from '../../env/images/function-images.ts';
import { pushImage } from '../../env/images/push.ts';
import { type ClusterNode, startNode } from '../../env/node/node.ts';
import { type Registry, startRegistry } from '../../env/registry/registry.ts';
import type { SandboxLayout } from '../../env/sandbox/sandbox.ts';
import { type FunctionPod, functionPod, type PodStatus } from './support.ts';

const NAMESPACE = 'functions';
const ENTRYPOINT = '/usr/local/bin/function';
const RESOURCE_LIST = 'apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n';
const UNCHANGED = { code: 0, stdout: RESOURCE_LIST };

let controlPlane: ControlPlane;
let node: ClusterNode;
let open: Registry;
let closed: Registry;
let misbehaving: FunctionImage;

beforeAll(async () => {
  const images = await buildFunctionImages(['misbehaving']);
  misbehaving = images.get('misbehaving') as FunctionImage;
  controlPlane = await startControlPlane({ scheduler: true });
  open = await startRegistry();
  closed = await startRegistry({ tls: true, htpasswd: { user: 'puller', password: 'correct: horse' } });
  for (const registry of [open, closed]) await pushImage(registry, 'fns/misbehaving', 'v1', misbehaving.image);
  node = await startNode(controlPlane, { registries: [closed] });
  await kubectl(['create', 'namespace', NAMESPACE]);
  await kubectl(['label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted']);
  await until('the service account', () => kubectl(['-n', NAMESPACE, 'get', 'serviceaccount', 'default']));
}, 300_000);

afterAll(async () => {
  await node?.stop();
  await closed?.stop();
  await open?.stop();
  await controlPlane?.stop();
});

/** Asks until the answer is there; errors count as none. */
async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no sign of ${what}`);
}

async function runPod(name: string, image: string, more: Partial<FunctionPod> = {}) {
  await kubectl(['apply', '-f', '-'], functionPod({ namespace: NAMESPACE, name, image, ...more }));
}

async function podStatus(name: string): Promise<PodStatus> {
  const pod = JSON.parse(await kubectl(['-n', NAMESPACE, 'get', 'pod', name, '-o', 'json'])) as { status: PodStatus };
  return pod.status;
}

function kubectl(args: readonly string[], input?: string): Promise<string> {
  return runKubectl(controlPlane.kubeconfig, args, input);
}

const running = (name: string) =>
  until(`pod ${name} running`, async () => (await podStatus(name)).phase === 'Running' || undefined);

/** Runs the function in a pod, as the operator does. */
function evaluate(name: string, ...args: string[]): Promise<KubectlResult> {
  const exec = ['-n', NAMESPACE, 'exec', '--stdin', name, '--', ENTRYPOINT, ...args];
  return tryKubectl(controlPlane.kubeconfig, exec, RESOURCE_LIST);
}

describe('a pod of a function image under the restricted profile', () => {
  test('stays, and runs its entrypoint again for each evaluation', async () => {
    await runPod('warm', `${open.host}/fns/misbehaving:v1`);
    await running('warm');
    expect(await evaluate('warm')).toMatchObject(UNCHANGED);
    const { stdout: world } = await evaluate('warm', 'describe-world');
    expect(world).toContain('uid 65534 gid 65534');
    expect(world).toContain('service account token: false');
    expect(world).toContain('writable root: false');
    expect(world).toContain('capabilities: 0000000000000000');
    expect(await node.images()).toContain(`${open.host}/fns/misbehaving:v1`);
  });

  test('gives the exit code of the function', async () => {
    await runPod('failing', `${open.host}/fns/misbehaving:v1`);
    await running('failing');
    expect(await evaluate('failing', 'fail-with-results')).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('the value is wrong'),
    });
  });

  test('is ended when it takes more memory than its limit', async () => {
    await runPod('greedy', `${open.host}/fns/misbehaving:v1`, { memory: '32Mi' });
    await running('greedy');
    expect(await evaluate('greedy', 'allocate')).toMatchObject({ code: 137 });
  });
});

describe('a private registry with a certificate of an authority of its own', () => {
  test('gives images to those who have the password', async () => {
    await kubectl([
      ...['-n', NAMESPACE, 'create', 'secret', 'docker-registry', 'puller'],
      ...[`--docker-server=${closed.host}`, '--docker-username=puller', '--docker-password=correct: horse'],
    ]);
    await runPod('private', `${closed.host}/fns/misbehaving:v1`, { pullSecret: 'puller' });
    await running('private');
    expect(await evaluate('private')).toMatchObject(UNCHANGED);
  });

  test('gives none to others', async () => {
    await pushImage(closed, 'fns/other', 'v1', misbehaving.withSettings({ cmd: ['sleep'] }));
    await runPod('stranger', `${closed.host}/fns/other:v1`);
    const waiting = await until('a refused pull', async () => {
      const state = (await podStatus('stranger')).containerStatuses?.[0]?.state.waiting;
      return state?.reason === 'ErrImagePull' ? state : undefined;
    });
    expect(waiting.message).toMatch(/401|authoriz|authentication/);
  });
});

describe('the end of a node', () => {
  test('leaves no process, bridge, cgroup, folder or object', async () => {
    const other = await startNode(controlPlane);
    await runPod('there', `${open.host}/fns/misbehaving:v1`, { node: other.name });
    await running('there');
    const processes = await processesIn(other.sandbox);
    expect(processes).toHaveLength(2);
    await other.stop();
    expect(processes.filter(isAlive)).toEqual([]);
    expect(await tracesOf(other.sandbox)).toEqual([]);
    await expect(kubectl(['get', 'node', other.name])).rejects.toThrow('not found');
    expect(await evaluate('warm')).toMatchObject(UNCHANGED);
  });

  test('comes with that of its test, even if it is killed; the next node cleans up', async () => {
    const kubeconfig = await controlPlane.kubeconfigFor('system:node:abandoned', ['system:nodes']);
    const script = [join(import.meta.dirname, 'abandoned-node.ts'), controlPlane.kubeconfig, kubeconfig];
    const abandoned = spawn(process.execPath, script, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(abandoned.stdout), 'line')) as [string];
    const sandbox = JSON.parse(line) as SandboxLayout;
    await runPod('alone', `${open.host}/fns/misbehaving:v1`, { node: 'abandoned' });
    await running('alone');
    const processes = await processesIn(sandbox);
    expect(processes).toHaveLength(2);
    abandoned.kill('SIGKILL');
    await until('the end of its containers', async () => !processes.some(isAlive) || undefined);
    expect(await tracesOf(sandbox)).not.toEqual([]);
    await (await startNode(controlPlane)).stop();
    expect(await tracesOf(sandbox)).toEqual([]);
  });
});

/** Processes in the cgroup of a sandbox: those of its containers. */
async function processesIn({ cgroup }: SandboxLayout): Promise<number[]> {
  const hierarchy =
    ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'].map((root) => join(root, cgroup)).find(existsSync) ?? '';
  const files = await readdir(hierarchy, { recursive: true });
  const lists = files
    .filter((file) => file.endsWith('cgroup.procs'))
    .map((file) => readFile(join(hierarchy, file), 'utf8'));
  return (await Promise.all(lists)).join('').split('\n').filter(Boolean).map(Number);
}

/** What is there of the network device, the cgroups and the folder of a sandbox. */
async function tracesOf({ directory, bridge, cgroup }: SandboxLayout): Promise<string[]> {
  const cgroups = (await readdir('/sys/fs/cgroup')).map((hierarchy) => join('/sys/fs/cgroup', hierarchy, cgroup));
  const device = join('/sys/class/net', bridge);
  return [directory, device, join('/sys/fs/cgroup', cgroup), ...cgroups].filter(existsSync);
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
