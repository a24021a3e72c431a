import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { KubernetesStore, type WatchTimes } from '../../../src/kube/adapters/kubernetes/store.ts';
import { type Clock, systemClock } from '../../../src/kube/clock.ts';
import type { Change } from '../../../src/kube/controller.ts';
import { SharedInformer } from '../../../src/kube/informer.ts';
import { OwnWritesStore } from '../../../src/kube/own-writes.ts';
import { type ApiProxy, startApiProxy } from '../../env/cluster/api-proxy.ts';
import { type SharedCluster, sharedCluster } from '../../env/cluster/shared.ts';
import { never, WIDGET, type Widget } from '../../unit/kube/support.ts';
import { connect, eventually, installWidgets, makeNamespace } from './support.ts';

const alice = { fieldManager: 'alice' };
const WATCHES = { verb: 'watch' } as const;
const LISTS = { verb: 'list' } as const;

let cluster: SharedCluster;
let admin: HttpApiClient;
let direct: KubernetesStore;
let proxy: ApiProxy;
let ends: (() => Promise<void>)[];
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);

beforeAll(async () => {
  cluster = await sharedCluster();
  admin = await connect(cluster.kubeconfig);
  direct = new KubernetesStore({ client: admin, kinds: [WIDGET] });
  await installWidgets(admin);
  process.on('unhandledRejection', onUnhandled);
});

afterAll(async () => {
  process.off('unhandledRejection', onUnhandled);
  await admin.close();
});

beforeEach(async () => {
  ends = [];
  proxy = await startApiProxy(cluster.kubeconfig);
});

afterEach(async () => {
  for (const end of ends) await end();
  await proxy.stop();
  expect(unhandled).toEqual([]);
});

/** An informer on a namespace of its own, through the proxy, and ways to change what it sees behind its back. */
async function make(watch: Partial<WatchTimes> = {}) {
  const namespace = await makeNamespace(admin);
  const client = await connect(proxy.kubeconfig);
  const store = new KubernetesStore({ client, kinds: [WIDGET], watch });
  const informer = new SharedInformer(store, WIDGET, { namespace, random: () => 0, clock: impatientClock });
  const changes: Change<Widget>[] = [];
  informer.onChange((change) => changes.push(change));
  const stop = new AbortController();
  const { apiVersion, kind } = WIDGET;
  const apply = (name: string, size: number) =>
    direct.apply<Widget>({ apiVersion, kind, metadata: { name, namespace }, spec: { size } }, alice);
  const remove = (name: string) => direct.delete(WIDGET, { namespace, name });
  const start = async () => {
    const running = informer.run(stop.signal);
    ends.push(async () => {
      stop.abort(new Error('stopped'));
      await running;
      await client.close();
    });
    await informer.synced(never);
    await eventually('the watch is open', () => proxy.openWatches().length === 1);
    return { running };
  };
  const names = () =>
    informer
      .list()
      .map(({ metadata }) => metadata.name)
      .sort();
  const seen = (name: string, size: number) =>
    eventually(`${name} has size ${size}`, () => informer.get(`${namespace}/${name}`)?.spec?.size === size);
  return { namespace, store, informer, changes, stop, apply, remove, start, names, seen };
}

/** Waits an eighth of the time between tries. */
const impatientClock: Clock = {
  now: () => new Date(),
  setTimer: (milliseconds, callback) => systemClock.setTimer(milliseconds / 8, callback),
};

const isWatch = ({ verb }: { readonly verb: string }) => verb === 'watch';

const told = (changes: readonly Change<Widget>[]) =>
  changes.map(
    ({ before, after }) => `${before ? (after ? 'update' : 'delete') : 'add'} ${(after ?? before)?.metadata.name}`,
  );

