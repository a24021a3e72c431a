import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Service, startService } from '../service.ts';
import { assetsFolder, binary } from './binaries.ts';
import { keepLogs, makeFolder, removeFolder, removeLeftFolders } from './folder.ts';
import { kubernetesRelease } from './kubernetes-release.ts';
import { Pki } from './pki.ts';

export interface ControlPlaneOptions {
  /** Garbage collection and the deletion of namespaces need it. Default true. */
  readonly controllerManager?: boolean;
  readonly scheduler?: boolean;
  /** Writes every request to `auditLog`: with `bodies` what was sent and answered as well, but for Secrets, as clusters do it. */
  readonly audit?: boolean | 'bodies';
  readonly apiServerArgs?: readonly string[];
}

export interface ControlPlane {
  /** One line: which kind of cluster this is. */
  readonly description: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly url: string;
  /** Logs and certificates. */
  readonly directory: string;
  /** One JSON object a line, with the option `audit`. */
  readonly auditLog?: string;
  /** Path of a kubeconfig of another user. */
  kubeconfigFor(user: string, groups?: readonly string[]): Promise<string>;
  readonly apiServerPid: number;
  /** Ends the API server as a restart does; its data stay. */
  stopApiServer(): Promise<void>;
  killApiServer(): Promise<void>;
  /** On the port that it had. Waits until it is ready. */
  startApiServer(): Promise<void>;
  /** Ends it and removes its folder. @param keepsFiles leaves the logs and says where */
  stop(keepsFiles?: boolean): Promise<void>;
}

const READY_MS = 120_000;
/** Ports are looked for first and bound later: another process may be quicker. */
const MAX_ATTEMPTS = 5;

