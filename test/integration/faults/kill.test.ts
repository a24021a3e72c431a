import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Kill, METHODS } from './fault.ts';
import { CHANGE, CREATE, PACKAGES, RETIRE, type Stage } from './stages.ts';
import { World, Worlds } from './world.ts';

/**
 * Without strays there are none to drop; push.test.ts makes them. A process that has just listed the remote has read every commit
 * that it asks for: reads only, so nothing is lost by it.
 */
const UNCALLED = ['repository.dropStrays', 'store.has'];

/** `VERANDA_FAULTS=all` takes some twenty minutes. */
const EVERY_CALL = process.env.VERANDA_FAULTS === 'all';

const SIDES = ['before', 'after'] as const;

// Many processes a test: the machine may be busy.
jest.setTimeout(180_000);

let worlds: Worlds;

beforeAll(async () => {
  worlds = await Worlds.create(3, () => World.create(PACKAGES, 'local'));
  await Promise.all(worlds.all.map((world) => world.prepare([CREATE, RETIRE, CHANGE])));
});

afterAll(() => worlds.close());

/** Calls of a method in each stage that is disturbed, as the runs without faults made them. */
function callsOf(method: string): { readonly stage: Stage; readonly count: number }[] {
  return [CREATE, CHANGE].map((stage) => {
    const counts = worlds.all.map((world) => world.reference(stage).counts[method] ?? 0);
    return { stage, count: Math.min(...counts) };
  });
}

/** Which calls to disturb: the first in each stage and one in the middle of the longer one; all of them if the environment says so. */
function killsOf(method: string, side: Kill['side']): { readonly stage: Stage; readonly kill: Kill }[] {
  const calls = callsOf(method);
  const longest = calls.reduce((best, next) => (next.count > best.count ? next : best));
  return calls.flatMap(({ stage, count }) => {
    const every = Array.from({ length: count }, (_, index) => index + 1);
    const middle = stage === longest.stage ? Math.floor(count / 2) + 1 : 1;
    const chosen = every.filter((occurrence) => occurrence === 1 || occurrence === middle);
    return (EVERY_CALL ? every : chosen).map((occurrence) => ({ stage, kill: { method, occurrence, side } }));
  });
}

describe('the process is killed at a call between the controllers and git', () => {
  test('the scenario calls every method of the ports but those that it cannot', () => {
    const uncalled = METHODS.filter((method) => callsOf(method).every(({ count }) => count === 0));
    expect(uncalled).toEqual(UNCALLED);
  });

  const cases = METHODS.filter((method) => !UNCALLED.includes(method)).flatMap((method) =>
    SIDES.map((side) => ({ method, side })),
  );
  test.each(cases)('$side $method: the next process ends where one without faults does', async ({ method, side }) => {
    let killed = 0;
    await worlds.each(killsOf(method, side), async (world, { stage, kill }) => {
      await world.begin(stage);
      const { signal } = await world.start(kill).ended;
      if (signal === 'SIGKILL') killed += 1;
      await world.expectRecovery(stage, kill);
    });
    expect(killed).toBeGreaterThan(0);
  });
});
