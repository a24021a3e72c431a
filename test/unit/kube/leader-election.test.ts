import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TransientError } from '../../../src/api/errors.ts';
import type { Clock } from '../../../src/kube/clock.ts';
import { LeaderElector } from '../../../src/kube/leader-election.ts';
import { LeaseServer } from './lease-server.ts';
import { FakeClock, never, settled } from './support.ts';

/** The clock of a process that can be stopped as by SIGSTOP: time goes on, timers wait. */
class ProcessClock implements Clock {
  readonly #clock: FakeClock;
  #stopped = false;
  #late: (() => void)[] = [];

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  now(): Date {
    return this.#clock.now();
  }

  setTimer(milliseconds: number, callback: () => void): () => void {
    let cancelled = false;
    const run = () => {
      if (cancelled) return;
      if (this.#stopped) this.#late.push(run);
      else callback();
    };
    const cancel = this.#clock.setTimer(milliseconds, run);
    return () => {
      cancelled = true;
      cancel();
    };
  }

  stop(): void {
    this.#stopped = true;
  }

  goOn(): void {
    this.#stopped = false;
    const late = this.#late;
    this.#late = [];
    for (const run of late) run();
  }
}

function make() {
  const clock = new FakeClock();
  const server = new LeaseServer(clock);
  const start = (identity: string) => {
    const processClock = new ProcessClock(clock);
    const client = server.connect();
    const stop = new AbortController();
    const told: boolean[] = [];
    const elector = new LeaderElector({
      client,
      namespace: 'veranda-system',
      name: 'veranda',
      identity,
      clock: processClock,
      monotonicNow: () => clock.now().getTime(),
      random: () => 0.5,
      onLeading: (leading) => told.push(leading),
    });
    const ended = elector.run(stop.signal).then(
      () => 'stopped',
      (error: unknown) => error,
    );
    return { elector, clock: processClock, client, stop, told, ended };
  };
  /** Time in small steps, in which everybody does what is due. */
  const pass = async (milliseconds: number, check = () => {}) => {
    for (let left = milliseconds; left > 0; left -= 500) {
      clock.advance(Math.min(left, 500));
      await settled();
      check();
    }
  };
  return { clock, server, start, pass };
}

describe('LeaderElector', () => {
  test('the first to come leads and renews; the second waits', async () => {
    const { server, start, pass } = make();
    const first = start('first');
    await settled();
    const second = start('second');
    await pass(60_000);

    expect([first.elector.isLeading(), second.elector.isLeading()]).toEqual([true, false]);
    expect(second.elector.leader).toBe('first');
    expect(server.lease?.spec).toMatchObject({
      holderIdentity: 'first',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
    });
    expect(server.lease?.spec.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(server.writes).toBeLessThanOrEqual(32);
    await first.elector.acquired(never);
  });

  test('a leader that stops gives the lease back: the next one need not wait for its end', async () => {
    const { server, start, pass } = make();
    const first = start('first');
    await settled();
    const second = start('second');
    await settled();

    first.stop.abort();
    expect(await first.ended).toBe('stopped');
    expect(first.elector.isLeading()).toBe(false);
    expect(first.elector.lost.aborted).toBe(false);
    expect(server.lease?.spec.holderIdentity).toBe('');
    await pass(3_000);

    expect(second.elector.isLeading()).toBe(true);
    expect(server.lease?.spec.leaseTransitions).toBe(1);
    expect(first.told).toEqual([true, false]);
  });

  test('one that stops while it waits takes nothing with it', async () => {
    const { server, start } = make();
    start('first');
    await settled();
    const second = start('second');
    await settled();
    const before = server.lease;

    second.stop.abort();

    expect(await second.ended).toBe('stopped');
    expect(server.lease).toBe(before);
    expect(second.told).toEqual([]);
  });

  test('a leader that was stopped for too long knows it at once, and does not come back', async () => {
    const { server, start, pass } = make();
    const first = start('first');
    await settled();
    const second = start('second');
    await settled();

    first.clock.stop();
    await pass(20_000);
    expect(second.elector.isLeading()).toBe(true);
    expect(first.elector.isLeading()).toBe(false);
    first.clock.goOn();
    expect(first.elector.isLeading()).toBe(false);
    const error = await first.ended;

    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ reason: 'LeadershipLost' });
    expect(first.elector.lost.reason).toBe(error);
    expect(server.lease?.spec.holderIdentity).toBe('second');
    expect(first.told).toEqual([true, false]);
  });

  test.each(['lost', 'deaf'] as const)(
    'with a network that is %s it stops before others may begin',
    async (network) => {
      const { clock, start, pass } = make();
      const first = start('first');
      await settled();
      const second = start('second');
      await pass(4_000);
      first.client.network = network;
      const cut = clock.now().getTime();
      const ends: number[] = [];
      await pass(60_000, () => {
        const since = clock.now().getTime() - cut;
        if (!first.elector.isLeading() && ends.length === 0) ends.push(since);
        if (second.elector.isLeading() && ends.length === 1) ends.push(since);
      });

      expect(await first.ended).toMatchObject({ reason: 'LeadershipLost' });
      expect(ends).toHaveLength(2);
      expect(ends[0]).toBeLessThanOrEqual(10_000);
      expect(ends[1]).toBeGreaterThan(ends[0] ?? 0);
      expect(ends[1]).toBeLessThanOrEqual(30_000);
    },
  );

  test('a short fault is no reason to stop', async () => {
    const { start, pass } = make();
    const first = start('first');
    await pass(4_000);
    for (const network of ['lost', 'good', 'deaf', 'good', 'slow', 'good'] as const) {
      first.client.network = network;
      await pass(5_000, () => expect(first.elector.isLeading()).toBe(true));
    }
  });

  test('a lease that somebody has deleted is made again', async () => {
    const { server, start, pass } = make();
    const first = start('first');
    await settled();

    server.lease = undefined;
    await pass(5_000, () => expect(first.elector.isLeading()).toBe(true));

    expect(server.lease).toMatchObject({ spec: { holderIdentity: 'first' } });
  });

  test('a lease that somebody has given to another is lost at the next renewal', async () => {
    const { server, start, pass } = make();
    const first = start('first');
    await settled();
    const lease = server.lease;
    if (lease) server.lease = { metadata: { resourceVersion: 'x' }, spec: { ...lease.spec, holderIdentity: 'other' } };
    await pass(2_500);

    expect(await first.ended).toMatchObject({ reason: 'LeadershipLost' });
    expect(first.elector.leader).toBe('other');
  });

  test.each([
    { leaseDurationMs: 10_000, renewDeadlineMs: 10_000 },
    { renewDeadlineMs: 2_000, retryPeriodMs: 2_000 },
  ])('refuses times that make two leaders: %j', (times) => {
    const client = new LeaseServer(new FakeClock()).connect();
    expect(() => new LeaderElector({ client, namespace: 'x', name: 'x', identity: 'x', ...times })).toThrow(RangeError);
  });

  test('never two at a time, whatever networks and processes do', async () => {
    const who = fc.nat(2);
    const step = fc.oneof(
      fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 500, max: 12_000 }) }),
      fc.record({
        do: fc.constant('network' as const),
        who,
        network: fc.constantFrom('good' as const, 'lost' as const, 'deaf' as const, 'slow' as const),
      }),
      fc.record({ do: fc.constantFrom('stop' as const, 'goOn' as const, 'end' as const, 'restart' as const), who }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
        const { start, pass } = make();
        const running = [start('a0'), start('b0'), start('c0')];
        const everybody = [...running];
        const check = () => {
          const leaders = everybody.filter(({ elector, clock }) => !clock.stopped && elector.isLeading());
          expect(leaders.length).toBeLessThanOrEqual(1);
        };
        for (const [index, action] of steps.entries()) {
          if (action.do === 'pass') {
            await pass(action.ms, check);
            continue;
          }
          const one = running[action.who];
          if (!one) continue;
          if (action.do === 'network') one.client.network = action.network;
          else if (action.do === 'stop') one.clock.stop();
          else if (action.do === 'goOn') one.clock.goOn();
          else if (action.do === 'end') one.stop.abort();
          else {
            one.clock.goOn();
            one.stop.abort();
            running[action.who] = start(`${'abc'[action.who]}${index + 1}`);
            everybody.push(running[action.who] ?? one);
          }
          check();
          await settled();
          check();
        }
        for (const { client, clock, stop } of everybody) {
          client.network = 'good';
          clock.goOn();
          if (!running.some((one) => one.clock === clock)) stop.abort();
        }
        await pass(40_000, check);
        const alive = running.filter(({ stop, elector }) => !stop.signal.aborted && !elector.lost.aborted);
        expect(alive.filter(({ elector }) => elector.isLeading()).length).toBe(Math.min(1, alive.length));
        for (const { stop } of everybody) stop.abort();
      }),
      { numRuns: 15 },
    );
  });
});
