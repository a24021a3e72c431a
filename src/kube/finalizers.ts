import { TerminalError } from '../api/errors.ts';
import type { KubeObject } from '../api/object.ts';
import type { KindRef, ObjectStore, WriteOptions } from './store.ts';

/** By it the API server notes that an object is deleted in the foreground. */
export const FOREGROUND_DELETION = 'foregroundDeletion';

/**
 * The object with a finalizer on it; no write when it is there. To be called before the first effect outside the store. An object
 * that is being deleted stays as it is.
 * @throws ConflictError Conflict when the object has changed since it was read
 */
export async function ensureFinalizer<T extends KubeObject>(
  store: ObjectStore,
  kind: KindRef<T>,
  object: T,
  finalizer: string,
  options: WriteOptions,
): Promise<T> {
  const { finalizers = [], deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined || finalizers.includes(finalizer)) return object;
  return await patchFinalizers(store, kind, object, [...finalizers, finalizer], options);
}

/**
 * Takes a finalizer off; to be called after the clean-up has succeeded. Does nothing when it, or the object, has gone.
 * @throws ConflictError Conflict when the object has changed since it was read
 */
export async function removeFinalizer<T extends KubeObject>(
  store: ObjectStore,
  kind: KindRef<T>,
  object: T,
  finalizer: string,
  options: WriteOptions,
): Promise<void> {
  const { finalizers = [] } = object.metadata;
  if (!finalizers.includes(finalizer)) return;
  const rest = finalizers.filter((other) => other !== finalizer);
  try {
    await patchFinalizers(store, kind, object, rest, options);
  } catch (error) {
    const gone = error instanceof TerminalError && error.reason === 'NotFound';
    if (!gone) throw error;
  }
}

async function patchFinalizers<T extends KubeObject>(
  store: ObjectStore,
  kind: KindRef<T>,
  { metadata: { namespace, name, resourceVersion, uid } }: T,
  finalizers: readonly string[],
  options: WriteOptions,
): Promise<T> {
  // The version guards the list, which other writers share, against being written back as it was.
  return await store.patch(kind, { namespace, name }, { metadata: { uid, resourceVersion, finalizers } }, options);
}
