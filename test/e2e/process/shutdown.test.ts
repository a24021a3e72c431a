import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PACKAGE_VARIANT } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import type { KindRef } from '../../../src/kube/store.ts';
import { type SharedCluster, sharedCluster } from '../../env/cluster/shared.ts';
import { operatorKubeconfig, ownLease } from '../support/access.ts';
import { isReady, makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { type Fleet, installClusterKind, startFleet } from '../support/fleet.ts';
import { type RunningController, startController } from '../support/operator.ts';

type Lease = KubeObject & {
  readonly spec: { readonly holderIdentity: string; readonly leaseTransitions: number; readonly renewTime: string };
};
const LEASE: KindRef<Lease> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};
const SHORT_LEASE = ['--lease-duration=14s', '--lease-renew-deadline=12s', '--lease-retry-period=1s'];

let cluster: SharedCluster;
let namespace: TestNamespace;
let fleet: Fleet;
let kubeconfig: string;
const controllers: RunningController[] = [];

beforeEach(async () => {
  cluster = await sharedCluster();
  namespace = await makeNamespace(cluster.kubeconfig, 'shutdown');
  fleet = await startFleet();
  await installClusterKind(namespace, { grant: true });
  kubeconfig = await operatorKubeconfig(cluster, namespace);
}, 240_000);

afterEach(async () => {
  await Promise.all(controllers.splice(0).map((controller) => controller.stop()));
  await fleet?.close();
  await namespace?.close();
}, 240_000);

async function start(label: string, ...flags: readonly string[]): Promise<RunningController> {
  const controller = await startController({ kubeconfig, label, flags: [...ownLease(namespace), ...flags] });
  controllers.push(controller);
  return controller;
}

/** Pushes are answered after `release`; resolves when the first one is there. */
function holdPushes(): { readonly arrived: Promise<void>; readonly release: () => void } {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  fleet.git.fault = (kind) => {
    if (kind !== 'push') return undefined;
    arrived.resolve();
    return { kind: 'delay', until: released.promise };
  };
  return { arrived: arrived.promise, release: released.resolve };
}

async function lease(): Promise<Lease | undefined> {
  return await namespace.get(LEASE, 'veranda-controller');
}

/** All twelve packages are published, once each. */
async function untilPublishedOnce(): Promise<void> {
  await namespace.until('variants are Ready', PACKAGE_VARIANT, (all) => all.length === 12 && all.every(isReady));
  for (const name of ['frankfurt', 'paris', 'warsaw', 'ashburn', 'dallas', 'portland']) {
    const refs = await fleet.repository(name).refs();
    expect([name, ...[...refs.keys()].sort()]).toEqual([
      name,
      'refs/heads/main',
      'refs/tags/monitoring/v1',
      'refs/tags/storefront/v1',
    ]);
    await fleet.repository(name).fsck();
  }
}

test('SIGTERM in the middle of a rollout lets what is under way end, gives the lease back and exits with 0', async () => {
  const first = await start('first');
  const pushes = holdPushes();
  await namespace.apply(...fleet.manifests);
  await pushes.arrived;
  first.kill('SIGTERM');
  await first.logged('stopping', ({ message }) => message === 'stopping');
  expect(await first.health('/readyz')).toBe(503);
  pushes.release();
  expect(await first.exited).toEqual({ code: 0, signal: null });
  expect(first.logs().at(-1)).toMatchObject({ message: 'the lease is given back' });
  expect(first.logs().filter(({ level }) => level === 'error')).toEqual([]);
  expect((await lease())?.spec.holderIdentity).toBe('');

  await start('second');
  await untilPublishedOnce();
}, 240_000);

test('work that does not end within the grace period is aborted, and the lease is given back all the same', async () => {
  const controller = await start('first', '--shutdown-grace=4s');
  const pushes = holdPushes();
  await namespace.apply(...fleet.manifests);
  await pushes.arrived;
  controller.kill('SIGTERM');
  expect(await controller.exited).toEqual({ code: 0, signal: null });
  expect((await lease())?.spec.holderIdentity).toBe('');
  pushes.release();
}, 240_000);

test('a second signal ends it at once', async () => {
  const controller = await start('first');
  const pushes = holdPushes();
  await namespace.apply(...fleet.manifests);
  await pushes.arrived;
  controller.kill('SIGTERM');
  await controller.logged('stopping', ({ message }) => message === 'stopping');
  controller.kill('SIGTERM');
  expect(await controller.exited).toEqual({ code: null, signal: 'SIGTERM' });
  pushes.release();
}, 240_000);

test('who has lost the lease gives everything up and exits with 1', async () => {
  const controller = await start('first', ...SHORT_LEASE);
  await controller.logged('working', ({ message }) => message === 'working');
  const { spec } = (await lease()) ?? {};
  await namespace.patch(LEASE, 'veranda-controller', { spec: { ...spec, holderIdentity: 'somebody-else' } });
  expect(await controller.exited).toEqual({ code: 1, signal: null });
  expect((await lease())?.spec.holderIdentity).toBe('somebody-else');
}, 240_000);

test('a process that was stopped for longer than its lease is out when it goes on, and the warm standby has taken over', async () => {
  const first = await start('first', ...SHORT_LEASE);
  await first.logged('working', ({ message }) => message === 'working');
  const second = await start('second', ...SHORT_LEASE);
  expect(await second.health('/readyz')).toBe(200);
  expect(second.logs().some(({ message }) => message === 'working')).toBe(false);
  await namespace.apply(...fleet.manifests);
  await namespace.until('the rollout has begun', PACKAGE_VARIANT, (all) => all.some(({ status }) => status?.phase));
  first.kill('SIGSTOP');
  await second.logged('working', ({ message }) => message === 'working');
  await untilPublishedOnce();
  first.kill('SIGCONT');
  expect(await first.exited).toEqual({ code: 1, signal: null });
  await untilPublishedOnce();
}, 240_000);
