import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { ConflictError, TerminalError, TransientError } from '../../../src/api/errors.ts';
import { objectKey } from '../../../src/api/object.ts';
import { EmbeddedStore } from '../../../src/kube/adapters/embedded/store.ts';
import type { ReconcileContext, ReconcileResult } from '../../../src/kube/controller.ts';
import { SharedInformer } from '../../../src/kube/informer.ts';
import { Manager, type ManagerOptions } from '../../../src/kube/manager.ts';
import { OwnWritesStore } from '../../../src/kube/own-writes.ts';
import { StoppedError } from '../../../src/kube/result.ts';
import { writeStatus } from '../../../src/kube/status-writer.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { FakeClock, never, settled, until, WIDGET, type Widget, widget } from './support.ts';

const alice = { fieldManager: 'alice' };
type Reconcile = (key: string, context: ReconcileContext) => Promise<ReconcileResult | undefined>;

function make(
  reconcile: Reconcile,
  options: { readonly workers?: number } & Pick<ManagerOptions, 'beforeControllers'> = {},
) {
  const clock = new FakeClock();
  const store = new EmbeddedStore({ kinds: [{ kind: WIDGET }], now: () => clock.now() });
  const lines: string[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk) => lines.push(String(chunk)));
  const results: string[] = [];
  const manager = new Manager({
    clock,
    sanitise: (text) => text,
    beforeControllers: options.beforeControllers,
    logger: createLogger({ level: 'debug', format: 'json', stream }),
    isCurrent: ({ kind, resourceVersion }) => store.isCurrent(kind, resourceVersion),
    metrics: { activeWorkers: () => {}, reconciled: (_name, result) => void results.push(result) },
  });
  const informer = manager.addInformer(new SharedInformer(store, WIDGET, { clock, random: () => 0 }));
  const queue = manager.addController({ name: 'widget', workers: options.workers ?? 2, reconcile });
  informer.onChange(({ before, after, initial }) => {
    const meta = (after ?? before)?.metadata;
    if (meta) queue.add(objectKey(meta), initial ? 'low' : 'normal');
  });
  const idle = (horizonMs = 0) => manager.idle({ horizonMs, signal: never });
  return { clock, store, manager, informer, queue, idle, lines, results };
}

