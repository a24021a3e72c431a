import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Journal } from '../../../../../src/kube/adapters/embedded/journal.ts';
import { EmbeddedStore } from '../../../../../src/kube/adapters/embedded/store.ts';
import { WIDGET, type Widget, widget } from '../../support.ts';

const alice = { fieldManager: 'alice' };
let folder = '';
let path = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'veranda-journal-'));
  path = join(folder, 'state/objects.jsonl');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function open() {
  const { journal, records } = await Journal.open(path);
  const store = new EmbeddedStore({ kinds: [{ kind: WIDGET }], journal });
  store.restore(records);
  const objects = async () => (await store.list(WIDGET)).items;
  return { journal, store, objects };
}

/** Writes of every kind, the last of which removes an object. */
async function write(store: EmbeddedStore): Promise<void> {
  await store.apply(
    widget('a', { spec: { size: 1, big: 12345678901234567890n }, metadata: { finalizers: ['x/y'] } }),
    alice,
  );
  await store.applyStatus(widget('a', { status: { phase: 'Done' } }), alice);
  await store.create(widget('b'), alice);
  await store.apply(widget('c', { spec: { hers: 1 } }), alice);
  await store.delete(WIDGET, { namespace: 'default', name: 'b' });
}

describe('Journal', () => {
  test('brings back objects with uid, status and versions', async () => {
    const first = await open();
    await write(first.store);
    const [before, version] = [await first.objects(), (await first.store.list(WIDGET)).resourceVersion];
    await first.journal.close();

    const second = await open();

    expect(await second.objects()).toEqual(before);
    expect((await second.store.list(WIDGET)).resourceVersion).toBe(version);
    await second.journal.close();
  });

  test('brings back who owns which field', async () => {
    const first = await open();
    await write(first.store);
    await first.store.apply(widget('c', { spec: { hers: 1 } }), { fieldManager: 'bob' });
    await first.journal.close();

    const second = await open();
    const shared = await second.store.apply(widget('c'), alice);
    const gone = await second.store.apply(widget('c'), { fieldManager: 'bob' });

    expect([shared.spec, gone.spec]).toEqual([{ hers: 1 }, undefined]);
    await second.journal.close();
  });

  test('a watch from an earlier run is expired unless nothing has happened since', async () => {
    const first = await open();
    await write(first.store);
    await first.journal.close();
    const second = await open();
    const next = async (resourceVersion: string) => {
      for await (const event of second.store.watch(WIDGET, { resourceVersion, signal: new AbortController().signal })) {
        return event.type;
      }
      return undefined;
    };

    await expect(next('1')).rejects.toMatchObject({ reason: 'Expired' });
    const { resourceVersion } = await second.store.list(WIDGET);
    await second.store.create(widget('new'), alice);
    expect(await next(resourceVersion)).toBe('ADDED');
    await second.journal.close();
  });

  test('a crash at any byte loses the last changes only', async () => {
    const first = await open();
    const states: (readonly Widget[])[] = [[]];
    first.store.onChange(() => {
      states.push(first.store.snapshot().map(({ object }) => object));
    });
    await write(first.store);
    await first.journal.close();
    const whole = readFileSync(path);

    for (let length = 0; length <= whole.length; length += 23) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      const { journal, objects } = await open();
      const lines = whole.subarray(0, length).toString().split('\n').length - 1;
      expect(await objects()).toEqual(states[lines]);
      await journal.close();
    }
  });

  test('goes on after a torn line', async () => {
    const first = await open();
    await write(first.store);
    await first.journal.close();
    appendFileSync(path, '{"type":"put","obj');

    const second = await open();
    await second.store.create(widget('new'), alice);
    await second.journal.close();
    const third = await open();

    expect((await third.objects()).map(({ metadata }) => metadata.name)).toEqual(['a', 'c', 'new']);
    await third.journal.close();
  });

  test('a damaged line before the last is an error with its place', async () => {
    const first = await open();
    await write(first.store);
    await first.journal.close();
    const lines = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, [lines[0], 'damaged', ...lines.slice(1)].join('\n'));

    await expect(Journal.open(path)).rejects.toMatchObject({
      reason: 'JournalDamaged',
      location: { file: path, line: 2 },
    });
  });

  test('does not grow from run to run', async () => {
    for (let run = 0; run < 5; run++) {
      const { journal, store } = await open();
      for (let size = 0; size < 10; size++) await store.apply(widget('a', { spec: { run, size } }), alice);
      await journal.close();
    }
    const { journal } = await open();
    await journal.close();

    expect(readFileSync(path, 'utf8').trimEnd().split('\n').length).toBe(1);
  });

  test('only an empty store is restored', async () => {
    const store = new EmbeddedStore();
    await store.create(widget('a'), alice);

    expect(() => store.restore(store.snapshot())).toThrow('only an empty store can be restored');
  });
});
