import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LATEST_REVISION_LABEL } from '../../../src/api/labels.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { condition, OperatorBench } from './support.ts';

const TAG = 'refs/tags/app/v1';

describe('G-08: history that somebody changes behind the operator', () => {
  let bench: OperatorBench;
  let remote: BareRepository;
  let name: string;
  let looks = 0;

  beforeEach(async () => {
    bench = await OperatorBench.open();
    remote = await bench.repository('git');
    await remote.config('user.name', 'Somebody');
    await remote.config('user.email', 'somebody@example.com');
    name = await bench.revision({
      repository: 'git',
      packageName: 'app',
      workspaceName: 'v1',
      lifecycle: 'Published',
      source: { init: { description: 'a package' } },
    });
    await bench.start();
    expect(bench.get(name).status).toMatchObject({ observedLifecycle: 'Published', revision: 1 });
    bench.events.length = 0;
  });

  afterEach(async () => {
    await bench.close();
  });

  const lookAgain = async (): Promise<void> => {
    looks += 1;
    await bench.register('git', remote.path, { description: `look ${looks}` });
    await bench.settle();
  };

  const warnings = () => bench.repositoryObject('git').status?.warnings;
  const reasons = () => bench.events.map(({ reason }) => reason);

  test('a published revision whose tag is deleted stays and is flagged, until the tag is back', async () => {
    const tagged = (await remote.refs()).get(TAG) ?? '';
    await remote.git('update-ref', '-d', TAG);
    await lookAgain();

    expect(warnings()).toEqual([{ ref: TAG, message: expect.stringContaining('package app is gone') }]);
    expect(condition(bench.repositoryObject('git'), 'Ready')?.status).toBe('True');
    expect(condition(bench.get(name), 'Ready')).toMatchObject({
      status: 'False',
      reason: 'Vanished',
      message: expect.stringContaining('tag app/v1'),
    });
    expect(bench.get(name).status?.observedCommit).toBe(tagged);
    expect(bench.get(name).metadata.labels?.[LATEST_REVISION_LABEL]).toBe('false');
    expect(reasons()).toEqual(['Vanished', 'Vanished']);

    await lookAgain();
    expect(warnings()).toHaveLength(1);
    expect(reasons()).toEqual(['Vanished', 'Vanished']);

    await remote.git('update-ref', TAG, tagged);
    await lookAgain();
    expect(warnings()).toEqual([]);
    expect(condition(bench.get(name), 'Ready')?.status).toBe('True');
    expect(bench.get(name).metadata.labels?.[LATEST_REVISION_LABEL]).toBe('true');
  });

  test('the object of a vanished revision can be deleted, and the warning goes with it', async () => {
    await remote.git('update-ref', '-d', TAG);
    await lookAgain();
    await bench.operator.delete(bench.get(name));
    await lookAgain();

    expect(() => bench.get(name)).toThrow('there is no PackageRevision');
    expect(warnings()).toEqual([]);
  });

  test('a revision that is deleted by its object is not flagged', async () => {
    await bench.change(name, { lifecycle: 'DeletionProposed' });
    await bench.operator.delete(bench.get(name));
    await lookAgain();

    expect((await remote.refs()).has(TAG)).toBe(false);
    expect(warnings()).toEqual([]);
    expect(reasons()).not.toContain('Vanished');
  });

  test('a draft whose branch is deleted is forgotten (7.8.143)', async () => {
    const draft = await bench.revision({
      repository: 'git',
      packageName: 'other',
      workspaceName: 'v1',
      lifecycle: 'Draft',
      source: { init: {} },
    });
    await bench.settle();
    await remote.git('update-ref', '-d', 'refs/heads/drafts/other/v1');
    await lookAgain();

    expect(() => bench.get(draft)).toThrow('there is no PackageRevision');
    expect(warnings()).toEqual([]);
  });

  test('a moved tag is told of on the repository and on the revision, whose content follows', async () => {
    const message = await remote.git('log', '-1', '--format=%B', TAG);
    const moved = await remote.git('commit-tree', `${TAG}^{tree}`, '-p', `${TAG}^1`, '-p', `${TAG}^2`, '-m', message);
    await remote.git('update-ref', TAG, moved);
    await lookAgain();

    expect(warnings()).toEqual([{ ref: TAG, message: expect.stringContaining(`to ${moved}`) }]);
    expect(reasons()).toEqual(['TagMoved', 'TagMoved']);
    expect(bench.get(name).status?.observedCommit).toBe(moved);
    expect(condition(bench.get(name), 'Ready')?.status).toBe('True');
  });

  test('a rewritten branch is told of, until somebody builds on it', async () => {
    await remote.git('update-ref', 'refs/heads/main', await remote.git('rev-parse', 'main^1'));
    await lookAgain();
    const branch = 'refs/heads/main';
    expect(warnings()).toEqual([{ ref: branch, message: expect.stringContaining('rewritten') }]);
    expect(reasons()).toContain('HistoryRewritten');
    expect(condition(bench.get(name), 'Ready')?.status).toBe('True');

    await lookAgain();
    expect(warnings()).toHaveLength(1);
    await remote.commit('main', { 'README.md': 'anew\n' });
    await lookAgain();
    expect(warnings()).toEqual([]);
  });
});
