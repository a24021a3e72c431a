import { describe, expect, test } from '@jest/globals';
import { TransientError } from '../../../../src/api/errors.ts';
import type { Pod } from '../../../../src/runtimes/pod/manifest.ts';
import { type Lease, PodPool } from '../../../../src/runtimes/pod/pool.ts';
import { DEFAULT_POD_SETTINGS, type PodSettings } from '../../../../src/runtimes/pod/settings.ts';
import { FakeClock, never } from '../../kube/support.ts';

/** A pool whose pods are moved by hand. */
function poolOf(settings: Partial<PodSettings> = {}, budget = { left: 100 }) {
  const clock = new FakeClock();
  const made: string[] = [];
  const removed: string[] = [];
  const pool = new PodPool({
    settings: { ...DEFAULT_POD_SETTINGS, ...settings },
    clock,
    startTimeoutMs: 60_000,
    scheduleTimeoutMs: 45_000,
    budget: {
      take: () => budget.left > 0 && budget.left-- > 0,
      release: () => {
        budget.left += 1;
      },
    },
    factory: {
      create: () => {
        const name = `p${made.length + 1}`;
        made.push(name);
        return { name, created: Promise.resolve() };
      },
      remove: (name) => removed.push(name),
    },
  });
  return { pool, clock, made, removed, budget };
}

function pod(name: string, status: Pod['status'], metadata: Partial<Pod['metadata']> = {}): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'fns', ...metadata }, status };
}

const running = (name: string) =>
  pod(name, { phase: 'Running', containerStatuses: [{ name: 'function', state: { running: {} } }] });
const waiting = (name: string, reason: string, message: string) =>
  pod(name, { phase: 'Pending', containerStatuses: [{ name: 'function', state: { waiting: { reason, message } } }] });
const ended = (name: string, exitCode: number, reason = 'Completed') =>
  pod(name, {
    phase: 'Failed',
    containerStatuses: [{ name: 'function', state: { terminated: { exitCode, reason } } }],
  });

