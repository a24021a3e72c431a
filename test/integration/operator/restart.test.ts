import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  ALL_KINDS,
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  REPOSITORY,
} from '../../../src/api/kinds.ts';
import { openRenderer } from '../../../src/cli/renderer.ts';
import { Operator } from '../../../src/controllers/operator.ts';
import { RepositoryGateway } from '../../../src/controllers/repository/gateway.ts';
import { EmbeddedStore, type StoreChange } from '../../../src/kube/adapters/embedded/store.ts';
import { SharedInformer } from '../../../src/kube/informer.ts';
import { nullLogger } from '../../../src/observability/logger.ts';
import { openGitStore } from '../../../src/repository/git/store/open.ts';
import type { CallOptions } from '../../../src/repository/types.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';

const REVISIONS = 1_000;
/** Each of three processes works on a thousand objects. */
const DEADLINE_MS = 120_000;
const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: app\n';

/** A process of the operator on a store that outlives it, as an API server does. */
async function runUntilIdle(store: EmbeddedStore, mirrors: string): Promise<{ readonly lists: number }> {
  let lists = 0;
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const logger = nullLogger;
  const renderer = openRenderer();
  const gateway = new RepositoryGateway({
    mirrors,
    allowLocal: true,
    credentials: () => undefined,
    now: () => Date.now(),
    openStore: async (options) => {
      const git = await openGitStore(options);
      const listRemote = git.listRemote.bind(git);
      return Object.assign(git, {
        listRemote: (call: CallOptions) => {
          lists++;
          return listRemote(call);
        },
      });
    },
  });
  const nothing = { list: async () => [], byName: () => [], onChange: () => undefined };
  const operator = new Operator({
    store,
    informers: {
      repositories: new SharedInformer(store, REPOSITORY, { logger }),
      revisions: new SharedInformer(store, PACKAGE_REVISION, { logger }),
      variants: new SharedInformer(store, PACKAGE_VARIANT, { logger }),
      variantSets: new SharedInformer(store, PACKAGE_VARIANT_SET, { logger }),
    },
    isCurrent: (informer) => store.isCurrent(informer.kind, informer.resourceVersion),
    gateway,
    injectables: nothing,
    selectables: nothing,
    secrets: () => async () => undefined,
    secretChanges: { onChange: () => undefined },
    renderer,
    events: { record: () => undefined },
    logger,
  });
  try {
    await operator.start(signal);
    await operator.idle({ horizonMs: 2_500, signal });
  } finally {
    await operator.stop();
    await gateway.closeAll();
    await renderer.close();
  }
  return { lists };
}

test(
  '7.8.152, T-07: a restart with a thousand known revisions reads the repository once and writes nothing',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'veranda-restart-'));
    try {
      const remote = await BareRepository.create(join(folder, 'git.git'));
      const head = await remote.commit('main', { 'app/Kptfile': KPTFILE });
      const tags = Array.from({ length: REVISIONS }, (_, index) => `${head} refs/tags/app/v${index + 1}\n`);
      await writeFile(join(remote.path, 'packed-refs'), tags.join(''));
      const store = new EmbeddedStore({ kinds: ALL_KINDS.map((kind) => ({ kind })) });
      const writes: StoreChange[] = [];
      store.onChange((change) => void writes.push(change));
      const { apiVersion, kind } = REPOSITORY;
      const spec = { type: 'git', git: { repo: remote.path } } as const;
      await store.create(
        { apiVersion, kind, metadata: { name: 'git', namespace: 'default' }, spec },
        { fieldManager: 't' },
      );
      await runUntilIdle(store, join(folder, 'mirrors'));
      const { items } = await store.list(PACKAGE_REVISION);
      expect(items).toHaveLength(REVISIONS + 1);
      expect(items.every(({ status }) => status?.conditions?.[0]?.status === 'True')).toBe(true);

      writes.length = 0;
      expect(await runUntilIdle(store, join(folder, 'mirrors'))).toEqual({ lists: 1 });
      expect(writes).toEqual([]);

      // Without its mirror too, as on another machine.
      await runUntilIdle(store, join(folder, 'other-mirrors'));
      expect(writes).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  3 * DEADLINE_MS,
);
