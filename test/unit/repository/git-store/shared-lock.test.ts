import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SharedLock } from '../../../../src/repository/git/store/shared-lock.ts';

describe('the shared lock', () => {
  test('never lets an exclusive section run beside another one, whatever the schedule', async () => {
    const kinds = fc.array(fc.constantFrom('shared', 'exclusive'), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), kinds, async (scheduler, sections) => {
        const lock = new SharedLock();
        const inside = { shared: 0, exclusive: 0 };
        const runs = sections.map((kind) =>
          lock[kind](async () => {
            inside[kind] += 1;
            expect(inside.exclusive).toBeLessThanOrEqual(1);
            expect(inside.exclusive === 1 && inside.shared > 0).toBe(false);
            await scheduler.schedule(Promise.resolve());
            inside[kind] -= 1;
            return kind;
          }),
        );
        const all = Promise.all(runs);
        await scheduler.waitFor(all);
        expect(await all).toEqual(sections);
      }),
      { numRuns: 100 },
    );
  });

  test('a section that fails frees it', async () => {
    const lock = new SharedLock();
    await expect(lock.exclusive(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(lock.shared(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await lock.exclusive(async () => 'in')).toBe('in');
  });

  test('shared sections run beside each other', async () => {
    const lock = new SharedLock();
    let both = () => {};
    const second = new Promise<void>((resolve) => {
      both = resolve;
    });
    await Promise.all([lock.shared(() => second), lock.shared(async () => both())]);
  });
});
