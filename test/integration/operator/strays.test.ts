import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { condition, OperatorBench } from './support.ts';

const DRAFT = 'refs/heads/drafts/app/v1';
const PROPOSED = 'refs/heads/proposed/app/v1';

describe('a draft branch that comes back beside its own later state', () => {
  let bench: OperatorBench;
  let remote: BareRepository;

  beforeEach(async () => {
    bench = await OperatorBench.open();
    remote = await bench.repository('git');
    await remote.config('user.name', 'Somebody');
    await remote.config('user.email', 'somebody@example.com');
  });

  afterEach(async () => {
    await remote.fsck();
    await bench.close();
  });

  const revision = (lifecycle: string) =>
    bench.revision({
      repository: 'git',
      packageName: 'app',
      workspaceName: 'v1',
      lifecycle,
      source: { init: { description: 'a package' } },
    });

  /** What another process of ours makes of the same draft at another time. */
  const twinOf = async (commit: string): Promise<string> => {
    const message = await remote.git('log', '-1', '--format=%B', commit);
    return remote.git('commit-tree', `${commit}^{tree}`, '-p', `${commit}^`, '-m', message);
  };

  const lookAgain = async (): Promise<void> => {
    await bench.register('git', remote.path, { description: 'looked at again' });
    await bench.settle();
  };

  test('goes when the revision is proposed, which stays so', async () => {
    const name = await revision('Proposed');
    await bench.start();
    const before = await remote.refs();
    await remote.git('update-ref', DRAFT, await twinOf(PROPOSED));
    await lookAgain();

    expect(await remote.refs()).toEqual(before);
    expect(bench.get(name)).toMatchObject({
      spec: { lifecycle: 'Proposed' },
      status: { observedLifecycle: 'Proposed', observedCommit: before.get(PROPOSED) },
    });
    expect(condition(bench.get(name), 'Ready')?.status).toBe('True');
    expect(bench.events).toContainEqual(
      expect.objectContaining({ reason: 'StrayDeleted', message: expect.stringContaining(DRAFT) }),
    );
  });

  test.each([
    ['goes when the revision is published', 'Published'],
    ['goes when the revision is to be deleted', 'DeletionProposed'],
  ])('%s', async (_, lifecycle) => {
    const name = await revision('Published');
    await bench.start();
    if (lifecycle !== 'Published') await bench.change(name, { lifecycle });
    const before = await remote.refs();
    await remote.git('update-ref', DRAFT, await twinOf('app/v1^2'));
    await lookAgain();

    expect(await remote.refs()).toEqual(before);
    expect(bench.get(name).status).toMatchObject({ observedLifecycle: lifecycle, revision: 1 });
    expect(bench.repositoryObject('git').status?.warnings).toEqual([]);
  });

  test('stays and is a warning when it holds anything else', async () => {
    await revision('Published');
    await bench.start();
    const tree = await remote.git('rev-parse', 'app/v1^{tree}');
    const byHand = await remote.git('commit-tree', tree, '-p', 'app/v1^2', '-m', 'by hand');
    await remote.git('update-ref', DRAFT, byHand);
    await lookAgain();

    expect((await remote.refs()).get(DRAFT)).toBe(byHand);
    expect(bench.repositoryObject('git').status?.warnings).toEqual([
      { ref: DRAFT, message: expect.stringContaining('taken by refs/tags/app/v1') },
    ]);
  });

  test('is told of, again and again but ever more seldom, when it keeps the draft from being proposed', async () => {
    const kptfile = (name: string) => `apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: ${name}\n`;
    await remote.commit(PROPOSED, { 'app/Kptfile': kptfile('one') });
    await remote.commit(DRAFT, { 'app/Kptfile': kptfile('other') });
    const name = await revision('Proposed');
    await bench.start();

    expect(condition(bench.get(name), 'Ready')).toMatchObject({ status: 'False', reason: 'RefMoved' });
    expect((await remote.refs()).get(PROPOSED)).toBeDefined();
  });
});
