import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { ConflictError, TerminalError } from '../../../../../src/api/errors.ts';
import type { KubeObject } from '../../../../../src/api/object.ts';
import { EmbeddedStore, type EmbeddedStoreOptions } from '../../../../../src/kube/adapters/embedded/store.ts';
import { describeObjectStore } from '../../store-suite.ts';
import { never, WIDGET, type Widget, widget } from '../../support.ts';

const alice = { fieldManager: 'alice' };

function validate(object: KubeObject): void {
  const size = Object(Reflect.get(object, 'spec')).size;
  if (size < 0) throw new TerminalError('Invalid', 'size must not be negative', { field: 'spec.size' });
}

function makeStore(options: EmbeddedStoreOptions = {}): EmbeddedStore {
  return new EmbeddedStore({ kinds: [{ kind: WIDGET, validate }], ...options });
}

describeObjectStore('EmbeddedStore as an object store', async () => ({
  store: makeStore(),
  kind: WIDGET,
  namespace: `suite-${randomUUID()}`,
  patienceMs: 0,
}));

describe('EmbeddedStore', () => {
  test('takes over what another store has: identity, generation, times and status, whatever admission says now', async () => {
    const store = makeStore();
    const metadata = {
      uid: 'u-1',
      generation: 7,
      resourceVersion: '991',
      creationTimestamp: '2030-01-01T00:00:00Z',
      deletionTimestamp: '2030-01-02T00:00:00Z',
      finalizers: ['a/b'],
      ownerReferences: [{ apiVersion: 'v1', kind: 'Owner', name: 'elsewhere', uid: 'u-0' }],
    };
    const changes: unknown[] = [];
    store.onChange((change) => changes.push(change));
    store.seed(widget('a', { metadata, spec: { size: -1 }, status: { phase: 'Done' } }));
    const found = await store.get(WIDGET, { namespace: 'default', name: 'a' });
    expect(found).toMatchObject({
      metadata: { ...metadata, resourceVersion: '1' },
      spec: { size: -1 },
      status: { phase: 'Done' },
    });
    expect(changes).toEqual([{ after: found }]);
    expect(() => store.seed(widget('a'))).toThrow(expect.objectContaining({ reason: 'AlreadyExists' }));
    await store.patch(WIDGET, { namespace: 'default', name: 'a' }, { metadata: { finalizers: null } }, alice);
    expect((await store.list(WIDGET)).items).toEqual([]);
  });

  test('shares nothing with the objects that it is given', async () => {
    const store = makeStore();
    const labels: { [key: string]: string } = { x: '1' };
    const spec = { list: [{ value: 1 }] };
    await store.create(widget('a', { spec, metadata: { labels } }), alice);

    labels.x = '2';
    for (const item of spec.list) item.value = 2;

    const found = await store.get(WIDGET, { namespace: 'default', name: 'a' });
    expect(found).toMatchObject({ metadata: { labels: { x: '1' } }, spec: { list: [{ value: 1 }] } });
  });

  test('shares nothing with frozen objects either, whose parts may be none', async () => {
    const store = makeStore();
    const item = { value: 1 };
    const frozen = Object.freeze({ list: Object.freeze([item]) });
    const name = { namespace: 'default', name: 'a' };
    const created = await store.create(widget('a', { spec: frozen }), alice);
    await store.applyStatus({ ...created, status: frozen }, alice);
    await store.apply(widget('a', { spec: { ...frozen, more: frozen } }), alice);
    await store.patch(WIDGET, name, { spec: { other: frozen } }, alice);

    item.value = 2;

    const found = await store.get(WIDGET, name);
    const kept = { list: [{ value: 1 }] };
    expect(found).toMatchObject({ spec: { ...kept, more: kept, other: kept }, status: kept });
  });

  test('what a write does not change it shares with the object before', async () => {
    const store = makeStore();
    const created = await store.create(widget('a', { spec: { list: [{ value: 1 }] } }), alice);
    const written = await store.applyStatus({ ...created, status: { seen: true } }, alice);
    expect(written.spec).toBe(created.spec);
    expect(written).toMatchObject({ status: { seen: true } });
  });

  test.each([
    { parts: { metadata: { namespace: undefined } }, field: 'metadata.namespace' },
    { parts: { metadata: { name: '' } }, field: 'metadata.name' },
    {
      parts: { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: '' }] } },
      field: 'metadata.ownerReferences[0].uid',
    },
  ])('refuses $parts for $field', async ({ parts, field }) => {
    await expect(makeStore().create(widget('a', parts), alice)).rejects.toMatchObject({
      reason: 'Invalid',
      location: { field },
    });
  });

  test('a rule sees the object before and after, and not when only finalizers of a deleted object go', async () => {
    const seen: (readonly [unknown, unknown])[] = [];
    const spec = (object?: KubeObject) => object && Reflect.get(object, 'spec');
    const store = new EmbeddedStore({
      kinds: [{ kind: WIDGET, validate: (object, old) => void seen.push([spec(object), spec(old)]) }],
    });
    await store.create(widget('a', { spec: { size: 1 }, metadata: { finalizers: ['x/y'] } }), alice);
    await store.apply(widget('a', { spec: { size: 2 } }), alice);
    await store.delete(WIDGET, { namespace: 'default', name: 'a' });
    await store.patch(WIDGET, { namespace: 'default', name: 'a' }, { metadata: { finalizers: [] } }, alice);

    expect(seen).toEqual([
      [{ size: 1 }, undefined],
      [{ size: 2 }, { size: 1 }],
    ]);
  });

  test('stores objects of kinds that it does not know, with their status', async () => {
    const store = makeStore();
    const foreign = { apiVersion: 'v1', kind: 'Foreign', metadata: { name: 'a', namespace: 'n' }, status: { x: 1 } };

    const created = await store.create(foreign, alice);

    expect(created).toMatchObject({ status: { x: 1 } });
  });

  test('finds objects of all kinds by name', async () => {
    const store = makeStore();
    await store.create(widget('same'), alice);
    await store.create(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'same', namespace: 'default' } },
      alice,
    );
    await store.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'same', namespace: 'other' } }, alice);
    await store.create({ apiVersion: 'v1', kind: 'Cluster', metadata: { name: 'same' } }, alice);
    const kinds = (namespace: string) => store.findByName(namespace, 'same').map(({ kind }) => kind);

    expect(kinds('default').sort()).toEqual(['ConfigMap', 'Widget']);
    expect(kinds('')).toEqual(['Cluster']);
    await store.delete(WIDGET, { namespace: 'default', name: 'same' });
    expect(kinds('default')).toEqual(['ConfigMap']);
    expect(kinds('nowhere')).toEqual([]);
  });

  test('tells subscribers every change with the object before and after', async () => {
    const store = makeStore();
    const changes: (string | undefined)[][] = [];
    const version = (object?: KubeObject) => object?.metadata.resourceVersion;
    const stop = store.onChange(({ before, after }) => changes.push([version(before), version(after)]));
    await store.create(widget('a'), alice);
    await store.apply(widget('a', { spec: { size: 1 } }), alice);
    await store.delete(WIDGET, { namespace: 'default', name: 'a' });
    stop();
    await store.create(widget('b'), alice);

    expect(changes).toEqual([
      [undefined, '1'],
      ['1', '2'],
      ['2', undefined],
    ]);
  });

  test('a write that changes nothing makes no event', async () => {
    const store = makeStore();
    await store.apply(widget('a', { spec: { size: 1 } }), alice);
    const before = (await store.list(WIDGET)).resourceVersion;

    await store.apply(widget('a', { spec: { size: 1 } }), alice);
    await store.apply(widget('a', { spec: { size: 1 } }), { fieldManager: 'bob' });
    await store.patch(WIDGET, { namespace: 'default', name: 'a' }, { spec: { size: 1, absent: null } }, alice);

    expect((await store.list(WIDGET)).resourceVersion).toBe(before);
  });

  describe('garbage collection', () => {
    const ownedBy = ({ apiVersion, kind, metadata }: Widget) => ({
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '' }],
    });

    test('a dependent with a finalizer is marked, and goes later', async () => {
      const store = makeStore();
      const owner = await store.create(widget('owner'), alice);
      await store.create(widget('child', { metadata: { ...ownedBy(owner), finalizers: ['x/y'] } }), alice);

      await store.delete(WIDGET, { namespace: 'default', name: 'owner' });

      const child = await store.get(WIDGET, { namespace: 'default', name: 'child' });
      expect(child?.metadata.deletionTimestamp).toBeDefined();
    });

    test('a dependent waits for an owner that has finalizers', async () => {
      const store = makeStore();
      const owner = await store.create(widget('owner', { metadata: { finalizers: ['x/y'] } }), alice);
      await store.create(widget('child', { metadata: ownedBy(owner) }), alice);

      await store.delete(WIDGET, { namespace: 'default', name: 'owner' });
      const during = (await store.list(WIDGET)).items.length;
      await store.patch(WIDGET, { namespace: 'default', name: 'owner' }, { metadata: { finalizers: [] } }, alice);

      expect(during).toBe(2);
      expect((await store.list(WIDGET)).items).toEqual([]);
    });

    test('a dependent that comes after its owner has gone goes too', async () => {
      const store = makeStore();
      const owner = await store.create(widget('owner'), alice);
      await store.delete(WIDGET, { namespace: 'default', name: 'owner' });

      await store.create(widget('late', { metadata: ownedBy(owner) }), alice);

      expect((await store.list(WIDGET)).items).toEqual([]);
    });

    test('an owner that was never here proves nothing', async () => {
      const store = makeStore();
      const stranger = widget('stranger', { metadata: { uid: 'of-another-cluster' } });

      await store.create(widget('exported', { metadata: ownedBy(stranger) }), alice);

      expect((await store.list(WIDGET)).items.length).toBe(1);
    });
  });

  describe('history', () => {
    const firstEvent = async (store: EmbeddedStore, resourceVersion: string) => {
      for await (const event of store.watch(WIDGET, { resourceVersion, signal: never })) return event;
      return undefined;
    };

    test('a watch from before the history is expired', async () => {
      const store = makeStore({ historyLimit: 10 });
      for (let index = 0; index < 30; index++) await store.create(widget(`w${index}`), alice);

      await expect(firstEvent(store, '1')).rejects.toBeInstanceOf(ConflictError);
      await expect(firstEvent(store, '1')).rejects.toMatchObject({ reason: 'Expired' });
      expect(await firstEvent(store, '20')).toMatchObject({ type: 'ADDED', resourceVersion: '21' });
      await expect(firstEvent(store, '999')).rejects.toMatchObject({ reason: 'Expired' });
    });

    test('a watcher that falls behind the history is told so', async () => {
      const store = makeStore({ historyLimit: 10 });
      const events = store.watch(WIDGET, { resourceVersion: '0', signal: never })[Symbol.asyncIterator]();
      await store.create(widget('first'), alice);
      await events.next();
      for (let index = 0; index < 50; index++) await store.create(widget(`w${index}`), alice);

      await expect(events.next()).rejects.toMatchObject({ reason: 'Expired' });
    });

    test('events of other kinds do not expire a watch', async () => {
      const store = makeStore({ historyLimit: 10 });
      await store.create(widget('a'), alice);
      for (let index = 0; index < 50; index++) {
        await store.create({ apiVersion: 'v1', kind: 'Other', metadata: { name: `o${index}` } }, alice);
      }

      expect(await firstEvent(store, '0')).toMatchObject({ type: 'ADDED', resourceVersion: '1' });
    });

    test('a bookmark follows when the store has moved on without the kind', async () => {
      const store = makeStore();
      await store.create(widget('a'), alice);
      await store.create({ apiVersion: 'v1', kind: 'Other', metadata: { name: 'o' } }, alice);
      const events = store.watch(WIDGET, { resourceVersion: '0', signal: never })[Symbol.asyncIterator]();

      expect((await events.next()).value).toMatchObject({ type: 'ADDED', resourceVersion: '1' });
      expect((await events.next()).value).toEqual({ type: 'BOOKMARK', resourceVersion: '2' });
      await events.return?.();
    });

    test('finished watches leave nothing behind (K-02)', async () => {
      const store = makeStore();
      for (let index = 0; index < 1000; index++) {
        const controller = new AbortController();
        const events = store.watch(WIDGET, { resourceVersion: '0', signal: controller.signal })[Symbol.asyncIterator]();
        const next = events.next();
        controller.abort();
        await next;
      }

      expect(store.watches).toBe(0);
    });
  });
});