describe('an informer on a real API server', () => {
  test('sees what is there and what comes, without what only the server needs', async () => {
    const { informer, changes, apply, remove, start, seen, names } = await make();
    await apply('a', 1);
    await start();
    await apply('b', 1);
    await apply('a', 2);
    await seen('a', 2);
    await remove('b');
    await eventually('b has gone', () => names().join() === 'a');

    expect(told(changes)).toEqual(['add a', 'add b', 'update a', 'delete b']);
    expect(changes[0]?.initial).toBe(true);
    expect(JSON.stringify(informer.list())).not.toContain('managedFields');
    expect(proxy.count(LISTS)).toBe(1);
    expect(proxy.count(WATCHES)).toBe(1);
    expect(proxy.requests().every((request) => request.namespace !== '')).toBe(true);
  });

  test.each(['status', 'event'] as const)(
    'after 410 (as %s) on every watch of an old version it lists once, and then watches (K-01)',
    async (how) => {
      const { informer, apply, start, seen } = await make();
      await apply('a', 1);
      await start();
      await apply('a', 2);
      await seen('a', 2);
      const { metadata } = await apply('a', 3);
      await seen('a', 3);
      proxy.forget();
      const allow = proxy.expireWatches(how, BigInt(metadata.resourceVersion ?? '') + 1n);
      proxy.cutWatches();
      await apply('b', 1);
      await seen('b', 1);
      await eventually('the watch is open again', () => proxy.openWatches().length === 1);
      await apply('b', 2);
      await seen('b', 2);

      expect([proxy.count(LISTS), proxy.count(WATCHES), informer.liveWatches]).toEqual([1, 2, 1]);
      allow();
    },
  );

  test('a server that answers 410 to every watch is not stormed (K-01)', async () => {
    const { informer, apply, start } = await make();
    await start();
    proxy.forget();
    const allow = proxy.inject({ kind: 'status', code: 410, reason: 'Expired' }, { matches: isWatch });
    proxy.cutWatches();
    await eventually('it has listed twice', () => proxy.count(LISTS) >= 2);
    const calls = proxy.count();
    await new Promise((resolve) => setTimeout(resolve, 1_000));

    // Each pause is twice the one before: 0.1 s, 0.2 s, 0.4 s, 0.8 s.
    expect(proxy.count() - calls).toBeLessThanOrEqual(8);
    allow();
    await apply('a', 1);
    await eventually('it has come back', () => informer.list().length === 1);
  });

  test('has one watch, however often it is disconnected (K-02, K-03)', async () => {
    const { informer, apply, start, seen } = await make({ minMs: 1_000, maxMs: 1_000 });
    await start();
    const most = { here: 0, there: 0 };
    const look = () => {
      most.here = Math.max(most.here, informer.liveWatches);
      most.there = Math.max(most.there, proxy.openWatches().length);
    };
    // Ends in good order, by the server.
    for (let round = 0; round < 4; round++) {
      const opened = proxy.count(WATCHES);
      await eventually('the server has ended it', () => {
        look();
        return proxy.count(WATCHES) > opened;
      });
    }
    // Cut in the middle.
    for (let round = 0; round < 4; round++) {
      proxy.cutWatches();
      await eventually('it is open again', () => {
        look();
        return proxy.openWatches().length === 1;
      });
    }
    await apply('a', 1);
    await seen('a', 1);

    expect(most).toEqual({ here: 1, there: 1 });
    expect(proxy.count(LISTS)).toBe(1);
  });

  test('a thousand watches that come and go leave nothing behind (K-02)', async () => {
    const { namespace, store, apply } = await make();
    await apply('a', 1);
    const options = { namespace, resourceVersion: '1' };
    const { resourceVersion } = await store.list(WIDGET, { namespace });
    const watchOnce = async (round: number) => {
      const stop = new AbortController();
      if (round % 2 === 0) setTimeout(() => stop.abort(new Error('stopped')), round % 7);
      const watched = store.watch(WIDGET, { ...options, resourceVersion, signal: stop.signal });
      if (round % 2 === 0) {
        for await (const _event of watched) break;
        return;
      }
      const next = watched.next();
      stop.abort(new Error('stopped'));
      await next;
    };
    for (let round = 0; round < 1_000; round += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, index) => watchOnce(round + index)));
    }

    await eventually('no watch is open', () => proxy.openWatches().length === 0);
  });

  test('a client that goes in the middle of a burst harms nobody (K-04)', async () => {
    const { changes, stop, apply, start } = await make();
    const { running } = await start();
    const burst = Promise.all(Array.from({ length: 200 }, (_, index) => apply(`w${index}`, index)));
    await eventually('the burst has begun', () => changes.length > 5);
    stop.abort(new Error('stopped'));
    await running;
    const seen = changes.length;
    await burst;
    await eventually('the watch is closed', () => proxy.openWatches().length === 0);

    expect(changes.length).toBe(seen);
  });

  test.each([
    { what: 'by its silence', times: { minMs: 60_000, maxMs: 60_000, idleMs: 1_500 } },
    { what: 'by the time that the server was given', times: { minMs: 1_000, maxMs: 1_000, graceMs: 1_000 } },
  ])('a watch that has gone dumb is found out $what (K-05)', async ({ times }) => {
    const { informer, changes, apply, start, seen } = await make(times);
    await apply('a', 1);
    await start();
    proxy.freeze();
    const frozen = informer.lastActivity;
    await apply('a', 2);
    await apply('b', 1);
    await eventually('the watch is given up', () => informer.lastActivity !== frozen);
    proxy.thaw();

    await seen('a', 2);
    await seen('b', 1);
    expect(told(changes)).toEqual(['add a', 'update a', 'add b']);
    expect(proxy.count(LISTS)).toBe(1);
  });

  test('what was deleted while it was away is told as deleted (K-08)', async () => {
    const { changes, apply, remove, start, seen, names } = await make();
    for (const name of ['stays', 'goes', 'reborn']) await apply(name, 1);
    await start();
    const allow = proxy.inject({ kind: 'status', code: 503, reason: 'ServiceUnavailable' }, { matches: () => true });
    proxy.cutWatches();
    await remove('goes');
    await remove('reborn');
    await apply('reborn', 2);
    const { metadata: newest } = await apply('comes', 1);
    proxy.expireWatches('status', newest.resourceVersion ?? '');
    allow();
    await seen('comes', 1);

    expect(names()).toEqual(['comes', 'reborn', 'stays']);
    expect(told(changes.slice(3)).sort()).toEqual(['add comes', 'add reborn', 'delete goes', 'delete reborn']);
    expect(proxy.count(LISTS)).toBeGreaterThanOrEqual(2);
  });

  test('a list that fails is tried again, and empties nothing', async () => {
    const { informer, apply, start, names } = await make();
    await apply('a', 1);
    await start();
    const since = informer.lastActivity?.getTime() ?? 0;
    const allow = [
      proxy.inject({ kind: 'status', code: 410, reason: 'Expired' }, { matches: isWatch }),
      proxy.inject({ kind: 'status', code: 500, reason: 'InternalError' }, { matches: ({ verb }) => verb === 'list' }),
    ];
    proxy.forget();
    proxy.cutWatches();
    await eventually('the list was refused twice', () => proxy.count(LISTS) >= 2);
    expect(names()).toEqual(['a']);
    for (const take of allow) take();
    await apply('b', 1);

    await eventually('it has caught up', () => names().join() === 'a,b');
    expect(informer.lastActivity?.getTime()).toBeGreaterThan(since);
  });

  test('own writes are in the cache at once, and are told once', async () => {
    const { namespace, store, informer, changes, start, apply, seen } = await make();
    await start();
    const own = new OwnWritesStore(store, [informer]);
    const { apiVersion, kind } = WIDGET;

    const created = await own.create(
      { apiVersion, kind, metadata: { name: 'a', namespace }, spec: { size: 1 } },
      alice,
    );
    expect(informer.get(`${namespace}/a`)).toEqual(created);
    await apply('b', 1);
    await seen('b', 1);

    expect(told(changes)).toEqual(['add a', 'add b']);
  });
});
