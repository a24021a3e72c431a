import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ALL_KINDS } from '../../../src/api/kinds.ts';
import type { Condition, KubeObject } from '../../../src/api/object.ts';
import type { ApiClient } from '../../../src/kube/adapters/kubernetes/client.ts';
import { loadCredentials } from '../../../src/kube/adapters/kubernetes/credentials.ts';
import { KindDiscovery } from '../../../src/kube/adapters/kubernetes/discovery.ts';
import { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { KubernetesStore } from '../../../src/kube/adapters/kubernetes/store.ts';
import type { KindRef } from '../../../src/kube/store.ts';

/** A user of a cluster, in a namespace of its own. */
export interface TestNamespace {
  readonly name: string;
  readonly client: ApiClient;
  readonly store: KubernetesStore;
  /** Server-side apply; objects without a namespace get this one. */
  apply(...objects: readonly KubeObject[]): Promise<void>;
  /** Objects of a kind in this namespace. */
  list<T extends KubeObject>(kind: KindRef<T>): Promise<readonly T[]>;
  get<T extends KubeObject>(kind: KindRef<T>, name: string): Promise<T | undefined>;
  patch<T extends KubeObject>(kind: KindRef<T>, name: string, patch: object): Promise<T>;
  /** Waits until the objects of a kind are as wanted. @throws Error that shows their conditions */
  until<T extends KubeObject>(
    what: string,
    kind: KindRef<T>,
    wanted: (objects: readonly T[]) => boolean,
    milliseconds?: number,
  ): Promise<readonly T[]>;
  /** Deletes the namespace, without waiting, and closes the connection. */
  close(): Promise<void>;
}

const FIELD_MANAGER = 'test';
const PATIENCE_MS = 180_000;
const POLL_MS = 100;

/** @param kubeconfig of somebody who may do everything */
export async function makeNamespace(kubeconfig: string, prefix: string): Promise<TestNamespace> {
  const credentials = await loadCredentials({ kubeconfig });
  const client = new HttpApiClient({ credentials, userAgent: 'veranda-test' });
  const discovery = new KindDiscovery(client);
  const resolveKind = discovery.resolveKind.bind(discovery);
  const store = new KubernetesStore({ client, kinds: ALL_KINDS, resolveKind });
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  await client.json({
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  });
  return {
    name,
    client,
    store,
    apply: async (...objects) => {
      for (const object of objects) {
        const kind = await resolveKind(object.apiVersion, object.kind);
        const namespace = kind?.namespaced ? (object.metadata.namespace ?? name) : undefined;
        await store.apply({ ...object, metadata: { ...object.metadata, namespace } }, { fieldManager: FIELD_MANAGER });
      }
    },
    list: async (kind) => (await store.list(kind, { namespace: name })).items,
    get: (kind, of) => store.get(kind, { namespace: name, name: of }),
    patch: (kind, of, patch) =>
      store.patch(kind, { namespace: name, name: of }, patch, { fieldManager: FIELD_MANAGER }),
    until: async (what, kind, wanted, milliseconds = PATIENCE_MS) => {
      const deadline = Date.now() + milliseconds;
      for (;;) {
        const { items } = await store.list(kind, { namespace: name });
        if (wanted(items)) return items;
        if (Date.now() > deadline) {
          throw new Error(`${what}: not so after ${milliseconds} ms\n${items.map(describe).join('\n')}`);
        }
        await sleep(POLL_MS);
      }
    },
    close: async () => {
      await client.json({ method: 'DELETE', path: `/api/v1/namespaces/${name}` });
      await client.close();
    },
  };
}

type WithConditions = KubeObject & { readonly status?: { readonly conditions?: readonly Condition[] } };

/** The condition of a type. */
export function conditionOf(object: KubeObject | undefined, type: string): Condition | undefined {
  return (object as WithConditions | undefined)?.status?.conditions?.find((condition) => condition.type === type);
}

export function isReady(object: KubeObject): boolean {
  const ready = conditionOf(object, 'Ready');
  return ready?.status === 'True' && (ready.observedGeneration ?? 0) === object.metadata.generation;
}

function describe(object: KubeObject): string {
  const { conditions = [] } = (object as WithConditions).status ?? {};
  const shown = conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`);
  return `${object.kind} ${object.metadata.name}: ${shown.join('; ') || 'no conditions'}`;
}
