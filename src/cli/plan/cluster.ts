import { stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { TerminalError, TransientError } from '../../api/errors.ts';
import {
  ALL_KINDS,
  type Kind,
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  type PackageVariant,
  REPOSITORY,
} from '../../api/kinds.ts';
import { type KubeObject, objectKey } from '../../api/object.ts';
import { loadCredentials } from '../../kube/adapters/kubernetes/credentials.ts';
import { KindDiscovery } from '../../kube/adapters/kubernetes/discovery.ts';
import { HttpApiClient } from '../../kube/adapters/kubernetes/http-client.ts';
import { getRaw, kept, listRaw, type RawObject } from '../../kube/adapters/kubernetes/raw-objects.ts';
import { systemClock } from '../../kube/clock.ts';
import { inKeyOrder } from '../../kube/json.ts';
import type { KindRef, ObjectStore } from '../../kube/store.ts';
import type { Logger } from '../../observability/logger.ts';
import type { CliContext } from '../context.ts';
import { ClusterInjectables } from '../controller/injectables.ts';
import { readInjectionTypes } from '../controller/injection-types.ts';
import { InputWatches } from '../controller/input-watches.ts';
import { ClusterSelectables } from '../controller/selectables.ts';
import { type LocalOperator, type LocalParts, MANIFESTS_MANAGER, type Surroundings } from '../local-operator.ts';
import type { ObjectTarget } from '../manifest-set.ts';
import { secretCredentials } from '../secrets.ts';
import { VERSION } from '../version.ts';
import { ClusterInputs } from './cluster-inputs.ts';
import { ownersOf } from './owners.ts';
import { explained, type Reading } from './rights.ts';

export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  /** Whose server-side applies the manifests of the plan follow. */
  readonly fieldManager: string;
}

const PAGE_SIZE = 500;
const READ_KINDS: readonly Kind[] = [REPOSITORY, PACKAGE_REVISION, PACKAGE_VARIANT, PACKAGE_VARIANT_SET];
const SECRET: KindRef = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };
const NAMESPACE: KindRef = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false };

/** A cluster as a plan reads it: with the rights of whoever asks, by `get` and `list` only. */
export class PlannedCluster {
  /** Of objects that name none. */
  readonly namespace: string;
  /** The one that is read; undefined: all of them. */
  readonly scope: string | undefined;
  readonly #client: HttpApiClient;
  readonly #inputs: ClusterInputs;
  readonly #fieldManager: string;
  readonly #logger: Logger;
  readonly #variants = new Map<string, PackageVariant>();
  readonly #notServed: string[] = [];

  private constructor(client: HttpApiClient, namespace: string, options: ClusterOptions, logger: Logger) {
    this.#client = client;
    this.namespace = namespace;
    this.scope = options.allNamespaces ? undefined : namespace;
    this.#fieldManager = options.fieldManager;
    this.#inputs = new ClusterInputs(client, options.fieldManager);
    this.#logger = logger;
  }

  /** @throws TerminalError InvalidKubeconfig */
  static async connect(options: ClusterOptions, { env }: CliContext, logger: Logger): Promise<PlannedCluster> {
    const kubeconfig = options.kubeconfig ?? (await presetKubeconfig(env));
    const credentials = await loadCredentials({ kubeconfig, context: options.context });
    const client = new HttpApiClient({ credentials, userAgent: `veranda/${VERSION}`, logger });
    return new PlannedCluster(client, options.namespace ?? credentials.namespace ?? 'default', options, logger);
  }

  /** The variants as they are in the cluster, by key. */
  get variants(): ReadonlyMap<string, PackageVariant> {
    return this.#variants;
  }

  /** Kinds of ours that the cluster does not have: there are no objects of theirs. */
  get notServed(): readonly string[] {
    return this.#notServed;
  }

