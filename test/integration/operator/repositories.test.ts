import { cp } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RECONCILE_AT_ANNOTATION } from '../../../src/api/labels.ts';
import { createGitRepository } from '../../../src/repository/git/repository.ts';
import { openGitStore } from '../../../src/repository/git/store/open.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { makeServerCertificate } from '../../env/git/certificates.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { condition, NAMESPACE, OperatorBench } from './support.ts';

const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: app\n';

describe('repositories', () => {
  let bench: OperatorBench;
  let server: GitServer;

  beforeEach(async () => {
    bench = await OperatorBench.open();
    server = await startGitServer({ root: bench.folder });
  });

  afterEach(async () => {
    await server.close();
    await bench.close();
  });

  const served = async (
    name: string,
    files: Record<string, string> = { 'app/Kptfile': KPTFILE },
  ): Promise<BareRepository> => {
    const remote = await BareRepository.create(`${bench.folder}/${name}.git`);
    await remote.commit('main', files);
    return remote;
  };

  const ready = (name: string) => condition(bench.repositoryObject(name), 'Ready');

  const secret = (name: string, type: string, stringData: Record<string, string>) =>
    bench.operator.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: NAMESPACE },
      type,
      stringData,
    } as never);

  test('7.8.127: a repository that can be read is Ready with its commit and packages counted', async () => {
    const remote = await served('fine');
    await bench.register('fine', server.url('fine.git'));
    await bench.start();

    expect(ready('fine')).toMatchObject({ status: 'True' });
    expect(bench.repositoryObject('fine').status).toMatchObject({
      packageCount: 1,
      gitCommitHash: (await remote.refs()).get('refs/heads/main'),
    });
    expect(bench.get('fine.app.main')).toMatchObject({ spec: { lifecycle: 'Published' }, status: { revision: -1 } });
  });

  test('G-02: a repository that answers 500 holds up no other, and recovers by itself', async () => {
    await served('fine');
    await served('sick');
    let sick = true;
    server.fault = (_kind, request) =>
      sick && request.url?.startsWith('/sick') ? { kind: 'status', status: 500 } : undefined;
    await bench.register('fine', server.url('fine.git'));
    await bench.register('sick', server.url('sick.git'));
    const name = await bench.revision({
      repository: 'fine',
      packageName: 'new',
      workspaceName: 'v1',
      source: { init: {} },
    });
    await bench.start();

    expect(ready('fine')).toMatchObject({ status: 'True' });
    expect(condition(bench.get(name), 'Ready')?.status).toBe('True');
    expect(ready('sick')).toMatchObject({ status: 'False', reason: 'ServerError' });

    sick = false;
    await bench.register('sick', server.url('sick.git'), { description: 'looked at again' });
    await bench.settle();
    expect(ready('sick')).toMatchObject({ status: 'True' });
  });

  test('7.8.128, 7.8.129: a missing branch is said with its field, and made when that is asked for', async () => {
    await served('a');
    await served('b');
    await bench.register('lost', server.url('a.git'), {}, { branch: 'release' });
    await bench.register('made', server.url('b.git'), {}, { branch: 'other', createBranch: true });
    await bench.start();

    expect(ready('lost')).toMatchObject({
      status: 'False',
      reason: 'BranchNotFound',
      message: expect.stringContaining('spec.git.branch'),
    });
    expect(ready('made')).toMatchObject({ status: 'True' });
  });

  test('7.2.29, G-04: clone from a private repository: no secret, a wrong one, the right one; the password is nowhere', async () => {
    await served('private');
    await bench.repository('target');
    server.auth = { kind: 'basic', username: 'robot', password: 'open-sesame-42' };
    await secret('wrong', 'kubernetes.io/basic-auth', { username: 'robot', password: 'not-that-one-1' });
    await secret('right', 'kubernetes.io/basic-auth', { username: 'robot', password: 'open-sesame-42' });
    const clone = (packageName: string, secretRef?: { readonly name: string }) =>
      bench.revision({
        repository: 'target',
        packageName,
        workspaceName: 'v1',
        source: {
          cloneFrom: {
            git: {
              repo: server.url('private.git'),
              ref: 'main',
              directory: 'app',
              ...(secretRef ? { secretRef } : {}),
            },
          },
        },
      });
    const [none, wrong, right] = [
      await clone('none'),
      await clone('wrong', { name: 'wrong' }),
      await clone('right', { name: 'right' }),
    ];
    await bench.start();

    const refusal = (name: string) => condition(bench.get(name), 'Ready');
    expect(refusal(none)).toMatchObject({ status: 'False', reason: 'AuthFailed' });
    expect(refusal(none)?.message).toContain('asks for credentials, and no Secret is named for it');
    expect(refusal(wrong)).toMatchObject({ status: 'False', reason: 'AuthFailed' });
    expect(refusal(wrong)?.message).toContain('refused the credentials of Secret wrong');
    expect(condition(bench.get(right), 'Ready')?.status).toBe('True');
    expect(bench.get(right).status?.upstreamLock?.git).toMatchObject({ directory: 'app', ref: 'main' });
    const said = JSON.stringify([bench.events, [none, wrong, right].map((name) => bench.get(name))]);
    expect(said).not.toMatch(/open-sesame-42|not-that-one-1/);
  });

  test('7.8.149: a Secret that changes is tried at once by the repository that names it', async () => {
    await served('private');
    server.auth = { kind: 'basic', username: 'robot', password: 'open-sesame-42' };
    await bench.register('private', server.url('private.git'), {}, { secretRef: { name: 'login' } });
    await bench.start();
    expect(ready('private')).toMatchObject({ status: 'False', reason: 'SecretNotFound' });

    await secret('login', 'kubernetes.io/basic-auth', { username: 'robot', password: 'not-that-one-1' });
    await bench.settle();
    expect(ready('private')).toMatchObject({ status: 'False', reason: 'AuthFailed' });

    await secret('login', 'kubernetes.io/basic-auth', { username: 'robot', password: 'open-sesame-42' });
    await bench.settle();
    expect(ready('private')).toMatchObject({ status: 'True' });
  });

  test('7.8.157: an authority in a Secret counts for syncs, for looking whether a remote is back, and for clones of what is not registered', async () => {
    const { ca, ...tls } = await makeServerCertificate();
    const secure = await startGitServer({ root: bench.folder, tls });
    try {
      for (const name of ['private', 'other', 'unregistered']) await served(name);
      await secret('authority', 'Opaque', { 'ca.crt': ca });
      await bench.repository('target');
      const secretRef = { name: 'authority' };
      await bench.register('trusting', secure.url('private.git'), {}, { secretRef });
      await bench.register('strict', secure.url('other.git'));
      const clone = (packageName: string, more: object) => {
        const git = { repo: secure.url('unregistered.git'), ref: 'main', directory: 'app', ...more };
        const spec = { repository: 'target', packageName, workspaceName: 'v1', source: { cloneFrom: { git } } };
        return bench.revision(spec);
      };
      const [trusted, refused] = [await clone('trusted', { secretRef }), await clone('refused', {})];
      await bench.start();
      expect(ready('trusting')).toMatchObject({ status: 'True' });
      expect(ready('strict')).toMatchObject({ status: 'False', reason: 'TLSVerify' });
      expect(condition(bench.get(trusted), 'Ready')?.status).toBe('True');
      expect(condition(bench.get(refused), 'Ready')).toMatchObject({ status: 'False', reason: 'TLSVerify' });

      secure.fault = () => ({ kind: 'status', status: 503 });
      const look = async (value: string) => {
        const spec = { type: 'git', git: { repo: secure.url('private.git'), secretRef } };
        const annotations = { [RECONCILE_AT_ANNOTATION]: value };
        await bench.apply('config.porch.kpt.dev/v1alpha1', 'Repository', 'trusting', spec, { annotations });
        await bench.settle();
      };
      await look('away');
      expect(ready('trusting')).toMatchObject({ status: 'False', reason: 'ServerError' });
      secure.fault = () => undefined;
      await look('back');
      expect(ready('trusting')).toMatchObject({ status: 'True' });
    } finally {
      await secure.close();
    }
  });

  test('7.2.26, 7.2.28, P-17: slashes around the directory do not count; a ref that is not there is named', async () => {
    await served('up');
    await bench.repository('target');
    const clone = (packageName: string, directory: string, ref: string) =>
      bench.revision({
        repository: 'target',
        packageName,
        workspaceName: 'v1',
        source: { cloneFrom: { git: { repo: server.url('up.git'), ref, directory } } },
      });
    const fine = [
      await clone('a', '/app', 'main'),
      await clone('b', 'app/', 'main'),
      await clone('c', './app', 'main'),
    ];
    const lost = await clone('d', 'app', 'v9');
    const empty = await clone('e', 'nothing', 'main');
    await bench.start();

    for (const name of fine) expect(bench.get(name).status?.upstreamLock?.git?.directory).toBe('app');
    expect(condition(bench.get(lost), 'Ready')).toMatchObject({
      reason: 'RefNotFound',
      message: expect.stringContaining('refs/tags/app/v9'),
    });
    expect(condition(bench.get(empty), 'Ready')).toMatchObject({ reason: 'PackageNotFound' });
  });

  test('7.8.135: a repository that is unregistered takes its objects along and leaves git as it is', async () => {
    const remote = await bench.repository('gone');
    const name = await bench.revision({
      repository: 'gone',
      packageName: 'a',
      workspaceName: 'v1',
      source: { init: {} },
    });
    await bench.start();
    const before = await remote.refs();
    await bench.operator.delete(bench.repositoryObject('gone'));
    await bench.operator.delete(bench.get(name));
    await bench.settle();

    expect(() => bench.get(name)).toThrow('there is no PackageRevision');
    expect(await remote.refs()).toEqual(before);
  });

  test('7.8.141, G-28: a malformed draft branch is a warning beside the others', async () => {
    const remote = await served('odd');
    await remote.git('update-ref', 'refs/heads/drafts/x', 'refs/heads/main');
    await remote.git('update-ref', 'refs/heads/ветка', 'refs/heads/main');
    await bench.register('odd', server.url('odd.git'));
    await bench.start();

    expect(ready('odd')).toMatchObject({ status: 'True' });
    expect(bench.repositoryObject('odd').status?.warnings).toEqual([
      expect.objectContaining({ ref: 'refs/heads/drafts/x' }),
    ]);
  });

  test('a package that cannot have an object, or whose object stands for another package, is a warning that names it', async () => {
    await served('odd', {
      'app/Kptfile': KPTFILE,
      'a.b/Kptfile': KPTFILE,
      'a/b/Kptfile': KPTFILE,
      'Caps/Kptfile': KPTFILE,
    });
    await bench.register('odd', server.url('odd.git'));
    await bench.start();

    expect(ready('odd')).toMatchObject({ status: 'True' });
    const messages = bench.repositoryObject('odd').status?.warnings?.map(({ message }) => message);
    expect(messages).toEqual([
      expect.stringContaining('package Caps is ignored: '),
      'package a/b is ignored: odd.a.b.main stands for package a.b',
    ]);
  });

  test('G-03: three hundred leftover draft branches are listed', async () => {
    const remote = await served('many');
    const refs = Array.from({ length: 300 }, (_, index) => `create refs/heads/drafts/app/w${index} refs/heads/main`);
    for (const ref of refs) await remote.git('update-ref', ...ref.split(' ').slice(1));
    await bench.register('many', server.url('many.git'));
    await bench.start();

    expect(bench.repositoryObject('many').status?.conditions?.[0]?.message).toBe('301 revisions of 1 packages');
    expect(bench.get('many.app.w299').status).toMatchObject({ observedLifecycle: 'Draft' });
  });
});

