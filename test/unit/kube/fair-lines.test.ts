import { describe, expect, test } from '@jest/globals';
import { FairLines } from '../../../src/kube/fair-lines.ts';

const make = (stale: ReadonlySet<string> = new Set(), perLane = 1) =>
  new FairLines<string>({ perLane, laneOf: (item) => item.charAt(0), isCurrent: (item) => !stale.has(item) });

describe('FairLines', () => {
  test('serves normal items first, whatever their lane, and low ones of lanes with room', () => {
    const lines = make();
    for (const item of ['a-low', 'b-low']) lines.push(item, 'low');
    for (const item of ['a1', 'a2']) lines.push(item, 'normal');

    expect([lines.take(), lines.take(), lines.take()]).toEqual(['a1', 'b-low', undefined]);
    lines.release('a1');
    expect(lines.take()).toBe('a2');
  });

  test('passes over what is no longer current, without counting it as taken', () => {
    const lines = make(new Set(['a1', 'b1']));
    for (const item of ['a1', 'b1', 'a2']) lines.push(item, 'normal');

    expect([lines.take(), lines.take()]).toEqual(['a2', undefined]);
  });

  test('keeps nothing of a lane with nothing waiting or taken, and the count of what is taken when it is cleared', () => {
    const lines = make(new Set(), 1);
    for (const item of ['a1', 'a2', 'b1']) lines.push(item, 'normal');
    lines.take();
    lines.clear();
    expect([lines.size, lines.take()]).toEqual([1, undefined]);

    lines.push('a3', 'normal');
    expect(lines.take()).toBeUndefined();
    lines.release('a1');
    expect(lines.take()).toBe('a3');
    lines.release('a3');
    expect(lines.size).toBe(0);
  });
});