/** What a promise came to, as far as it has by now. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  return await Promise.race([
    promise.then(
      (value) => value,
      (error: unknown) => error,
    ),
    new Promise((resolve) => setImmediate(() => resolve('open'))),
  ]);
}

describe('a pool of pods', () => {
  test('makes the first pod for the first evaluation and gives its place once it runs', async () => {
    const { pool, made } = poolOf();
    const lease = pool.acquire(never);
    expect(made).toEqual(['p1']);
    expect(await stateOf(lease)).toBe('open');
    pool.observe('p1', running('p1'));
    expect(await lease).toMatchObject({ pod: 'p1' });
  });

  test('an idle pod is used again without any call', async () => {
    const { pool, made } = poolOf();
    const first = pool.acquire(never);
    pool.observe('p1', running('p1'));
    (await first)?.release(false);
    expect(await pool.acquire(never)).toMatchObject({ pod: 'p1' });
    expect(made).toEqual(['p1']);
  });

  test('grows to its maximum as more wait than the others may keep waiting, and no further', async () => {
    const { pool, made } = poolOf({ maxPods: 3, parallel: 1, queueLength: 1 });
    const all = Array.from({ length: 20 }, () => pool.acquire(never));
    expect(made).toEqual(['p1', 'p2', 'p3']);
    for (const name of made) pool.observe(name, running(name));
    expect(await Promise.all(all.slice(0, 3))).toHaveLength(3);
    expect(pool.waiting).toBe(17);
  });

  test('fifty evaluations on two pods all end, in the order in which they came', async () => {
    const { pool, made } = poolOf({ maxPods: 2, parallel: 1, queueLength: 1 });
    const order: number[] = [];
    const leases: Lease[] = [];
    const all = Array.from({ length: 50 }, async (_, at) => {
      const lease = await pool.acquire(never);
      order.push(at);
      if (lease) leases.push(lease);
    });
    for (const name of made) pool.observe(name, running(name));
    while (order.length < 50) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const lease of leases.splice(0)) lease.release(false);
    }
    await Promise.all(all);
    expect(order).toEqual(Array.from({ length: 50 }, (_, at) => at));
  });

  test('an evaluation that is given up leaves its place to the next', async () => {
    const { pool } = poolOf({ parallel: 1, maxPods: 1 });
    const given = new AbortController();
    const first = pool.acquire(given.signal);
    const second = pool.acquire(never);
    given.abort(new Error('no longer'));
    await expect(first).rejects.toThrow('no longer');
    pool.observe('p1', running('p1'));
    expect(await second).toMatchObject({ pod: 'p1' });
  });

  test('a broken pod goes, and the next evaluation gets a new one', async () => {
    const { pool, made, removed } = poolOf();
    const first = pool.acquire(never);
    pool.observe('p1', running('p1'));
    (await first)?.release(true);
    expect(removed).toEqual(['p1']);
    void pool.acquire(never);
    expect(made).toEqual(['p1', 'p2']);
  });

  test.each([
    ['ErrImagePull', 'manifest unknown', 'ImagePull'],
    ['ImagePullBackOff', 'authentication required', 'ImagePull'],
    ['RunContainerError', 'exec: no such file', 'CrashLoop'],
  ])('X-01: %s fails at once with what was said, and the pod is removed', async (waits, said, reason) => {
    const { pool, removed, clock, made } = poolOf();
    const lease = pool.acquire(never);
    pool.observe('p1', waiting('p1', waits, said));
    await expect(lease).rejects.toMatchObject({ reason, retry: 'backoff', message: expect.stringContaining(said) });
    expect(removed).toEqual(['p1']);
    // The next try gets another pod, but not at once.
    await expect(pool.acquire(never)).rejects.toMatchObject({ reason });
    clock.advance(2_001);
    void pool.acquire(never);
    expect(made).toEqual(['p1', 'p2']);
  });

  test('X-06: after an image that could not be pulled, a pod of another name takes the evaluation', async () => {
    const { pool, clock, made } = poolOf();
    const first = pool.acquire(never);
    pool.observe('p1', waiting('p1', 'ErrImagePull', 'connection refused'));
    await expect(first).rejects.toMatchObject({ reason: 'ImagePull' });
    clock.advance(2_001);
    const second = pool.acquire(never);
    // Late news of the pod that was given up are no news of the next one.
    pool.observe('p1', waiting('p1', 'ImagePullBackOff', 'Back-off pulling image'));
    expect(await stateOf(second)).toBe('open');
    pool.observe('p2', running('p2'));
    expect(await second).toMatchObject({ pod: 'p2' });
    expect(made).toEqual(['p1', 'p2']);
  });

  test('a pod that cannot start harms nobody while another one is there', async () => {
    const { pool } = poolOf({ maxPods: 2, parallel: 1, queueLength: 0 });
    const [first, second] = [pool.acquire(never), pool.acquire(never)];
    pool.observe('p1', running('p1'));
    pool.observe('p2', waiting('p2', 'ErrImagePull', 'no'));
    (await first)?.release(false);
    expect(await second).toMatchObject({ pod: 'p1' });
  });

  test('a pod that no node takes is Unschedulable after the time that an autoscaler may need', async () => {
    const { pool, clock } = poolOf();
    const lease = pool.acquire(never);
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }];
    pool.observe('p1', pod('p1', { phase: 'Pending', conditions }));
    clock.advance(44_000);
    expect(await stateOf(lease)).toBe('open');
    clock.advance(1_001);
    await expect(lease).rejects.toMatchObject({
      reason: 'Unschedulable',
      message: expect.stringContaining('0/1 nodes'),
    });
  });

  test('a pod that never starts is given up with what it waits for', async () => {
    const { pool, clock } = poolOf();
    const lease = pool.acquire(never);
    pool.observe('p1', waiting('p1', 'ContainerCreating', ''));
    clock.advance(60_001);
    await expect(lease).rejects.toMatchObject({
      reason: 'PodNotStarted',
      message: expect.stringContaining('ContainerCreating'),
    });
  });

  test('a pod that the API server refuses is the fault of those who wait for it', async () => {
    const clock = new FakeClock();
    const refusal = new TransientError('PodForbidden', 'exceeded quota');
    const pool = new PodPool({
      settings: DEFAULT_POD_SETTINGS,
      clock,
      startTimeoutMs: 1,
      scheduleTimeoutMs: 1,
      budget: { take: () => true, release: () => undefined },
      factory: { create: () => ({ name: 'p1', created: Promise.reject(refusal) }), remove: () => undefined },
    });
    await expect(pool.acquire(never)).rejects.toBe(refusal);
  });

  test('a program that ends without reading leaves no pool: everybody is told', async () => {
    const { pool } = poolOf();
    const all = [pool.acquire(never), pool.acquire(never)];
    pool.observe('p1', ended('p1', 0));
    expect(await Promise.all(all)).toEqual([undefined, undefined]);
    expect(await pool.acquire(never)).toBeUndefined();
    expect(pool.size).toBe(0);
  });

  test('a pod that ends after it was used is replaced', async () => {
    const { pool, made } = poolOf({ maxPods: 1, parallel: 1 });
    const first = pool.acquire(never);
    pool.observe('p1', running('p1'));
    (await first)?.release(false);
    await pool.acquire(never);
    const third = pool.acquire(never);
    pool.observe('p1', ended('p1', 1, 'Error'));
    expect(made).toEqual(['p1', 'p2']);
    pool.observe('p2', running('p2'));
    expect(await third).toMatchObject({ pod: 'p2' });
  });

  test('X-03: a pod that somebody deletes is replaced for those who wait', async () => {
    const { pool, made, removed } = poolOf({ maxPods: 1, parallel: 1 });
    void pool.acquire(never);
    const second = pool.acquire(never);
    pool.observe('p1', running('p1'));
    pool.observe('p1', undefined);
    pool.observe('p2', running('p2'));
    expect(made).toEqual(['p1', 'p2']);
    expect(removed).toEqual([]);
    expect(await second).toMatchObject({ pod: 'p2' });
  });

  test('X-04: keeps its minimum warm, and lets what is above it go after its time', async () => {
    const { pool, made, removed, clock } = poolOf({
      minPods: 1,
      maxPods: 3,
      parallel: 1,
      queueLength: 0,
      idleTtlMs: 60_000,
    });
    pool.warmUp();
    expect(made).toEqual(['p1']);
    const leases = [pool.acquire(never), pool.acquire(never), pool.acquire(never)];
    for (const name of ['p1', 'p2', 'p3']) pool.observe(name, running(name));
    for (const lease of await Promise.all(leases)) lease?.release(false);
    clock.advance(30_000);
    pool.sweep();
    expect(removed).toEqual([]);
    clock.advance(31_000);
    pool.sweep();
    expect(removed).toHaveLength(2);
    expect(pool.size).toBe(1);
  });

  test('no pod is made without room, and an idle one is given up for another pool', async () => {
    const budget = { left: 1 };
    const { pool, made } = poolOf({ parallel: 1 }, budget);
    const first = pool.acquire(never);
    void pool.acquire(never);
    expect(made).toEqual(['p1']);
    pool.observe('p1', running('p1'));
    await first;
    expect(pool.giveUpIdle()).toBe(false);
    const other = poolOf({}, budget);
    void other.pool.acquire(never);
    expect(other.made).toEqual([]);
  });

  test('a pool that is retired keeps nothing warm, serves who waits, and goes as its evaluations end', async () => {
    const { pool, made, removed } = poolOf({ minPods: 1, maxPods: 1, parallel: 1 });
    const first = pool.acquire(never);
    const second = pool.acquire(never);
    pool.observe('p1', running('p1'));
    pool.retire();
    expect(removed).toEqual([]);
    (await first)?.release(false);
    expect(removed).toEqual([]);
    (await second)?.release(false);
    expect(removed).toEqual(['p1']);
    pool.warmUp();
    expect(made).toEqual(['p1']);
    expect(pool.isSpent).toBe(true);
  });

  test('who waits in a retired pool whose pod breaks gets another one', async () => {
    const { pool, made, removed } = poolOf({ maxPods: 1, parallel: 1 });
    const first = pool.acquire(never);
    const second = pool.acquire(never);
    pool.observe('p1', running('p1'));
    pool.retire();
    (await first)?.release(true);
    expect(made).toEqual(['p1', 'p2']);
    pool.observe('p2', running('p2'));
    (await second)?.release(false);
    expect(removed).toEqual(['p1', 'p2']);
  });

  test('what a pool has learnt of its program is kept as long as a pod without work would be', async () => {
    const { pool, clock } = poolOf({ idleTtlMs: 60_000 });
    expect(pool.isSpent).toBe(true);
    const told = pool.acquire(never);
    expect(pool.isSpent).toBe(false);
    pool.observe('p1', ended('p1', 0));
    expect(await told).toBeUndefined();
    clock.advance(59_000);
    expect(pool.isSpent).toBe(false);
    await pool.acquire(never);
    clock.advance(59_000);
    expect(pool.isSpent).toBe(false);
    clock.advance(1_000);
    expect(pool.isSpent).toBe(true);
  });

  test('a pool whose pod could not start is kept until another one may be tried', () => {
    const { pool, clock } = poolOf();
    pool.acquire(never).catch(() => undefined);
    pool.observe('p1', waiting('p1', 'ErrImagePull', 'not found'));
    expect(pool.size).toBe(0);
    expect(pool.isSpent).toBe(false);
    clock.advance(2_000);
    expect(pool.isSpent).toBe(true);
  });
});
