import { describe, expect, test } from '@jest/globals';
import type { LabelSelector } from '../../../../src/api/generated/package-variant-set.ts';
import { selects } from '../../../../src/controllers/package-variant-set/selector.ts';

const needs = (operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key: 'zone', operator, ...(values.length > 0 ? { values } : {}) }],
});

describe('a label selector', () => {
  test.each<readonly [string, LabelSelector, Record<string, string> | undefined, boolean]>([
    ['that asks for nothing selects all', {}, undefined, true],
    ['of a label', { matchLabels: { zone: 'a' } }, { zone: 'a', other: 'x' }, true],
    ['of another value', { matchLabels: { zone: 'a' } }, { zone: 'b' }, false],
    ['of an absent label', { matchLabels: { zone: 'a' } }, {}, false],
    ['of a name that every object has as a member', { matchLabels: { constructor: 'a' } }, {}, false],
    ['In', needs('In', 'a', 'b'), { zone: 'b' }, true],
    ['In, another', needs('In', 'a', 'b'), { zone: 'c' }, false],
    ['In, absent', needs('In', 'a'), {}, false],
    ['NotIn', needs('NotIn', 'a'), { zone: 'b' }, true],
    ['NotIn, one of them', needs('NotIn', 'a'), { zone: 'a' }, false],
    ['NotIn, absent', needs('NotIn', 'a'), {}, true],
    ['Exists', needs('Exists'), { zone: '' }, true],
    ['Exists, absent', needs('Exists'), {}, false],
    ['DoesNotExist', needs('DoesNotExist'), {}, true],
    ['DoesNotExist, present', needs('DoesNotExist'), { zone: 'a' }, false],
    ['of which one part fails', { matchLabels: { zone: 'a' }, ...needs('NotIn', 'a') }, { zone: 'a' }, false],
  ])('%s', (_case, selector, labels, expected) => {
    expect(selects(selector, labels)).toBe(expected);
  });
});
