import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { condition, OperatorBench } from './support.ts';

/** More than there are workers. */
const WAITING = 1100;

describe('a repository that hangs', () => {
  let bench: OperatorBench;
  let server: GitServer;
  let hanging: number;
  let look: () => void = () => undefined;
  let deadline: AbortSignal;

  beforeEach(async () => {
    deadline = AbortSignal.timeout(50_000);
    bench = await OperatorBench.open({ onChange: () => look() });
    server = await startGitServer({ root: bench.folder });
    hanging = 0;
    server.fault = (kind, request) => {
      if (!request.url?.startsWith('/sick') || (kind !== 'discoverPush' && kind !== 'push')) return undefined;
      hanging++;
      look();
      return { kind: 'hang' };
    };
  });

  afterEach(async () => {
    // Ends what hangs.
    await server.close();
    await bench.close();
  });

  const until = async (holds: () => boolean): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    look = () => (holds() ? resolve() : undefined);
    deadline.addEventListener('abort', () => reject(deadline.reason), { once: true });
    look();
    await promise;
  };

  const register = async (name: string): Promise<void> => {
    const remote = await BareRepository.create(`${bench.folder}/${name}.git`);
    await remote.commit('main', { 'README.md': 'packages\n' });
    await bench.register(name, server.url(`${name}.git`));
  };

  const revision = (repository: string, packageName: string): Promise<string> =>
    bench.revision({ repository, packageName, workspaceName: 'v1', source: { init: {} } });

  const isReady = (name: string): boolean => condition(bench.get(name), 'Ready')?.status === 'True';

  test('with more revisions than there are workers delays no revision of another one', async () => {
    await register('sick');
    await register('fine');
    const waiting: string[] = [];
    for (let index = 0; index < WAITING; index++) waiting.push(await revision('sick', `p${index}`));
    await bench.operator.start(deadline);
    await until(() => hanging > 0);

    const name = await revision('fine', 'app');
    await until(() => isReady(name));

    expect(hanging).toBe(1);
    expect(waiting.filter(isReady)).toEqual([]);
  });
});
