import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ConflictError, TransientError } from '../../../src/api/errors.ts';
import { objectKey } from '../../../src/api/object.ts';
import { EmbeddedStore } from '../../../src/kube/adapters/embedded/store.ts';
import type { Change } from '../../../src/kube/controller.ts';
import { SharedInformer } from '../../../src/kube/informer.ts';
import { OwnWritesStore } from '../../../src/kube/own-writes.ts';
import type { KindRef, ObjectStore } from '../../../src/kube/store.ts';
import { FakeClock, never, settled, until, WIDGET, type Widget, widget } from './support.ts';

const alice = { fieldManager: 'alice' };

/** A store whose lists fail and whose watches break when a test says so. */
class ShakyStore extends EmbeddedStore {
  lists = 0;
  watchesOpened = 0;
  failList: Error | undefined;
  /** Thrown by each watch that is opened. */
  failWatch: Error | undefined;
  /** Rejected by the test: what each watch that is opened waits for. */
  answer: PromiseWithResolvers<never> | undefined;
  breakWatches: AbortController = new AbortController();

  override list: EmbeddedStore['list'] = async (kind, options) => {
    this.lists++;
    if (this.failList) throw this.failList;
    return await super.list(kind, options);
  };

  override async *watch<T extends Widget>(kind: KindRef<T>, options: Parameters<ObjectStore['watch']>[1]) {
    this.watchesOpened++;
    if (this.failWatch) throw this.failWatch;
    await this.answer?.promise;
    const broken = this.breakWatches.signal;
    const signal = AbortSignal.any([options.signal, broken]);
    yield* super.watch(kind, { ...options, signal });
    // A reason of null is a server that ends the watch in good order.
    if (broken.aborted && !options.signal.aborted && broken.reason !== null) throw broken.reason;
  }

  /** Breaks open watches. */
  disconnect(reason: Error | null): void {
    const open = this.breakWatches;
    this.breakWatches = new AbortController();
    open.abort(reason);
  }
}

function make(options: { readonly namespace?: string; readonly historyLimit?: number } = {}) {
  const clock = new FakeClock();
  const store = new ShakyStore({ historyLimit: options.historyLimit });
  const informer = new SharedInformer(store, WIDGET, { clock, random: () => 0.5, namespace: options.namespace });
  const changes: Change<Widget>[] = [];
  informer.onChange((change) => changes.push(change));
  const stop = new AbortController();
  const start = async () => {
    const running = informer.run(stop.signal);
    await informer.synced(never);
    return { running };
  };
  const current = () => until(() => store.isCurrent(WIDGET, informer.resourceVersion), 'the informer is current');
  return { clock, store, informer, changes, stop, start, current };
}

const names = (objects: readonly Widget[]) => objects.map(({ metadata }) => metadata.name).sort();
const told = (changes: readonly Change<Widget>[]) =>
  changes.map(
    ({ before, after }) => `${before ? (after ? 'update' : 'delete') : 'add'} ${(after ?? before)?.metadata.name}`,
  );

