import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../../../src/api/object.ts';
import type { ApiClient } from '../../../src/kube/adapters/kubernetes/client.ts';

interface WatchEvent<T> {
  readonly type: string;
  readonly object: T;
}

/** What a watch of one kind in one namespace has shown so far. */
export interface Watched<T extends KubeObject> {
  /** The objects by name, as the last event had them. */
  readonly objects: ReadonlyMap<string, T>;
  /**
   * Resolves with the time, on the clock of this process, of the event after which it is so.
   * @throws Error when it is not so in time
   */
  when(what: string, isSo: (objects: ReadonlyMap<string, T>) => boolean, milliseconds?: number): Promise<number>;
  stop(): Promise<void>;
}

const PATIENCE_MS = 120_000;

/** @param path of the kind's objects, such as `/apis/<group>/<version>/namespaces/<namespace>/<plural>` */
export function watchObjects<T extends KubeObject>(client: ApiClient, path: string): Watched<T> {
  const stop = new AbortController();
  const objects = new Map<string, T>();
  const questions = new Set<() => void>();
  const watching = (async () => {
    for await (const line of client.lines({ method: 'GET', path, query: { watch: true }, signal: stop.signal })) {
      const { type, object } = line as WatchEvent<T>;
      if (type === 'ERROR') throw new Error(`the watch of ${path} failed: ${JSON.stringify(object)}`);
      if (type === 'DELETED') objects.delete(object.metadata.name);
      else objects.set(object.metadata.name, object);
      for (const ask of questions) ask();
    }
  })();
  const failure = new Promise<never>((_, reject) => {
    watching.catch((error: unknown) => stop.signal.aborted || reject(error));
  });
  failure.catch(() => undefined);
  return {
    objects,
    when: async (what, isSo, milliseconds = PATIENCE_MS) => {
      const { promise, resolve } = Promise.withResolvers<number>();
      const ask = () => isSo(objects) && resolve(performance.now());
      questions.add(ask);
      ask();
      const late = new AbortController();
      const timeout = sleep(milliseconds, undefined, { signal: late.signal }).then(() => {
        throw new Error(`${what}: not so after ${milliseconds} ms`);
      });
      timeout.catch(() => undefined);
      try {
        return await Promise.race([promise, failure, timeout]);
      } finally {
        late.abort();
        questions.delete(ask);
      }
    },
    stop: async () => {
      stop.abort();
      await watching.catch(() => undefined);
    },
  };
}