/**
 * A control plane of the test's own on free ports, which ends with this process. Its programs are those of KUBEBUILDER_ASSETS
 * where that is set, else they are built.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  await removeLeftFolders();
  for (let attempt = 1; ; attempt += 1) {
    const plane = new LocalControlPlane(await makeFolder(), options);
    try {
      await plane.start();
      return plane;
    } catch (error) {
      const tookAnothersPort = await plane.hadPortConflict();
      await plane.stop(!tookAnothersPort);
      if (!tookAnothersPort || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

class LocalControlPlane implements ControlPlane {
  readonly description = describe();
  readonly directory: string;
  readonly #options: ControlPlaneOptions;
  readonly #others: Service[] = [];
  #pki: Pki | undefined;
  #apiServer: Service | undefined;
  #ports = { etcd: 0, peer: 0, api: 0 };

  constructor(directory: string, options: ControlPlaneOptions) {
    this.directory = directory;
    this.#options = options;
  }

  get kubeconfig(): string {
    return join(this.directory, 'admin.kubeconfig');
  }

  get url(): string {
    return `https://127.0.0.1:${this.#ports.api}`;
  }

  get auditLog(): string | undefined {
    return this.#options.audit ? join(this.directory, 'audit.log') : undefined;
  }

  get apiServerPid(): number {
    return this.#apiServer?.pid ?? 0;
  }

  async start(): Promise<void> {
    this.#pki = await Pki.create(this.directory);
    const [etcd = 0, peer = 0, api = 0] = await freePorts(3);
    this.#ports = { etcd, peer, api };
    const addresses = 'DNS:localhost,DNS:kubernetes,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1';
    await Promise.all([this.#startEtcd(), this.#pki.certificate('server', 'kube-apiserver', [], addresses)]);
    await this.#pki.certificate('kubelet-client', 'kube-apiserver-kubelet-client', ['system:masters']);
    await this.#pki.certificate('front-proxy', 'front-proxy', []);
    await writeKubeconfig(this.#pki, this.url, 'admin', 'admin', ['system:masters']);
    if (this.#options.audit)
      await writeFile(join(this.directory, 'audit.yaml'), stringify(auditPolicy(this.#options.audit)));
    await this.startApiServer();
    if (this.#options.controllerManager ?? true) await this.#startControllerManager();
    if (this.#options.scheduler) await this.#startScheduler();
  }

  async kubeconfigFor(user: string, groups: readonly string[] = []): Promise<string> {
    return await writeUserKubeconfig(this, user, groups);
  }

  async stopApiServer(): Promise<void> {
    await this.#apiServer?.stop();
    this.#apiServer = undefined;
  }

  async killApiServer(): Promise<void> {
    await this.#apiServer?.stop(0);
    this.#apiServer = undefined;
  }

  async startApiServer(): Promise<void> {
    const command = [await binary('kube-apiserver'), ...this.#apiServerFlags(), ...(this.#options.apiServerArgs ?? [])];
    const service = await startService('kube-apiserver', command, {
      logFile: join(this.directory, 'kube-apiserver.log'),
    });
    this.#apiServer = service;
    const ca = await readFile(join(this.directory, 'ca.crt'));
    await service.waitFor(
      'its readiness',
      async () => (await isReady(`${this.url}/readyz`, ca)) || undefined,
      READY_MS,
    );
  }

  /** Whether a program did not start because another process had taken its port. */
  async hadPortConflict(): Promise<boolean> {
    const logs = ['etcd.log', 'kube-apiserver.log'].map((name) =>
      readFile(join(this.directory, name), 'utf8').catch(() => ''),
    );
    return (await Promise.all(logs)).some((text) => text.includes('address already in use'));
  }

  async stop(keepsFiles = false): Promise<void> {
    const [etcd, ...others] = this.#others.splice(0);
    await Promise.all(others.map((service) => service.stop()));
    await this.stopApiServer();
    await etcd?.stop();
    await (keepsFiles ? keepLogs(this.directory) : removeFolder(this.directory));
  }

  async #startEtcd(): Promise<void> {
    const { etcd, peer } = this.#ports;
    const [url, peerUrl] = [`http://127.0.0.1:${etcd}`, `http://127.0.0.1:${peer}`];
    const name = randomUUID();
    const flags = {
      name,
      'data-dir': join(this.directory, 'etcd'),
      'listen-client-urls': url,
      'advertise-client-urls': url,
      'listen-peer-urls': peerUrl,
      'initial-advertise-peer-urls': peerUrl,
      'initial-cluster': `${name}=${peerUrl}`,
      'quota-backend-bytes': 4 * 1024 ** 3,
      'log-level': 'error',
    };
    const command = [
      await binary('etcd'),
      '--unsafe-no-fsync',
      ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
    ];
    const service = await startService('etcd', command, { logFile: join(this.directory, 'etcd.log') });
    this.#others.unshift(service);
    await service.waitFor('its readiness', async () => (await isEtcd(url, name)) || undefined, READY_MS);
  }

  #apiServerFlags(): string[] {
    const { etcd, api } = this.#ports;
    const at = (name: string) => join(this.directory, name);
    return [
      `--etcd-servers=http://127.0.0.1:${etcd}`,
      `--secure-port=${api}`,
      '--bind-address=127.0.0.1',
      `--tls-cert-file=${at('server.crt')}`,
      `--tls-private-key-file=${at('server.key')}`,
      `--client-ca-file=${at('ca.crt')}`,
      `--service-account-key-file=${at('sa.key')}`,
      `--service-account-signing-key-file=${at('sa.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--authorization-mode=Node,RBAC',
      `--kubelet-client-certificate=${at('kubelet-client.crt')}`,
      `--kubelet-client-key=${at('kubelet-client.key')}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--allow-privileged=true',
      '--enable-aggregator-routing=true',
      `--requestheader-client-ca-file=${at('ca.crt')}`,
      '--requestheader-allowed-names=front-proxy',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${at('front-proxy.crt')}`,
      `--proxy-client-key-file=${at('front-proxy.key')}`,
      ...(this.#options.audit
        ? [`--audit-log-path=${at('audit.log')}`, `--audit-policy-file=${at('audit.yaml')}`]
        : []),
    ];
  }

  async #startControllerManager(): Promise<void> {
    const [port] = await freePorts(1);
    await this.#start('kube-controller-manager', [
      `--kubeconfig=${this.kubeconfig}`,
      `--root-ca-file=${join(this.directory, 'ca.crt')}`,
      `--service-account-private-key-file=${join(this.directory, 'sa.key')}`,
      '--use-service-account-credentials=true',
      '--leader-elect=false',
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
    ]);
  }

  async #startScheduler(): Promise<void> {
    const [port] = await freePorts(1);
    await this.#start('kube-scheduler', [
      `--kubeconfig=${this.kubeconfig}`,
      '--leader-elect=false',
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
    ]);
  }

  async #start(name: 'kube-controller-manager' | 'kube-scheduler', flags: readonly string[]): Promise<void> {
    const logFile = join(this.directory, `${name}.log`);
    this.#others.push(await startService(name, [await binary(name), ...flags], { logFile }));
  }
}

function describe(): string {
  const assets = assetsFolder();
  const origin =
    assets === undefined ? `Kubernetes ${kubernetesRelease().version}, built from Go modules` : `programs of ${assets}`;
  return `a control plane of its own (${origin})`;
}

/** A kubeconfig of another user of a control plane that `startControlPlane` has started, perhaps in another process. */
export async function writeUserKubeconfig(
  { directory, url }: Pick<ControlPlane, 'directory' | 'url'>,
  user: string,
  groups: readonly string[] = [],
): Promise<string> {
  const file = `user-${user.replaceAll(/[^a-zA-Z0-9-]/g, '-')}-${randomUUID().slice(0, 8)}`;
  return await writeKubeconfig(Pki.open(directory), url, file, user, groups);
}

async function writeKubeconfig(
  pki: Pki,
  url: string,
  file: string,
  user: string,
  groups: readonly string[],
): Promise<string> {
  await pki.certificate(file, user, groups);
  const read = async (name: string) => (await readFile(pki.path(name))).toString('base64');
  const certificate = {
    'client-certificate-data': await read(`${file}.crt`),
    'client-key-data': await read(`${file}.key`),
  };
  const path = pki.path(`${file}.kubeconfig`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': await read('ca.crt') } }],
    users: [{ name: user, user: certificate }],
    contexts: [{ name: 'test', context: { cluster: 'test', user } }],
    'current-context': 'test',
  };
  await writeFile(path, stringify(config), { mode: 0o600 });
  return path;
}

function auditPolicy(audit: true | 'bodies') {
  const noBodies = { level: 'Metadata', resources: [{ group: '', resources: ['secrets'] }] };
  return {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: audit === 'bodies' ? [noBodies, { level: 'RequestResponse' }] : [{ level: 'Metadata' }],
  };
}

/** Whether it is this etcd that answers, and not another one on a port that was free. */
async function isEtcd(url: string, name: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/v3/cluster/member/list`, { method: 'POST', body: '{}' });
    return (await response.text()).includes(name);
  } catch {
    return false;
  }
}

/** The server's own certificate is checked, so that another server on a port that was free is no answer. */
function isReady(url: string, ca: Buffer): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const call = request(url, { ca, timeout: 2_000 }, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  });
  call.on('error', () => resolve(false));
  call.on('timeout', () => call.destroy());
  call.end();
  return promise;
}

/** Ports that nobody listens on now; a few ones held at a time, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
