import { expect, test } from '@jest/globals';
import { unreadable } from '../../../../src/controllers/package-revision/observe.ts';
import type { RefWarning } from '../../../../src/repository/types.ts';
import { revisionOf } from '../support.ts';

test.each<[string, Partial<RefWarning>, boolean]>([
  ['about the branch as a whole', { message: 'a Kptfile at the root' }, false],
  ['that another package cannot be read', { unread: 'other' }, false],
  ['that this package cannot be read', { unread: 'foo' }, true],
  ['that nothing of the branch can be read', { unread: '' }, true],
])('a package that is gone from the branch is kept for a warning %s: not always', (_what, warning, kept) => {
  const placeholder = revisionOf({ workspace: 'main', revision: -1 });
  const [lock, ref] = [
    { type: 'git', git: { repo: 'r', directory: 'foo', ref: 'main', commit: 'c' } },
    'refs/heads/main',
  ];
  const object = { ...placeholder, status: { ...placeholder.status, selfLock: lock } } as typeof placeholder;
  const message = unreadable(object, { warnings: [{ ref, message: 'odd', ...warning }] });
  expect(message !== undefined).toBe(kept);
});
