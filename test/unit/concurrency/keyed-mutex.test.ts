import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { KeyedMutex } from '../../../src/concurrency/keyed-mutex.ts';

const signal = new AbortController().signal;

test('jobs of a key run one at a time in the order of asking; keys are independent and freed', async () => {
  const asked = fc.array(fc.record({ key: fc.constantFrom('a', 'b'), steps: fc.nat(2), fails: fc.boolean() }), {
    maxLength: 15,
  });
  await fc.assert(
    fc.asyncProperty(asked, async (jobs) => {
      const mutex = new KeyedMutex<string>();
      const inside = new Set<string>();
      const order: number[] = [];
      const results = jobs.map(({ key, steps, fails }, index) =>
        mutex.run(
          key,
          async () => {
            expect(inside.has(key)).toBe(false);
            inside.add(key);
            order.push(index);
            for (let step = 0; step < steps; step++) await new Promise(setImmediate);
            inside.delete(key);
            if (fails) throw new Error('fails');
          },
          signal,
        ),
      );
      const outcomes = await Promise.allSettled(results);
      expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(jobs.map(({ fails }) => fails));
      for (const key of ['a', 'b']) {
        const mine = jobs.flatMap((job, index) => (job.key === key ? [index] : []));
        expect(order.filter((index) => jobs[index]?.key === key)).toEqual(mine);
      }
      await new Promise(setImmediate);
      expect(mutex.size).toBe(0);
    }),
    { numRuns: 50 },
  );
});

test('an abort frees a waiting caller, and a running one while the key stays locked', async () => {
  const mutex = new KeyedMutex<string>();
  const { promise, resolve } = Promise.withResolvers<void>();
  const [running, waiting] = [new AbortController(), new AbortController()];
  const first = mutex.run('k', () => promise, running.signal);
  const second = mutex.run('k', async () => {}, waiting.signal);
  const ran: string[] = [];
  const last = mutex.run('k', async () => void ran.push('third'), signal);
  waiting.abort('second');
  running.abort('first');
  await expect(first).rejects.toBe('first');
  await expect(second).rejects.toBe('second');
  await new Promise(setImmediate);
  expect(ran).toEqual([]);
  resolve();
  await last;
  expect(ran).toEqual(['third']);
});

test('asking for a key that one holds already is an error instead of a deadlock', async () => {
  const mutex = new KeyedMutex<string>();
  const nested = mutex.run('a', () => mutex.run('b', () => mutex.run('a', async () => {}, signal), signal), signal);
  await expect(nested).rejects.toThrow('deadlock');
  await expect(mutex.run('a', async () => 1, signal)).resolves.toBe(1);
});

test('a job may leave work behind that asks for the key later', async () => {
  const mutex = new KeyedMutex<string>();
  const { promise, resolve } = Promise.withResolvers<void>();
  let leftover: Promise<string> | undefined;
  await mutex.run(
    'a',
    async () => {
      leftover = promise.then(() => mutex.run('a', async () => 'later', signal));
    },
    signal,
  );
  resolve();
  await expect(leftover).resolves.toBe('later');
});
