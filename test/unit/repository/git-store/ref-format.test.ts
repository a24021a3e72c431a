import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isRefName } from '../../../../src/repository/git/store/ref-format.ts';

describe('ref names', () => {
  test.each(['refs/heads/main', 'refs/tags/apps/shop/v1', 'refs/heads/ветка', 'refs/heads/a-b_c.d', 'refs/heads/@'])(
    '%s is one',
    (name) => expect(isRefName(name)).toBe(true),
  );

  test.each([
    'main',
    'HEAD',
    'refs/heads',
    'refs/heads/',
    'refs//heads/x',
    'refs/heads/.x',
    'refs/heads/x.lock',
    'refs/heads/x.lock/y',
    'refs/heads/x..y',
    'refs/heads/x.',
    'refs/heads/x@{1}',
    'refs/heads/*',
    'refs/heads/x y',
    'refs/heads/x\ny',
    'refs/heads/x:y',
    'refs/heads/x^{}',
    'refs/heads/x\\y',
    '--refs/heads/x',
    'refs/heads/\ud800',
  ])('%j is none', (name) => expect(isRefName(name)).toBe(false));

  test('whatever passes here passes git check-ref-format too', () => {
    const piece = fc.constantFrom('a', '.', '..', '/', '@', '{', '~', '-', 'lock', '.lock', 'é', ' ', '*', '[');
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (pieces) => {
        const name = `refs/heads/${pieces.join('')}`;
        if (isRefName(name)) execFileSync('git', ['check-ref-format', name]);
      }),
      { numRuns: 200 },
    );
  });
});
