import { ALL_KINDS } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import type { KindRef } from '../../../src/kube/store.ts';
import type { TestNamespace } from '../support/cluster.ts';

/** Takes down every state that the objects of our kinds in a namespace are seen in. */
export class StateRecorder {
  readonly #states: KubeObject[] = [];
  readonly #stopping = new AbortController();
  #watches: readonly Promise<void>[] = [];

  static async open(namespace: TestNamespace): Promise<StateRecorder> {
    const recorder = new StateRecorder();
    const starts = ALL_KINDS.map(async (kind) => {
      const { items, resourceVersion } = await namespace.store.list<KubeObject>(kind, { namespace: namespace.name });
      recorder.#states.push(...items);
      return { kind, resourceVersion };
    });
    const started = await Promise.all(starts);
    recorder.#watches = started.map(({ kind, resourceVersion }) => recorder.#follow(namespace, kind, resourceVersion));
    return recorder;
  }

  /** Ends it. @returns the states that differ in what health is read from, as objects of names of their own */
  async close(): Promise<readonly KubeObject[]> {
    this.#stopping.abort();
    await Promise.all(this.#watches);
    const distinct = new Map(this.#states.map((object) => [JSON.stringify(readFrom(object)), object]));
    return [...distinct.values()].map((object) => ({
      ...object,
      metadata: { ...object.metadata, name: `${object.metadata.name}@${object.metadata.resourceVersion}` },
    }));
  }

  async #follow(namespace: TestNamespace, kind: KindRef<KubeObject>, resourceVersion: string): Promise<void> {
    const { signal } = this.#stopping;
    try {
      for await (const event of namespace.store.watch(kind, { namespace: namespace.name, resourceVersion, signal })) {
        if (event.type === 'ADDED' || event.type === 'MODIFIED') this.#states.push(event.object);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (!signal.aborted) throw new Error(`the watch of ${kind.plural} ended too early`);
  }
}

/** Times and messages apart, many states are alike. */
function readFrom(object: KubeObject): unknown {
  const { kind, metadata, spec, status } = object as KubeObject & {
    readonly spec?: { readonly suspend?: boolean };
    readonly status?: {
      readonly observedGeneration?: number;
      readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
    };
  };
  const conditions = status?.conditions?.map(({ type, status: value, reason }) => [type, value, reason]);
  const { generation, deletionTimestamp } = metadata;
  return [kind, generation, deletionTimestamp !== undefined, spec?.suspend, status?.observedGeneration, conditions];
}
