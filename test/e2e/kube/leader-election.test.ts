import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { type Clock, systemClock } from '../../../src/kube/clock.ts';
import { LeaderElector } from '../../../src/kube/leader-election.ts';
import { sharedCluster } from '../../env/cluster/shared.ts';
import { never } from '../../unit/kube/support.ts';
import { connect, eventually, makeNamespace } from './support.ts';

/** Short, so that a test takes seconds; in the proportions of the defaults. */
const TIMES = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 400 };

let client: HttpApiClient;

beforeAll(async () => {
  client = await connect((await sharedCluster()).kubeconfig);
});

afterAll(async () => {
  await client.close();
});

/** A clock whose timers can be held back, as a process that is stopped. */
function stoppableClock() {
  let stopped = false;
  let late: (() => void)[] = [];
  const clock: Clock = {
    now: () => new Date(),
    setTimer: (milliseconds, callback) =>
      systemClock.setTimer(milliseconds, () => {
        if (stopped) late.push(callback);
        else callback();
      }),
  };
  const goOn = () => {
    stopped = false;
    const callbacks = late;
    late = [];
    for (const callback of callbacks) callback();
  };
  return {
    clock,
    stop: () => {
      stopped = true;
    },
    goOn,
  };
}

async function make() {
  const namespace = await makeNamespace(client);
  const stops: AbortController[] = [];
  const start = (identity: string, clock: Clock = systemClock) => {
    const stop = new AbortController();
    stops.push(stop);
    const elector = new LeaderElector({ client, namespace, name: 'veranda', identity, clock, ...TIMES });
    const ended = elector.run(stop.signal).then(
      () => 'stopped',
      (error: unknown) => error,
    );
    return { elector, stop, ended };
  };
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/veranda`;
  const lease = () => client.json<{ spec: object }>({ method: 'GET', path });
  const stopAll = () => {
    for (const stop of stops) stop.abort();
  };
  return { start, lease, stopAll };
}

describe('leader election on a real API server', () => {
  test('one leads; when it stops, the other leads at once', async () => {
    const { start, lease, stopAll } = await make();
    const one = start('one');
    await one.elector.acquired(never);
    const two = start('two');
    await eventually('two has seen the leader', () => two.elector.leader === 'one');
    expect([one.elector.isLeading(), two.elector.isLeading()]).toEqual([true, false]);
    expect(await lease()).toMatchObject({
      spec: { holderIdentity: 'one', leaseDurationSeconds: 3, leaseTransitions: 0 },
    });

    one.stop.abort();
    expect(await one.ended).toBe('stopped');
    const given = performance.now();
    await two.elector.acquired(never);

    expect(performance.now() - given).toBeLessThan(TIMES.leaseDurationMs);
    expect(await lease()).toMatchObject({ spec: { holderIdentity: 'two', leaseTransitions: 1 } });
    stopAll();
    await two.ended;
  });

  test('a leader that stands still is followed by the other, and knows it when it goes on', async () => {
    const { start, lease, stopAll } = await make();
    const process = stoppableClock();
    const one = start('one', process.clock);
    await one.elector.acquired(never);
    const two = start('two');
    process.stop();

    await eventually('two leads', () => {
      expect(one.elector.isLeading() && two.elector.isLeading()).toBe(false);
      return two.elector.isLeading();
    });
    expect(one.elector.isLeading()).toBe(false);
    process.goOn();

    expect(await one.ended).toMatchObject({ reason: 'LeadershipLost' });
    expect(one.elector.lost.aborted).toBe(true);
    expect(await lease()).toMatchObject({ spec: { holderIdentity: 'two' } });
    stopAll();
    await two.ended;
  });

  test('of many that start at once, one leads', async () => {
    const { start, stopAll } = await make();
    const electors = Array.from({ length: 8 }, (_, index) => start(`e${index}`));
    await Promise.race(electors.map(({ elector }) => elector.acquired(never)));
    await eventually('all have seen the leader', () => electors.every(({ elector }) => elector.leader !== undefined));

    expect(electors.filter(({ elector }) => elector.isLeading())).toHaveLength(1);
    expect(new Set(electors.map(({ elector }) => elector.leader)).size).toBe(1);
    stopAll();
    await Promise.all(electors.map(({ ended }) => ended));
  });
});
