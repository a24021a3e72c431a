import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Priority } from '../../../src/kube/fair-lines.ts';
import { type LaneOptions, WorkQueue, type WorkQueueMetrics } from '../../../src/kube/work-queue.ts';
import { FakeClock, never, settled, until } from './support.ts';

function make(options: { readonly metrics?: WorkQueueMetrics } & LaneOptions = {}) {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue({ clock, ...options }) };
}

/** Takes and ends everything that is queued. */
async function takeAll(queue: WorkQueue): Promise<string[]> {
  const keys: string[] = [];
  while (queue.depth > 0) {
    const key = (await queue.take(never)) ?? '';
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

describe('WorkQueue', () => {
  test('gives keys in their order, each once', async () => {
    const { queue } = make();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);

    expect(await takeAll(queue)).toEqual(['a', 'b', 'c']);
  });

  test('a key that is added while it is worked on comes again once, afterwards', async () => {
    const { queue } = make();
    queue.add('a');
    await queue.take(never);
    queue.add('a');
    queue.add('a');

    expect([queue.depth, queue.processing]).toEqual([0, 1]);
    queue.done('a');
    expect(await takeAll(queue)).toEqual(['a']);
  });

  test('a key that is added while it is worked on, and asked for again at its end, goes to one of the waiting workers', async () => {
    const { queue } = make();
    queue.add('a');
    await queue.take(never);
    const given: (string | undefined)[] = [];
    for (let worker = 0; worker < 2; worker++) void queue.take(never).then((key) => given.push(key));
    queue.add('a');
    queue.done('a', 0);
    await settledSoon();

    expect(given).toEqual(['a']);
    queue.done('a');
    expect([queue.depth, queue.processing]).toEqual([0, 0]);
  });

  test('serves low priority last, and moves a key up', async () => {
    const { queue } = make();
    for (const key of ['l1', 'l2', 'l3']) queue.add(key, 'low');
    queue.add('n1');
    queue.add('l2');
    queue.add('n1', 'low');

    expect(await takeAll(queue)).toEqual(['n1', 'l2', 'l1', 'l3']);
  });

  test('a waiting worker gets the next key', async () => {
    const { queue } = make();
    const [first, second] = [queue.take(never), queue.take(never)];
    queue.add('a');
    queue.add('b');

    expect(await Promise.all([first, second])).toEqual(['a', 'b']);
  });

  test('a key goes to nobody whose signal has fired', async () => {
    const { queue } = make();
    const controller = new AbortController();
    const aborted = queue.take(controller.signal);
    const waiting = queue.take(never);
    controller.abort(new Error('enough'));
    queue.add('a');

    await expect(aborted).rejects.toThrow('enough');
    expect(await waiting).toBe('a');
  });

  test('who has been handed a key keeps it when the signal fires after that', async () => {
    const { queue } = make();
    const controller = new AbortController();
    const taken = queue.take(controller.signal);
    queue.add('a');
    controller.abort(new Error('enough'));

    expect(await taken).toBe('a');
  });

  test('queues delayed keys at the earliest of their times', async () => {
    const { queue, clock } = make();
    queue.addAfter('a', 100);
    queue.addAfter('a', 50);
    queue.addAfter('a', 200);
    queue.addAfter('b', 60);
    clock.advance(49);
    expect(queue.depth).toBe(0);
    expect(queue.delayed).toEqual([
      { key: 'a', inMs: 1 },
      { key: 'b', inMs: 11 },
    ]);

    clock.advance(1000);

    expect(await takeAll(queue)).toEqual(['a', 'b']);
    expect(clock.pending).toBe(0);
  });

  test('backs off by doubling from 5 ms to 1,000 s, and begins anew after a success', async () => {
    const { queue, clock } = make();
    const fail = async () => {
      queue.done((await queue.take(never)) ?? '', 'retry');
      const { nextDueInMs = 0 } = queue;
      clock.advance(nextDueInMs);
      return nextDueInMs;
    };
    queue.add('a');
    const delays: number[] = [];
    for (let index = 0; index < 20; index++) delays.push(await fail());

    expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40]);
    expect(delays.slice(17)).toEqual([655_360, 1_000_000, 1_000_000]);
    expect(queue.failures('a')).toBe(20);
    expect(await takeAll(queue)).toEqual(['a']);
    queue.add('a');
    expect(await fail()).toBe(5);
  });

  test('a result replaces what an earlier result asked for, but not what somebody else did', async () => {
    const { queue, clock } = make();
    queue.add('a');
    queue.done((await queue.take(never)) ?? '', 1000);
    queue.addAfter('a', 2000);
    queue.add('a');
    queue.done((await queue.take(never)) ?? '');

    expect(queue.nextDueInMs).toBe(2000);
    clock.advance(1500);
    expect(queue.depth).toBe(0);
    clock.advance(500);
    expect(await takeAll(queue)).toEqual(['a']);
  });

  test('refuses the end of work that was not begun', () => {
    expect(() => make().queue.done('a')).toThrow('key a is not being worked on');
  });

  test('shutdown sends workers home, forgets what waits, and drains what runs', async () => {
    const { queue, clock } = make();
    queue.add('running');
    await queue.take(never);
    const idle = queue.take(never);
    queue.addAfter('later', 10);
    let drained = false;
    queue.shutdown();
    const draining = queue.drained(never).then(() => {
      drained = true;
    });
    queue.add('new');
    queue.addAfter('newer', 5);
    clock.advance(100);

    expect(await idle).toBeUndefined();
    expect(await queue.take(never)).toBeUndefined();
    expect([queue.depth, queue.delayed.length, clock.pending]).toEqual([0, 0, 0]);
    await settled();
    expect(drained).toBe(false);
    queue.done('running', 'retry');
    await draining;
    expect(queue.delayed).toEqual([]);
  });

  test('a drain ends with its signal', async () => {
    const { queue } = make();
    queue.add('a');
    await queue.take(never);
    queue.shutdown();

    await expect(queue.drained(AbortSignal.abort(new Error('deadline')))).rejects.toThrow('deadline');
  });

  test('tells its metrics', async () => {
    const seen: string[] = [];
    const { queue, clock } = make({
      metrics: {
        depth: (keys) => void seen.push(`depth ${keys}`),
        added: () => void seen.push('added'),
        retried: () => void seen.push('retried'),
        waited: (milliseconds) => void seen.push(`waited ${milliseconds}`),
        worked: (milliseconds) => void seen.push(`worked ${milliseconds}`),
      },
    });
    queue.add('a');
    clock.advance(7);
    await queue.take(never);
    clock.advance(9);
    queue.done('a', 'retry');

    expect(seen).toEqual(['added', 'depth 1', 'waited 7', 'depth 0', 'worked 9', 'retried']);
  });

  test('never gives a key to two workers and loses no wake-up, whatever happens', async () => {
    const key = fc.constantFrom('a1', 'a2', 'a3', 'b1', 'b2');
    const laneOf = (named: string) => named.charAt(0);
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key, priority: fc.constantFrom<Priority>('normal', 'low') }),
      fc.record({ do: fc.constant('later' as const), key, ms: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ do: fc.constant('advance' as const), ms: fc.nat(40) }),
      fc.record({ do: fc.constant('take' as const), abort: fc.boolean() }),
      fc.record({
        do: fc.constant('done' as const),
        next: fc.constantFrom<'retry' | number | undefined>('retry', 0, 20, undefined),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), async (steps, perLane) => {
        const { queue, clock } = make({ lane: laneOf, perLane });
        const running = new Set<string>();
        const wronglyGiven: string[] = [];
        let waitingWorkers = 0;
        const hasRoom = (lane: string) => [...running].filter((busy) => laneOf(busy) === lane).length < perLane;
        /** Keys that somebody has asked for since work on them last began, and from when on they may run. */
        const owed = new Map<string, number>();
        const owe = (asked: string, at: number) => owed.set(asked, Math.min(at, owed.get(asked) ?? at));
        const began = (taken: string | undefined) => {
          if (taken === undefined) return;
          // Takers may be served long after their step, where nobody would hear of a failing expectation.
          if (running.has(taken) || !hasRoom(laneOf(taken))) wronglyGiven.push(taken);
          running.add(taken);
          if ((owed.get(taken) ?? 0) <= clock.now().getTime()) owed.delete(taken);
        };
        for (const action of steps) {
          if (action.do === 'add') {
            queue.add(action.key, action.priority);
            owe(action.key, clock.now().getTime());
          } else if (action.do === 'later') {
            queue.addAfter(action.key, action.ms);
            owe(action.key, clock.now().getTime() + action.ms);
          } else if (action.do === 'advance') clock.advance(action.ms);
          else if (action.do === 'take') {
            const controller = new AbortController();
            waitingWorkers++;
            const taking = queue
              .take(controller.signal)
              .then(began, () => {})
              .finally(() => waitingWorkers--);
            await Promise.resolve();
            if (action.abort) controller.abort();
            await Promise.race([taking, settledSoon()]);
          } else {
            const [ended] = running;
            if (ended !== undefined) {
              running.delete(ended);
              queue.done(ended, action.next);
            }
          }
          await settledSoon();
          expect(wronglyGiven).toEqual([]);
          expect(queue.processing).toBe(running.size);
          const now = clock.now().getTime();
          const couldRun = [...owed].filter(([due, at]) => at <= now && !running.has(due) && hasRoom(laneOf(due)));
          if (waitingWorkers > 0) expect(couldRun).toEqual([]);
        }
        // Let all work end: what is owed must come, and then nothing may be left.
        for (let turn = 0; turn < 60; turn++) {
          for (const ended of running) queue.done(ended);
          running.clear();
          clock.advance(1000);
          await settledSoon();
          if (running.size === 0 && queue.depth > 0) began(await queue.take(never));
        }
        await settledSoon();
        expect([...owed.keys()]).toEqual([]);
        expect([queue.depth, queue.delayed.length]).toEqual([0, 0]);
      }),
      { numRuns: 500 },
    );
  });

  test('is first in, first out within a priority', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(20), fc.boolean())), async (adds) => {
        const { queue } = make();
        const firstNormal = new Set(adds.filter(([, low]) => !low).map(([number]) => `k${number}`));
        const all = new Set(adds.map(([number]) => `k${number}`));
        for (const [number, low] of adds) queue.add(`k${number}`, low ? 'low' : 'normal');

        expect(await takeAll(queue)).toEqual([...firstNormal, ...[...all].filter((key) => !firstNormal.has(key))]);
      }),
      { numRuns: 100 },
    );
  });

  test('lanes take turns, whatever waits in them, and keep their order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(20)).map(([lane, n]) => lane + n)),
        async (keys) => {
          const laneOf = (key: string) => key.charAt(0);
          const { queue } = make({ lane: laneOf });
          for (const key of keys) queue.add(key);
          const taken = await takeAll(queue);

          for (const lane of ['a', 'b', 'c']) {
            const ofLane = (all: readonly string[]) => all.filter((key) => laneOf(key) === lane);
            expect(ofLane(taken)).toEqual(ofLane(keys));
            // Between two keys of a lane every other lane has at most one.
            const others = taken
              .join(' ')
              .split(new RegExp(`${lane}\\d+`))
              .slice(1, -1);
            for (const between of others) {
              const lanes = between
                .split(' ')
                .filter((key) => key !== '')
                .map(laneOf);
              expect(lanes).toEqual([...new Set(lanes)]);
            }
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test('a lane with 10,000 keys does not starve one with a single key', async () => {
    const { queue } = make({ lane: (key) => key.charAt(0), perLane: 1 });
    for (let index = 0; index < 10_000; index++) queue.add(`a${index}`);
    queue.add('b');
    const first = [await queue.take(never), await queue.take(never)];

    expect(first).toEqual(['a0', 'b']);
  });

  test('a lane at its limit blocks no other, of whatever priority, and goes on when a place of it is free', async () => {
    const { queue } = make({ lane: (key) => key.charAt(0), perLane: 2 });
    for (const key of ['a1', 'a2', 'a3']) queue.add(key);
    const stuck = [await queue.take(never), await queue.take(never)];
    const given: (string | undefined)[] = [];
    for (let worker = 0; worker < 3; worker++) void queue.take(never).then((key) => given.push(key));
    queue.add('b1', 'low');
    await settledSoon();
    expect([stuck, given, queue.depth]).toEqual([['a1', 'a2'], ['b1'], 1]);

    queue.done('a2');
    await settledSoon();
    expect(given).toEqual(['b1', 'a3']);
  });

  test('10,000 keys in a burst and as many delayed ones are each worked on once', async () => {
    const { queue, clock } = make();
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 10_000; index++) queue.add(`k${index}`);
      for (let index = 0; index < 10_000; index++) queue.addAfter(`d${index}`, index % 100);
    }
    let taken = 0;
    const worker = async () => {
      for (let key = await queue.take(never); key !== undefined; key = await queue.take(never)) {
        taken++;
        queue.done(key);
      }
    };
    const workers = Array.from({ length: 8 }, worker);
    await until(() => queue.depth === 0);
    clock.advance(100);
    await until(() => queue.depth === 0);
    queue.shutdown();
    await Promise.all(workers);

    expect(taken).toBe(20_000);
  });
});

async function settledSoon(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}
