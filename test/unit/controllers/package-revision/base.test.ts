import { describe, expect, test } from '@jest/globals';
import type { PackageRevision } from '../../../../src/api/kinds.ts';
import { baseRevision, overtakenBy } from '../../../../src/controllers/package-revision/base.ts';
import type { RevisionInfo, TaskRecord } from '../../../../src/repository/types.ts';
import { revisionOf } from '../support.ts';

const WORKSPACE = 'packagevariant-9';

const inGit = (workspace: string, changes: Partial<RevisionInfo> = {}): RevisionInfo => ({
  package: 'apps/bar',
  workspace,
  lifecycle: 'Published',
  revision: 0,
  ref: `refs/heads/${workspace}`,
  commit: 'c1',
  tree: 't1',
  latest: false,
  branchHead: false,
  lock: { type: 'git', git: { repo: 'r', directory: 'apps/bar', ref: workspace, commit: 'c1' } },
  handPushed: false,
  editedByHand: false,
  ...changes,
});
const draft = (task?: TaskRecord, changes: Partial<RevisionInfo> = {}) =>
  inGit(WORKSPACE, { lifecycle: 'Draft', task, ...changes });
const edit = (name: string): TaskRecord => ({ type: 'edit', edit: { sourceRef: { name } } });

const object = (
  source?: PackageRevision['spec']['source'],
  status: PackageRevision['status'] = {},
): PackageRevision => {
  const made = revisionOf({ repository: 'deployments', package: 'apps/bar', workspace: WORKSPACE, unseen: true });
  return { ...made, spec: { ...made.spec, source }, status };
};

const SNAPSHOT = {
  ofPackage: () => [
    inGit('packagevariant-1', { revision: 1 }),
    inGit('v2', { revision: 2, latest: true }),
    inGit('main', { revision: -1, branchHead: true }),
  ],
};
const base = (of: PackageRevision, git?: RevisionInfo) => baseRevision(of, git, SNAPSHOT);

describe('W-16: what a draft goes on from', () => {
  test.each<[string, TaskRecord, number]>([
    ['a copy', edit('deployments.apps.bar.packagevariant-1'), 1],
    ['an upgrade', { type: 'upgrade', upgrade: { localPackageRevisionRef: { name: 'deployments.apps.bar.v2' } } }, 2],
    ['a copy made where the repository had another name', edit('prod.apps.bar.v2'), 2],
    ['a clone', { type: 'clone', clone: {} }, 0],
    ['a package that was begun', { type: 'init', init: {} }, 0],
  ])('is told by its first commit: %s', (_what, task, expected) => {
    expect(base(object(), draft(task))).toBe(expected);
    expect(base(object({ copyFrom: { name: 'deployments.apps.bar.packagevariant-1' } }), draft(task))).toBe(expected);
  });

  test('is what the object asks for while git says nothing', () => {
    const copy = object({ copyFrom: { name: 'deployments.apps.bar.v2' } });
    expect(base(copy)).toBe(2);
    expect(base(copy, draft())).toBe(2);
    expect(base(object({ cloneFrom: { upstreamRef: { name: 'blueprints.foo.v1' } } }))).toBe(0);
  });

  test.each<[string, TaskRecord | undefined]>([
    ['commits by hand', undefined],
    ['the head of a branch', edit('deployments.apps.bar.main')],
    ['a task that names nothing', { type: 'edit', edit: { sourceRef: 'deployments.apps.bar.v2' } }],
    ['an unknown task', { type: 'move' }],
  ])('is not known of %s', (_what, task) => {
    expect(base(object(), draft(task))).toBeUndefined();
  });

  test('stays known when its revision was deleted since', () => {
    expect(base(object(undefined, { baseRevision: 3 }), draft(edit('deployments.apps.bar.v3')))).toBe(3);
  });
});

describe('W-16: what was published past a draft', () => {
  const first = draft(edit('deployments.apps.bar.packagevariant-1'));

  test('is the latest revision', () => {
    expect(overtakenBy(object(), first, SNAPSHOT)).toBe('deployments.apps.bar.v2');
    expect(overtakenBy(object(), draft({ type: 'clone' }), SNAPSHOT)).toBe('deployments.apps.bar.v2');
    expect(overtakenBy(object(), draft(edit('deployments.apps.bar.v2')), SNAPSHOT)).toBeUndefined();
  });

  test('is nothing to a draft that somebody made or has worked on: who publishes it knows what it is', () => {
    expect(overtakenBy(object(), { ...first, editedByHand: true }, SNAPSHOT)).toBeUndefined();
    const own = object();
    const byHand = { ...own, spec: { ...own.spec, workspaceName: 'by-hand' } };
    expect(overtakenBy(byHand, first, SNAPSHOT)).toBeUndefined();
  });
});
