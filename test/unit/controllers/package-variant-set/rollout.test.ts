import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Rollout, RolloutStatus } from '../../../../src/api/generated/package-variant-set.ts';
import { decideRollout, type RolloutMember } from '../../../../src/controllers/package-variant-set/rollout.ts';

const MOMENT = { before: undefined, now: new Date('2026-01-01T12:00:00Z') };

type State = RolloutMember['state'];
/** Which group a member is of, and its state. */
type Code = `${'c' | 'e' | 'o'} ${State}`;

const CANARY = { name: 'canary', selector: { matchLabels: { ring: 'canary' } } };
const EAST = { name: 'east', selector: { matchLabels: { region: 'east' } } };

/** `c` a canary, `e` in the east, `o` none of them; with its state. */
function members(...states: readonly Code[]): readonly RolloutMember[] {
  const labels = { c: { ring: 'canary', region: 'east' }, e: { region: 'east' }, o: {} };
  return states.map((text, index) => {
    const [group, state] = text.split(' ') as ['c' | 'e' | 'o', State];
    return { name: `${group}${index}`, labels: labels[group], state };
  });
}

const releasedBy = (rollout: Rollout | undefined, ...states: readonly Code[]) => {
  const { release, status } = decideRollout(rollout, members(...states), MOMENT);
  return { release: [...release], state: status?.state };
};

