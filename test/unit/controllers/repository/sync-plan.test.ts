import { describe, expect, test } from '@jest/globals';
import type { Repository } from '../../../../src/api/kinds.ts';
import { RECONCILE_AT_ANNOTATION } from '../../../../src/api/labels.ts';
import type { Schedule } from '../../../../src/controllers/repository/schedule.ts';
import { planSync, shownTimes, syncIdentity } from '../../../../src/controllers/repository/sync-plan.ts';
import { repositoryOf } from '../support.ts';

const NOW = new Date('2026-03-10T12:00:00Z');
const minutes = (count: number): Date => new Date(NOW.getTime() + count * 60_000);
const TEN: Schedule = { next: (after) => new Date(after.getTime() + 600_000) };

const repository = (
  changes: {
    readonly spec?: Partial<Repository['spec']>;
    readonly status?: Repository['status'];
    readonly annotations?: Record<string, string>;
  } = {},
): Repository => {
  const object = repositoryOf('shop');
  return {
    ...object,
    metadata: { ...object.metadata, annotations: changes.annotations },
    spec: { ...object.spec, ...changes.spec },
    status: { ...object.status, ...changes.status },
  };
};
const seen = (object: Repository, ago: number) => ({ at: minutes(-ago), of: syncIdentity(object) });

describe('when a repository is read (7.8.150 to 7.8.152)', () => {
  test('once after each start, whatever the status says', () => {
    const object = repository({ status: { lastFullSyncTime: NOW.toISOString() } });
    expect(planSync(object, TEN, undefined, NOW)).toEqual({ due: true, next: minutes(10), nextInMs: 600_000 });
  });

  test('by its schedule, and not before', () => {
    const object = repository();
    expect(planSync(object, TEN, seen(object, 4), NOW)).toMatchObject({ due: false, next: minutes(6) });
    expect(planSync(object, TEN, seen(object, 10), NOW)).toMatchObject({ due: true, next: minutes(10) });
  });

  test('at once when anything that shapes the look has changed, and not when only the times have', () => {
    const object = repository();
    const timed = repository({ spec: { sync: { schedule: '@daily', runOnceAt: minutes(5).toISOString() } } });
    const authored = repository({ spec: { git: { repo: 'https://git.example.com/shop.git', author: 'Eve' } } });
    expect(planSync(timed, TEN, seen(object, 4), NOW).due).toBe(false);
    expect(planSync(authored, TEN, seen(object, 4), NOW).due).toBe(true);
  });

  test('a single run that is to come is waited for beside the schedule', () => {
    const object = repository({ spec: { sync: { runOnceAt: minutes(2).toISOString() } } });
    expect(planSync(object, TEN, seen(object, 4), NOW)).toEqual({ due: false, next: minutes(6), nextInMs: 120_000 });
    expect(planSync(object, TEN, seen(object, 10), NOW)).toMatchObject({ due: true, nextInMs: 120_000 });
  });

  test('a single run that has come is served once', () => {
    const runOnceAt = minutes(-1).toISOString();
    const object = repository({ spec: { sync: { runOnceAt } } });
    expect(planSync(object, TEN, seen(object, 4), NOW)).toMatchObject({ due: true, runOnceAt });
    const served = repository({ spec: { sync: { runOnceAt } }, status: { observedRunOnceAt: '2026-03-10T11:59:00Z' } });
    const plan = planSync(served, TEN, seen(served, 4), NOW);
    expect(plan).toEqual({ due: false, next: minutes(6), nextInMs: 360_000 });
  });

  test('any new value of the annotation asks for a look, once', () => {
    const asked = { annotations: { [RECONCILE_AT_ANNOTATION]: 'please' } };
    const object = repository(asked);
    expect(planSync(object, TEN, seen(object, 4), NOW)).toMatchObject({ due: true, requestedAt: 'please' });
    const served = repository({ ...asked, status: { lastHandledReconcileAt: 'please' } });
    expect(planSync(served, TEN, seen(served, 4), NOW).due).toBe(false);
  });
});

describe('the times that a status shows (T-07)', () => {
  const shown = { lastFullSyncTime: '2026-03-10T11:50:00Z', nextFullSyncTime: '2026-03-10T12:00:00Z' };
  const fresh = { lastFullSyncTime: '2026-03-10T12:00:00Z', nextFullSyncTime: '2026-03-10T12:10:00Z' };
  const times = { at: NOW, next: minutes(10), tell: false };

  test('follow the first look, and what else is written', () => {
    expect(shownTimes(undefined, times)).toEqual(fresh);
    expect(shownTimes({ ...shown, nextFullSyncTime: fresh.nextFullSyncTime }, { ...times, tell: true })).toEqual(fresh);
  });

  test('follow by themselves when they are past and ten minutes old', () => {
    expect(shownTimes(shown, times)).toEqual(fresh);
  });

  test('stay when they still hold, as after a restart, and when a schedule is shorter than ten minutes', () => {
    const holding = { ...shown, nextFullSyncTime: '2026-03-10T12:30:00Z' };
    expect(shownTimes(holding, times)).toEqual(holding);
    const recent = { lastFullSyncTime: '2026-03-10T11:59:00Z', nextFullSyncTime: '2026-03-10T12:00:00Z' };
    expect(shownTimes(recent, times)).toEqual(recent);
  });
});
