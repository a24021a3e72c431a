import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import { TerminalError, TransientError } from '../../api/errors.ts';
import type { FunctionRuntimes } from '../../controllers/function-config/reconciler.ts';
import { type FunctionRules, functionRules } from '../../controllers/function-config/rules.ts';
import type { BuiltinOverride } from '../../functions/builtin-runtime.ts';
import { DEFAULT_IMAGE_PREFIX } from '../../functions/image.ts';
import type { FunctionRuntime } from '../../functions/types.ts';
import type { ApiClient } from '../../kube/adapters/kubernetes/client.ts';
import type { KubernetesStore } from '../../kube/adapters/kubernetes/store.ts';
import { systemClock } from '../../kube/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import { type RegistryCall, RegistryClient } from '../../registry/client.ts';
import { type CredentialSource, fingerprint } from '../../registry/credentials.ts';
import { DockerConfig } from '../../registry/docker-config.ts';
import { ImageResolver } from '../../registry/image-resolver.ts';
import { allowedPlaces, checkImageAllowed } from '../../render/image.ts';
import { describeWanted, highestInRange, type WantedImage, wantedImage } from '../../runtimes/container-image.ts';
import { createGrpcRuntime, type GrpcRuntime } from '../../runtimes/grpc/runtime.ts';
import { chainRuntimes } from '../../runtimes/multi.ts';
import { lookUpFault } from '../../runtimes/pod/faults.ts';
import type { FunctionImage } from '../../runtimes/pod/manifest.ts';
import { createPodRuntime } from '../../runtimes/pod/runtime.ts';
import { type PodLoad, PodService } from '../../runtimes/pod/service.ts';
import type { PodSettings } from '../../runtimes/pod/settings.ts';
import { ResultCache } from '../../runtimes/result-cache.ts';
import { MAX_WIRE_BYTES } from '../../runtimes/wire-format.ts';
import { explainedSecret } from './cluster-secrets.ts';
import type { Settings } from './settings.ts';

export interface ClusterFunctionsOptions {
  readonly settings: Settings;
  readonly client: ApiClient;
  readonly store: KubernetesStore;
  /** As `installOf` says it: whose function pods are ours. */
  readonly install: string;
  readonly logger: Logger;
}

const RESULT_CACHE_BYTES = 32 * 1024 * 1024;
/** How long a pull secret that was read counts. */
const SECRET_TTL_MS = 60_000;

/**
 * The runtimes of functions in a cluster, in the order of the settings: built-in ones, those on a function runner, pods.
 */
export class ClusterFunctions implements FunctionRuntimes {
  /** All but what is built in and goes first: that is run where the renderer is. */
  readonly hosted: FunctionRuntime;
  readonly #options: ClusterFunctionsOptions;
  readonly #grpc: GrpcRuntime | undefined;
  readonly #pods: PodService;
  readonly #registry: RegistryClient;
  readonly #resolver: ImageResolver;
  readonly #secrets = new LRUCache<string, Promise<CredentialSource>>({ max: 1000, ttl: SECRET_TTL_MS });
  readonly #ca: string | undefined;
  #rules: FunctionRules;

