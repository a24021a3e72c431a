import { describe, expect, test } from '@jest/globals';
import { ConflictError, TerminalError } from '../../../src/api/errors.ts';
import type { KindRef, ObjectStore, WatchEvent } from '../../../src/kube/store.ts';
import { never, type Widget } from './support.ts';

export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** A namespaced kind whose spec and status take any fields, with status as a subresource; `spec.size` must not be negative. */
  readonly kind: KindRef<Widget>;
  /** A namespace that nobody else uses. */
  readonly namespace: string;
  /** How long a test waits for what happens in the background. */
  readonly patienceMs: number;
}

const alice = { fieldManager: 'alice' };
const bob = { fieldManager: 'bob' };

/** What every object store does, an API server among them. */
export function describeObjectStore(name: string, factory: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    const make = async () => {
      const under = await factory();
      const { kind, namespace } = under;
      const object = (objectName: string, parts: object = {}, metadata: object = {}): Widget => ({
        apiVersion: kind.apiVersion,
        kind: kind.kind,
        metadata: { name: objectName, namespace, ...metadata },
        ...parts,
      });
      return { ...under, object, at: (objectName: string) => ({ namespace, name: objectName }) };
    };

    describe('create', () => {
      test('gives the object its identity and generation 1', async () => {
        const { store, kind, object, at } = await make();

        const created = await store.create(object('a', { spec: { size: 1 } }, { labels: { x: 'y' } }), alice);

        expect(created.metadata).toMatchObject({ name: 'a', generation: 1, labels: { x: 'y' } });
        expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
        expect(created.metadata.resourceVersion).toMatch(/./);
        expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        expect(created.spec).toEqual({ size: 1 });
        expect(await store.get(kind, at('a'))).toEqual(created);
      });

      test('refuses a name that is taken, and leaves the object as it is', async () => {
        const { store, kind, object, at } = await make();
        const created = await store.create(object('a', { spec: { size: 1 } }), alice);

        const error = await rejection(store.create(object('a', { spec: { size: 2 } }), alice));

        expect(error).toBeInstanceOf(ConflictError);
        expect(error).toMatchObject({ reason: 'AlreadyExists' });
        expect(await store.get(kind, at('a'))).toEqual(created);
      });

      test('refuses an invalid object with its field', async () => {
        const { store, kind, object, at } = await make();

        const error = await rejection(store.create(object('a', { spec: { size: -1 } }), alice));

        expect(error).toBeInstanceOf(TerminalError);
        expect(error).toMatchObject({ reason: 'Invalid', location: { field: 'spec.size' } });
        expect(await store.get(kind, at('a'))).toBeUndefined();
      });

      test('takes no status', async () => {
        const { store, object } = await make();

        const created = await store.create(object('a', { spec: {}, status: { phase: 'Done' } }), alice);

        expect(created.status).toBeUndefined();
      });
    });

    describe('get and list', () => {
      test('a get of what is not there answers undefined', async () => {
        const { store, kind, at } = await make();

        expect(await store.get(kind, at('nothing'))).toBeUndefined();
      });

      test('a list holds the objects of its namespace', async () => {
        const { store, kind, namespace, object } = await make();
        const created = [await store.create(object('b'), alice), await store.create(object('a'), alice)];

        const { items, resourceVersion } = await store.list(kind, { namespace });

        expect([...items].sort(byName)).toEqual(created.sort(byName));
        expect(resourceVersion).toMatch(/./);
        expect((await store.list(kind, { namespace: `${namespace}-other` })).items).toEqual([]);
      });

      test('what comes out cannot be changed', async () => {
        const { store, kind, namespace, object, at } = await make();
        await store.create(object('a', { spec: { list: [{ x: 1 }] } }, { labels: { x: 'y' } }), alice);

        const found = await store.get(kind, at('a'));
        const [listed] = (await store.list(kind, { namespace })).items;

        for (const result of [found, listed]) {
          expect(Object.isFrozen(result)).toBe(true);
          expect(Object.isFrozen(result?.metadata.labels)).toBe(true);
          expect(Object.isFrozen(Object.values(Object(result?.spec?.list))[0])).toBe(true);
        }
      });
    });

    describe('apply', () => {
      test('creates an object that is not there', async () => {
        const { store, kind, object, at } = await make();

        const applied = await store.apply(object('a', { spec: { size: 1 } }), alice);

        expect(applied.metadata.generation).toBe(1);
        expect(await store.get(kind, at('a'))).toEqual(applied);
      });

      test.each([{ uid: '00000000-0000-4000-8000-000000000000' }, { resourceVersion: '1' }])(
        'creates nothing when %j says that it was there',
        async (expected) => {
          const { store, kind, object, at } = await make();

          const error = await rejection(store.apply(object('a', {}, expected), alice));

          expect(error).toBeInstanceOf(ConflictError);
          expect(await store.get(kind, at('a'))).toBeUndefined();
        },
      );

      test('removes what the manager applied before and leaves out now, at the depth of fields', async () => {
        const { store, object } = await make();
        await store.apply(
          object('a', { spec: { keep: 1, drop: 2, deep: { keep: 1, drop: 2 }, all: { x: 1 } } }),
          alice,
        );

        const applied = await store.apply(object('a', { spec: { keep: 1, deep: { keep: 3 } } }), alice);

        expect(applied.spec).toEqual({ keep: 1, deep: { keep: 3 } });
      });

      test('leaves the fields of others alone', async () => {
        const { store, object } = await make();
        await store.apply(object('a', { spec: { hers: 1 } }, { labels: { hers: '1' } }), alice);
        await store.apply(object('a', { spec: { his: 1 } }, { labels: { his: '1' }, annotations: { his: '1' } }), bob);

        const applied = await store.apply(object('a', { spec: { hers: 2 } }), alice);

        expect(applied.spec).toEqual({ hers: 2, his: 1 });
        expect(applied.metadata).toMatchObject({ labels: { his: '1' }, annotations: { his: '1' } });
        expect(applied.metadata.labels).toEqual({ his: '1' });
      });

      test('a field with two owners stays when one of them leaves it out', async () => {
        const { store, object } = await make();
        await store.apply(object('a', { spec: { shared: 1, hers: 1 } }), alice);
        await store.apply(object('a', { spec: { shared: 1 } }), bob);

        const applied = await store.apply(object('a', { spec: { hers: 1 } }), alice);

        expect(applied.spec).toEqual({ shared: 1, hers: 1 });
      });

      test('takes a field of another by force; who has lost it does not remove it', async () => {
        const { store, object } = await make();
        await store.apply(object('a', { spec: { size: 1, other: 1 } }), alice);
        const taken = await store.apply(object('a', { spec: { size: 2 } }), bob);

        const applied = await store.apply(object('a', { spec: { other: 1 } }), alice);

        expect(taken.spec).toEqual({ size: 2, other: 1 });
        expect(applied.spec).toEqual({ size: 2, other: 1 });
      });

      test('lists of spec are replaced as a whole', async () => {
        const { store, object } = await make();
        await store.apply(object('a', { spec: { list: [{ name: 'x', value: 1 }] } }), alice);

        const applied = await store.apply(object('a', { spec: { list: [{ name: 'y' }] } }), bob);

        expect(applied.spec).toEqual({ list: [{ name: 'y' }] });
      });

      test('finalizers are a set and owners a map that managers share', async () => {
        const { store, object } = await make();
        const owner = await store.create(object('owner'), alice);
        const reference = { apiVersion: owner.apiVersion, kind: owner.kind, name: 'owner', uid: owner.metadata.uid };
        await store.apply(
          object('a', {}, { finalizers: ['test.veranda.dev/hers'], ownerReferences: [reference] }),
          alice,
        );

        const both = await store.apply(object('a', {}, { finalizers: ['test.veranda.dev/his'] }), bob);
        const his = await store.apply(object('a'), alice);

        expect([...(both.metadata.finalizers ?? [])].sort()).toEqual(['test.veranda.dev/hers', 'test.veranda.dev/his']);
        expect(both.metadata.ownerReferences).toEqual([reference]);
        expect(his.metadata.finalizers).toEqual(['test.veranda.dev/his']);
        expect(his.metadata.ownerReferences).toBeUndefined();
      });

      test('what the same name wrote by create or patch is not removed by apply', async () => {
        const { store, kind, object, at } = await make();
        await store.create(object('a', { spec: { created: 1 } }), alice);
        await store.patch(kind, at('a'), { spec: { patched: 1 } }, alice);
        await store.apply(object('a', { spec: { applied: 1 } }), alice);

        const applied = await store.apply(object('a', { spec: {} }), alice);

        expect(applied.spec).toEqual({ created: 1, patched: 1 });
      });

      test.each(['uid', 'resourceVersion'] as const)(
        'does not touch the object that has taken the place of the one with a %s',
        async (precondition) => {
          const { store, kind, object, at } = await make();
          const old = await store.create(object('a'), alice);
          await store.delete(kind, at('a'));
          const current = await store.create(object('a'), alice);

          const expected = { [precondition]: old.metadata[precondition] };
          const error = await rejection(store.apply(object('a', { spec: { size: 1 } }, expected), alice));

          expect(error).toBeInstanceOf(ConflictError);
          expect(error).toMatchObject({ reason: 'Conflict' });
          expect(await store.get(kind, at('a'))).toEqual(current);
        },
      );

      test('with a resourceVersion it is a compare-and-swap (C-01)', async () => {
        const { store, kind, object, at } = await make();
        const { metadata } = await store.create(object('a', { spec: { size: 1 } }), alice);
        const { resourceVersion } = metadata;
        const first = await store.apply(object('a', { spec: { size: 2 } }, { resourceVersion }), alice);

        const error = await rejection(store.apply(object('a', { spec: { size: 3 } }, { resourceVersion }), bob));

        expect(error).toBeInstanceOf(ConflictError);
        expect(error).toMatchObject({ reason: 'Conflict' });
        expect(await store.get(kind, at('a'))).toEqual(first);
      });

      test('a repeated apply writes nothing', async () => {
        const { store, object } = await make();
        const parts = { spec: { size: 1, list: [1, { x: null }] } };
        const first = await store.apply(object('a', parts, { finalizers: ['test.veranda.dev/x'] }), alice);

        const second = await store.apply(object('a', parts, { finalizers: ['test.veranda.dev/x'] }), alice);

        expect(second).toEqual(first);
      });

      test('refuses what would make the object invalid', async () => {
        const { store, kind, object, at } = await make();
        const created = await store.apply(object('a', { spec: { size: 1 } }), alice);

        const error = await rejection(store.apply(object('a', { spec: { size: -1 } }), alice));

        expect(error).toMatchObject({ reason: 'Invalid', location: { field: 'spec.size' } });
        expect(await store.get(kind, at('a'))).toEqual(created);
      });
    });

    describe('generation', () => {
      test('moves with spec only', async () => {
        const { store, kind, object, at } = await make();
        await store.apply(object('a', { spec: { size: 1 } }), alice);

        const status = await store.applyStatus(object('a', { status: { phase: 'Done' } }), alice);
        const labels = await store.patch(kind, at('a'), { metadata: { labels: { x: 'y' } } }, alice);
        const spec = await store.patch(kind, at('a'), { spec: { size: 2 } }, alice);

        expect([status, labels, spec].map(({ metadata }) => metadata.generation)).toEqual([1, 1, 2]);
        expect(new Set([status, labels, spec].map(({ metadata }) => metadata.resourceVersion)).size).toBe(3);
      });
    });

    describe('applyStatus', () => {
      test('writes status and nothing else', async () => {
        const { store, object } = await make();
        await store.create(object('a', { spec: { size: 1 } }), alice);

        const parts = { spec: { size: 2 }, status: { phase: 'Done' } };
        const written = await store.applyStatus(object('a', parts, { labels: { x: 'y' } }), alice);

        expect(written).toMatchObject({ spec: { size: 1 }, status: { phase: 'Done' } });
        expect(written.metadata.labels).toBeUndefined();
      });

      test('removes what it leaves out, and applies of spec leave it alone', async () => {
        const { store, object } = await make();
        await store.apply(object('a', { spec: { size: 1 } }), alice);
        await store.applyStatus(object('a', { status: { phase: 'Done', count: 1 } }), alice);
        await store.apply(object('a', { spec: { size: 2 } }), alice);

        const written = await store.applyStatus(object('a', { status: { phase: 'Done' } }), alice);

        expect(written).toMatchObject({ spec: { size: 2 } });
        expect(written.status).toEqual({ phase: 'Done' });
      });

      test('is no write when nothing differs (T-07)', async () => {
        const { store, object } = await make();
        await store.apply(object('a'), alice);
        const first = await store.applyStatus(object('a', { status: { phase: 'Done' } }), alice);

        expect(await store.applyStatus(object('a', { status: { phase: 'Done' } }), alice)).toEqual(first);
      });

      test('does not touch a spec that moved meanwhile (K-12)', async () => {
        const { store, kind, object, at } = await make();
        await store.create(object('a', { spec: { size: 1 } }), alice);
        await store.patch(kind, at('a'), { spec: { size: 2 } }, bob);

        const written = await store.applyStatus(object('a', { spec: { size: 1 }, status: { phase: 'Done' } }), alice);

        expect(written).toMatchObject({ spec: { size: 2 }, status: { phase: 'Done' } });
      });

      test('with a resourceVersion it is a compare-and-swap', async () => {
        const { store, kind, object, at } = await make();
        const { metadata } = await store.create(object('a'), alice);
        const { uid, resourceVersion } = metadata;
        const first = { status: { phase: 'First' } };
        const current = await store.applyStatus(object('a', first, { uid, resourceVersion }), alice);

        const late = object('a', { status: { phase: 'Late' } }, { uid, resourceVersion });
        const error = await rejection(store.applyStatus(late, alice));

        expect(error).toMatchObject({ reason: 'Conflict' });
        expect(await store.get(kind, at('a'))).toEqual(current);
      });

      test('with a uid alone it is not held up by what others write', async () => {
        const { store, kind, object, at } = await make();
        const { metadata } = await store.create(object('a', { spec: { size: 1 } }), alice);
        await store.patch(kind, at('a'), { spec: { size: 2 } }, bob);

        const written = await store.applyStatus(
          object('a', { status: { phase: 'Done' } }, { uid: metadata.uid }),
          alice,
        );

        expect(written).toMatchObject({ spec: { size: 2 }, status: { phase: 'Done' } });
      });

      test('of an object that has gone is NotFound, of one that was replaced a conflict', async () => {
        const { store, kind, object, at } = await make();
        const { metadata } = await store.create(object('a'), alice);
        await store.delete(kind, at('a'));
        const gone = await rejection(store.applyStatus(object('a', { status: { phase: 'Done' } }), alice));
        await store.create(object('a'), alice);

        const error = await rejection(
          store.applyStatus(object('a', { status: { phase: 'Done' } }, { uid: metadata.uid }), alice),
        );

        expect(gone).toMatchObject({ reason: 'NotFound' });
        expect(error).toBeInstanceOf(ConflictError);
        expect((await store.get(kind, at('a')))?.status).toBeUndefined();
      });
    });

    describe('patch', () => {
      test('merges maps, replaces lists, removes what is null', async () => {
        const { store, kind, object, at } = await make();
        await store.create(object('a', { spec: { map: { x: 1, y: 2 }, list: [1, 2], gone: 1 } }), alice);

        const patched = await store.patch(kind, at('a'), { spec: { map: { y: 3 }, list: [3], gone: null } }, bob);

        expect(patched.spec).toEqual({ map: { x: 1, y: 3 }, list: [3] });
      });

      test('a stale resourceVersion is a conflict', async () => {
        const { store, kind, object, at } = await make();
        const { metadata } = await store.create(object('a', { spec: { size: 1 } }), alice);
        const current = await store.patch(kind, at('a'), { spec: { size: 2 } }, bob);

        const stale = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { size: 3 } };
        const error = await rejection(store.patch(kind, at('a'), stale, alice));

        expect(error).toBeInstanceOf(ConflictError);
        expect(error).toMatchObject({ reason: 'Conflict' });
        expect(await store.get(kind, at('a'))).toEqual(current);
      });

      test('with the uid of another object is a conflict', async () => {
        const { store, kind, object, at } = await make();
        const current = await store.create(object('a'), alice);

        const patch = { metadata: { uid: '00000000-0000-4000-8000-000000000000' }, spec: { size: 1 } };
        const error = await rejection(store.patch(kind, at('a'), patch, alice));

        expect(error).toBeInstanceOf(ConflictError);
        expect(await store.get(kind, at('a'))).toEqual(current);
      });

      test('of what is not there is NotFound', async () => {
        const { store, kind, at } = await make();

        expect(await rejection(store.patch(kind, at('a'), { spec: {} }, alice))).toMatchObject({ reason: 'NotFound' });
      });

      test('changes no status and no identity', async () => {
        const { store, kind, object, at } = await make();
        await store.create(object('a'), alice);
        const before = await store.applyStatus(object('a', { status: { phase: 'Done' } }), alice);

        const patched = await store.patch(kind, at('a'), { status: null, metadata: { labels: { x: 'y' } } }, bob);

        expect(patched.status).toEqual({ phase: 'Done' });
        expect(patched.metadata.uid).toBe(before.metadata.uid);
        expect(patched.metadata.creationTimestamp).toBe(before.metadata.creationTimestamp);
      });
    });

    describe('delete', () => {
      test('removes an object without finalizers', async () => {
        const { store, kind, object, at } = await make();
        await store.create(object('a'), alice);

        await store.delete(kind, at('a'));

        expect(await store.get(kind, at('a'))).toBeUndefined();
        expect(await rejection(store.delete(kind, at('a')))).toMatchObject({ reason: 'NotFound' });
      });

      test('marks an object with finalizers; it goes with the last of them', async () => {
        const { store, kind, object, at } = await make();
        await store.create(object('a', {}, { finalizers: ['test.veranda.dev/x', 'test.veranda.dev/y'] }), alice);

        await store.delete(kind, at('a'));
        await store.delete(kind, at('a'));
        const marked = await store.get(kind, at('a'));
        await store.patch(kind, at('a'), { metadata: { finalizers: ['test.veranda.dev/y'] } }, alice);
        const one = await store.get(kind, at('a'));
        await store.patch(kind, at('a'), { metadata: { finalizers: [] } }, alice);

        expect(marked?.metadata.deletionTimestamp).toMatch(/Z$/);
        expect(one?.metadata).toMatchObject({
          finalizers: ['test.veranda.dev/y'],
          deletionTimestamp: marked?.metadata.deletionTimestamp,
        });
        expect(await store.get(kind, at('a'))).toBeUndefined();
      });

      test('what is being deleted takes no new finalizer', async () => {
        const { store, kind, object, at } = await make();
        await store.create(object('a', {}, { finalizers: ['test.veranda.dev/x'] }), alice);
        await store.delete(kind, at('a'));

        const patch = { metadata: { finalizers: ['test.veranda.dev/x', 'test.veranda.dev/y'] } };
        const error = await rejection(store.patch(kind, at('a'), patch, alice));

        expect(error).toMatchObject({ reason: 'Invalid' });
        await store.patch(kind, at('a'), { metadata: { finalizers: null } }, alice);
      });

      test.each(['uid', 'resourceVersion'] as const)('with another %s is a conflict', async (precondition) => {
        const { store, kind, object, at } = await make();
        const old = await store.create(object('a'), alice);
        await store.delete(kind, at('a'));
        const current = await store.create(object('a'), alice);

        const error = await rejection(store.delete(kind, at('a'), { [precondition]: old.metadata[precondition] }));

        expect(error).toBeInstanceOf(ConflictError);
        expect(await store.get(kind, at('a'))).toEqual(current);
        await store.delete(kind, at('a'), { [precondition]: current.metadata[precondition] });
        expect(await store.get(kind, at('a'))).toBeUndefined();
      });

      test('takes dependents with it when their last owner has gone', async () => {
        const { store, kind, namespace, object, at, patienceMs } = await make();
        const [one, two] = [await store.create(object('one'), alice), await store.create(object('two'), alice)];
        const owned = (...owners: Widget[]) => ({
          ownerReferences: owners.map(({ apiVersion, kind: ownerKind, metadata: { name: ownerName, uid } }) => ({
            apiVersion,
            kind: ownerKind,
            name: ownerName,
            uid,
          })),
        });
        const child = await store.create(object('child', {}, owned(one)), alice);
        await store.create(object('grandchild', {}, owned(child)), alice);
        await store.create(object('shared', {}, owned(one, two)), alice);

        await store.delete(kind, at('one'));

        const names = async () => (await store.list(kind, { namespace })).items.map(({ metadata }) => metadata.name);
        await eventually(async () => (await names()).length === 2, patienceMs);
        expect((await names()).sort()).toEqual(['shared', 'two']);
      });
    });

    describe('watch', () => {
      test('tells every change after a list once and in order', async () => {
        const { store, kind, namespace, object, at } = await make();
        await store.create(object('before'), alice);
        const { resourceVersion } = await store.list(kind, { namespace });

        const created = await store.create(object('a', { spec: { size: 1 } }), alice);
        const patched = await store.patch(kind, at('a'), { spec: { size: 2 } }, alice);
        await store.patch(kind, at('a'), { spec: { size: 2 } }, alice);
        await store.delete(kind, at('a'));
        const events = await collect(store, kind, namespace, resourceVersion, 3);

        expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
        expect(events.slice(0, 2).map(({ object: changed }) => changed)).toEqual([created, patched]);
        expect(events[0]?.resourceVersion).toBe(created.metadata.resourceVersion);
        expect(events[2]?.object).toMatchObject({ metadata: { name: 'a', uid: created.metadata.uid } });
      });

      test('resumes after any event', async () => {
        const { store, kind, namespace, object } = await make();
        const { resourceVersion } = await store.list(kind, { namespace });
        for (const objectName of ['a', 'b', 'c']) await store.create(object(objectName), alice);
        const [first] = await collect(store, kind, namespace, resourceVersion, 1);

        const rest = await collect(store, kind, namespace, first?.resourceVersion ?? '', 2);

        expect(rest.map(({ object: changed }) => changed.metadata.name)).toEqual(['b', 'c']);
      });

      test('tells of one namespace when told so', async () => {
        const { store, kind, namespace, object } = await make();
        const other = (await make()).namespace;
        const { resourceVersion } = await store.list(kind, { namespace });
        await store.create(object('theirs', {}, { namespace: other }), alice);
        const mine = await store.create(object('mine'), alice);

        const controller = new AbortController();
        const told: string[] = [];
        for await (const event of store.watch(kind, { namespace, resourceVersion, signal: controller.signal })) {
          if (event.type !== 'BOOKMARK') told.push(event.object.metadata.name);
          if (event.resourceVersion === mine.metadata.resourceVersion) controller.abort();
        }

        expect(told).toEqual(['mine']);
      });

      test('tells what happens while it runs, and ends with its signal', async () => {
        const { store, kind, namespace, object } = await make();
        const { resourceVersion } = await store.list(kind, { namespace });

        const running = collect(store, kind, namespace, resourceVersion, 2);
        await store.create(object('a', {}, { finalizers: ['test.veranda.dev/x'] }), alice);
        await store.delete(kind, { namespace, name: 'a' });
        const events = await running;

        expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED']);
        await store.patch(kind, { namespace, name: 'a' }, { metadata: { finalizers: null } }, alice);
      });
    });

    test('a call whose signal has fired writes nothing', async () => {
      const { store, kind, object, at } = await make();
      const signal = AbortSignal.abort(new Error('stopped'));

      await expect(store.create(object('a'), { ...alice, signal })).rejects.toThrow('stopped');

      expect(await store.get(kind, at('a'), never)).toBeUndefined();
    });
  });
}

type Changed = Exclude<WatchEvent<Widget>, { readonly type: 'BOOKMARK' }>;

async function collect(
  store: ObjectStore,
  kind: KindRef<Widget>,
  namespace: string,
  resourceVersion: string,
  count: number,
): Promise<Changed[]> {
  const controller = new AbortController();
  const events: Changed[] = [];
  for await (const event of store.watch(kind, { resourceVersion, signal: controller.signal })) {
    if (event.type !== 'BOOKMARK' && event.object.metadata.namespace === namespace) events.push(event);
    if (events.length === count) controller.abort();
  }
  return events;
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => {
      throw new Error('it should have been refused');
    },
    (error: unknown) => error,
  );
}

async function eventually(condition: () => Promise<boolean>, patienceMs: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not come true in time');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function byName(left: Widget, right: Widget): number {
  return left.metadata.name < right.metadata.name ? -1 : 1;
}
