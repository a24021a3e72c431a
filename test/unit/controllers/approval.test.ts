import { describe, expect, test } from '@jest/globals';
import {
  type ApprovalInput,
  decideApproval,
  parseDuration,
} from '../../../src/controllers/package-variant/approval.ts';

const NOW = new Date('2026-01-01T00:10:00Z');

const input = (changes: Partial<ApprovalInput> = {}): ApprovalInput => ({
  settings: { policy: 'Always', delayMs: 0, requiredGates: [] },
  ready: true,
  rendered: true,
  gates: [],
  conditions: [],
  publishedBefore: false,
  createdAt: new Date('2026-01-01T00:00:00Z'),
  now: NOW,
  ...changes,
});

describe('decideApproval', () => {
  test.each([
    ['Manual', false, 'wait'],
    ['Initial', false, 'approve'],
    ['Initial', true, 'wait'],
    ['Always', true, 'approve'],
    ['WhenReady', true, 'approve'],
  ] as const)('policy %s with an earlier publication %s: %s', (policy, publishedBefore, decision) => {
    const settings = { policy, delayMs: 0, requiredGates: [] };
    expect(decideApproval(input({ settings, publishedBefore }))).toMatchObject({ decision });
  });

  test('never approves what does not render', () => {
    expect(decideApproval(input({ rendered: false }))).toMatchObject({ decision: 'wait', reason: 'NotRendered' });
  });

  test('names the readiness gates that are not met, those of the package and those of the variant', () => {
    const settings = { policy: 'Always', delayMs: 0, requiredGates: ['b'] } as const;
    const waiting = decideApproval(input({ settings, gates: ['a'], conditions: [{ type: 'a', status: 'False' }] }));
    expect(waiting).toMatchObject({ decision: 'wait', reason: 'GatesUnmet', message: expect.stringContaining('a, b') });
    const conditions = ['a', 'b'].map((type) => ({ type, status: 'True' }));
    expect(decideApproval(input({ settings, gates: ['a'], conditions }))).toMatchObject({ decision: 'approve' });
  });

  test('waits out the delay from the creation on and asks to be woken then', () => {
    const settings = { policy: 'Always', delayMs: 900_000, requiredGates: [] } as const;
    expect(decideApproval(input({ settings }))).toMatchObject({
      decision: 'wait',
      reason: 'ApprovalDelay',
      afterMs: 300_000,
      message: expect.stringContaining('at 2026-01-01T00:15:00Z'),
    });
    const later = decideApproval(input({ settings, now: new Date('2026-01-01T00:12:00Z') }));
    expect(later).toMatchObject({ message: expect.stringContaining('at 2026-01-01T00:15:00Z') });
  });

  test('W-24: never approves what a person sent back', () => {
    expect(decideApproval(input({ rejected: true }))).toMatchObject({ decision: 'wait', reason: 'Rejected' });
  });
});

describe('parseDuration', () => {
  test.each([
    ['30s', 30_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
    ['0', 0],
    ['', undefined],
    ['10', undefined],
    ['-5s', undefined],
    ['5 s', undefined],
  ])('%p is %p', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });
});
