import { describe, expect, test } from '@jest/globals';
import { PACKAGE_REVISION, type PackageRevision } from '../../../../src/api/kinds.ts';
import { APPROVED_BY_ANNOTATION, PROPOSED_BY_ANNOTATION } from '../../../../src/api/labels.ts';
import { approverOf, stampsOf } from '../../../../src/controllers/package-revision/stamps.ts';
import type { Lifecycle } from '../../../../src/repository/types.ts';

function revision(annotations: Record<string, string>, proposedBy?: string): PackageRevision {
  const { apiVersion, kind } = PACKAGE_REVISION;
  return {
    apiVersion,
    kind,
    metadata: { name: 'shop.cart.v1', annotations },
    spec: { packageName: 'cart', repository: 'shop', workspaceName: 'v1' },
    status: { proposedBy },
  };
}

const both = { [PROPOSED_BY_ANNOTATION]: 'pat', [APPROVED_BY_ANNOTATION]: 'ann' };

describe('who asked for a move', () => {
  test.each<[string, PackageRevision, Lifecycle, Lifecycle, object]>([
    ['a proposal', revision(both), 'Draft', 'Proposed', { proposedBy: 'pat' }],
    [
      'an approval keeps who proposed',
      revision(both, 'pam'),
      'Proposed',
      'Published',
      { proposedBy: 'pam', approvedBy: 'ann' },
    ],
    ['an approval of a draft', revision(both), 'Draft', 'Published', { proposedBy: 'pat', approvedBy: 'ann' }],
    [
      'without a policy that says so',
      revision({}),
      'Draft',
      'Published',
      { proposedBy: 'unknown', approvedBy: 'unknown' },
    ],
    [
      'an empty stamp says nothing',
      revision({ [PROPOSED_BY_ANNOTATION]: '' }),
      'Draft',
      'Proposed',
      { proposedBy: 'unknown' },
    ],
  ])('%s', (_what, object, from, to, wanted) => {
    expect(stampsOf(object, from, to)).toEqual(wanted);
  });

  test('what is sent back begins anew: both stamps are taken away', () => {
    expect(stampsOf(revision(both, 'pat'), 'Proposed', 'Draft')).toStrictEqual({
      proposedBy: undefined,
      approvedBy: undefined,
    });
  });

  test.each<[Lifecycle, Lifecycle]>([
    ['Published', 'DeletionProposed'],
    ['DeletionProposed', 'Published'],
  ])('%s to %s leaves the stamps of the publication', (from, to) => {
    expect(stampsOf(revision(both, 'pat'), from, to)).toEqual({});
  });
});

test('the approver is the author of the publication; nobody is when it is not known', () => {
  expect(approverOf(revision(both))).toEqual({ name: 'ann', email: 'ann' });
  expect(approverOf(revision({ [APPROVED_BY_ANNOTATION]: '' }))).toBeUndefined();
});
