import { describe, expect, test } from '@jest/globals';
import { type KnownRevision, planDiscovery } from '../../../../src/controllers/repository/plan.ts';
import type { RevisionInfo } from '../../../../src/repository/types.ts';

const found = (changes: Partial<RevisionInfo> = {}): RevisionInfo => ({
  package: 'foo',
  workspace: 'v1',
  lifecycle: 'Published',
  revision: 1,
  ref: 'refs/tags/foo/v1',
  commit: 'c1',
  tree: 't1',
  latest: true,
  branchHead: false,
  lock: { type: 'git', git: { repo: 'r', directory: 'foo', ref: 'foo/v1', commit: 'c1' } },
  handPushed: false,
  editedByHand: false,
  ...changes,
});
const known = (changes: Partial<KnownRevision> = {}): KnownRevision => ({
  key: 'default/blueprints.foo.v1',
  package: 'foo',
  workspace: 'v1',
  seenCommit: 'c1',
  seenTree: 't1',
  seenLifecycle: 'Published',
  seenLatest: true,
  ...changes,
});

describe('planDiscovery', () => {
  test('what is known and has not moved is left alone', () => {
    expect(planDiscovery([found()], [known()])).toEqual({ create: [], wake: [], vanished: [] });
  });

  test('what has no object gets one; equal workspaces of two packages are two revisions', () => {
    const other = found({ package: 'bar' });
    expect(planDiscovery([found(), other], [known()])).toEqual({ create: [other], wake: [], vanished: [] });
  });

  test.each<[string, Partial<RevisionInfo>]>([
    ['its commit', { commit: 'c2' }],
    ['its lifecycle', { lifecycle: 'DeletionProposed' }],
    ['whether it is the latest', { latest: false }],
  ])('what has moved in git is looked at: %s', (_what, changes) => {
    expect(planDiscovery([found(changes)], [known()])).toEqual({
      create: [],
      wake: ['default/blueprints.foo.v1'],
      vanished: [],
    });
  });

  test('the head of the branch has moved when its package’s tree has, not when its commit has', () => {
    const head = { branchHead: true, latest: false, workspace: 'main' } as const;
    const object = known({ workspace: 'main', seenLatest: false });
    expect(planDiscovery([found({ ...head, commit: 'c2' })], [object])).toEqual({ create: [], wake: [], vanished: [] });
    expect(planDiscovery([found({ ...head, commit: 'c2', tree: 't2' })], [object]).wake).toEqual([object.key]);
  });

  test('the latest revision is looked at while the branch has what none has, and whoever tells of that until it is over', () => {
    const head = found({ branchHead: true, latest: false, workspace: 'main', revision: -1 });
    const heads = known({ key: 'default/blueprints.foo.main', workspace: 'main', seenLatest: false });
    const { key } = known();
    expect(planDiscovery([found(), { ...head, branchEdited: true }], [known(), heads]).wake).toEqual([key]);
    expect(planDiscovery([found(), head], [known({ seenBranchEdit: true }), heads]).wake).toEqual([key]);
    expect(planDiscovery([found(), head], [known(), heads]).wake).toEqual([]);
  });

  test('G-08: a published revision whose tag has gone is told of, one that may go is not', () => {
    const published = known({ seenTag: 'foo/v1' });
    expect(planDiscovery([], [published])).toEqual({ create: [], wake: [published.key], vanished: [published] });
    expect(planDiscovery([found()], [published]).vanished).toEqual([]);
    expect(planDiscovery([], [known()]).vanished).toEqual([]);
  });

  test('what a late push left beside a revision is looked at', () => {
    const strays = [{ ref: 'refs/heads/drafts/foo/v1', commit: 'c0' }];
    expect(planDiscovery([found({ strays })], [known()]).wake).toEqual(['default/blueprints.foo.v1']);
  });

  test('what has gone from git is looked at; what never was there is not: it may be about to be made', () => {
    expect(planDiscovery([], [known()]).wake).toEqual(['default/blueprints.foo.v1']);
    const unseen = known({
      seenCommit: undefined,
      seenLifecycle: undefined,
      seenLatest: undefined,
      seenTree: undefined,
    });
    expect(planDiscovery([], [unseen])).toEqual({ create: [], wake: [], vanished: [] });
  });
});
