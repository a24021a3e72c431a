import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { condition, OperatorBench } from './support.ts';

const INIT = { init: { description: 'a package' } };

describe('package revisions of a real repository', () => {
  let bench: OperatorBench;
  let remote: BareRepository;

  beforeEach(async () => {
    bench = await OperatorBench.open();
    remote = await bench.repository('git');
  });

  afterEach(async () => {
    await remote.fsck();
    await bench.close();
  });

  const revision = (packageName: string, workspaceName: string, more: { readonly [field: string]: unknown } = {}) =>
    bench.revision({ repository: 'git', packageName, workspaceName, lifecycle: 'Draft', source: INIT, ...more });

  const refs = async (): Promise<string[]> => [...(await remote.refs()).keys()].sort();

  const publish = async (name: string): Promise<void> => {
    await bench.change(name, { lifecycle: 'Proposed' });
    await bench.change(name, { lifecycle: 'Published' });
  };

  test('7.1.1, 7.1.4, 7.9.160: init makes a rendered draft with three files, and status says so', async () => {
    const name = await revision('basens', 'v1');
    await bench.start();

    expect(bench.get(name)).toMatchObject({
      metadata: { finalizers: ['porch.kpt.dev/packagerevisions'] },
      status: {
        revision: 0,
        creationSource: 'init',
        observedLifecycle: 'Draft',
        packageConditions: [{ type: 'Rendered', status: 'True', reason: 'RenderSuccess' }],
      },
    });
    expect(condition(bench.get(name), 'Ready')?.status).toBe('True');
    expect(condition(bench.get(name), 'Rendered')?.status).toBe('True');
    const files = await remote.git('ls-tree', '-r', '--name-only', 'drafts/basens/v1');
    expect(files.split('\n')).toEqual([
      'README.md',
      'basens/Kptfile',
      'basens/README.md',
      'basens/package-context.yaml',
    ]);
  });

  test('7.1.16: an unknown repository is said on the object; the rest goes on', async () => {
    const lost = await bench.revision({ repository: 'nowhere', packageName: 'a', workspaceName: 'v1', source: INIT });
    const fine = await revision('a', 'v1');
    await bench.start();

    expect(condition(bench.get(lost), 'Ready')).toMatchObject({ status: 'False', reason: 'RepositoryNotFound' });
    expect(condition(bench.get(lost), 'Stalled')).toBeUndefined();
    expect(condition(bench.get(fine), 'Ready')?.status).toBe('True');
  });

  test('a clone of a revision that comes later, or is published later, is made then', async () => {
    const source = { cloneFrom: { upstreamRef: { name: 'git.base.v1' } } };
    const name = await revision('copy', 'v1', { source });
    await bench.start();
    expect(condition(bench.get(name), 'Ready')).toMatchObject({ status: 'False', reason: 'SourceNotFound' });
    expect(condition(bench.get(name), 'Stalled')).toBeUndefined();

    const base = await revision('base', 'v1');
    await bench.settle();
    expect(condition(bench.get(name), 'Ready')).toMatchObject({ status: 'False', reason: 'SourceNotPublished' });

    await publish(base);
    expect(condition(bench.get(name), 'Ready')?.status).toBe('True');
    expect(await refs()).toContain('refs/heads/drafts/copy/v1');
  });

  test('7.1.2: a revision without a source makes nothing and says what is missing; once it is pushed, it stands for that', async () => {
    const name = await revision('basens', 'v1', { source: undefined });
    await bench.start();
    expect(condition(bench.get(name), 'Ready')).toMatchObject({ status: 'False', reason: 'NoSource' });
    expect(await refs()).toEqual(['refs/heads/main']);

    const kptfile = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: basens\n';
    await remote.commit('drafts/basens/v1', { 'README.md': 'packages\n', 'basens/Kptfile': kptfile });
    await bench.register('git', remote.path, { description: 'looked at again' });
    await bench.settle();
    expect(condition(bench.get(name), 'Ready')?.status).toBe('True');
    expect(bench.get(name).status).toMatchObject({ observedLifecycle: 'Draft' });
    expect(bench.get(name).status?.creationSource).toBeUndefined();
  });

  test('7.1.17: a name that does not follow from the spec is refused and makes nothing', async () => {
    await bench.apply('porch.kpt.dev/v1alpha2', 'PackageRevision', 'my-name', {
      repository: 'git',
      packageName: 'a',
      workspaceName: 'v1',
      source: INIT,
    });
    await bench.start();

    expect(condition(bench.get('my-name'), 'Ready')).toMatchObject({
      reason: 'InvalidName',
      message: expect.stringContaining('metadata.name: must be git.a.v1'),
    });
    expect(await refs()).toEqual(['refs/heads/main']);
  });

  test.each(['Foo_1', '-x', 'x-', 'a..b', 'a~', 'a.lock'])(
    '7.1.8, P-10: package name %p is refused and makes no ref',
    async (packageName) => {
      await bench.apply('porch.kpt.dev/v1alpha2', 'PackageRevision', 'git.bad.v1', {
        repository: 'git',
        packageName,
        workspaceName: 'v1',
        source: INIT,
      });
      await bench.start();

      expect(condition(bench.get('git.bad.v1'), 'Ready')).toMatchObject({ status: 'False', reason: 'InvalidName' });
      expect(condition(bench.get('git.bad.v1'), 'Ready')?.message).toContain('spec.packageName');
      expect(await refs()).toEqual(['refs/heads/main']);
    },
  );

  test('7.7.103, 7.3.41, 7.3.47, 7.9.173: publish, copy, publish again: numbers 1 and 2, latest moves', async () => {
    const first = await revision('basens', 'v1');
    await bench.start();
    await bench.change(first, { lifecycle: 'Proposed' });
    expect(await refs()).toEqual(['refs/heads/main', 'refs/heads/proposed/basens/v1']);
    await bench.change(first, { lifecycle: 'Published' });
    expect(await refs()).toEqual(['refs/heads/main', 'refs/tags/basens/v1']);

    const second = await revision('basens', 'v2', { source: { copyFrom: { name: first } } });
    await bench.settle();
    expect(bench.get(second).status).toMatchObject({ creationSource: 'copy', revision: 0 });
    await publish(second);

    expect(bench.get(first).status?.revision).toBe(1);
    expect(bench.get(second).status).toMatchObject({ revision: 2, publishedBy: expect.stringContaining('@') });
    expect(bench.get(first).metadata.labels?.['porch.kpt.dev/latest-revision']).toBe('false');
    expect(bench.get(second).metadata.labels?.['porch.kpt.dev/latest-revision']).toBe('true');
    expect(bench.get('git.basens.main').status).toMatchObject({
      revision: -1,
      packageTree: bench.get(second).status?.packageTree,
    });
  });

  test('7.7.105: a proposed revision can be sent back, and proposed again', async () => {
    const name = await revision('basens', 'v1');
    await bench.start();
    await bench.change(name, { lifecycle: 'Proposed' });
    await bench.change(name, { lifecycle: 'Draft' });

    expect(await refs()).toEqual(['refs/heads/drafts/basens/v1', 'refs/heads/main']);
    await bench.change(name, { lifecycle: 'Proposed' });
    expect(await refs()).toEqual(['refs/heads/main', 'refs/heads/proposed/basens/v1']);
  });

  test('7.7.104, 7.7.106: illegal moves are refused at once and change nothing', async () => {
    const name = await revision('basens', 'v1');
    await bench.start();
    await expect(bench.change(name, { lifecycle: 'Published' })).rejects.toMatchObject({
      reason: 'Invalid',
      location: { field: 'spec.lifecycle' },
    });
    await publish(name);
    await expect(bench.change(name, { lifecycle: 'Draft' })).rejects.toMatchObject({ reason: 'Invalid' });
    expect(await refs()).toEqual(['refs/heads/main', 'refs/tags/basens/v1']);
  });

  test('7.7.107, 7.7.108, P-05, 7.9.174: a published revision goes in two steps only', async () => {
    const name = await revision('basens', 'v1');
    await bench.start();
    await publish(name);
    await bench.change(name, { lifecycle: 'DeletionProposed' });
    expect(bench.get(name).status).toMatchObject({ observedLifecycle: 'DeletionProposed', revision: 1 });
    await bench.change(name, { lifecycle: 'Published' });

    await bench.operator.delete(bench.get(name));
    await bench.settle();
    expect(condition(bench.get(name), 'Ready')).toMatchObject({ reason: 'DeletionBlocked' });
    expect(await refs()).toEqual(['refs/heads/main', 'refs/tags/basens/v1']);

    await bench.change(name, { lifecycle: 'DeletionProposed' });
    expect(() => bench.get(name)).toThrow('there is no PackageRevision');
    expect(await refs()).toEqual(['refs/heads/main']);
  });

  test('G-25, 7.9.176: deleting a draft removes its branch before the object goes; twice is no error', async () => {
    const name = await revision('basens', 'v1');
    await bench.start();
    const object = bench.get(name);
    await bench.operator.delete(object);
    await bench.operator.delete(object);
    await bench.settle();

    expect(() => bench.get(name)).toThrow('there is no PackageRevision');
    expect(await refs()).toEqual(['refs/heads/main']);
  });

  test('P-01: a workspace that exists is not made again', async () => {
    const first = await revision('basens', 'v1');
    await bench.start();
    await publish(first);
    const tip = (await remote.refs()).get('refs/tags/basens/v1');
    await bench.revision({
      repository: 'git',
      packageName: 'basens',
      workspaceName: 'v1',
      lifecycle: 'Published',
      source: INIT,
    });
    await bench.settle();

    expect(await refs()).toEqual(['refs/heads/main', 'refs/tags/basens/v1']);
    expect((await remote.refs()).get('refs/tags/basens/v1')).toBe(tip);
  });

  test('7.6.90, 7.6.91, 7.6.93: labels and gates of the package follow the spec', async () => {
    const name = await revision('basens', 'v1', {
      packageMetadata: { labels: { a: '1' } },
      readinessGates: [{ conditionType: 'x' }],
    });
    await bench.start();
    await bench.change(name, { packageMetadata: { labels: { a: '9' } } });

    const kptfile = () => remote.git('show', 'drafts/basens/v1:basens/Kptfile');
    expect(await kptfile()).toContain('a: "9"');
    expect(await kptfile()).toContain('- conditionType: x');

    await bench.change(name, { packageMetadata: undefined, readinessGates: [] });
    expect(await kptfile()).toContain('a: "9"');
    expect(await kptfile()).not.toContain('conditionType: x');
    expect(bench.get(name).spec.readinessGates).toEqual([]);
  });

  test('7.6.96: labels and annotations of the object stay its own, through approval and discovery', async () => {
    const own = { labels: { mine: 'yes' }, annotations: { note: 'kept' } };
    const wanting = (lifecycle: string) =>
      bench.revision({ repository: 'git', packageName: 'basens', workspaceName: 'v1', source: INIT, lifecycle }, own);
    const name = await wanting('Draft');
    await bench.start();
    expect(bench.get(name).metadata).toMatchObject(own);
    expect(await remote.git('show', 'drafts/basens/v1:basens/Kptfile')).not.toContain('mine');

    for (const lifecycle of ['Proposed', 'Published']) {
      await wanting(lifecycle);
      await bench.settle();
    }
    await bench.register('git', remote.path, { description: 'looked at again' });
    await bench.settle();
    expect(bench.get(name)).toMatchObject({ metadata: own, status: { observedLifecycle: 'Published' } });
    expect(await remote.git('show', 'basens/v1:basens/Kptfile')).not.toContain('mine');
  });

  test('7.6.98, V-04: an unmet readiness gate keeps a draft from being proposed, and says which', async () => {
    const name = await revision('basens', 'v1', { readinessGates: [{ conditionType: 'reviewed' }] });
    await bench.start();
    await bench.change(name, { lifecycle: 'Proposed' });

    expect(condition(bench.get(name), 'Ready')).toMatchObject({
      reason: 'NotProposable',
      message: expect.stringContaining('reviewed'),
    });
    expect(await refs()).toEqual(['refs/heads/drafts/basens/v1', 'refs/heads/main']);
  });

  test('P-02, 7.7.117: numbers count per package with a directory, and in nested packages', async () => {
    const scoped = await bench.repository('scoped', {}, { directory: '/apps/' });
    const first = await bench.revision({
      repository: 'scoped',
      packageName: 'a/b',
      workspaceName: 'one',
      source: INIT,
    });
    await bench.start();
    await publish(first);
    const second = await bench.revision({
      repository: 'scoped',
      packageName: 'a/b',
      workspaceName: 'two',
      source: { copyFrom: { name: first } },
    });
    await bench.settle();
    await publish(second);

    expect(bench.get(second).status).toMatchObject({
      revision: 2,
      selfLock: { git: { directory: 'apps/a/b', ref: 'apps/a/b/v2' } },
    });
    expect([...(await scoped.refs()).keys()].sort()).toEqual([
      'refs/heads/main',
      'refs/tags/apps/a/b/v1',
      'refs/tags/apps/a/b/v2',
    ]);
  });

  test('M-22: a package made from scratch has no upstream, a copy has none either', async () => {
    const name = await revision('basens', 'v1');
    await bench.start();
    await publish(name);
    const copy = await revision('basens', 'v2', { source: { copyFrom: { name } } });
    await bench.settle();
    expect(bench.get(name).status?.upstreamLock).toBeUndefined();
    expect(bench.get(copy).status?.upstreamLock).toBeUndefined();
  });
});

test('policy Initial does not approve again when the tag of the first revision was deleted', async () => {
  const bench = await OperatorBench.open();
  try {
    const remote = await bench.repository('git');
    await remote.commit('main', { 'up/Kptfile': 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: up\n' });
    const variant = (context: Record<string, string>) =>
      bench.apply('config.porch.kpt.dev/v1alpha1', 'PackageVariant', 'shop', {
        upstream: { repo: 'git', package: 'up', workspaceName: 'main' },
        downstream: { repo: 'git', package: 'shop' },
        approval: { policy: 'Initial' },
        labels: context,
        pipeline: { mutators: [{ image: 'set-labels:v0.2.0', configMap: context }] },
      });
    await variant({ a: '1' });
    await bench.start();
    expect([...(await remote.refs()).keys()]).toContain('refs/tags/shop/v1');
    await remote.git('update-ref', '-d', 'refs/tags/shop/v1');
    await bench.register('git', remote.path, { description: 'looked at again' });
    await bench.settle();
    await variant({ a: '2' });
    await bench.settle();
    expect([...(await remote.refs()).keys()].filter((ref) => ref.startsWith('refs/tags/'))).toEqual([]);
  } finally {
    await bench.close();
  }
});