describe('a rollout', () => {
  test('without one all changes go out at once, and there is no status of it', () => {
    expect(releasedBy(undefined, 'o pending', 'o failed', 'o pending')).toEqual({
      release: ['o0', 'o2'],
      state: undefined,
    });
  });

  test.each<readonly [string, Rollout, readonly Code[], readonly string[], string]>([
    [
      'no more than maxConcurrent are on their way',
      { maxConcurrent: 2 },
      ['o pending', 'o progressing', 'o pending', 'o pending'],
      ['o0'],
      'Progressing',
    ],
    [
      'what is Ready is on its way no more',
      { maxConcurrent: 2 },
      ['o ready', 'o ready', 'o pending', 'o pending', 'o pending'],
      ['o2', 'o3'],
      'Progressing',
    ],
    ['a failure stops it', {}, ['o ready', 'o failed', 'o pending'], [], 'Stopped'],
    ['as many failures as are allowed do not', { maxFailures: 1 }, ['o failed', 'o pending'], ['o1'], 'Progressing'],
    ['one more does', { maxFailures: 1 }, ['o failed', 'o failed', 'o pending'], [], 'Stopped'],
    [
      'a failure takes no place of those that are on their way',
      { maxFailures: 1, maxConcurrent: 1 },
      ['o failed', 'o pending'],
      ['o1'],
      'Progressing',
    ],
    ['a variant that is at fault and is to be changed may be changed', {}, ['o pending'], ['o0'], 'Progressing'],
    [
      'waves start in their order',
      { waves: [CANARY, EAST] },
      ['o pending', 'e pending', 'c pending'],
      ['c2'],
      'Progressing',
    ],
    [
      'a wave waits while one of the wave before is on its way',
      { waves: [CANARY, EAST] },
      ['c ready', 'c progressing', 'e pending'],
      [],
      'Progressing',
    ],
    [
      'a wave starts when the one before is Ready',
      { waves: [CANARY, EAST] },
      ['c ready', 'e pending', 'o pending'],
      ['e1'],
      'Progressing',
    ],
    ['others come last', { waves: [CANARY, EAST] }, ['c ready', 'e ready', 'o pending'], ['o2'], 'Progressing'],
    ['an empty wave holds up nothing', { waves: [CANARY, EAST] }, ['e pending'], ['e0'], 'Progressing'],
    [
      'a tolerated failure does not hold up the next wave',
      { waves: [CANARY], maxFailures: 1 },
      ['c failed', 'c ready', 'o pending'],
      ['o2'],
      'Progressing',
    ],
    ['it pauses after a wave', { waves: [CANARY, EAST], pauseAfter: 'canary' }, ['c ready', 'e pending'], [], 'Paused'],
    [
      'and serves the wave before it pauses',
      { waves: [CANARY, EAST], pauseAfter: 'canary' },
      ['c pending', 'e pending'],
      ['c0'],
      'Progressing',
    ],
    [
      'another name lets it go on',
      { waves: [CANARY, EAST], pauseAfter: 'east' },
      ['c ready', 'e pending', 'o pending'],
      ['e1'],
      'Progressing',
    ],
    [
      'a pause with nothing left to do is none',
      { waves: [CANARY], pauseAfter: 'canary' },
      ['c ready', 'o ready'],
      [],
      'Complete',
    ],
    ['it is complete when all are Ready', { waves: [CANARY] }, ['c ready', 'o ready'], [], 'Complete'],
    ['and not before', { waves: [CANARY] }, ['c ready', 'o progressing'], [], 'Progressing'],
  ])('%s', (_case, rollout, states, release, state) => {
    expect(releasedBy(rollout, ...states)).toEqual({ release, state });
  });

  test('tells each wave’s numbers', () => {
    const { status } = decideRollout(
      { waves: [CANARY, EAST], maxFailures: 1 },
      members('c ready', 'c failed', 'e pending', 'e progressing', 'o pending'),
      MOMENT,
    );
    expect(status?.waves).toEqual([
      { name: 'canary', state: 'Progressing', desired: 2, updated: 2, ready: 1, failed: 1 },
      { name: 'east', state: 'Progressing', desired: 2, updated: 1, ready: 0, failed: 0 },
      { name: 'others', state: 'Waiting', desired: 1, updated: 0, ready: 0, failed: 0 },
    ]);
  });

  test('a wave has a limit of its own', () => {
    const waves = [{ ...CANARY, maxConcurrent: 1 }, EAST];
    expect(releasedBy({ waves }, 'c pending', 'c pending').release).toEqual(['c0']);
    expect(releasedBy({ waves }, 'c ready', 'e pending', 'e pending').release).toEqual(['e1', 'e2']);
  });

  test('a wave soaks before the next one starts', () => {
    const waves = [{ ...CANARY, soak: '30m' }, EAST];
    const at = (time: string, before: RolloutStatus | undefined, ...states: readonly Code[]) =>
      decideRollout({ waves }, members(...states), { before, now: new Date(`2026-01-01T${time}Z`) });
    const first = at('12:00:00', undefined, 'c ready', 'e pending');
    expect(first).toMatchObject({ release: new Set(), againInMs: 1_800_000, status: { state: 'Progressing' } });
    expect(first.status?.waves[0]?.readySince).toBe('2026-01-01T12:00:00Z');
    expect(at('12:10:00', first.status, 'c ready', 'e pending')).toMatchObject({
      release: new Set(),
      againInMs: 1_200_000,
    });
    expect(at('12:30:00', first.status, 'c ready', 'e pending').release).toEqual(new Set(['e1']));
    const changed = at('12:20:00', first.status, 'c pending', 'e pending');
    expect(changed.status?.waves[0]).not.toHaveProperty('readySince');
    expect(at('12:40:00', changed.status, 'c ready', 'e pending').release).toEqual(new Set());
    expect(at('12:00:00', undefined, 'c ready', 'e ready')).not.toHaveProperty('againInMs');
  });

  test('whatever becomes of the variants, limits and order hold, and it ends', () => {
    const outcome = fc.constantFrom<State>('ready', 'ready', 'ready', 'failed');
    const group = fc.constantFrom('c' as const, 'e' as const, 'o' as const);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(group, outcome), { maxLength: 20 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 3 }),
        fc.array(fc.nat({ max: 20 }), { maxLength: 60 }),
        (fates, maxConcurrent, maxFailures, picks) => {
          const rollout = { waves: [CANARY, EAST], maxConcurrent, maxFailures };
          let current = members(...fates.map(([of]) => `${of} pending` as const));
          const rank = ({ name }: RolloutMember) => 'ceo'.indexOf(name.charAt(0));
          for (let step = 0; step < 200; step++) {
            const { release } = decideRollout(rollout, current, MOMENT);
            current = current.map((member) =>
              release.has(member.name) ? { ...member, state: 'progressing' } : member,
            );
            const moving = current.filter(({ state }) => state === 'progressing');
            expect(moving.length).toBeLessThanOrEqual(maxConcurrent);
            for (const member of moving) {
              const earlier = current.filter((other) => rank(other) < rank(member));
              expect(earlier.every(({ state }) => state === 'ready' || state === 'failed')).toBe(true);
            }
            if (moving.length === 0) break;
            const next = moving[(picks[step] ?? 0) % moving.length];
            const at = current.findIndex(({ name }) => name === next?.name);
            const fate = fates[at]?.[1] ?? 'ready';
            current = current.map((member, index) => (index === at ? { ...member, state: fate } : member));
          }
          const failures = current.filter(({ state }) => state === 'failed').length;
          const pending = current.filter(({ state }) => state === 'pending').length;
          expect(current.some(({ state }) => state === 'progressing')).toBe(false);
          expect(pending > 0).toBe(failures > maxFailures && pending > 0);
        },
      ),
      { numRuns: 200 },
    );
  });
});
