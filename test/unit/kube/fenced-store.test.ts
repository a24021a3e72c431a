import { describe, expect, test } from '@jest/globals';
import { TransientError } from '../../../src/api/errors.ts';
import { EmbeddedStore } from '../../../src/kube/adapters/embedded/store.ts';
import { FencedStore } from '../../../src/kube/fenced-store.ts';
import type { ObjectStore } from '../../../src/kube/store.ts';
import { never, WIDGET, type Widget, widget } from './support.ts';

const alice = { fieldManager: 'alice' };
const name = { namespace: 'default', name: 'a' };

function make() {
  const store = new EmbeddedStore({ kinds: [{ kind: WIDGET }] });
  const lost = new AbortController();
  const state = { leading: true };
  const fenced = new FencedStore(store, { isLeading: () => state.leading, lost: lost.signal });
  return { store, fenced, state, lost };
}

const WRITES: readonly { readonly verb: string; readonly write: (store: ObjectStore) => Promise<unknown> }[] = [
  { verb: 'create', write: (store) => store.create(widget('b'), alice) },
  { verb: 'apply', write: (store) => store.apply(widget('a', { spec: { size: 2 } }), alice) },
  { verb: 'applyStatus', write: (store) => store.applyStatus(widget('a', { status: { phase: 'x' } }), alice) },
  { verb: 'patch', write: (store) => store.patch(WIDGET, name, { spec: { size: 2 } }, alice) },
  { verb: 'delete', write: (store) => store.delete(WIDGET, name) },
];

describe('FencedStore', () => {
  test.each(WRITES)('$verb is refused when not leading, and done when leading', async ({ write }) => {
    const { store, fenced, state } = make();
    await store.create(widget('a', { spec: { size: 1 } }), alice);
    const before = await store.list(WIDGET);

    state.leading = false;
    const error = await write(fenced).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ reason: 'NotLeading' });
    expect(await store.list(WIDGET)).toEqual(before);

    state.leading = true;
    await write(fenced);
    expect(await store.list(WIDGET)).not.toEqual(before);
  });

  test('anyone reads', async () => {
    const { store, fenced, state } = make();
    const created = await store.create(widget('a'), alice);
    state.leading = false;

    expect(await fenced.get(WIDGET, name)).toBe(created);
    const { items } = await fenced.list(WIDGET);
    expect(items).toEqual([created]);
    for await (const event of fenced.watch(WIDGET, { resourceVersion: '0', signal: never })) {
      expect(event).toMatchObject({ type: 'ADDED', object: created });
      break;
    }
  });

  test('a write under way is given up when leadership is lost, and when its caller gives up', async () => {
    const { fenced, lost } = make();
    const slow = new EmbeddedStore();
    const seen: AbortSignal[] = [];
    slow.create = async <T>(object: T, { signal = never }: { readonly signal?: AbortSignal }) => {
      seen.push(signal);
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      return object;
    };
    const store = new FencedStore(slow, { isLeading: () => true, lost: lost.signal });
    const caller = new AbortController();
    const one = store.create<Widget>(widget('a'), { ...alice, signal: caller.signal });
    const two = store.create<Widget>(widget('b'), alice);

    caller.abort(new Error('the caller stopped'));
    await expect(one).rejects.toThrow('the caller stopped');
    lost.abort(new TransientError('LeadershipLost', 'the lease was lost'));
    await expect(two).rejects.toThrow('the lease was lost');
    expect(seen).toHaveLength(2);
    expect(await fenced.get(WIDGET, name)).toBeUndefined();
  });
});