test('G-15: a hundred repositories are synced a few at a time', async () => {
  let running = 0;
  let most = 0;
  const bench = await OperatorBench.open({
    open: {
      createRepository: (store, options) => {
        const repository = createGitRepository(store, options);
        const original = repository.sync.bind(repository);
        const sync: typeof repository.sync = async (call) => {
          most = Math.max(most, ++running);
          try {
            return await original(call);
          } finally {
            running--;
          }
        };
        return Object.assign(repository, { sync });
      },
    },
  });
  try {
    const remote = await BareRepository.create(`${bench.folder}/shared.git`);
    await remote.commit('main', { 'app/Kptfile': KPTFILE });
    for (let index = 0; index < 100; index++)
      await bench.register(`r${index}`, remote.path, {}, { directory: `d${index}` });
    await bench.start();

    expect(most).toBeLessThanOrEqual(32);
    expect(condition(bench.repositoryObject('r99'), 'Ready')?.status).toBe('True');
  } finally {
    await bench.close();
  }
});

test('G-15: forty remotes are called a few at a time, and each of them by few', async () => {
  const lists = new CallCounter();
  const transfers = new CallCounter();
  const bench = await OperatorBench.open({
    open: {
      openStore: async (options) => {
        const store = await openGitStore(options);
        const [listRemote, fetch, push] = [store.listRemote, store.fetch, store.push].map((call) =>
          call.bind(store),
        ) as [typeof store.listRemote, typeof store.fetch, typeof store.push];
        return Object.assign(store, {
          listRemote: (...args: Parameters<typeof listRemote>) => lists.count(store.url, () => listRemote(...args)),
          fetch: (...args: Parameters<typeof fetch>) => transfers.count(store.url, () => fetch(...args)),
          push: (...args: Parameters<typeof push>) => transfers.count(store.url, () => push(...args)),
        });
      },
    },
  });
  try {
    await bench.repository('target');
    const first = await BareRepository.create(`${bench.folder}/up0.git`);
    await first.commit('main', { 'app/Kptfile': KPTFILE });
    const names: string[] = [];
    for (let index = 0; index < 40; index++) {
      const repo = `${bench.folder}/up${index}.git`;
      if (index > 0) await cp(first.path, repo, { recursive: true });
      const source = { cloneFrom: { git: { repo, ref: 'main', directory: 'app' } } };
      names.push(await bench.revision({ repository: 'target', packageName: `p${index}`, workspaceName: 'v1', source }));
    }
    await bench.start();

    expect(names.filter((name) => condition(bench.get(name), 'Ready')?.status !== 'True')).toEqual([]);
    expect(transfers.most).toBeGreaterThan(1);
    expect(transfers.most).toBeLessThanOrEqual(16);
    expect(lists.most).toBeLessThanOrEqual(32);
    expect(Math.max(transfers.mostOfOne, lists.mostOfOne)).toBeLessThanOrEqual(2);
  } finally {
    await bench.close();
  }
});

/** Calls that run at the same time, of all remotes and of each. */
class CallCounter {
  most = 0;
  mostOfOne = 0;
  #running = 0;
  readonly #ofOne = new Map<string, number>();

  async count<T>(url: string, call: () => Promise<T>): Promise<T> {
    const ofOne = (this.#ofOne.get(url) ?? 0) + 1;
    this.#ofOne.set(url, ofOne);
    this.most = Math.max(this.most, ++this.#running);
    this.mostOfOne = Math.max(this.mostOfOne, ofOne);
    try {
      return await call();
    } finally {
      this.#running--;
      this.#ofOne.set(url, (this.#ofOne.get(url) ?? 0) - 1);
    }
  }
}