  /**
   * Puts what the cluster holds into an operator that was not started.
   * @throws TerminalError Forbidden with the rule that is missing, NotInstalled; else as the client
   */
  async seed(operator: LocalOperator, signal: AbortSignal): Promise<void> {
    const lists = await Promise.all(READ_KINDS.map((kind) => this.#list(kind, signal)));
    if (this.#notServed.length === READ_KINDS.length) {
      throw new TerminalError('NotInstalled', `${this.#client.server} serves none of ${this.#notServed.join(', ')}`);
    }
    const objects = lists.flat();
    for (const raw of objects) {
      const object = kept(raw);
      operator.seed(object, ownersOf(raw, this.#fieldManager, MANIFESTS_MANAGER));
      if (object.kind === PACKAGE_VARIANT.kind)
        this.#variants.set(objectKey(object.metadata), object as PackageVariant);
    }
    await this.#seedNamespaces(operator, objects, signal);
  }

  /** Where manifests go that are to be applied to the cluster. */
  target(operator: LocalOperator): ObjectTarget {
    return {
      apply: async (manifest) => {
        // Packages are written in the order in which the server gives fields back.
        const object = inKeyOrder(manifest);
        const { namespace } = object.metadata;
        const isOurs = ALL_KINDS.some(
          ({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind,
        );
        if (isOurs && this.scope !== undefined && namespace !== this.scope) {
          const message = `is of namespace ${namespace}, and the plan reads ${this.scope} only; --namespace and --all-namespaces change that`;
          throw new TerminalError('OtherNamespace', message, { field: 'metadata.namespace' });
        }
        if (isOurs || (object.kind === SECRET.kind && object.apiVersion === SECRET.apiVersion)) {
          await operator.apply(object);
        } else this.#inputs.lay(object);
      },
      delete: (object) => operator.delete(object),
    };
  }

  /** What the operator in the cluster reads beside its own kinds, read as it would. */
  surroundings({ store, informers, gateway }: LocalParts): Surroundings {
    const discovery = new KindDiscovery(this.#client);
    const watches = new InputWatches({
      store: this.#inputs,
      resolveKind: discovery.resolveKind.bind(discovery),
      clock: systemClock,
      logger: this.#logger,
    });
    const secrets: Pick<ObjectStore, 'get'> = {
      get: async (kind, name, signal) => (await store.get(kind, name, signal)) ?? (await this.#get(kind, name, signal)),
    };
    return {
      injectables: new ClusterInjectables({
        watches,
        listers: informers,
        readTypes: (revision, signal) =>
          readInjectionTypes({ repositories: informers.repositories, gateway }, revision, signal),
      }),
      selectables: new ClusterSelectables({ watches, variantSets: informers.variantSets }),
      secrets: (namespace, name) => secretCredentials(secrets, namespace, name),
      close: () => watches.close(),
    };
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #list(kind: Kind, signal: AbortSignal): Promise<readonly RawObject[]> {
    const namespace = this.scope;
    try {
      return (await listRaw(this.#client, kind, { namespace, signal, pageSize: PAGE_SIZE })).items;
    } catch (error) {
      if (!(error instanceof TransientError) || error.reason !== 'NotServed') {
        throw explained(error, { kind, verb: 'list', namespace });
      }
      this.#notServed.push(`${kind.plural} (${kind.apiVersion})`);
      return [];
    }
  }

  /** Whether a namespace goes as a whole decides what becomes of what is being deleted in it. */
  async #seedNamespaces(operator: LocalOperator, objects: readonly RawObject[], signal: AbortSignal): Promise<void> {
    const going = objects.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    for (const name of new Set(going.map(({ metadata }) => metadata.namespace ?? ''))) {
      const namespace = await this.#get(NAMESPACE, { name }, signal);
      if (namespace) operator.seed(namespace, {});
    }
  }

  async #get<T extends KubeObject>(
    kind: KindRef<T>,
    name: { readonly namespace?: string; readonly name: string },
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    const reading: Reading = { kind, verb: 'get', ...name };
    try {
      const object = `${kind.kind} ${objectKey(name)}`;
      const found = await getRaw(this.#client, kind, name, { object, signal });
      return found && kept<T>({ ...found, apiVersion: kind.apiVersion, kind: kind.kind });
    } catch (error) {
      throw explained(error, reading);
    }
  }
}

/** As kubectl looks for it. @throws TerminalError InvalidKubeconfig for several files: kubectl would merge them */
async function presetKubeconfig(env: CliContext['env']): Promise<string | undefined> {
  const named = (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  const there = await existing(named.length > 0 ? named : env.HOME ? [join(env.HOME, '.kube/config')] : []);
  if (there.length > 1) {
    throw new TerminalError('InvalidKubeconfig', `KUBECONFIG names ${there.length} files; name one with --kubeconfig`);
  }
  if (there.length === 0 && env.KUBERNETES_SERVICE_HOST === undefined) {
    const looked = named.length > 0 ? `KUBECONFIG (${named.join(', ')})` : '~/.kube/config';
    throw new TerminalError('InvalidKubeconfig', `there is no kubeconfig: neither --kubeconfig nor ${looked}`);
  }
  return there[0];
}

async function existing(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        () => [path],
        () => [],
      ),
    ),
  );
  return found.flat();
}
