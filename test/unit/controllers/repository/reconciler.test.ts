import { expect, test } from '@jest/globals';
import { TerminalError, TransientError } from '../../../../src/api/errors.ts';
import { REPOSITORY } from '../../../../src/api/kinds.ts';
import { RepositoryGateway } from '../../../../src/controllers/repository/gateway.ts';
import { RepositoryReconciler } from '../../../../src/controllers/repository/reconciler.ts';
import { EmbeddedStore } from '../../../../src/kube/adapters/embedded/store.ts';
import { nullLogger } from '../../../../src/observability/logger.ts';
import { listersOf, repositoryOf } from '../support.ts';

const HOUR_MS = 3_600_000;

test.each([
  [
    'is looked at again after an hour, since git may have changed',
    new TerminalError('HostileContent', 'no'),
    [HOUR_MS],
  ],
  ['is left to the back-off of its queue, and to a limit of it', new TransientError('Unreachable', 'no'), [30_000]],
])('a repository that failed %s: %p', async (_, error, wanted) => {
  const store = new EmbeddedStore({ kinds: [{ kind: REPOSITORY }] });
  const object = await store.create(repositoryOf('shop'), { fieldManager: 'test' });
  const { repositories, revisions } = listersOf({ repositories: [object] });
  const woken: (number | undefined)[] = [];
  const openStore = () => Promise.reject(error);
  const gateway = new RepositoryGateway({
    mirrors: '',
    allowLocal: false,
    credentials: () => undefined,
    now: () => 0,
    openStore,
  });
  const reconciler = new RepositoryReconciler(
    {
      store,
      repositories,
      revisions,
      gateway,
      events: { record: () => undefined },
      logger: nullLogger,
      wake: { revision: () => undefined, repository: (_key, afterMs) => void woken.push(afterMs) },
    },
    1,
  );
  const context = { signal: new AbortController().signal, now: () => new Date() };

  await expect(reconciler.reconcile('default/shop', context)).rejects.toBe(error);
  expect(woken).toEqual(wanted);
});
