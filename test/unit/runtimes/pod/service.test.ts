import { afterEach, describe, expect, test } from '@jest/globals';
import { EmbeddedStore } from '../../../../src/kube/adapters/embedded/store.ts';
import { nullLogger } from '../../../../src/observability/logger.ts';
import { type FunctionImage, POD, type Pod, type PodOwner } from '../../../../src/runtimes/pod/manifest.ts';
import { PodService } from '../../../../src/runtimes/pod/service.ts';
import { DEFAULT_POD_SETTINGS, type PodSettings } from '../../../../src/runtimes/pod/settings.ts';
import { offlineClient } from '../../kube/offline-client.ts';
import { FakeClock, never } from '../../kube/support.ts';

const NAMESPACE = 'fns';
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const WARM: PodSettings = { ...DEFAULT_POD_SETTINGS, minPods: 1 };
const LARGER: PodSettings = { ...WARM, resources: { limits: { memory: '1Gi' } } };
const open: PodService[] = [];

afterEach(async () => {
  for (const service of open.splice(0)) await service.stop();
});

function imageOf(name: string): FunctionImage {
  const path = `example.com/fns/${name}`;
  const reference = `${path}@${DIGEST}`;
  return {
    asked: { name: path, suffix: ':v1' },
    resolved: `${path}:v1@${DIGEST}`,
    reference,
    digest: DIGEST,
    command: ['/f'],
  };
}

/** A service on a store without a cluster: pods are there as they were made, and run when the test says so. */
async function startService(
  owner: PodOwner = { install: 'ours', instance: 'one' },
  { store, clock } = { store: new EmbeddedStore(), clock: new FakeClock() },
) {
  let made = 0;
  const service = new PodService({
    client: offlineClient(),
    store,
    namespace: NAMESPACE,
    owner,
    uniqueSuffix: () => `${owner.instance}-${++made}`,
    clock,
    logger: nullLogger,
    maxPods: 8,
    maxOutputBytes: 1024,
  });
  open.push(service);
  await service.start(never);
  const pods = async () => (await store.list(POD, { namespace: NAMESPACE })).items;
  /** News of pods come by the watch, in turns of their own. */
  const until = async (holds: () => boolean | Promise<boolean>) => {
    while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
  };
  const becomes = async ({ metadata }: Pod, phase: string, state: object) => {
    const status = { phase, containerStatuses: [{ name: 'function', state }] };
    await store.patch(POD, metadata, { status }, { fieldManager: 'kubelet' });
  };
  const run = (pod: Pod) => becomes(pod, 'Running', { running: {} });
  const ends = (pod: Pod) => becomes(pod, 'Succeeded', { terminated: { exitCode: 0, reason: 'Completed' } });
  return { service, store, clock, pods, until, run, ends };
}

test('after a change of the settings, pods of the old ones go and nothing makes them anew', async () => {
  const { service, clock, pods, until, run } = await startService();
  const [changed, same] = [imageOf('changed'), imageOf('same')];
  for (const image of [changed, same]) service.warmUp(image, WARM);
  await until(async () => (await pods()).length === 2);
  for (const pod of await pods()) await run(pod);
  service.retire(({ asked }) => (asked.name === changed.asked.name ? LARGER : WARM));
  await until(async () => (await pods()).length === 1);
  clock.advance(60_000);
  expect((await pods()).map(({ metadata }) => metadata.name)).toEqual([expect.stringMatching(/^fn-same-/)]);
  service.warmUp(changed, LARGER);
  await until(async () => (await pods()).length === 2);
  const limits = (await pods()).map((pod) => JSON.stringify(pod)).filter((text) => text.includes('"memory":"1Gi"'));
  expect(limits).toHaveLength(1);
});

test('tells the pods of each image, also those of old settings, until they are gone', async () => {
  const { service, clock, pods, until, run } = await startService();
  const image = imageOf('f');
  service.warmUp(image, WARM);
  await until(async () => (await pods()).length === 1);
  service.retire(() => LARGER);
  service.warmUp(image, LARGER);
  await until(async () => (await pods()).length === 2);
  expect(service.loads()).toMatchObject([
    { image, pods: 1, waiting: 0 },
    { image, pods: 1, waiting: 0 },
  ]);
  for (const pod of await pods()) await run(pod);
  await until(async () => (await pods()).length === 1);
  clock.advance(15_000);
  expect(service.loads()).toMatchObject([{ image, pods: 1, waiting: 0 }]);
});

test('an image whose program ends by itself is forgotten once it was not used for the time to live of its pods', async () => {
  const { service, clock, pods, until, ends } = await startService();
  service.warmUp(imageOf('generator'), { ...WARM, idleTtlMs: 60_000 });
  await until(async () => (await pods()).length === 1);
  for (const pod of await pods()) await ends(pod);
  await until(async () => (await pods()).length === 0);
  clock.advance(45_000);
  expect(service.loads()).toMatchObject([{ pods: 0 }]);
  clock.advance(15_000);
  expect(service.loads()).toEqual([]);
});

describe('X-10: two installs in one namespace', () => {
  async function startBoth() {
    const ours = await startService();
    const theirs = await startService({ install: 'theirs', instance: 'two' }, ours);
    for (const { service } of [ours, theirs]) service.warmUp(imageOf('f'), { ...WARM, minPods: 2 });
    await ours.until(async () => (await ours.pods()).length === 4);
    for (const pod of await ours.pods()) await ours.run(pod);
    const names = async () => (await ours.pods()).map(({ metadata }) => metadata.name).sort();
    return { ...ours, theirs: theirs.service, names };
  }

  test('leave each other alone, however often they look, and so what somebody else has there', async () => {
    const { store, clock, names } = await startBoth();
    const metadata = { namespace: NAMESPACE, labels: { 'app.kubernetes.io/managed-by': 'veranda' } };
    const other = { apiVersion: POD.apiVersion, kind: POD.kind, metadata: { ...metadata, name: 'other' } };
    await store.create(other, { fieldManager: 'somebody' });
    const before = await names();
    for (let look = 0; look < 3; look += 1) {
      clock.advance(15_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(before).toHaveLength(5);
    expect(await names()).toEqual(before);
  });

  test('the next process of one removes what its last one left, and not what the other has', async () => {
    const { service, store, clock, until, names } = await startBoth();
    const theirs = (await names()).filter((name) => name.includes('-two-'));
    // As if killed: it does not remove its pods itself.
    open.splice(open.indexOf(service), 1);
    await startService({ install: 'ours', instance: 'next' }, { store, clock });
    await until(async () => !(await names()).some((name) => name.includes('-one-')));
    expect(await names()).toEqual(theirs);
  });

  test('one that ends takes its own pods with it alone', async () => {
    const { theirs, until, names } = await startBoth();
    await theirs.stop();
    await until(async () => (await names()).length === 2);
    for (const name of await names()) expect(name).toContain('-one-');
  });
});
