import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { READ_ONLY_ANNOTATION } from '../../../src/api/labels.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { condition, OperatorBench } from './support.ts';

const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: web\n';

describe('Repositories on one remote (7.8.133, 7.8.156, G-12)', () => {
  let bench: OperatorBench;
  let remote: BareRepository;

  beforeEach(async () => {
    bench = await OperatorBench.open();
    remote = await bench.repository('first', {}, { directory: 'apps' });
    await remote.commit('main', { 'apps/web/Kptfile': KPTFILE });
    await remote.git('update-ref', 'refs/tags/apps/web/v1', 'refs/heads/main');
  });

  afterEach(async () => {
    await remote.fsck();
    await bench.close();
  });

  const ready = (name: string) => condition(bench.repositoryObject(name), 'Ready');
  const stalled = (name: string) => condition(bench.repositoryObject(name), 'Stalled');
  const has = (name: string) => bench.operator.find('PackageRevision', 'default', name) !== undefined;

  test('the second writer of a directory waits, says for whom, and takes over when that one goes', async () => {
    await bench.start();
    await bench.register('second', `${remote.path.replace(/\.git$/, '')}/`, {}, { branch: 'next', createBranch: true });
    await bench.settle();

    expect(ready('second')).toMatchObject({ status: 'False', reason: 'Overlaps' });
    expect(ready('second')?.message).toContain('default/first writes to directory apps');
    expect(stalled('second')?.status).toBe('True');
    expect(ready('first')?.status).toBe('True');
    expect([has('first.web.v1'), has('second.apps.web.v1')]).toEqual([true, false]);
    expect([...(await remote.refs()).keys()]).not.toContain('refs/heads/next');

    const before = await remote.refs();
    await bench.operator.delete(bench.repositoryObject('first'));
    await bench.settle();
    expect(ready('second')?.status).toBe('True');
    expect(stalled('second')).toBeUndefined();
    expect(has('second.apps.web.v1')).toBe(true);
    const after = await remote.refs();
    expect(after.delete('refs/heads/next')).toBe(true);
    expect(after).toEqual(before);
  });

  test('directories apart are both Ready, and one of them goes on working when the other is unregistered', async () => {
    await bench.register('infra', remote.path, {}, { directory: 'infra' });
    await bench.start();
    expect([ready('first')?.status, ready('infra')?.status]).toEqual(['True', 'True']);

    await bench.operator.delete(bench.repositoryObject('first'));
    const name = await bench.revision({
      repository: 'infra',
      packageName: 'dns',
      workspaceName: 'v1',
      lifecycle: 'Draft',
      source: { init: {} },
    });
    await bench.settle();
    expect(condition(bench.get(name), 'Ready')?.status).toBe('True');
  });

  test('a read-only one shows everything, is in nobody’s way, and writes nothing', async () => {
    const annotations = { [READ_ONLY_ANNOTATION]: 'true' };
    const readOnly = { type: 'git', git: { repo: remote.path } };
    await bench.apply('config.porch.kpt.dev/v1alpha1', 'Repository', 'reader', readOnly, { annotations });
    await bench.start();
    expect([ready('first')?.status, ready('reader')?.status]).toEqual(['True', 'True']);
    expect(bench.get('reader.apps.web.v1').status).toMatchObject({ observedLifecycle: 'Published', revision: 1 });

    const before = await remote.refs();
    const made = await bench.revision({
      repository: 'reader',
      packageName: 'new',
      workspaceName: 'v1',
      lifecycle: 'Draft',
      source: { init: {} },
    });
    await bench.change('reader.apps.web.v1', { lifecycle: 'DeletionProposed' });
    expect(condition(bench.get(made), 'Ready')).toMatchObject({ status: 'False', reason: 'ReadOnly' });
    expect(condition(bench.get('reader.apps.web.v1'), 'Ready')).toMatchObject({ status: 'False', reason: 'ReadOnly' });
    await bench.operator.delete(bench.get(made));
    await bench.settle();
    expect(has(made)).toBe(false);
    expect(await remote.refs()).toEqual(before);
  });
});
