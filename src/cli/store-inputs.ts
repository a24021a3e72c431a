import { ALL_KINDS } from '../api/kinds.ts';
import type { KubeObject } from '../api/object.ts';
import type { Injectables, Selectables } from '../controllers/environment.ts';
import type { EmbeddedStore } from '../kube/adapters/embedded/store.ts';

/** Everything that the manifests brought along may be injected, except secrets. */
export function storeInjectables(store: EmbeddedStore): Injectables {
  const injectable = ({ apiVersion, kind }: KubeObject): boolean =>
    kind !== 'Secret' && !ALL_KINDS.some((known) => known.kind === kind && known.apiVersion === apiVersion);
  return {
    list: async (namespace, apiVersion, kind) => {
      const { items } = await store.list({ apiVersion, kind, plural: '', namespaced: true }, { namespace });
      return items.filter(injectable);
    },
    byName: (namespace, name) => store.findByName(namespace, name).filter(injectable),
    onChange: (handler) => {
      store.onChange(({ before, after }) => {
        const object = after ?? before;
        if (object && injectable(object)) handler(object);
      });
    },
  };
}

/** Everything that the manifests brought along may be selected, except secrets. */
export function storeSelectables(store: EmbeddedStore): Selectables {
  const selectable = ({ apiVersion, kind }: KubeObject): boolean => kind !== 'Secret' || apiVersion !== 'v1';
  return {
    list: async (namespace, apiVersion, kind, signal) => {
      const { items } = await store.list({ apiVersion, kind, plural: '', namespaced: true }, { signal });
      return items.filter((item) => selectable(item) && (item.metadata.namespace ?? namespace) === namespace);
    },
    onChange: (handler) => {
      store.onChange((change) => {
        const object = change.after ?? change.before;
        if (object && selectable(object)) handler(change);
      });
    },
  };
}
