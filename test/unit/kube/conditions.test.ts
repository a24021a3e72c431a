import { describe, expect, test } from '@jest/globals';
import type { Condition } from '../../../src/api/object.ts';
import {
  findCondition,
  progressingConditions,
  readyConditions,
  retryingConditions,
  setCondition,
  setConditions,
  stalledConditions,
} from '../../../src/kube/conditions.ts';

const at = (second: number, observedGeneration = 1) => ({
  observedGeneration,
  now: new Date(Date.UTC(2030, 0, 1, 0, 0, second, 123)),
});
const ready = (status: 'True' | 'False', message = 'm') => ({ type: 'Ready', status, reason: 'R', message });

describe('setCondition', () => {
  test('lastTransitionTime moves only with status (T-07)', () => {
    const one = setCondition(undefined, ready('False'), at(1));
    const two = setCondition(one, ready('False', 'other'), at(2, 2));
    const three = setCondition(two, ready('True', 'other'), at(3, 2));

    expect(one).toEqual([{ ...ready('False'), observedGeneration: 1, lastTransitionTime: '2030-01-01T00:00:01Z' }]);
    expect(two).toEqual([
      { ...ready('False', 'other'), observedGeneration: 2, lastTransitionTime: '2030-01-01T00:00:01Z' },
    ]);
    expect(three[0]?.lastTransitionTime).toBe('2030-01-01T00:00:03Z');
  });

  test('gives back the same list when nothing changes', () => {
    const one = setConditions([], readyConditions('R', 'm'), at(1));

    expect(setConditions(one, readyConditions('R', 'm'), at(9))).toBe(one);
  });

  test('keeps the order and the conditions of others', () => {
    const foreign: Condition = { type: 'Foreign', status: 'True', reason: 'F', message: '', lastTransitionTime: 'x' };
    const list = setCondition([foreign], ready('True'), at(1));

    expect(setCondition(list, ready('False'), at(2)).map(({ type }) => type)).toEqual(['Foreign', 'Ready']);
    expect(setCondition(list, { type: 'Ready', status: 'absent' }, at(2))).toEqual([foreign]);
    expect(setCondition(list, { type: 'Nothing', status: 'absent' }, at(2))).toBe(list);
  });

  test('shortens a message to what an API server takes', () => {
    expect(setCondition([], ready('True', 'x'.repeat(40_000)), at(1))[0]?.message.length).toBe(32_768);
  });
});

test.each([
  ['ready', readyConditions('R', 'm'), { Ready: 'True' }],
  ['progressing', progressingConditions('R', 'm'), { Ready: 'Unknown', Reconciling: 'True' }],
  ['retrying', retryingConditions('R', 'm'), { Ready: 'False', Reconciling: 'True' }],
  ['stalled', stalledConditions('R', 'm'), { Ready: 'False', Stalled: 'True' }],
])('%s: Reconciling and Stalled are there only when they are true, whatever was before', (_name, changes, expected) => {
  for (const before of [readyConditions, progressingConditions, retryingConditions, stalledConditions]) {
    const list = setConditions(setConditions([], before('B', 'b'), at(1)), changes, at(2));

    expect(Object.fromEntries(list.map(({ type, status }) => [type, status]))).toEqual(expected);
  }
});

test('findCondition answers undefined for what is not there', () => {
  expect(findCondition(undefined, 'Ready')).toBeUndefined();
  expect(findCondition([], 'Ready')).toBeUndefined();
});
