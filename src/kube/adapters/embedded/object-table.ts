import { type KubeObject, objectKey } from '../../../api/object.ts';
import type { Managers } from './managed-fields.ts';

export interface StoredObject {
  /** Deeply frozen. */
  readonly object: KubeObject;
  readonly managers: Managers;
}

/** Which kind: `<apiVersion> <kind>`. */
export function kindId(kind: { readonly apiVersion: string; readonly kind: string }): string {
  return `${kind.apiVersion} ${kind.kind}`;
}

/** Objects of all kinds with their indexes: by kind and name, by name alone, by uid, by owner. */
export class ObjectTable {
  readonly #kinds = new Map<string, Map<string, StoredObject>>();
  readonly #byName = new Map<string, Map<string, StoredObject>>();
  readonly #byUid = new Map<string, StoredObject>();
  readonly #byOwner = new Map<string, Map<string, StoredObject>>();

  get(kind: string, key: string): StoredObject | undefined {
    return this.#kinds.get(kind)?.get(key);
  }

  /** In the order of keys. */
  ofKind(kind: string): StoredObject[] {
    const entries = [...(this.#kinds.get(kind) ?? [])];
    return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, stored]) => stored);
  }

  byName(key: string): StoredObject[] {
    return [...(this.#byName.get(key)?.values() ?? [])];
  }

  hasUid(uid: string): boolean {
    return this.#byUid.has(uid);
  }

  ownedBy(uid: string): StoredObject[] {
    return [...(this.#byOwner.get(uid)?.values() ?? [])];
  }

  put(stored: StoredObject): void {
    const { object } = stored;
    const [kind, key, uid] = [kindId(object), objectKey(object.metadata), object.metadata.uid ?? ''];
    const before = this.get(kind, key);
    if (before) this.remove(before);
    putInto(this.#kinds, kind, key, stored);
    putInto(this.#byName, key, kind, stored);
    this.#byUid.set(uid, stored);
    for (const owner of object.metadata.ownerReferences ?? []) putInto(this.#byOwner, owner.uid, uid, stored);
  }

  remove({ object }: StoredObject): void {
    const [kind, key, uid] = [kindId(object), objectKey(object.metadata), object.metadata.uid ?? ''];
    removeFrom(this.#kinds, kind, key);
    removeFrom(this.#byName, key, kind);
    this.#byUid.delete(uid);
    for (const owner of object.metadata.ownerReferences ?? []) removeFrom(this.#byOwner, owner.uid, uid);
  }
}

function putInto<V>(map: Map<string, Map<string, V>>, outer: string, inner: string, value: V): void {
  const values = map.get(outer) ?? new Map<string, V>();
  map.set(outer, values);
  values.set(inner, value);
}

function removeFrom<V>(map: Map<string, Map<string, V>>, outer: string, inner: string): void {
  const values = map.get(outer);
  values?.delete(inner);
  if (values?.size === 0) map.delete(outer);
}
