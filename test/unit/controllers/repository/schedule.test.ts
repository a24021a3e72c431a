import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TerminalError } from '../../../../src/api/errors.ts';
import { parseSchedule } from '../../../../src/controllers/repository/schedule.ts';

const MINUTE_MS = 60_000;
const NOON = new Date('2026-03-10T12:00:30Z');
const key = fc.string().map((name) => `default/${name}`);

const following = (schedule: string | undefined, name: string, count: number): number[] => {
  const { next } = parseSchedule(schedule, name);
  const times: number[] = [];
  for (let time = NOON; times.length < count; ) {
    time = next(time);
    times.push(time.getTime());
  }
  return times;
};

describe('when a repository is read again (7.8.150)', () => {
  test('by cron, each time put off by a tenth of the interval at most', () => {
    fc.assert(
      fc.property(key, (name) => {
        const times = following('*/10 * * * *', name, 4);
        const offsets = times.map((time) => time % (10 * MINUTE_MS));
        expect(new Set(offsets).size).toBe(1);
        expect(offsets[0]).toBeLessThan(MINUTE_MS);
        expect(times[3]).toBe((times[0] as number) + 30 * MINUTE_MS);
      }),
      { numRuns: 50 },
    );
  });

  test('G-15: a hundred repositories on one schedule do not start at once', () => {
    const starts = Array.from({ length: 100 }, (_, index) => following('*/10 * * * *', `default/r${index}`, 1)[0] ?? 0);
    const perSecond = Map.groupBy(starts, (time) => Math.floor(time / 1000));
    expect(Math.max(...[...perSecond.values()].map(({ length }) => length))).toBeLessThan(10);
  });

  test.each([
    ['@every 5m', 5],
    ['@every 1h30m', 90],
    [undefined, 60],
    ['', 60],
  ])('%p: at one distance, after a first wait of half to one and a half of it', (schedule, minutes) => {
    fc.assert(
      fc.property(key, (name) => {
        const [first = 0, second = 0, third = 0] = following(schedule, name, 3);
        expect(first - NOON.getTime()).toBeGreaterThanOrEqual((minutes * MINUTE_MS) / 2);
        expect(first - NOON.getTime()).toBeLessThanOrEqual((minutes * MINUTE_MS * 3) / 2);
        expect(second - first).toBe(minutes * MINUTE_MS);
        expect(third - second).toBe(minutes * MINUTE_MS);
      }),
      { numRuns: 50 },
    );
  });

  test('the next time is always later', () => {
    const schedules = fc.constantFrom('* * * * *', '0 3 * * 1', 'TZ=Europe/Berlin 30 2 * * *', '@every 10s', '@daily');
    const times = fc.date({ min: new Date('2026-01-01'), max: new Date('2027-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(schedules, key, times, (schedule, name, after) => {
        expect(parseSchedule(schedule, name).next(after) > after).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test.each(['TZ', 'CRON_TZ'])('%s names the time zone; without it times are UTC', (name) => {
    const inUtc = parseSchedule('0 12 * * *', 'a').next(NOON);
    const inTokyo = parseSchedule(`${name}=Asia/Tokyo 0 12 * * *`, 'a').next(NOON);
    expect([inUtc, inTokyo].map((time) => time.getUTCHours())).toEqual([12, 3]);
  });

  test.each([
    ['61 * * * *', /minute/],
    ['* * * * * *', /5 parts/],
    ['every five minutes', /is no schedule/],
    ['0 0 30 2 *', /no time that ever comes/],
    ['TZ=Nowhere/City 0 3 * * *', /Nowhere/],
    ['@every', /is no schedule/],
    ['@every soon', /a duration/],
    ['@every 1s', /at least 10s/],
  ])('%p is refused with the field at fault', (schedule, message) => {
    const parse = () => parseSchedule(schedule, 'default/shop');
    expect(parse).toThrow(TerminalError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(
      expect.objectContaining({ reason: 'InvalidSchedule', location: { field: 'spec.sync.schedule' } }),
    );
  });
});
