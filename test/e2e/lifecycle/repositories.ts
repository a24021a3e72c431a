import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import type { PackageRevision, Repository } from '../../../src/api/kinds.ts';
import { Person, refusal } from '../admission/support.ts';
import { conditionOf, isReady } from '../support/cluster.ts';
import { waitFor } from '../support/wait-for.ts';
import { KIND, LATEST, type LifecycleBench, revisionObject } from './bench.ts';

/** Repositories come and go; what is in them stays. */
export function repositories(bench: () => LifecycleBench): void {
  const admin = () => bench().company.admin;
  const fresh = () => `repo-${randomBytes(4).toString('hex')}`;

  test('7.8.131: without a branch it is main; an empty one is refused, an impossible one is said on the object', async () => {
    const name = fresh();
    const remote = await bench().makeRemote(name);
    await remote.commit('main', { 'app/Kptfile': kptfile('app') });
    await admin().create(bench().manifest(name, {}));
    await bench().until<Repository>('Repository', name, isReady);
    await bench().untilIn(`${name}.app.main`, 'Published');
    expect((await refusal(admin().create(bench().manifest(fresh(), { branch: '' }, name)))).reason).toBe('Invalid');

    const odd = fresh();
    await bench().makeRemote(odd);
    await admin().create(bench().manifest(odd, { branch: 'a..b ~' }));
    const isFalse = (object: Repository) => conditionOf(object, 'Ready')?.status === 'False';
    expect(conditionOf(await bench().until<Repository>('Repository', odd, isFalse), 'Ready')?.message).toContain(
      'branch',
    );
  });

  test('7.8.135, 7.9.175: unregistered with the server away, published revisions and drafts vanish as objects and stay in git; they return', async () => {
    const name = fresh();
    const remote = await bench().register(name);
    const published = await bench().published({ package: 'app', repository: name });
    const draft = await bench().draft({ package: 'web', repository: name });
    const before = await remote.refs();
    bench().git.fault = (_, request) => (request.url?.includes(name) ? { kind: 'reset' } : undefined);
    await admin().delete('Repository', name);
    for (const object of [published, draft, `${name}.app.main`]) await bench().untilGone(KIND, object);
    await bench().untilGone('Repository', name);
    bench().git.fault = () => undefined;
    expect(await remote.refs()).toEqual(before);

    await admin().create(bench().manifest(name));
    expect((await bench().untilIn(published, 'Published')).status?.revision).toBe(1);
    await bench().untilIn(draft, 'Draft');
    expect(await remote.refs()).toEqual(before);
  });

  test('7.9.178, 7.9.162: a package that was pushed becomes an object without a source, which moves on and keeps what users set', async () => {
    const name = bench().fresh();
    await bench()
      .remote()
      .commit(`drafts/${name}/v1`, {
        [`${name}/Kptfile`]: kptfile(name, [
          'info:',
          '  readinessGates:',
          '    - conditionType: seen',
          'status:',
          '  conditions:',
          '    - type: seen',
          '      status: "True"',
        ]),
      });
    const tree = () => bench().remote().git('rev-parse', `drafts/${name}/v1:${name}`);
    await bench().look();
    const v1 = `git.${name}.v1`;
    const found = await bench().untilIn(v1, 'Draft');
    expect(found.spec).toMatchObject({
      packageName: name,
      repository: 'git',
      workspaceName: 'v1',
      lifecycle: 'Draft',
      readinessGates: [{ conditionType: 'seen' }],
    });
    expect(found.spec.source).toBeUndefined();
    expect(found.status?.creationSource).toBeUndefined();
    await bench().alice.merge(KIND, v1, { metadata: { labels: { mine: 'yes' }, annotations: { note: 'kept' } } });
    const before = await tree();
    await bench().look();
    expect((await bench().untilIn(v1, 'Draft')).metadata).toMatchObject({
      labels: { mine: 'yes' },
      annotations: { note: 'kept' },
    });
    expect(await tree()).toBe(before);
    await bench().move(bench().alice, v1, 'Proposed');
    const published = await bench().move(bench().bob, v1, 'Published');
    expect(published.status).toMatchObject({ revision: 1, publishedBy: bench().publisher });
    expect(published.metadata.labels).toMatchObject({ mine: 'yes', [LATEST]: 'true' });
  });

  test('7.7.122: the same names in two namespaces are two objects; one namespace’s repository goes alone', async () => {
    const name = fresh();
    await bench().register(name);
    const other = new Person(admin().client, `other-${randomBytes(4).toString('hex')}`);
    await admin().client.json({
      method: 'POST',
      path: '/api/v1/namespaces',
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: other.namespace } },
    });
    await bench().makeRemote(`${name}-other`);
    await other.create(bench().manifest(name, { branch: 'main' }, `${name}-other`));
    await bench().until<Repository>('Repository', name, isReady, other);
    const request = { package: 'app', repository: name };
    const mine = await bench().draft(request);
    await other.create(revisionObject(request));
    const theirs = await bench().until<PackageRevision>(KIND, mine, isReady, other);
    expect(theirs.metadata.uid).not.toBe((await bench().get(mine)).metadata.uid);
    await other.delete('Repository', name);
    await waitFor(() => other.isGone(KIND, mine), { what: 'the other one is gone' });
    await bench().untilIn(mine, 'Draft');
    expect(await bench().refs('app', name)).toEqual(['heads/drafts/app/v1']);
    await admin().client.json({ method: 'DELETE', path: `/api/v1/namespaces/${other.namespace}` });
  });

  test('C-06: a revision made the moment its repository is Ready, or before there is one, gets there by itself', async () => {
    const early = fresh();
    await bench().makeRemote(early);
    const before = await bench().create({ package: 'early', repository: early });
    await bench().untilReason(before, 'RepositoryNotFound');
    const names = [early, ...Array.from({ length: 4 }, fresh)];
    await Promise.all(
      names.map(async (name) => {
        if (name !== early) await bench().makeRemote(name);
        await admin().create(bench().manifest(name));
        await bench().until<Repository>('Repository', name, isReady);
        await bench().draft({ package: 'app', repository: name });
      }),
    );
    await bench().untilIn(before, 'Draft');
  });

  test('T-06: of a repository that cannot be reached nothing is counted', async () => {
    const name = fresh();
    await admin().create(bench().manifest(name, { branch: 'main' }, 'nowhere'));
    const failed = await bench().until<Repository>(
      'Repository',
      name,
      (object) => conditionOf(object, 'Ready')?.status === 'False',
    );
    expect(failed.status?.packageCount).toBeUndefined();
    expect(failed.status?.gitCommitHash).toBeUndefined();
    await admin().delete('Repository', name);
  });
}

export function kptfile(name: string, more: readonly string[] = []): string {
  return ['apiVersion: kpt.dev/v1', 'kind: Kptfile', 'metadata:', `  name: ${name}`, ...more, ''].join('\n');
}
