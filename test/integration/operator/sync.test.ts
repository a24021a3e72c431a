import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RECONCILE_AT_ANNOTATION } from '../../../src/api/labels.ts';
import type { StoreChange } from '../../../src/kube/adapters/embedded/store.ts';
import { openGitStore } from '../../../src/repository/git/store/open.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { condition, OperatorBench } from './support.ts';

/** Of a call to a git server; the one that hangs is waited for. */
const DEADLINE_MS = 5_000;
const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: app\n';

describe('when a repository is read again (7.8.150 to 7.8.154)', () => {
  let bench: OperatorBench;
  let remote: BareRepository;
  let server: GitServer;
  let lists: number;
  let writes: StoreChange[];
  let look: () => void;

  beforeEach(async () => {
    look = () => undefined;
    writes = [];
    bench = await OperatorBench.open({
      open: { openStore: (options) => openGitStore({ ...options, timeoutMs: DEADLINE_MS }) },
      onChange: (change) => {
        writes.push(change);
        look();
      },
    });
    server = await startGitServer({ root: bench.folder });
    remote = await bench.repository('local');
    await bench.operator.delete(bench.repositoryObject('local'));
    lists = 0;
    server.fault = (kind) => {
      if (kind === 'discoverFetch') lists++;
      return undefined;
    };
  });

  afterEach(async () => {
    await server.close();
    await bench.close();
  });

  const register = async (sync?: object, metadata: Record<string, unknown> = {}): Promise<void> => {
    const spec = { type: 'git', git: { repo: server.url('local.git') }, ...(sync ? { sync } : {}) };
    await bench.apply('config.porch.kpt.dev/v1alpha1', 'Repository', 'git', spec, metadata);
    await bench.settle();
  };
  const status = () => bench.repositoryObject('git').status;
  const until = async (holds: () => boolean): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    look = () => (holds() ? resolve() : undefined);
    look();
    await promise;
  };

  test('7.8.151: a single run in the past is served once, and its time alone asks for nothing else', async () => {
    await bench.start();
    await register();
    const before = lists;
    await register({ runOnceAt: '2099-01-01T00:00:00Z' });
    expect(lists).toBe(before);
    expect(status()).toMatchObject({ observedGeneration: bench.repositoryObject('git').metadata.generation });
    expect(status()?.observedRunOnceAt).toBeUndefined();

    await register({ runOnceAt: '2020-01-01T00:00:00Z' });
    expect(lists).toBe(before + 1);
    expect(status()?.observedRunOnceAt).toBe('2020-01-01T00:00:00Z');
    expect(bench.repositoryObject('git').spec.sync?.runOnceAt).toBe('2020-01-01T00:00:00Z');
    await register({ runOnceAt: '2020-01-01T00:00:00Z' }, { labels: { a: 'b' } });
    await register({});
    expect(lists).toBe(before + 1);
  });

  test('a new value of the annotation is a look at once, which is acknowledged', async () => {
    await bench.start();
    await register();
    await remote.commit('main', { 'app/Kptfile': KPTFILE });
    await remote.git('update-ref', 'refs/tags/app/v1', 'refs/heads/main');
    await register(undefined, { annotations: { [RECONCILE_AT_ANNOTATION]: '1' } });
    expect(status()?.lastHandledReconcileAt).toBe('1');
    expect(bench.get('git.app.v1').status).toMatchObject({ revision: 1 });

    const before = lists;
    await remote.git('update-ref', '-d', 'refs/tags/app/v1');
    const { apiVersion, kind, spec } = bench.get('git.app.v1');
    await bench.apply(apiVersion, kind, 'git.app.v1', { ...spec }, { annotations: { [RECONCILE_AT_ANNOTATION]: '2' } });
    await bench.settle();
    expect(lists).toBeGreaterThan(before);
    expect(bench.get('git.app.v1').status?.lastHandledReconcileAt).toBe('2');
    expect(condition(bench.get('git.app.v1'), 'Ready')).toMatchObject({ reason: 'Vanished' });
  });

  test('a schedule that cannot be read is said with its field, and the repository is read all the same', async () => {
    await bench.start();
    await register({ schedule: 'every tuesday' });
    const object = bench.repositoryObject('git');
    expect(condition(object, 'Ready')?.status).toBe('True');
    expect(condition(object, 'ScheduleValid')).toMatchObject({
      status: 'False',
      reason: 'InvalidSchedule',
      message: expect.stringContaining('spec.sync.schedule'),
    });
    expect(bench.events).toContainEqual(expect.objectContaining({ reason: 'InvalidSchedule' }));

    await register({ schedule: 'TZ=Europe/Berlin 0 3 * * *' });
    expect(condition(bench.repositoryObject('git'), 'ScheduleValid')).toBeUndefined();
    expect(status()?.lastFullSyncTime).toMatch(/Z$/);
  });

  test('T-07: a look that finds nothing new writes nothing but that it was made', async () => {
    await bench.start();
    await register();
    const next = status()?.nextFullSyncTime ?? '';
    expect(Date.parse(next)).toBeGreaterThan(Date.now());
    writes.length = 0;
    await register(undefined, { annotations: { [RECONCILE_AT_ANNOTATION]: 'look' } });
    // The annotation, and its acknowledgement.
    expect(writes).toHaveLength(2);
  });

  test('7.8.153: while it is read nothing reads it a second time; a read that hangs ends at its deadline and is tried again', async () => {
    let hanging: IncomingMessage | undefined;
    let overlaps = 0;
    server.fault = (kind, request) => {
      if (kind !== 'discoverFetch') return undefined;
      lists++;
      if (hanging && !hanging.socket.destroyed) overlaps++;
      if (hanging) return undefined;
      hanging = request;
      look();
      return { kind: 'hang' };
    };
    const ask = (value: string) =>
      bench.register('git', server.url('local.git'), { description: `asked for ${value}` });
    await ask('the first time');
    await bench.operator.start(AbortSignal.timeout(50_000));
    await until(() => hanging !== undefined);
    for (const value of ['1', '2', '3']) await ask(value);
    expect(lists).toBe(1);
    expect(condition(bench.repositoryObject('git'), 'Ready')?.status).not.toBe('True');

    await until(() => condition(bench.repositoryObject('git'), 'Ready')?.status === 'True');
    expect(overlaps).toBe(0);
    expect(status()?.gitCommitHash).toBe(await remote.git('rev-parse', 'main'));
  });

  test('7.8.154: a remote that was away is found again by itself, and read at once', async () => {
    let away = true;
    server.fault = () => (away ? { kind: 'status', status: 503 } : undefined);
    await bench.start();
    await register();
    expect(condition(bench.repositoryObject('git'), 'Ready')).toMatchObject({ status: 'False', reason: 'ServerError' });

    away = false;
    await until(() => condition(bench.repositoryObject('git'), 'Ready')?.status === 'True');
    expect(status()?.gitCommitHash).toBe(await remote.git('rev-parse', 'main'));
  });
});