describe('SharedInformer', () => {
  test('tells what is there as initial, and then every change with the object before and after', async () => {
    const { store, informer, changes, start, current } = make();
    await store.create(widget('a'), alice);
    expect(informer.hasSynced).toBe(false);

    await start();
    const created = await store.create(widget('b', { spec: { size: 1 } }), alice);
    await current();
    const patched = await store.apply(widget('b', { spec: { size: 2 } }), alice);
    await current();
    await store.delete(WIDGET, { namespace: 'default', name: 'b' });
    await current();

    expect(informer.hasSynced).toBe(true);
    expect(told(changes)).toEqual(['add a', 'add b', 'update b', 'delete b']);
    expect(changes.map(({ initial }) => initial === true)).toEqual([true, false, false, false]);
    expect(changes[2]).toMatchObject({ before: created, after: patched });
    expect(changes[3]).toEqual({ before: patched });
    expect(names(informer.list())).toEqual(['a']);
  });

  test('keeps indexes with each change', async () => {
    const { store, informer, start, current } = make();
    informer.addIndex('colour', ({ spec }) => (Array.isArray(spec?.colours) ? spec.colours : []));
    await store.create(widget('a', { spec: { colours: ['red', 'blue'] } }), alice);
    await store.create(widget('b', { spec: { colours: ['red'] } }), alice);
    await start();
    const found = () => ['red', 'blue', 'green'].map((colour) => names(informer.byIndex('colour', colour)));
    expect(found()).toEqual([['a', 'b'], ['a'], []]);

    await store.apply(widget('a', { spec: { colours: ['green'] } }), alice);
    await store.delete(WIDGET, { namespace: 'default', name: 'b' });
    await current();

    expect(found()).toEqual([[], [], ['a']]);
    expect(() => informer.byIndex('nothing', 'x')).toThrow('no index nothing');
  });

  test('an index has one function, which is set before the start', async () => {
    const { informer, start } = make();
    const index = () => ['x'];
    informer.addIndex('one', index);
    informer.addIndex('one', index);

    expect(() => informer.addIndex('one', () => [])).toThrow('index one exists already');
    await start();
    expect(() => informer.addIndex('two', index)).toThrow('before the informer starts');
  });

  test('a handler or index function that throws disturbs nobody', async () => {
    const { store, informer, start, current } = make();
    informer.addIndex('broken', () => {
      throw new Error('index');
    });
    informer.onChange(() => {
      throw new Error('handler');
    });
    const later: string[] = [];
    informer.onChange(({ after }) => later.push(after?.metadata.name ?? ''));
    await store.create(widget('a'), alice);
    await start();
    await store.create(widget('b'), alice);
    await current();

    expect(later).toEqual(['a', 'b']);
    expect(informer.byIndex('broken', 'x')).toEqual([]);
  });

  test('objects are frozen, also when the store did not freeze them', async () => {
    const store = new ShakyStore();
    const list = store.list;
    store.list = async (kind, options) => structuredClone(await list(kind, options));
    await store.create(widget('a', { spec: { deep: { x: 1 } } }), alice);
    const informer = new SharedInformer(store, WIDGET, { clock: new FakeClock() });
    void informer.run(never);
    await informer.synced(never);

    expect(Object.isFrozen(informer.get('default/a')?.spec?.deep)).toBe(true);
  });

  test('watches one namespace when told so', async () => {
    const { store, informer, start, current } = make({ namespace: 'mine' });
    await store.create(widget('a', { metadata: { namespace: 'mine' } }), alice);
    await store.create(widget('b', { metadata: { namespace: 'other' } }), alice);
    await start();
    await store.create(widget('c', { metadata: { namespace: 'mine' } }), alice);
    await store.create(widget('d', { metadata: { namespace: 'other' } }), alice);
    await current();

    expect(names(informer.list())).toEqual(['a', 'c']);
  });

  test('a broken watch goes on where it was, after a pause with jitter', async () => {
    const { store, informer, changes, clock, start, current } = make();
    await start();
    await store.create(widget('a'), alice);
    await current();

    store.disconnect(new TransientError('Reset', 'connection reset'));
    await until(() => clock.next !== undefined);
    await store.create(widget('b'), alice);
    expect([clock.next, informer.liveWatches]).toEqual([1200, 0]);
    clock.advance(1200);
    await current();

    expect(told(changes)).toEqual(['add a', 'add b']);
    expect(store.lists).toBe(1);
  });

  test('pauses double up to a limit and begin anew after a quiet time', async () => {
    const { store, clock, start } = make();
    await start();
    store.failWatch = new TransientError('Unavailable', 'no');
    store.disconnect(null);
    const pauses: (number | undefined)[] = [];
    for (let index = 0; index < 8; index++) {
      await until(() => clock.next !== undefined);
      pauses.push(clock.next);
      if (index === 7) store.failWatch = undefined;
      clock.advance(clock.next ?? 0);
      await settled();
    }
    clock.advance(200_000);
    store.disconnect(new TransientError('Reset', 'connection reset'));
    await until(() => clock.next !== undefined);

    expect(pauses).toEqual([1200, 2400, 4800, 9600, 19_200, 22_500, 22_500, 22_500]);
    expect(clock.next).toBe(1200);
  });

  test('a network that cuts watches every few seconds does not make the pauses longer', async () => {
    const { store, clock, start } = make();
    await start();
    const pauses: (number | undefined)[] = [];
    for (let cuts = 1; cuts <= 10; cuts++) {
      clock.advance(5_000);
      store.disconnect(new TransientError('Reset', 'connection reset'));
      await until(() => clock.next !== undefined);
      pauses.push(clock.next);
      clock.advance(clock.next ?? 0);
      await until(() => store.watchesOpened === cuts + 1);
    }

    expect(pauses).toEqual(pauses.map(() => 1200));
  });

  test('a server that takes long to refuse is asked ever more seldom', async () => {
    const { store, clock, start } = make();
    await start();
    store.answer = Promise.withResolvers();
    store.disconnect(new TransientError('Reset', 'connection reset'));
    const pauses: (number | undefined)[] = [];
    for (let refusals = 1; refusals <= 4; refusals++) {
      await until(() => clock.next !== undefined);
      pauses.push(clock.next);
      clock.advance(clock.next ?? 0);
      await until(() => store.watchesOpened === refusals + 1);
      const { reject } = store.answer;
      store.answer = Promise.withResolvers();
      clock.advance(5_000);
      reject(new TransientError('Unavailable', 'no'));
    }

    expect(pauses).toEqual([1200, 2400, 4800, 9600]);
  });

  test('a watch that the server ends after a while is opened again at once', async () => {
    const { store, clock, start, changes, current } = make();
    await start();
    clock.advance(300_000);
    store.disconnect(null);
    await until(() => store.watchesOpened === 2);
    await store.create(widget('a'), alice);
    await current();

    expect(clock.pending).toBe(0);
    expect(told(changes)).toEqual(['add a']);
  });

  test('a server that ends every watch at once gets no storm of watches', async () => {
    const { store, clock, start } = make();
    await start();
    store.disconnect(null);
    await settled();

    expect([store.watchesOpened, clock.pending]).toEqual([1, 1]);
  });

  test('an expired watch lists once and goes on (K-01)', async () => {
    const { store, informer, clock, start, changes } = make({ historyLimit: 5 });
    await start();
    store.disconnect(new TransientError('Outage', 'the server is away'));
    await until(() => clock.next !== undefined);
    for (let index = 0; index < 30; index++) await store.create(widget(`w${index}`), alice);
    clock.advance(10_000);
    await settled();
    clock.advance(10_000);
    await until(() => informer.list().length === 30);

    expect(store.lists).toBe(2);
    await store.create(widget('after'), alice);
    await until(() => informer.get('default/after') !== undefined);
    expect([store.lists, informer.liveWatches, changes.length]).toEqual([2, 1, 31]);
  });

  test('after a long outage the history is gone: the list that this asks for does not wait', async () => {
    const { store, informer, clock, start } = make();
    await start();
    store.failWatch = new TransientError('Outage', 'the server is away');
    store.disconnect(store.failWatch);
    for (let tries = 0; tries < 8; tries++) {
      await until(() => clock.next !== undefined);
      clock.advance(clock.next ?? 0);
      await settled();
    }
    store.failWatch = new ConflictError('Expired', 'too old');
    const lists = store.lists;
    await until(() => clock.next !== undefined);
    await store.create(widget('meanwhile'), alice);
    clock.advance(clock.next ?? 0);
    await until(() => store.lists === lists + 1);
    await until(() => informer.get('default/meanwhile') !== undefined);
  });

  test('a server that calls every watch expired is listed at the pace of the back-off (K-01)', async () => {
    const { store, clock, start } = make();
    await start();
    store.failWatch = new ConflictError('Expired', 'too old');
    store.disconnect(null);
    let pauses = 0;
    for (let minute = 0; minute < 60; minute++) {
      await settled();
      if (clock.next !== undefined) pauses++;
      clock.advance(60_000);
    }

    expect(store.lists).toBeLessThanOrEqual(pauses + 3);
  });

  test('a new list replaces the cache and tells what has gone (K-08)', async () => {
    const { store, informer, clock, start, changes } = make({ historyLimit: 1 });
    await store.create(widget('stays'), alice);
    await store.create(widget('goes'), alice);
    await store.create(widget('changes', { spec: { size: 1 } }), alice);
    const old = await store.create(widget('reborn'), alice);
    await start();
    store.disconnect(new TransientError('Outage', 'the server is away'));
    await until(() => clock.next !== undefined);
    await store.delete(WIDGET, { namespace: 'default', name: 'goes' });
    await store.apply(widget('changes', { spec: { size: 2 } }), alice);
    await store.delete(WIDGET, { namespace: 'default', name: 'reborn' });
    await store.create(widget('reborn'), alice);
    await store.create(widget('comes'), alice);
    const before = changes.length;
    clock.advance(10_000);
    await settled();
    clock.advance(10_000);
    await until(() => informer.get('default/comes') !== undefined);

    const since = changes.slice(before);
    expect(told(since).sort()).toEqual(['add comes', 'add reborn', 'delete goes', 'delete reborn', 'update changes']);
    expect(since.find(({ before: gone, after }) => !after && gone?.metadata.name === 'reborn')?.before).toEqual(old);
    expect(names(informer.list())).toEqual(['changes', 'comes', 'reborn', 'stays']);
  });

  test('a list that fails empties nothing and is tried again', async () => {
    const { store, informer, clock, start, changes } = make({ historyLimit: 1 });
    await store.create(widget('a'), alice);
    await start();
    store.failList = new TransientError('Unavailable', 'no');
    store.failWatch = new ConflictError('Expired', 'too old');
    store.disconnect(null);
    for (let turn = 0; turn < 5; turn++) {
      await settled();
      clock.advance(60_000);
    }
    expect(names(informer.list())).toEqual(['a']);
    store.failList = undefined;
    store.failWatch = undefined;
    await store.create(widget('b'), alice);
    clock.advance(60_000);
    await until(() => informer.list().length === 2);

    expect(told(changes)).toEqual(['add a', 'add b']);
  });

  test('has one watch however often it is disconnected (K-02, K-03)', async () => {
    const { store, informer, clock, start } = make();
    await start();
    for (let round = 0; round < 300; round++) {
      await until(() => informer.liveWatches === 1);
      expect(store.watches).toBeLessThanOrEqual(1);
      store.disconnect(round % 2 === 0 ? null : new TransientError('Reset', 'connection reset'));
      await until(() => informer.liveWatches === 0 || clock.next === undefined);
      await until(() => clock.next !== undefined);
      clock.advance(60_000);
    }
    await until(() => informer.liveWatches === 1);

    expect([store.watches, clock.pending]).toEqual([1, 0]);
  });

  test('ends with its signal in the middle of a burst, and tells nothing after that (K-04)', async () => {
    const { store, changes, stop, start } = make();
    const { running } = await start();
    await until(() => store.watches === 1);
    for (let index = 0; index < 100; index++) await store.create(widget(`w${index}`), alice);
    stop.abort(new Error('stopped'));
    await running;
    const seen = changes.length;
    for (let index = 0; index < 100; index++) await store.create(widget(`x${index}`), alice);
    await settled();

    expect(changes.length).toBe(seen);
    expect(store.watches).toBe(0);
  });

  describe('own writes', () => {
    test('are in the cache when the write has been answered, and are told once', async () => {
      const { store, informer, changes, start, current } = make();
      await start();
      const own = new OwnWritesStore(store, [informer]);

      const created = await own.create(widget('a', { spec: { size: 1 } }), alice);
      expect(informer.get('default/a')).toEqual(created);
      const patched = await own.patch(WIDGET, { namespace: 'default', name: 'a' }, { spec: { size: 2 } }, alice);
      expect(informer.get('default/a')).toEqual(patched);
      await current();

      expect(told(changes)).toEqual(['add a', 'update a']);
    });

    test('are not undone by events that are older', async () => {
      const { store, informer, changes, start, current } = make();
      await store.create(widget('a'), alice);
      await start();
      await store.apply(widget('a', { spec: { his: 1 } }), { fieldManager: 'bob' });
      const own = await store.apply(widget('a', { spec: { hers: 1 } }), alice);
      informer.upsertOwnWrite(own);
      await current();

      expect(informer.get('default/a')).toEqual(own);
      expect(changes.map(({ after }) => after?.spec)).toEqual([undefined, { his: 1, hers: 1 }]);
    });

    test('do not bring back what the watch knows to have gone', async () => {
      const { store, informer, start, current } = make();
      await start();
      const own = await store.create(widget('a'), alice);
      await store.delete(WIDGET, { namespace: 'default', name: 'a' });
      await current();

      informer.upsertOwnWrite(own);

      expect(informer.list()).toEqual([]);
    });

    test('that remove an object do not keep it', async () => {
      const { store, informer, start, current } = make();
      await start();
      const own = new OwnWritesStore(store, [informer]);
      await own.create(widget('a', { metadata: { finalizers: ['x/y'] } }), alice);
      await own.delete(WIDGET, { namespace: 'default', name: 'a' });
      await current();
      await own.patch(WIDGET, { namespace: 'default', name: 'a' }, { metadata: { finalizers: [] } }, alice);
      await current();

      expect(informer.list()).toEqual([]);
    });

    test('of a status are bound to the newest version that is known of the object', async () => {
      const { store, informer, start, current } = make();
      const { uid } = (await store.create(widget('a'), alice)).metadata;
      await start();
      const asked: (string | undefined)[] = [];
      const spied = Object.assign(Object.create(store) as EmbeddedStore, {
        applyStatus: (object: Widget) => {
          asked.push(object.metadata.resourceVersion);
          return store.applyStatus(object, alice);
        },
      });
      const own = new OwnWritesStore(spied, [informer]);
      const write = (seen: number) =>
        own.applyStatus(
          { ...widget('a'), metadata: { namespace: 'default', name: 'a', uid }, status: { seen } },
          alice,
        );

      await store.apply(widget('a', { spec: { size: 7 } }), alice);
      await current();
      const known = informer.get('default/a')?.metadata.resourceVersion;
      await write(1);
      expect(asked).toEqual([known]);

      // Behind the back of the cache: the version that is known is old, and the write finds its object all the same.
      await store.apply(widget('a', { spec: { size: 8 } }), alice);
      expect(await write(2)).toMatchObject({ spec: { size: 8 }, status: { seen: 2 } });
      expect(asked).toEqual([known, expect.any(String), undefined]);

      await store.delete(WIDGET, { namespace: 'default', name: 'a' });
      await store.create(widget('a'), alice);
      await expect(write(3)).rejects.toThrow(ConflictError);
    });

    test('outlive a list that was made before them', async () => {
      const { store, informer, start } = make();
      await start();
      const listed = Promise.withResolvers<void>();
      const original = store.list;
      store.list = async (kind, options) => {
        const result = await original(kind, options);
        await listed.promise;
        return result;
      };
      store.disconnect(new ConflictError('Expired', 'too old'));
      await until(() => store.lists === 2);
      await new OwnWritesStore(store, [informer]).create(widget('a'), alice);
      expect(names(informer.list())).toEqual(['a']);
      listed.resolve();
      await settled();

      expect(names(informer.list())).toEqual(['a']);
    });
  });

  test('says the same as the store after any history of writes and faults', async () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('apply' as const, 'own' as const), name, size: fc.nat(2) }),
      fc.record({ do: fc.constant('delete' as const), name }),
      fc.record({ do: fc.constantFrom('reset' as const, 'expire' as const, 'settle' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { store, informer, changes, clock, stop, start } = make({ historyLimit: 3 });
        const { running } = await start();
        const own = new OwnWritesStore(store, [informer]);
        for (const action of steps) {
          if (action.do === 'apply') await store.apply(widget(action.name, { spec: { size: action.size } }), alice);
          else if (action.do === 'own') await own.apply(widget(action.name, { spec: { size: action.size } }), alice);
          else if (action.do === 'delete') {
            await store.delete(WIDGET, { namespace: 'default', name: action.name }).catch(() => {});
          } else if (action.do === 'reset') store.disconnect(new TransientError('Reset', 'connection reset'));
          else if (action.do === 'expire') store.disconnect(new ConflictError('Expired', 'too old'));
          else await settled();
        }
        for (let turn = 0; turn < 3; turn++) {
          await settled();
          clock.advance(60_000);
        }
        await until(() => store.isCurrent(WIDGET, informer.resourceVersion));
        const { items } = await store.list(WIDGET);

        expect([...informer.list()].sort(byName)).toEqual(items);
        expect(replay(changes)).toEqual(new Map(items.map((item) => [objectKey(item.metadata), item])));
        stop.abort(new Error('end'));
        await running;
      }),
      { numRuns: 40 },
    );
  });
});

/** What a handler knows that has only its changes; each must fit to what went before. */
function replay(changes: readonly Change<Widget>[]): Map<string, Widget> {
  const known = new Map<string, Widget>();
  for (const { before, after } of changes) {
    const key = objectKey((after ?? before)?.metadata ?? { name: '' });
    expect(known.get(key)).toEqual(before);
    if (after) known.set(key, after);
    else known.delete(key);
  }
  return new Map([...known].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function byName(left: Widget, right: Widget): number {
  return left.metadata.name < right.metadata.name ? -1 : 1;
}
