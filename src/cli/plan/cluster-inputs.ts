import type { KubeObject } from '../../api/object.ts';
import { EmbeddedStore } from '../../kube/adapters/embedded/store.ts';
import type { ApiClient } from '../../kube/adapters/kubernetes/client.ts';
import { kept, listRaw, type RawObject } from '../../kube/adapters/kubernetes/raw-objects.ts';
import type { KindRef, ListResult, ObjectStore } from '../../kube/store.ts';
import { ownersOf } from './owners.ts';
import { explained } from './rights.ts';

const PAGE_SIZE = 500;

/**
 * What a cluster holds for injection and selection, each kind read once when somebody asks for it, with the manifests that are to
 * be applied laid over it.
 */
export class ClusterInputs implements Pick<ObjectStore, 'list' | 'watch'> {
  readonly #client: Pick<ApiClient, 'json'>;
  readonly #fieldManager: string;
  readonly #manifests: KubeObject[] = [];

  constructor(client: Pick<ApiClient, 'json'>, fieldManager: string) {
    this.#client = client;
    this.#fieldManager = fieldManager;
  }

  /** Counts from the next list on. */
  lay(manifest: KubeObject): void {
    this.#manifests.push(manifest);
  }

  /** @throws TerminalError Forbidden, with the rule that is missing; else as the client */
  async list<T extends KubeObject>(
    kind: KindRef<T>,
    options: { readonly namespace?: string; readonly signal?: AbortSignal } = {},
  ): Promise<ListResult<T>> {
    const { namespace, signal } = options;
    try {
      const { items, resourceVersion } = await listRaw(this.#client, kind, { namespace, signal, pageSize: PAGE_SIZE });
      const store = new EmbeddedStore({ kinds: [{ kind }] });
      const manifests = this.#manifests.filter((manifest) => isOf(manifest, kind, namespace));
      for (const item of items) this.#seed(store, item);
      for (const { metadata, ...manifest } of manifests) {
        const { namespace: _namespace, ...rest } = metadata;
        const object = kind.namespaced ? { ...manifest, metadata } : { ...manifest, metadata: rest };
        await store.apply(object, { fieldManager: this.#fieldManager });
      }
      return { items: (await store.list(kind)).items, resourceVersion };
    } catch (error) {
      throw explained(error, { kind, verb: 'list', namespace });
    }
  }

  /** Nothing changes while a plan is made: it is of one moment. */
  async *watch(_kind: KindRef, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<never, void, undefined> {
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (!signal.aborted) await promise;
  }

  #seed(store: EmbeddedStore, item: RawObject): void {
    store.seed(kept(item), ownersOf(item, this.#fieldManager, this.#fieldManager));
  }
}

function isOf({ apiVersion, kind, metadata }: KubeObject, wanted: KindRef, namespace: string | undefined): boolean {
  if (apiVersion !== wanted.apiVersion || kind !== wanted.kind) return false;
  return !wanted.namespaced || namespace === undefined || metadata.namespace === namespace;
}
