import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ALL_KINDS, PACKAGE_REVISION } from '../../../src/api/kinds.ts';
import { KubernetesStore } from '../../../src/kube/adapters/kubernetes/store.ts';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { isReady } from '../support/cluster.ts';
import type { RunningController } from '../support/operator.ts';
import { waitFor } from '../support/wait-for.ts';
import { LifecycleBench } from './bench.ts';
import { kptfile } from './repositories.ts';

const REVISIONS = 1_000;

let cluster: ControlPlane;
let bench: LifecycleBench;

beforeAll(async () => {
  cluster = await startControlPlane({ audit: true });
  bench = await LifecycleBench.open(cluster);
}, 180_000);

afterAll(async () => {
  await bench?.close();
  await cluster?.stop();
}, 60_000);

/** Every revision was looked at, and nothing waits. */
async function untilIdle(controller: RunningController): Promise<void> {
  const seen = async () =>
    await controller.metric('controller_runtime_reconcile_total', { controller: 'packagerevision' });
  const under = async () =>
    (await controller.metric('workqueue_depth')) + (await controller.metric('controller_runtime_active_workers'));
  await waitFor(async () => (await seen()) >= REVISIONS + 1 && (await under()) === 0, {
    what: 'all revisions are looked at',
    timeoutMs: 120_000,
  });
}

test('a restart with 1,000 known revisions writes nothing, and asks the git server once', async () => {
  const { namespace, admin } = bench.company;
  const remote = await bench.makeRemote('many');
  const head = await remote.commit('main', { 'app/Kptfile': kptfile('app') });
  const tags = Array.from({ length: REVISIONS }, (_, index) => `${head} refs/tags/app/v${index + 1}\n`);
  await writeFile(join(remote.path, 'packed-refs'), tags.join(''));
  await admin.create(bench.manifest('many'));
  const store = new KubernetesStore({ client: admin.client, kinds: ALL_KINDS });
  const readyOnes = async () => {
    const { items } = await store.list(PACKAGE_REVISION, { namespace });
    return items.filter((object) => object.spec.repository === 'many' && isReady(object)).length;
  };
  const began = Date.now();
  await waitFor(async () => (await readyOnes()) === REVISIONS + 1, { what: 'all are known', timeoutMs: 120_000 });
  const known = Date.now();
  await untilIdle(bench.controller);

  const asked: string[] = [];
  bench.git.fault = (kind, request) => {
    if (request.url?.includes('/many.git/')) asked.push(kind);
    return undefined;
  };
  const restarted = Date.now();
  const controller = await bench.restart();
  const ready = Date.now();
  await untilIdle(controller);
  await waitFor(() => asked.includes('lsRefs'), { what: 'the repository is looked at' });
  await untilIdle(controller);
  console.info(
    `1,000 revisions: known after ${known - began} ms; after the restart caches after ${ready - restarted} ms, all looked at after ${Date.now() - restarted} ms`,
  );
  expect(await bench.writesSince(restarted)).toEqual([]);
  expect(asked.filter((kind) => kind === 'lsRefs')).toHaveLength(1);
  expect(asked.filter((kind) => kind === 'fetch')).toEqual([]);
  expect(await readyOnes()).toBe(REVISIONS + 1);
}, 300_000);
