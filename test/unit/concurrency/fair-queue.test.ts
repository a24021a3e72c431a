import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FairQueue } from '../../../src/concurrency/fair-queue.ts';

const signal = new AbortController().signal;

/** A job that ends when told to. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { job: () => promise, open: resolve };
}

describe('FairQueue', () => {
  test('gives back what the job gives or throws', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const error = new Error('job');
    await expect(queue.run('a', async () => 7, { signal })).resolves.toBe(7);
    await expect(queue.run('a', () => Promise.reject(error), { signal })).rejects.toBe(error);
    await expect(
      queue.run(
        'a',
        () => {
          throw error;
        },
        { signal },
      ),
    ).rejects.toBe(error);
    await expect(queue.run('a', async () => 8, { signal })).resolves.toBe(8);
  });

  test('never runs more than the limits allow, runs every job once, leaves nothing behind', async () => {
    const job = fc.record({
      lane: fc.constantFrom('a', 'b', 'c'),
      steps: fc.nat(3),
      fails: fc.boolean(),
      abort: fc.constantFrom('never', 'at once', 'later'),
      priority: fc.nat(2),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(job, { maxLength: 30 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        async (jobs, total, perLane) => {
          const queue = new FairQueue({ total, perLane });
          const running = new Map<string, number>();
          const starts = jobs.map(() => 0);
          const controllers = jobs.map(() => new AbortController());
          const results = jobs.map(({ lane, steps, fails, priority }, index) => {
            const work = async () => {
              starts[index] = (starts[index] ?? 0) + 1;
              running.set(lane, (running.get(lane) ?? 0) + 1);
              expect(running.get(lane)).toBeLessThanOrEqual(perLane);
              expect([...running.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(total);
              for (let step = 0; step < steps; step++) await new Promise(setImmediate);
              running.set(lane, (running.get(lane) ?? 0) - 1);
              if (fails) throw new Error('fails');
              return index;
            };
            return queue.run(lane, work, { signal: (controllers[index] as AbortController).signal, priority });
          });
          const settled = Promise.allSettled(results);
          for (const [index, { abort }] of jobs.entries()) if (abort === 'at once') controllers[index]?.abort('stop');
          await new Promise(setImmediate);
          for (const [index, { abort }] of jobs.entries()) if (abort === 'later') controllers[index]?.abort('stop');
          for (const [index, outcome] of (await settled).entries()) {
            const { fails, abort } = jobs[index] as (typeof jobs)[number];
            if (outcome.status === 'fulfilled') expect([fails, outcome.value]).toEqual([false, index]);
            else if (outcome.reason === 'stop') expect(abort).not.toBe('never');
            else expect([fails, (outcome.reason as Error).message]).toEqual([true, 'fails']);
            if (abort === 'never') expect(starts[index]).toBe(1);
            else expect(starts[index]).toBeLessThanOrEqual(1);
          }
          await queue.drain(signal);
          expect([queue.running, queue.waiting, queue.lanes]).toEqual([0, 0, 0]);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('a lane with 10,000 jobs does not starve one with a single job', async () => {
    const queue = new FairQueue({ total: 2, perLane: 2, backlogPerLane: 10_000 });
    let done = 0;
    const many = Array.from({ length: 10_000 }, () =>
      queue.run(
        'busy',
        async () => {
          await Promise.resolve();
          done++;
        },
        { signal },
      ),
    );
    const before = await queue.run('quiet', async () => done, { signal });
    expect(before).toBeLessThanOrEqual(4);
    await Promise.all(many);
    expect(done).toBe(10_000);
  });

  test('lanes take turns', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const order: string[] = [];
    const jobs = ['a', 'a', 'a', 'b', 'b', 'c'].map((lane) =>
      queue.run(lane, async () => void order.push(lane), { signal }),
    );
    await Promise.all(jobs);
    expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'a']);
  });

  test('a full lane leaves the other places to others', async () => {
    const queue = new FairQueue({ total: 2, perLane: 1 });
    const stuck = gate();
    const jobs = [queue.run('a', stuck.job, { signal }), queue.run('a', async () => {}, { signal })];
    await queue.run('b', async () => {}, { signal });
    expect(queue.waiting).toBe(1);
    stuck.open();
    await Promise.all(jobs);
  });

  test('a higher priority goes first inside its lane', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const order: number[] = [];
    const stuck = gate();
    const jobs = [queue.run('a', stuck.job, { signal })];
    for (const priority of [0, 5, 1, 5]) {
      jobs.push(queue.run('a', async () => void order.push(priority), { signal, priority }));
    }
    stuck.open();
    await Promise.all(jobs);
    expect(order).toEqual([5, 5, 1, 0]);
  });

  test('a full backlog is an error for its lane only', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1, backlogPerLane: 1 });
    const stuck = gate();
    const jobs = [queue.run('a', stuck.job, { signal }), queue.run('a', async () => {}, { signal })];
    await expect(queue.run('a', async () => {}, { signal })).rejects.toMatchObject({
      reason: 'QueueFull',
      retry: 'backoff',
    });
    jobs.push(queue.run('b', async () => {}, { signal }));
    stuck.open();
    await Promise.all(jobs);
  });

  test('an abort takes a waiting job out', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const stuck = gate();
    const first = queue.run('a', stuck.job, { signal });
    const controller = new AbortController();
    const ran: string[] = [];
    const waiting = queue.run('a', async () => void ran.push('waiting'), { signal: controller.signal });
    controller.abort('stop');
    await expect(waiting).rejects.toBe('stop');
    expect(queue.waiting).toBe(0);
    stuck.open();
    await first;
    await queue.drain(signal);
    expect(ran).toEqual([]);
  });

  test('an abort frees the caller of a running job at once and its place when it ends', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const stuck = gate();
    const controller = new AbortController();
    let seen: AbortSignal | undefined;
    const running = queue.run(
      'a',
      (inner) => {
        seen = inner;
        return stuck.job();
      },
      { signal: controller.signal },
    );
    controller.abort('stop');
    await expect(running).rejects.toBe('stop');
    expect([seen?.aborted, queue.running]).toEqual([true, 1]);
    const ran: string[] = [];
    const after = queue.run('a', async () => void ran.push('next'), { signal });
    await new Promise(setImmediate);
    expect(ran).toEqual([]);
    stuck.open();
    await after;
  });

  test('an aborted signal is refused before anything is queued', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    await expect(queue.run('a', async () => {}, { signal: AbortSignal.abort('stop') })).rejects.toBe('stop');
    expect(queue.lanes).toBe(0);
  });

  test('drain refuses new jobs and waits for the ones it has', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const stuck = gate();
    const done: string[] = [];
    void queue.run('a', stuck.job, { signal }).then(() => done.push('running'));
    void queue.run('b', async () => {}, { signal }).then(() => done.push('waiting'));
    const drained = queue.drain(signal).then(() => done.push('drained'));
    await expect(queue.run('a', async () => {}, { signal })).rejects.toMatchObject({ reason: 'QueueClosed' });
    await expect(queue.drain(AbortSignal.abort('late'))).rejects.toBe('late');
    stuck.open();
    await drained;
    expect(done).toEqual(['running', 'waiting', 'drained']);
  });
});

describe('a job that runs jobs in its own queue', () => {
  test('does not stand still, whatever the depth and the lanes', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const nest = async (depth: number): Promise<number> =>
      depth === 0 ? 0 : 1 + (await queue.run(`lane-${depth % 2}`, () => nest(depth - 1), { signal }));
    await expect(nest(10)).resolves.toBe(10);
  });

  test('runs them one after another in its own place', async () => {
    const queue = new FairQueue({ total: 2, perLane: 2 });
    let inside = 0;
    let most = 0;
    const child = async () => {
      most = Math.max(most, ++inside);
      await new Promise(setImmediate);
      inside--;
    };
    await queue.run('a', () => Promise.all([1, 2, 3].map(() => queue.run('b', child, { signal }))), { signal });
    expect(most).toBe(1);
  });

  test('keeps its place until they have ended', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const stuck = gate();
    const order: string[] = [];
    const parent = queue.run(
      'a',
      async () => {
        void queue.run('a', stuck.job, { signal }).then(() => order.push('child'));
      },
      { signal },
    );
    const other = queue.run('a', async () => void order.push('other'), { signal });
    await new Promise(setImmediate);
    expect(order).toEqual([]);
    stuck.open();
    await Promise.all([parent, other]);
    expect(order).toEqual(['child', 'other']);
  });

  test('frees the caller of a child that is aborted while it waits', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const controller = new AbortController();
    const stuck = gate();
    const parent = queue.run(
      'a',
      async () => {
        const first = queue.run('a', stuck.job, { signal });
        const second = queue.run('a', async () => {}, { signal: controller.signal });
        controller.abort('stop');
        await expect(second).rejects.toBe('stop');
        stuck.open();
        await first;
      },
      { signal },
    );
    await parent;
  });

  test('what it leaves behind is queued like anything else once it has ended', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const later = gate();
    let leftover: Promise<number> | undefined;
    await queue.run(
      'a',
      async () => {
        leftover = later.job().then(() => queue.run('a', async () => queue.running, { signal }));
      },
      { signal },
    );
    const stuck = gate();
    const blocker = queue.run('a', stuck.job, { signal });
    later.open();
    await new Promise(setImmediate);
    expect(queue.waiting).toBe(1);
    stuck.open();
    await blocker;
    await expect(leftover).resolves.toBe(1);
  });
});

describe('a job that leaves its place while it waits', () => {
  test('gives it to others meanwhile and has one again afterwards', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const remote = gate();
    const order: string[] = [];
    const leaving = queue.runWithPlace(
      'a',
      async (place) => {
        await place.outside(remote.job);
        order.push(`back with ${queue.running}`);
      },
      { signal },
    );
    const stuck = gate();
    await queue.run('b', async () => void order.push('other'), { signal });
    const blocker = queue.run('b', stuck.job, { signal });
    remote.open();
    await new Promise(setImmediate);
    expect(order).toEqual(['other']);
    stuck.open();
    await Promise.all([leaving, blocker]);
    await queue.drain(signal);
    expect(order).toEqual(['other', 'back with 1']);
    expect([queue.running, queue.waiting, queue.lanes]).toEqual([0, 0, 0]);
  });

  test('may wait for several things at once, and fail while it does', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const slow = gate();
    let waited: Promise<void> | undefined;
    const failing = queue.runWithPlace(
      'a',
      async (place) => {
        waited = place.outside(slow.job);
        await Promise.all([waited, place.outside(() => Promise.reject(new Error('remote')))]);
      },
      { signal },
    );
    await expect(failing).rejects.toThrow('remote');
    slow.open();
    await waited;
    await queue.drain(signal);
    expect([queue.running, queue.waiting, queue.lanes]).toEqual([0, 0, 0]);
  });

  test('is taken out by its signal while it waits for a place, at first or again', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const [first, second] = [new AbortController(), new AbortController()];
    const [remote, stuck] = [gate(), gate()];
    const leaving = queue.runWithPlace('a', (place) => place.outside(remote.job), { signal: first.signal });
    await new Promise(setImmediate);
    const blocker = queue.run('b', stuck.job, { signal });
    const waiting = queue.runWithPlace('c', async () => undefined, { signal: second.signal });
    remote.open();
    await new Promise(setImmediate);
    expect(queue.waiting).toBe(2);
    first.abort('stop');
    second.abort('stop');
    await expect(leaving).rejects.toBe('stop');
    await expect(waiting).rejects.toBe('stop');
    stuck.open();
    await blocker;
    await queue.drain(signal);
    expect([queue.running, queue.waiting, queue.lanes]).toEqual([0, 0, 0]);
  });

  test('does not stand still when it runs jobs of its own queue, to any depth', async () => {
    const queue = new FairQueue({ total: 1, perLane: 1 });
    const nest = (depth: number): Promise<number> =>
      queue.runWithPlace(
        `lane-${depth % 2}`,
        async (place) => {
          await place.outside(async () => undefined);
          return depth === 0 ? 0 : 1 + (await nest(depth - 1));
        },
        { signal },
      );
    await expect(nest(10)).resolves.toBe(10);
    await queue.drain(signal);
    expect([queue.running, queue.waiting, queue.lanes]).toEqual([0, 0, 0]);
  });
});