  constructor(options: ClusterFunctionsOptions) {
    const { settings, client, store, install, logger } = options;
    this.#options = options;
    this.#rules = functionRules([], this.#prefix);
    this.#ca = settings.registryCa === undefined ? undefined : readFileSync(settings.registryCa, 'utf8');
    const mirrors = settings.registryRewrites.map((rule) => {
      const [prefix = '', rewrite = ''] = rule.split('=');
      return { prefix, rewrite };
    });
    this.#registry = new RegistryClient({ loopback: settings.loopbackRegistries, mirrors });
    this.#resolver = new ImageResolver({
      client: this.#registry,
      platform: { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch },
    });
    this.#pods = new PodService({
      client,
      store,
      namespace: settings.functionsNamespace,
      owner: { install, instance: randomUUID() },
      uniqueSuffix: () => randomUUID().slice(0, 8),
      clock: systemClock,
      logger,
      maxPods: settings.maxFunctionPods,
      maxOutputBytes: MAX_WIRE_BYTES,
    });
    this.#grpc = settings.functionRunner
      ? createGrpcRuntime({
          target: settings.functionRunner,
          maxMessageBytes: settings.functionRunnerMaxBytes,
          deadlineMs: settings.fnTimeout,
          tagInRange: async (wanted, signal) =>
            await this.#lookUp(wanted, signal, (call) => this.#tagInRange(wanted, call)),
        })
      : undefined;
    this.hosted = this.#chain();
  }

  /** What is known of built-in functions now; undefined when they are turned off. */
  builtins(): Readonly<Record<string, BuiltinOverride>> | undefined {
    return this.#options.settings.runtimes.includes('builtin') ? this.#rules.builtins : undefined;
  }

  /**
   * Follows the function pods, and removes those that processes which are gone have left; only the process that works may do
   * that. Not waited for: where pods may not be listed, everything else goes on.
   */
  start(signal: AbortSignal): void {
    void this.#tellHealth(signal);
    if (!this.#hasPods) return;
    this.#pods.start(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#options.logger.error('function pods cannot be followed', { error });
    });
  }

  async stop(): Promise<void> {
    await this.#pods.stop();
    this.#grpc?.close();
    await this.#registry.close();
  }

  get rulesVersion(): string {
    return this.#rules.version;
  }

  use(rules: FunctionRules): void {
    this.#rules = rules;
    this.#pods.retire(({ asked }) => rules.podSettings(asked));
  }

  /** What the pods of each image have to do now. */
  loads(): readonly PodLoad[] {
    return this.#pods.loads();
  }

  async warmUp(image: string, settings: PodSettings, signal: AbortSignal): Promise<void> {
    const wanted = this.#hasPods ? wantedImage({ image }) : undefined;
    if (wanted === undefined) return;
    checkImageAllowed(image, allowedPlaces(this.#prefix, this.#options.settings.allowImages));
    this.#pods.warmUp(await this.#resolve(wanted, signal), settings);
  }

  /** A function runner that is not there yet is no reason not to work: each step that needs it says so itself. */
  async #tellHealth(signal: AbortSignal): Promise<void> {
    const { logger, settings } = this.#options;
    if (!this.#grpc || !settings.runtimes.includes('grpc')) return;
    try {
      await this.#grpc.health(signal);
      logger.info('function runner is serving', { target: settings.functionRunner });
    } catch (error) {
      if (!signal.aborted)
        logger.warn('function runner cannot be used now', { target: settings.functionRunner, error });
    }
  }

  get #prefix(): string {
    return this.#options.settings.imagePrefix ?? DEFAULT_IMAGE_PREFIX;
  }

  get #hasPods(): boolean {
    return this.#options.settings.runtimes.includes('pod');
  }

  #chain(): FunctionRuntime {
    const cache = new ResultCache({ maxBytes: RESULT_CACHE_BYTES });
    const pods = createPodRuntime({
      service: this.#pods,
      resolve: (wanted, signal) => this.#resolve(wanted, signal),
      settings: (wanted) => this.#rules.podSettings(wanted),
    });
    const known = { grpc: this.#grpc, pod: pods };
    const runtimes = this.#options.settings.runtimes
      .map((name) => (name === 'builtin' ? undefined : known[name]))
      .filter((runtime) => runtime !== undefined);
    return chainRuntimes(runtimes.map((runtime) => cache.wrap(runtime)));
  }

  async #resolve(wanted: WantedImage, signal: AbortSignal): Promise<FunctionImage> {
    const { digest, reference, resolved, entrypoint, cmd } = await this.#lookUp(wanted, signal, async (call) => {
      const suffix = wanted.suffix ?? `:${await this.#tagInRange(wanted, call)}`;
      return await this.#resolver.resolve(`${wanted.name}${suffix}`, call);
    });
    const command = [...entrypoint, ...cmd];
    if (command.length > 0) return { asked: wanted, digest, reference, resolved, command };
    throw new TerminalError('NoEntrypoint', `the image ${resolved} says no program that is to be run`);
  }

  async #lookUp<T>(wanted: WantedImage, signal: AbortSignal, look: (call: RegistryCall) => Promise<T>): Promise<T> {
    const { imagePullSecrets } = this.#rules.podSettings(wanted);
    try {
      return await look({ signal, credentials: await this.#credentials(imagePullSecrets, signal), ca: this.#ca });
    } catch (error) {
      signal.throwIfAborted();
      // The next try reads them anew: one of them may be at fault.
      for (const name of imagePullSecrets) this.#secrets.delete(name);
      throw lookUpFault(describeWanted(wanted), error);
    }
  }

  async #tagInRange({ name, range, tag }: WantedImage, call: RegistryCall): Promise<string> {
    const found = range && highestInRange(await this.#resolver.listTags(name, call), range);
    if (found !== undefined) return found;
    throw new TerminalError('TagNotFound', `no tag of the image ${name} is in the range ${JSON.stringify(tag)}`);
  }

  /** The first of the secrets that knows the place counts. */
  async #credentials(names: readonly string[], signal: AbortSignal): Promise<CredentialSource | undefined> {
    if (names.length === 0) return undefined;
    const sources = await Promise.all(names.map((name) => this.#secret(name, signal)));
    return {
      identity: fingerprint(sources.map(({ identity }) => identity).join('\n')),
      find: async (host, repository, inner) => {
        for (const source of sources) {
          const found = await source.find(host, repository, inner);
          if (found !== undefined) return found;
        }
        return undefined;
      },
    };
  }

  #secret(name: string, signal: AbortSignal): Promise<CredentialSource> {
    const known = this.#secrets.get(name);
    if (known) return known;
    const reading = this.#readSecret(name, signal);
    this.#secrets.set(name, reading);
    reading.catch(() => this.#secrets.delete(name));
    return reading;
  }

  async #readSecret(name: string, signal: AbortSignal): Promise<CredentialSource> {
    const { client, settings } = this.#options;
    const namespace = settings.functionsNamespace;
    const origin = `Secret ${namespace}/${name}`;
    const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
    try {
      const { data } = await client.json<{ readonly data?: Readonly<Record<string, string>> }>({
        method: 'GET',
        path,
        object: origin,
        signal,
      });
      const text = Buffer.from(data?.['.dockerconfigjson'] ?? '', 'base64').toString('utf8');
      return new DockerConfig(text, origin);
    } catch (error) {
      if (error instanceof TerminalError && error.reason === 'NotFound') {
        throw new TransientError('SecretNotFound', `there is no ${origin}`, { object: origin, cause: error });
      }
      throw explainedSecret(error, namespace, name);
    }
  }
}
