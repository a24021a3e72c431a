import { describe, expect, test } from '@jest/globals';
import { ConflictError, MissingError, TerminalError, TransientError } from '../../../src/api/errors.ts';
import type { ConditionChange } from '../../../src/kube/conditions.ts';
import { outcomeOfError, outcomeOfResult, StoppedError } from '../../../src/kube/result.ts';

const sanitise = (text: string) => text.replaceAll('hunter2', '***');
const statuses = (changes: readonly ConditionChange[]) =>
  Object.fromEntries(changes.map(({ type, status }) => [type, status]));

describe('outcomeOfResult', () => {
  test.each([
    [undefined, { when: 'event' }],
    [{}, { when: 'event' }],
    [{ requeueAfterMs: 5000 }, { when: 'after', milliseconds: 5000 }],
  ])('%j says when to look again and leaves conditions alone', (result, requeue) => {
    expect(outcomeOfResult(result)).toMatchObject({ conditions: [], requeue });
  });
});

describe('outcomeOfError', () => {
  test('a terminal error stalls and waits for a change', () => {
    const error = new TerminalError('InvalidSpec', 'no such image', { file: 'Kptfile', line: 3, field: 'pipeline' });

    const outcome = outcomeOfError(error, { sanitise });

    expect(statuses(outcome.conditions)).toEqual({ Ready: 'False', Stalled: 'True', Reconciling: 'absent' });
    expect(outcome).toMatchObject({
      event: { type: 'Warning', reason: 'InvalidSpec', message: 'Kptfile:3: pipeline: no such image' },
      requeue: { when: 'event' },
      result: 'error',
    });
  });

  test('what is missing is waited for: it is no failure, and its coming is an event', () => {
    const outcome = outcomeOfError(new MissingError('SourceNotFound', 'no such revision'), { sanitise });

    expect(statuses(outcome.conditions)).toEqual({ Ready: 'False', Reconciling: 'True', Stalled: 'absent' });
    expect(outcome).toMatchObject({ event: { type: 'Normal' }, requeue: { when: 'event' }, result: 'success' });
  });

  test('a transient error is tried again with back-off (C-06)', () => {
    const outcome = outcomeOfError(new TransientError('Unavailable', 'no answer'), { sanitise });

    expect(statuses(outcome.conditions)).toEqual({ Ready: 'False', Reconciling: 'True', Stalled: 'absent' });
    expect(outcome).toMatchObject({ event: { reason: 'Unavailable' }, requeue: { when: 'backoff' }, result: 'error' });
    expect(outcome.unexpected).toBe(false);
  });

  test('a conflict is tried again at once without a trace, but not for ever', () => {
    const error = new ConflictError('Conflict', 'changed');
    const outcomes = Array.from({ length: 7 }, (_, conflicts) => outcomeOfError(error, { sanitise, conflicts }));

    expect(outcomes.map(({ requeue }) => requeue.when)).toEqual([
      'now',
      'now',
      'now',
      'now',
      'now',
      'backoff',
      'backoff',
    ]);
    expect(outcomes[0]).toEqual({ conditions: [], requeue: { when: 'now' }, result: 'requeue' });
    expect(statuses(outcomes[5]?.conditions ?? [])).toMatchObject({ Ready: 'False', Reconciling: 'True' });
  });

  test('a write to an object that was deleted meanwhile is a conflict, and no fault of the writer', () => {
    const error = new TerminalError('NotFound', 'PackageRevision a/b does not exist');
    expect(outcomeOfError(error, { sanitise })).toEqual({
      conditions: [],
      requeue: { when: 'now' },
      result: 'requeue',
    });
    const often = outcomeOfError(error, { sanitise, conflicts: 5 });
    expect(often).toMatchObject({ requeue: { when: 'backoff' } });
    expect(statuses(often.conditions)).toMatchObject({ Stalled: 'absent' });
  });

  test.each([[new RangeError('index')], ['a string'], [undefined]])('%p is an internal error', (thrown) => {
    const outcome = outcomeOfError(thrown, { sanitise });

    expect(outcome).toMatchObject({
      event: { reason: 'InternalError' },
      requeue: { when: 'backoff' },
      unexpected: true,
    });
  });

  test('a stop is no failure', () => {
    expect(outcomeOfError(new StoppedError(), { sanitise })).toEqual({
      conditions: [],
      requeue: { when: 'event' },
      result: 'success',
    });
  });

  test('messages are sanitised and short', () => {
    const error = new TransientError('Unavailable', `https://user:hunter2@host ${'x'.repeat(5000)}`);
    const { conditions, event } = outcomeOfError(error, { sanitise });

    expect(JSON.stringify({ conditions, event })).not.toContain('hunter2');
    expect(event?.message.length).toBe(1024);
  });
});
