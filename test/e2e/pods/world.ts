import { randomUUID } from 'node:crypto';
import { loadCredentials } from '../../../src/kube/adapters/kubernetes/credentials.ts';
import { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { KubernetesStore } from '../../../src/kube/adapters/kubernetes/store.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { type FunctionImage, POD, type Pod } from '../../../src/runtimes/pod/manifest.ts';
import { PodService, type PodServiceOptions } from '../../../src/runtimes/pod/service.ts';
import { DEFAULT_POD_SETTINGS, type PodSettings } from '../../../src/runtimes/pod/settings.ts';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../../env/cluster/control-plane.ts';
import { installOperator } from '../../env/cluster/install.ts';
import { kubectl } from '../../env/cluster/kubectl.ts';
import { buildFunctionImages, type FunctionName } from '../../env/images/function-images.ts';
import { pushImage } from '../../env/images/push.ts';
import { type ClusterNode, startNode } from '../../env/node/node.ts';
import { type Registry, startRegistry } from '../../env/registry/registry.ts';

export const NAMESPACE = 'veranda-functions';
/** Whom the operator is for the API server. */
export const OPERATOR = 'system:serviceaccount:veranda-system:veranda-controller';
const ENTRYPOINT = '/usr/local/bin/function';

/** A cluster with one node, our roles and policies, and a registry with function images. */
export class PodWorld {
  readonly controlPlane: ControlPlane;
  readonly node: ClusterNode;
  readonly registry: Registry;
  readonly client: HttpApiClient;
  readonly store: KubernetesStore;
  /** Path of a kubeconfig with the rights that the operator's roles give. */
  readonly operatorKubeconfig: string;
  readonly #digests: ReadonlyMap<string, string>;
  readonly #services: PodService[] = [];

  private constructor(
    parts: Pick<PodWorld, 'controlPlane' | 'node' | 'registry' | 'client' | 'store' | 'operatorKubeconfig'>,
    digests: ReadonlyMap<string, string>,
  ) {
    this.controlPlane = parts.controlPlane;
    this.node = parts.node;
    this.registry = parts.registry;
    this.client = parts.client;
    this.store = parts.store;
    this.operatorKubeconfig = parts.operatorKubeconfig;
    this.#digests = digests;
  }

  /** @param tags under which each image is in the registry */
  static async create(
    names: readonly FunctionName[],
    tags: readonly string[] = ['v1'],
    { audit = true }: Pick<ControlPlaneOptions, 'audit'> = {},
  ): Promise<PodWorld> {
    const images = await buildFunctionImages(names);
    const controlPlane = await startControlPlane({ scheduler: true, audit });
    const registry = await startRegistry();
    const digests = new Map<string, string>();
    for (const [name, { image }] of images) {
      for (const tag of tags) digests.set(name, await pushImage(registry, `fns/${name}`, tag, image));
    }
    const node = await startNode(controlPlane);
    await installOperator(controlPlane.kubeconfig);
    const operatorKubeconfig = await controlPlane.kubeconfigFor(OPERATOR, [
      'system:serviceaccounts',
      'system:serviceaccounts:veranda-system',
    ]);
    await until('the service account', async () =>
      (await kubectl(controlPlane.kubeconfig, ['-n', NAMESPACE, 'get', 'serviceaccounts', '-o', 'name'])).includes(
        'default',
      ),
    );
    const client = new HttpApiClient({
      credentials: await loadCredentials({ kubeconfig: operatorKubeconfig }),
      userAgent: 'veranda/test',
    });
    const store = new KubernetesStore({ client, kinds: [POD] });
    return new PodWorld({ controlPlane, node, registry, client, store, operatorKubeconfig }, digests);
  }

  image(name: string): FunctionImage {
    const digest = this.#digests.get(name) ?? '';
    const repository = `${this.registry.host}/fns/${name}`;
    return {
      asked: { name: repository, suffix: ':v1' },
      resolved: `${repository}:v1@${digest}`,
      reference: `${repository}@${digest}`,
      digest,
      command: [ENTRYPOINT],
    };
  }

  /** The image with an entrypoint of its own: the first argument tells the misbehaving function what to do. */
  misbehaving(behaviour: string): { readonly image: FunctionImage; readonly settings: PodSettings } {
    const image = this.image('misbehaving');
    return { image: { ...image, command: [ENTRYPOINT, behaviour] }, settings: DEFAULT_POD_SETTINGS };
  }

  async service(options: Partial<PodServiceOptions> = {}): Promise<PodService> {
    const service = new PodService({
      client: this.client,
      store: this.store,
      namespace: NAMESPACE,
      owner: { install: 'tests', instance: randomUUID() },
      uniqueSuffix: () => randomUUID().slice(0, 8),
      clock: systemClock,
      logger: createLogger({ level: 'error', format: 'plain', stream: process.stderr }),
      maxPods: 8,
      maxOutputBytes: 16 * 1024 * 1024,
      ...options,
    });
    this.#services.push(service);
    await service.start(new AbortController().signal);
    return service;
  }

  async pods(): Promise<readonly Pod[]> {
    const { items } = await this.store.list(POD, { namespace: NAMESPACE });
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Ends the services of a test and waits until their pods are gone. */
  async clear(): Promise<void> {
    for (const service of this.#services.splice(0)) await service.stop();
    await until('no pod', async () => (await this.pods()).length === 0);
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.node.stop();
    await this.registry.stop();
    await this.controlPlane.stop();
  }
}

export async function until(what: string, holds: () => Promise<boolean>, milliseconds = 60_000): Promise<void> {
  for (const deadline = Date.now() + milliseconds; Date.now() < deadline; ) {
    if (await holds().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no sign of ${what}`);
}
