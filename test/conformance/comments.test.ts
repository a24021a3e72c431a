import { describe, expect, test } from '@jest/globals';
import { copyComments } from '../../src/merge/copy-comments.ts';
import { readCases, recorded } from './recorded.ts';

interface Case {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly expected: string;
}

const file = recorded('comments.json');
if (file !== undefined) {
  describe('recorded copies of comments', () => {
    test.each(readCases<Case>(file).map((one) => [one.name, one] as const))('%s', (_name, { from, to, expected }) => {
      expect(copyComments(from, to)).toBe(expected);
    });
  });
}
