import { describe, expect, test } from '@jest/globals';
import type { DeletionStatus } from '../../../../src/api/generated/package-variant-set.ts';
import {
  type DeletionRequest,
  decideDeletions,
} from '../../../../src/controllers/package-variant-set/deletion-guard.ts';

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `v${index}`);

/** `going` of `existing` variants are not wanted any more. */
function request(going: number, existing: number, fields: Partial<DeletionRequest> = {}): DeletionRequest {
  return {
    guard: undefined,
    set: 'set-uid',
    selects: true,
    candidates: names(going),
    existing,
    desired: existing - going,
    confirmation: undefined,
    before: undefined,
    now: new Date('2026-01-01T12:00:00Z'),
    ...fields,
  };
}

const at = (time: string): { readonly now: Date } => ({ now: new Date(`2026-01-01T${time}Z`) });

describe('variants that nobody wants any more', () => {
  test.each<readonly [string, DeletionRequest, boolean]>([
    ['16.172: 0 objects selected after 100', request(100, 100), false],
    ['16.172: 0 objects selected after 1', request(1, 1), false],
    ['a few of many', request(5, 100), true],
    ['a quarter of them', request(25, 100), true],
    ['more than a quarter of them', request(26, 100), false],
    ['one of a few', request(1, 2), true],
    ['two of a few', request(2, 6), false],
    ['all but one of a list that somebody made shorter', request(99, 100, { selects: false }), true],
    ['a guard of its own: within', request(3, 100, { guard: { maxDeletions: 3 } }), true],
    ['a guard of its own: beyond', request(4, 100, { guard: { maxDeletions: 3 } }), false],
    ['a guard that lets none go', request(1, 100, { guard: { maxDeletions: 0 } }), false],
    ['a percentage: within', request(10, 100, { guard: { percent: 10 } }), true],
    ['a percentage: beyond', request(11, 100, { guard: { percent: 10 } }), false],
    ['a percentage is rounded down', request(1, 9, { guard: { percent: 10 } }), false],
    ['a guard that lets all go', request(100, 100, { guard: { percent: 100 } }), true],
    ['none', request(0, 100), true],
  ])('%s', (_case, asked, allowed) => {
    expect(decideDeletions(asked).allowed).toBe(allowed);
  });

  test('what stays is told with the way to let it go', () => {
    const decision = decideDeletions(request(100, 100));
    const status = decision.afterRemoval(0);
    expect(decision.message).toContain(
      `100 of 100 variants are not wanted any more and stay: 0 may go; to let them go, annotate the set with veranda.dev/confirm-deletions: "${status?.token}" (or "100")`,
    );
    expect(status).toEqual({ retained: 100, token: expect.any(String), retainedSince: '2026-01-01T12:00:00Z' });
  });

  test('T-07: as long as the same variants are unwanted, nothing is said anew', () => {
    const before = decideDeletions(request(100, 100)).afterRemoval(0);
    expect(decideDeletions(request(100, 100, { before, ...at('13:00:00') })).afterRemoval(0)).toEqual(before);
  });

  test('a confirmation by token is for exactly these variants of exactly this set', () => {
    const { token = '' } = decideDeletions(request(100, 100)).afterRemoval(0) ?? {};
    expect(decideDeletions(request(100, 100, { confirmation: token })).allowed).toBe(true);
    expect(decideDeletions(request(99, 100, { confirmation: token })).allowed).toBe(false);
    expect(decideDeletions(request(100, 100, { confirmation: token, set: 'other-uid' })).allowed).toBe(false);
  });

  test.each([
    ['100', true],
    [' 100 ', true],
    ['99', false],
    ['true', false],
    ['', false],
  ])('a confirmation of %j for 100', (confirmation, allowed) => {
    expect(decideDeletions(request(100, 100, { confirmation })).allowed).toBe(allowed);
  });

  test('a confirmation is good once: the next time that all are gone is another time', () => {
    const first = decideDeletions(request(100, 100, { confirmation: '100' }));
    const before = first.afterRemoval(100);
    expect(before).toMatchObject({ confirmed: '100' });
    for (const time of ['12:30:00', '18:00:00']) {
      expect(decideDeletions(request(100, 100, { confirmation: '100', before, ...at(time) })).allowed).toBe(false);
    }
  });

  test('a confirmed deletion that failed half-way goes on', () => {
    const before = decideDeletions(request(100, 100, { confirmation: '100' })).afterRemoval(60);
    expect(decideDeletions(request(40, 40, { confirmation: '100', before, ...at('12:05:00') })).allowed).toBe(true);
    expect(decideDeletions(request(41, 41, { confirmation: '100', before, ...at('12:05:00') })).allowed).toBe(false);
    expect(decideDeletions(request(40, 40, { confirmation: '100', before, ...at('14:00:00') })).allowed).toBe(false);
  });

  test('a confirmation of which nothing came is not spent', () => {
    const before = decideDeletions(request(100, 100, { confirmation: '100' })).afterRemoval(0);
    expect(decideDeletions(request(100, 100, { confirmation: '100', before })).allowed).toBe(true);
  });

  test('W-26: a selection that shrinks bit by bit is noticed', () => {
    let before: DeletionStatus | undefined;
    let left = 100;
    for (let minute = 0; left > 0; minute++) {
      const decision = decideDeletions(request(10, left, { before, now: new Date(Date.UTC(2026, 0, 1, 12, minute)) }));
      if (!decision.allowed) break;
      before = decision.afterRemoval(10);
      left -= 10;
    }
    expect(left).toBe(80);
    expect(decideDeletions(request(10, left, { before, ...at('13:30:00') })).allowed).toBe(true);
  });

  test('a grace period starts anew when others are unwanted', () => {
    const guard = { percent: 100, gracePeriod: '10m' };
    const first = decideDeletions(request(2, 10, { guard }));
    expect(first).toMatchObject({ allowed: false, reason: 'GracePeriod', againInMs: 600_000 });
    const before = first.afterRemoval(0);
    expect(decideDeletions(request(2, 10, { guard, before, ...at('12:04:00') }))).toMatchObject({
      allowed: false,
      againInMs: 360_000,
    });
    expect(decideDeletions(request(3, 10, { guard, before, ...at('12:10:00') })).allowed).toBe(false);
    expect(decideDeletions(request(2, 10, { guard, before, ...at('12:10:00') })).allowed).toBe(true);
  });

  test('when nothing is unwanted any more nothing is remembered but what went and what was confirmed', () => {
    const before = decideDeletions(request(100, 100)).afterRemoval(0);
    expect(decideDeletions(request(0, 100, { before })).afterRemoval(0)).toBeUndefined();
  });
});
