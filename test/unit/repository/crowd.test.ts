import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Crowd } from '../../../src/repository/git/crowd.ts';

/** Whether it had ended after the callers of this turn of the event loop had theirs. */
async function endsAtOnce(gathering: Promise<void>): Promise<boolean> {
  const pending = Symbol('pending');
  return (await Promise.race([gathering, setTimeout(0, pending)])) !== pending;
}

test('who is alone waits for nobody', async () => {
  const crowd = new Crowd();
  crowd.comes(false);
  expect(await endsAtOnce(crowd.gather(() => 1))).toBe(true);
});

test('of many, the first waits until nobody follows', async () => {
  const crowd = new Crowd();
  crowd.comes(false);
  crowd.comes(true);
  let waiting = 1;
  const gathering = crowd.gather(() => waiting);
  expect(await endsAtOnce(gathering)).toBe(false);
  crowd.comes(true);
  waiting += 1;
  await gathering;
  expect(waiting).toBe(2);
});

test.each([
  ['that is large enough', 24],
  ['of which all have left', 0],
])('a crowd %s waits no longer', async (_which, waiting) => {
  const crowd = new Crowd();
  crowd.comes(true);
  expect(await endsAtOnce(crowd.gather(() => waiting))).toBe(true);
});
