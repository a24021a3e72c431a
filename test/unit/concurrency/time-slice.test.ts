import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { TimeSlice } from '../../../src/concurrency/time-slice.ts';

function workFor(milliseconds: number): void {
  const began = performance.now();
  while (performance.now() - began < milliseconds);
}

test('however many have work to do, each turn of the event loop sees a slice of it', async () => {
  const slice = new TimeSlice(4);
  let done = 0;
  const workers = Array.from({ length: 50 }, async () => {
    for (let piece = 0; piece < 4; piece++) {
      while (slice.isUsedUp) await slice.nextTurn();
      workFor(1);
      done += 1;
    }
  });
  let ended = false;
  const all = Promise.all(workers).then(() => {
    ended = true;
  });
  const atTurns: number[] = [];
  while (!ended) {
    await setImmediate();
    atTurns.push(done);
  }
  await all;
  expect(done).toBe(200);
  // A piece of at least 1 ms is begun within 4 ms: at most five of them, and two slices may lie between two looks.
  const most = Math.max(...atTurns.map((count, index) => count - (atTurns[index - 1] ?? 0)));
  expect(most).toBeLessThanOrEqual(10);
});

test('a slice begins with the turn, and is used up by whatever happens in it', async () => {
  const slice = new TimeSlice(1000);
  expect(slice.isUsedUp).toBe(true);
  await Promise.all([slice.nextTurn(), slice.nextTurn()]);
  expect(slice.isUsedUp).toBe(false);
  const short = new TimeSlice(1);
  await short.nextTurn();
  workFor(2);
  expect(short.isUsedUp).toBe(true);
});
