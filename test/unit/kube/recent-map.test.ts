import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RecentMap } from '../../../src/kube/recent-map.ts';

describe('a map of the keys that were set last', () => {
  test('holds them and no others, whatever is set', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 8 }), fc.nat())), fc.integer({ min: 1, max: 5 }), (writes, max) => {
        const map = new RecentMap<number, number>(max);
        for (const [key, value] of writes) map.set(key, value);
        const recent = [...new Set(writes.map(([key]) => key).reverse())].slice(0, max);
        expect(map.size).toBe(recent.length);
        for (let key = 0; key <= 8; key += 1) {
          const last = writes.findLast(([other]) => other === key)?.[1];
          expect(map.get(key)).toBe(recent.includes(key) ? last : undefined);
        }
      }),
    );
  });

  test('gives up what is not wanted any more', () => {
    const map = new RecentMap<string, number>(3);
    map.set('a', 1);
    map.set('b', 2);
    map.deleteWhere((value) => value < 2);
    expect([map.size, map.get('a'), map.get('b')]).toEqual([1, undefined, 2]);
  });
});
