import type { KubeObject } from '../api/object.ts';
import { sameJson } from './json.ts';
import type { ObjectStore, WriteOptions } from './store.ts';

export interface WithStatus extends KubeObject {
  readonly status?: object;
}

/**
 * Applies an object's status, whole, when it says something else than the one that the object has; else writes nothing. The write is
 * bound to the object's uid, not to its version: status has one writer, and a change of spec must not hold it up.
 * @returns the object as it is then
 * @throws ConflictError Conflict when the object was replaced by another one, TerminalError NotFound when it has gone
 */
export async function writeStatus<T extends WithStatus>(
  store: ObjectStore,
  object: T,
  status: T['status'],
  options: WriteOptions,
): Promise<T> {
  if (sameJson(object.status, status)) return object;
  const { name, namespace, uid } = object.metadata;
  return await store.applyStatus({ ...object, metadata: { name, namespace, uid }, status }, options);
}
