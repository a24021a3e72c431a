import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { condition, OperatorBench } from './support.ts';

const INIT = { init: {} };

describe('deletion of revisions', () => {
  let bench: OperatorBench;
  let remote: BareRepository;

  beforeEach(async () => {
    bench = await OperatorBench.open();
    remote = await bench.repository('git');
    await bench.repository('target');
  });

  afterEach(async () => {
    await remote.fsck();
    await bench.close();
  });

  const revision = (repository: string, packageName: string, workspaceName: string, source: object) =>
    bench.revision({ repository, packageName, workspaceName, lifecycle: 'Draft', source });
  const published = async (packageName: string, workspaceName: string, source: object): Promise<string> => {
    const name = await revision('git', packageName, workspaceName, source);
    await bench.settle();
    await bench.change(name, { lifecycle: 'Proposed' });
    await bench.change(name, { lifecycle: 'Published' });
    return name;
  };
  const doom = async (name: string): Promise<void> => {
    await bench.change(name, { lifecycle: 'DeletionProposed' });
    await bench.operator.delete(bench.get(name));
    await bench.settle();
  };
  const has = (name: string) => bench.operator.find('PackageRevision', 'default', name) !== undefined;
  const tags = async () => [...(await remote.refs()).keys()].filter((ref) => ref.startsWith('refs/tags/'));

  test('7.7.115: what another one was cloned from stays until that one has gone, and says why', async () => {
    await bench.start();
    const upstream = await published('app', 'v1', INIT);
    const named = await revision('target', 'named', 'v1', { cloneFrom: { upstreamRef: { name: upstream } } });
    const git = { repo: `${remote.path}/`, ref: 'app/v1', directory: '/app' };
    const locked = await revision('target', 'locked', 'v1', { cloneFrom: { git } });
    await bench.settle();
    expect(bench.get(upstream).status?.referencedBy).toEqual([locked, named]);

    await doom(upstream);
    expect(condition(bench.get(upstream), 'Ready')).toMatchObject({
      reason: 'Referenced',
      message: `is the upstream of ${locked}, ${named}; delete them, or upgrade them, first`,
    });
    expect(bench.events).toContainEqual(expect.objectContaining({ reason: 'Referenced' }));
    expect(await tags()).toEqual(['refs/tags/app/v1']);

    await bench.operator.delete(bench.get(named));
    await bench.settle();
    expect(bench.get(upstream).status?.referencedBy).toEqual([locked]);
    await bench.operator.delete(bench.get(locked));
    await bench.settle();
    expect(has(upstream)).toBe(false);
    expect(await tags()).toEqual([]);
  });

  test('7.7.116: after an upgrade the old upstream may go and the new one may not', async () => {
    await bench.start();
    const first = await published('app', 'v1', INIT);
    const second = await published('app', 'v2', { copyFrom: { name: first } });
    const git = { repo: remote.path, ref: 'app/v1', directory: 'app' };
    const clone = await revision('target', 'web', 'v1', { cloneFrom: { git } });
    await bench.settle();
    await bench.change(clone, { lifecycle: 'Proposed' });
    await bench.change(clone, { lifecycle: 'Published' });
    const upgrade = {
      currentPackage: { name: clone },
      oldUpstream: { name: first },
      newUpstream: { name: second },
    };
    const upgraded = await revision('target', 'web', 'v2', { upgrade });
    await bench.settle();
    expect(condition(bench.get(upgraded), 'Ready')?.status).toBe('True');
    expect(bench.get(second).status?.referencedBy).toEqual([upgraded]);
    expect(bench.get(first).status?.referencedBy).toEqual([clone]);

    await doom(clone);
    expect(bench.get(first).status?.referencedBy).toBeUndefined();
    await doom(first);
    await doom(second);
    expect([has(first), has(second)]).toEqual([false, true]);
    expect(condition(bench.get(second), 'Ready')).toMatchObject({ reason: 'Referenced' });
  });

  test('P-18: thirty revisions of a package are deleted at once, and the one that cannot go says why', async () => {
    await remote.commit('main', { 'app/Kptfile': 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: app\n' });
    for (let number = 1; number <= 30; number++) {
      await remote.git('update-ref', `refs/tags/app/v${number}`, 'refs/heads/main');
      if (number !== 7) await remote.git('update-ref', `refs/heads/deletionProposed/app/v${number}`, 'refs/heads/main');
    }
    await bench.start();
    const names = Array.from({ length: 30 }, (_, index) => `git.app.v${index + 1}`);
    expect(names.every(has)).toBe(true);

    await Promise.all(names.map((name) => bench.operator.delete(bench.get(name))));
    await bench.settle();

    expect(names.filter(has)).toEqual(['git.app.v7']);
    expect(condition(bench.get('git.app.v7'), 'Ready')).toMatchObject({ reason: 'DeletionBlocked' });
    expect(await tags()).toEqual(['refs/tags/app/v7']);
    expect(bench.get('git.app.v7').metadata.labels).toMatchObject({ 'kpt.dev/latest-revision': 'true' });
  });
});
