import { expect, test } from '@jest/globals';
import { clusterGitStore } from '../../../../src/cli/controller/git-store.ts';
import { nullLogger } from '../../../../src/observability/logger.ts';
import type { GitStore, PushOutcome } from '../../../../src/repository/git/types.ts';

/** A store that has nothing, and tells which signal a push was given. */
class EmptyStore implements GitStore {
  readonly url = 'https://example.com/a.git';
  pushes: AbortSignal[] = [];
  failure: Error | undefined;

  async listRemote() {
    if (this.failure) throw this.failure;
    return new Map<string, string>();
  }

  async fetch() {}

  async has() {
    return this.failure !== undefined;
  }

  readCommit = () => Promise.reject(new Error('there are no commits'));
  readTree = () => Promise.reject(new Error('there are no trees'));
  readBlob = () => Promise.reject(new Error('there are no blobs'));
  writeBlob = () => Promise.resolve('0'.repeat(40));
  writeTree = () => Promise.resolve('0'.repeat(40));
  writeCommit = () => Promise.resolve('0'.repeat(40));

  async push(_updates: unknown, { signal }: { readonly signal?: AbortSignal } = {}) {
    if (signal) this.pushes.push(signal);
    return new Map<string, PushOutcome>();
  }

  async close() {}
}

function start() {
  const inner = new EmptyStore();
  const lost = new AbortController();
  const operations: string[] = [];
  let leading = true;
  const store = clusterGitStore(inner, {
    leadership: { isLeading: () => leading, lost: lost.signal },
    metrics: { gitOperation: (operation, result) => void operations.push(`${operation} ${result}`) },
    now: () => 0,
    logger: nullLogger,
  });
  return {
    inner,
    store,
    operations,
    lose: () => {
      leading = false;
      lost.abort(new Error('lost'));
    },
  };
}

test('who does not lead pushes nothing, and reads as before', async () => {
  const { inner, store, lose, operations } = start();
  lose();
  await expect(store.push([])).rejects.toMatchObject({ reason: 'NotLeading', retry: 'backoff' });
  expect(inner.pushes).toEqual([]);
  await store.listRemote();
  expect(operations).toEqual(['list success']);
});

test('a push under way is given up with the lease, and with the caller', async () => {
  const { inner, store, lose } = start();
  const caller = new AbortController();
  await store.push([]);
  await store.push([], { signal: caller.signal });
  expect(inner.pushes.map(({ aborted }) => aborted)).toEqual([false, false]);
  caller.abort();
  expect(inner.pushes.map(({ aborted }) => aborted)).toEqual([false, true]);
  lose();
  expect(inner.pushes.map(({ aborted }) => aborted)).toEqual([true, true]);
});

test('calls to the remote are measured, those that fail as well', async () => {
  const { inner, store, operations } = start();
  await store.listRemote();
  await store.fetch(new Map());
  await store.push([]);
  inner.failure = new Error('down');
  await expect(store.listRemote()).rejects.toThrow('down');
  expect(operations).toEqual(['list success', 'fetch success', 'push success', 'list error']);
});

test('what does not go to the remote is the store’s own', async () => {
  const { store } = start();
  expect(store.url).toBe('https://example.com/a.git');
  expect(await store.has('0'.repeat(40))).toBe(false);
});