/** Work that ends when told to. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, open: resolve };
}

describe('Manager', () => {
  test('starts controllers when every cache is filled', async () => {
    const seen: (Widget | undefined)[] = [];
    const { store, manager, informer, idle } = make(async (key) => {
      expect(informer.hasSynced).toBe(true);
      seen.push(informer.get(key));
      return undefined;
    });
    await store.create(widget('a'), alice);
    await manager.start(never);
    await idle();

    expect(seen.map((object) => object?.metadata.name)).toEqual(['a']);
    await manager.stop();
  });

  test('a standby has its caches filled and its keys queued, and works on them when it may', async () => {
    const reconciled: string[] = [];
    const { promise: leading, open } = gate();
    const { store, manager, informer, queue, idle } = make(
      async (key) => {
        reconciled.push(key);
        return undefined;
      },
      { beforeControllers: () => leading },
    );
    await store.create(widget('a'), alice);
    const starting = manager.start(never);
    await until(() => queue.depth === 1);
    await store.create(widget('b'), alice);
    await until(() => queue.depth === 2);
    expect([informer.hasSynced, reconciled.length]).toEqual([true, 0]);

    open();
    await starting;
    await idle();

    expect(reconciled.sort()).toEqual(['default/a', 'default/b']);
    await manager.stop();
  });

  test('a standby that is stopped starts no controller', async () => {
    const { promise: leading, open } = gate();
    const reconciled: string[] = [];
    const { store, manager, queue } = make(
      async (key) => {
        reconciled.push(key);
        return undefined;
      },
      { beforeControllers: () => leading },
    );
    await store.create(widget('a'), alice);
    const starting = manager.start(never);
    await until(() => queue.depth === 1);

    const stopping = manager.stop();
    open();
    await Promise.all([stopping, starting]);
    await settled();

    expect(reconciled).toEqual([]);
  });

  test('a start that cannot list ends with its signal', async () => {
    const { store, manager } = make(async () => undefined);
    store.list = async () => {
      throw new TransientError('Unavailable', 'no');
    };
    const controller = new AbortController();
    const starting = manager.start(controller.signal);
    await settled();
    controller.abort(new Error('enough'));

    await expect(starting).rejects.toThrow('enough');
    await manager.stop();
  });

  test('two controllers of one name are refused', () => {
    const { manager } = make(async () => undefined);

    expect(() => manager.addController({ name: 'widget', workers: 1, reconcile: async () => undefined })).toThrow(
      'there are two controllers widget',
    );
  });

  test('10,000 objects come to rest, each key with one worker at a time, own writes seen at once', async () => {
    const running = new Set<string>();
    let reconciles = 0;
    let highest = 0;
    /** Counted instead of expected, which would be slow so many times. */
    const faults = { shared: 0, stale: 0 };
    const made = make(
      async (key, { signal }) => {
        if (running.has(key)) faults.shared++;
        running.add(key);
        highest = Math.max(highest, running.size);
        reconciles++;
        const object = made.informer.get(key);
        if (object && object.status?.seen !== object.spec?.size) {
          await writeStatus(own, object, { seen: object.spec?.size }, { ...alice, signal });
          if (made.informer.get(key)?.status?.seen !== object.spec?.size) faults.stale++;
        }
        running.delete(key);
        return undefined;
      },
      { workers: 8 },
    );
    const { store, manager, informer, idle } = made;
    const own = new OwnWritesStore(store, [informer]);
    for (let index = 0; index < 10_000; index++) await store.create(widget(`w${index}`, { spec: { size: 1 } }), alice);
    await manager.start(never);
    await idle();
    for (let round = 2; round < 5; round++) {
      for (let index = 0; index < 500; index++)
        await store.apply(widget(`w${index}`, { spec: { size: round } }), alice);
    }

    expect(await idle()).toEqual([]);
    expect(informer.list().every(({ spec, status }) => status?.seen === spec?.size)).toBe(true);
    expect(faults).toEqual({ shared: 0, stale: 0 });
    expect(highest).toBeLessThanOrEqual(8);
    expect(reconciles).toBeLessThanOrEqual(2 * (10_000 + 3 * 500));
    await manager.stop();
  });

  describe('errors', () => {
    const failing = async (errors: unknown[]) => {
      const times: number[] = [];
      const conflicts: (number | undefined)[] = [];
      const made = make(async (_key, context) => {
        times.push(context.now().getTime());
        conflicts.push(context.conflicts);
        const error = errors.shift();
        if (error !== undefined) throw error;
        return undefined;
      });
      await made.manager.start(never);
      made.queue.add('default/a');
      return { ...made, times, conflicts };
    };

    test('a terminal error waits for the next event', async () => {
      const { idle, queue, times, manager } = await failing([new TerminalError('InvalidSpec', 'no')]);
      expect(await idle()).toEqual([]);
      queue.add('default/a');
      await idle();

      expect(times.length).toBe(2);
      await manager.stop();
    });

    test('a transient error backs off until it passes', async () => {
      const errors = Array.from({ length: 3 }, () => new TransientError('Unavailable', 'no'));
      const { idle, clock, times, manager, results } = await failing(errors);
      expect(await idle()).toEqual([{ controller: 'widget', key: 'default/a', inMs: 5 }]);
      for (let turn = 0; turn < 3; turn++) {
        clock.advance(1000);
        await idle();
      }

      expect(await idle(Number.MAX_SAFE_INTEGER)).toEqual([]);
      expect(times.length).toBe(4);
      expect(results).toEqual(['error', 'error', 'error', 'success']);
      await manager.stop();
    });

    test.each([
      ['a conflict', new ConflictError('Conflict', 'changed')],
      ['a write to what was deleted meanwhile', new TerminalError('NotFound', 'is not there')],
    ])('%s is repeated at once, and backs off when it does not end', async (_, error) => {
      const errors = Array.from({ length: 8 }, () => error);
      const { idle, clock, conflicts, manager, results } = await failing(errors);
      expect(await idle()).toEqual([{ controller: 'widget', key: 'default/a', inMs: 5 }]);
      expect(results).toEqual(['requeue', 'requeue', 'requeue', 'requeue', 'requeue', 'error']);
      for (let turn = 0; turn < 3; turn++) {
        clock.advance(1000);
        await idle();
      }

      expect(conflicts).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
      expect(await idle()).toEqual([]);
      await manager.stop();
    });

    test('an unexpected error is logged with its stack, backs off, and stops nobody', async () => {
      const { idle, queue, clock, times, lines, manager } = await failing([new RangeError('index 7')]);
      await idle();
      queue.add('default/b');
      await idle();
      clock.advance(10);
      await idle();

      expect(times.length).toBe(3);
      const line = lines.map((text) => JSON.parse(text)).find(({ level }) => level === 'error');
      expect(line).toMatchObject({ controller: 'widget', key: 'default/a', error: { message: 'index 7' } });
      expect(line.error.stack).toContain('manager.test.ts');
      await manager.stop();
    });

    test('what throws before its first await is contained as well', async () => {
      const { manager, queue, idle } = make(() => {
        throw new Error('at once');
      });
      await manager.start(never);
      queue.add('a');

      expect(await idle()).toEqual([{ controller: 'widget', key: 'a', inMs: 5 }]);
      await manager.stop();
    });

    test('a reconcile that takes too long gets its signal, keeps its key until it ends, and is tried again', async () => {
      const ended = gate();
      const reasons: unknown[] = [];
      let running = 0;
      const { manager, queue, clock, idle } = make(async (_key, { signal }) => {
        expect(++running).toBe(1);
        if (reasons.length === 0) {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          reasons.push(signal.reason);
          await ended.promise;
          running--;
          throw signal.reason;
        }
        running--;
        return undefined;
      });
      await manager.start(never);
      queue.add('a');
      await until(() => running === 1);
      clock.advance(600_000);
      queue.add('a');
      await settled();
      expect([queue.processing, queue.depth]).toEqual([1, 0]);
      ended.open();
      await idle();

      expect(reasons).toEqual([expect.objectContaining({ reason: 'DeadlineExceeded' })]);
      expect(reasons[0]).toBeInstanceOf(TransientError);
      await manager.stop();
    });
  });

  describe('idle', () => {
    test('waits for work that is due within the horizon and reports what is later', async () => {
      let first = true;
      const { manager, queue, clock, idle } = make(async (key) => {
        if (key === 'later') return { requeueAfterMs: 3_600_000 };
        if (!first) return undefined;
        first = false;
        return { requeueAfterMs: 400 };
      });
      await manager.start(never);
      queue.add('soon');
      queue.add('later');
      let done = false;
      const waiting = idle(1000).then((keys) => {
        done = true;
        return keys;
      });
      await settled();
      expect(done).toBe(false);
      clock.advance(400);

      expect(await waiting).toEqual([{ controller: 'widget', key: 'later', inMs: 3_599_600 }]);
      await manager.stop();
    });

    test('is not before the informers have told every write, also those of a reconcile', async () => {
      const reconciled: string[] = [];
      const { manager, store, idle } = make(async (key) => {
        reconciled.push(key);
        if (key === 'default/a') await store.apply(widget('b'), alice);
        if (key === 'default/b') await store.apply(widget('c'), alice);
        return undefined;
      });
      await manager.start(never);
      await store.create(widget('a'), alice);
      await idle();

      expect(reconciled).toEqual(['default/a', 'default/b', 'default/c']);
      await manager.stop();
    });

    test('ends with its signal', async () => {
      const { manager, queue } = make(() => new Promise(() => {}));
      await manager.start(never);
      queue.add('a');
      const controller = new AbortController();
      const waiting = manager.idle({ horizonMs: 0, signal: controller.signal });
      controller.abort(new Error('enough'));

      await expect(waiting).rejects.toThrow('enough');
    });
  });

  describe('stop', () => {
    test('lets running reconciles end, begins no other, and then stops informers', async () => {
      const open = gate();
      const seen: string[] = [];
      const { manager, queue, informer, store } = make(async (key) => {
        await open.promise;
        seen.push(`${key} ${informer.liveWatches}`);
        return { requeueAfterMs: 1 };
      });
      await manager.start(never);
      for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
      await until(() => queue.processing === 2);
      const stopping = manager.stop();
      queue.add('e');
      await settled();
      open.open();
      await stopping;
      await manager.stop();

      expect(seen).toEqual(['a 1', 'b 1']);
      expect([queue.depth, queue.processing, informer.liveWatches, store.watches]).toEqual([0, 0, 0, 0]);
    });

    test('aborts what does not end in time, without calling it a failure', async () => {
      const reasons: unknown[] = [];
      const { manager, queue, clock, results, lines } = make(async (_key, { signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        reasons.push(signal.reason);
        throw signal.reason;
      });
      await manager.start(never);
      queue.add('a');
      await until(() => queue.processing === 1);
      const stopping = manager.stop();
      await settled();
      clock.advance(30_000);
      await stopping;

      expect(reasons).toEqual([expect.any(StoppedError)]);
      expect(results).toEqual(['success']);
      expect(lines.some((line) => line.includes('reconcile failed'))).toBe(false);
      expect(clock.pending).toBe(0);
    });

    test('does not wait for ever for what takes no notice of its signal', async () => {
      const { manager, queue, clock, lines } = make(() => new Promise(() => {}));
      await manager.start(never);
      queue.add('a');
      await until(() => queue.processing === 1);
      const stopping = manager.stop();
      await settled();
      clock.advance(30_000);
      await settled();
      clock.advance(30_000);
      await stopping;

      expect(lines.some((line) => line.includes('reconciles do not end'))).toBe(true);
    });

    test('ends a manager that was never started', async () => {
      await make(async () => undefined).manager.stop();
    });
  });
});
