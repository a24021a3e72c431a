import { describe, expect, jest, test } from '@jest/globals';
import { EmbeddedStore } from '../../../src/kube/adapters/embedded/store.ts';
import { ensureFinalizer, removeFinalizer } from '../../../src/kube/finalizers.ts';
import { writeStatus } from '../../../src/kube/status-writer.ts';
import { WIDGET, type Widget, widget } from './support.ts';

const alice = { fieldManager: 'alice' };
const FINALIZER = 'test.veranda.dev/clean-up';

async function make(metadata: object = {}) {
  const store = new EmbeddedStore({ kinds: [{ kind: WIDGET }] });
  const object = await store.create(widget('a', { spec: { size: 1 }, metadata }), alice);
  const version = async () => (await store.list(WIDGET)).resourceVersion;
  const get = async () => (await store.get(WIDGET, object.metadata)) as Widget;
  return { store, object, version, get };
}

describe('writeStatus', () => {
  test('writes what differs, once (T-07)', async () => {
    const { store, object, version, get } = await make();
    const status = { phase: 'Done', conditions: [{ type: 'Ready', status: 'True' }], absent: undefined };

    let cached = await writeStatus(store, object, status, alice);
    const written = await version();
    const asked = jest.spyOn(store, 'applyStatus');
    for (let round = 0; round < 10; round++) cached = await writeStatus(store, cached, structuredClone(status), alice);

    expect(await version()).toBe(written);
    expect(asked).not.toHaveBeenCalled();
    expect(cached).toEqual(await get());
    expect(cached.status).toEqual({ phase: 'Done', conditions: [{ type: 'Ready', status: 'True' }] });
  });

  test('is not held up by a spec that has moved, and does not write it back (K-12)', async () => {
    const { store, object, get } = await make();
    await store.apply(widget('a', { spec: { size: 2 } }), { fieldManager: 'bob' });

    await writeStatus(store, object, { phase: 'Done' }, alice);

    expect(await get()).toMatchObject({ spec: { size: 2 }, status: { phase: 'Done' } });
  });

  test('does not write to another object of the same name', async () => {
    const { store, object, get } = await make();
    await store.delete(WIDGET, object.metadata);
    await store.create(widget('a'), alice);

    await expect(writeStatus(store, object, { phase: 'Done' }, alice)).rejects.toMatchObject({ reason: 'Conflict' });
    expect((await get()).status).toBeUndefined();
  });
});

describe('finalizers', () => {
  test('are added once, beside those of others', async () => {
    const { store, object, version } = await make({ finalizers: ['other/one'] });

    const added = await ensureFinalizer(store, WIDGET, object, FINALIZER, alice);
    const before = await version();

    expect(added.metadata.finalizers).toEqual(['other/one', FINALIZER]);
    expect(await ensureFinalizer(store, WIDGET, added, FINALIZER, alice)).toBe(added);
    expect(await version()).toBe(before);
  });

  test('are not added to what is being deleted', async () => {
    const { store, object, get } = await make({ finalizers: ['other/one'] });
    await store.delete(WIDGET, object.metadata);
    const deleting = await get();

    expect(await ensureFinalizer(store, WIDGET, deleting, FINALIZER, alice)).toBe(deleting);
  });

  test('never undo what another writer did to the list', async () => {
    const { store, object, get } = await make({ finalizers: [FINALIZER] });
    await store.patch(WIDGET, object.metadata, { metadata: { finalizers: [FINALIZER, 'other/one'] } }, alice);

    await expect(removeFinalizer(store, WIDGET, object, FINALIZER, alice)).rejects.toMatchObject({
      reason: 'Conflict',
    });
    await expect(ensureFinalizer(store, WIDGET, object, 'x/y', alice)).rejects.toMatchObject({ reason: 'Conflict' });
    await removeFinalizer(store, WIDGET, await get(), FINALIZER, alice);

    expect((await get()).metadata.finalizers).toEqual(['other/one']);
  });

  test('the last one takes a deleted object with it, and going twice is no fault', async () => {
    const { store, object, get } = await make({ finalizers: [FINALIZER] });
    await store.delete(WIDGET, object.metadata);
    const deleting = await get();

    await removeFinalizer(store, WIDGET, deleting, FINALIZER, alice);
    await removeFinalizer(store, WIDGET, deleting, FINALIZER, alice);

    expect((await store.list(WIDGET)).items).toEqual([]);
  });
});
