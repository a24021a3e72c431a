import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PACKAGE_REVISION, PACKAGE_VARIANT, PACKAGE_VARIANT_SET, REPOSITORY } from '../../../src/api/kinds.ts';
import { sharedCluster } from '../../env/cluster/shared.ts';
import { operatorKubeconfig, ownLease } from '../support/access.ts';
import { isReady, makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { type Fleet, installClusterKind, startFleet } from '../support/fleet.ts';
import { type RunningController, startController } from '../support/operator.ts';

let namespace: TestNamespace;
let fleet: Fleet;
let controller: RunningController;

beforeAll(async () => {
  const cluster = await sharedCluster();
  namespace = await makeNamespace(cluster.kubeconfig, 'fleet');
  fleet = await startFleet();
  await installClusterKind(namespace, { grant: true });
  const kubeconfig = await operatorKubeconfig(cluster, namespace);
  controller = await startController({
    kubeconfig,
    flags: [...ownLease(namespace), '--log-level=debug'],
    until: 'working',
  });
  await namespace.apply(...fleet.manifests);
}, 240_000);

afterAll(async () => {
  await controller?.stop();
  await fleet?.close();
  await namespace?.close();
}, 240_000);

test('with the rights of config/rbac the fleet sample becomes Ready, and what it publishes is in git', async () => {
  await namespace.until('variants are Ready', PACKAGE_VARIANT, (all) => all.length === 12 && all.every(isReady));
  await namespace.until('repositories are Ready', REPOSITORY, (all) => all.length === 7 && all.every(isReady));
  await namespace.until('the set is Ready', PACKAGE_VARIANT_SET, (all) => all.length === 1 && all.every(isReady));
  await namespace.until('revisions are Ready', PACKAGE_REVISION, (all) => all.every(isReady));
  const paris = fleet.repository('paris');
  expect([...(await paris.refs()).keys()].sort()).toEqual([
    'refs/heads/main',
    'refs/tags/monitoring/v1',
    'refs/tags/storefront/v1',
  ]);
  expect(await paris.git('show', 'storefront/v1:storefront/network.yaml')).toContain('shop.paris.eu.example.com');
}, 240_000);

test('it is alive and ready', async () => {
  expect(await controller.health('/healthz')).toBe(200);
  expect(await controller.health('/readyz')).toBe(200);
});

test('once everything is done, nothing is written but the Lease, and no git server is asked', async () => {
  const writes = async () =>
    (await controller.metric('rest_client_requests_total', { method: 'POST' })) +
    (await controller.metric('rest_client_requests_total', { method: 'PATCH' })) +
    (await controller.metric('rest_client_requests_total', { method: 'DELETE' }));
  const renewals = () => controller.metric('rest_client_requests_total', { method: 'PUT' });
  const nextRenewals = async (count: number) => {
    const since = await renewals();
    while ((await renewals()) < since + count) await new Promise((resolve) => setTimeout(resolve, 200));
  };
  // What the last objects set off may still be under way when they are Ready.
  for (let seen = -1; seen !== (await writes()); await nextRenewals(2)) seen = await writes();
  const before = { writes: await writes(), requests: { ...fleet.git.requests } };
  await nextRenewals(4);
  expect(await writes()).toBe(before.writes);
  expect(fleet.git.requests).toEqual(before.requests);
}, 240_000);

test.each([
  'controller_runtime_reconcile_total{controller="packagevariant",result="success"}',
  'controller_runtime_reconcile_errors_total{controller="repository"}',
  'controller_runtime_reconcile_time_seconds_bucket{le="1",controller="packagerevision"}',
  'controller_runtime_active_workers{controller="packagerevision"}',
  'controller_runtime_max_concurrent_reconciles{controller="packagerevision"}',
  'workqueue_depth{name="packagevariantset"}',
  'workqueue_adds_total{name="packagevariant"}',
  'workqueue_retries_total{name="packagevariant"}',
  'workqueue_queue_duration_seconds_count{name="packagevariant"}',
  'workqueue_work_duration_seconds_count{name="packagevariant"}',
  'workqueue_unfinished_work_seconds{name="packagevariant"}',
  'rest_client_requests_total{code="200",method="PATCH"}',
  'leader_election_master_status{name="veranda-controller"}',
  'veranda_render_seconds_count{result="success"}',
  'veranda_function_seconds_count{runtime="builtin",result="success"}',
  'veranda_git_operation_seconds_count{op="push",result="success"}',
  'nodejs_eventloop_lag_seconds',
  'process_resident_memory_bytes',
])('a scrape shows %s', async (series) => {
  expect(await controller.metrics()).toContain(`\n${series} `);
});

test('revisions are counted by repository and lifecycle, and no package has a series of its own', async () => {
  const repository = `${namespace.name}/paris`;
  expect(await controller.metric('veranda_package_revisions', { repository, lifecycle: 'Published' })).toBe(4);
  expect(await controller.metric('veranda_repository_last_sync_timestamp_seconds', { repository })).toBeGreaterThan(
    1.7e9,
  );
  expect(await controller.metrics()).not.toContain('storefront');
});

test('every line of the log is one JSON object, and the lines of one reconcile have its id', () => {
  const lines = controller.logs();
  const reconciles = lines.filter(({ message }) => message === 'reconciled');
  expect(reconciles.length).toBeGreaterThan(50);
  for (const line of reconciles) {
    expect(line).toMatchObject({
      level: 'debug',
      namespace: namespace.name,
      name: expect.any(String),
      controller: expect.any(String),
      reconcileID: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  }
  expect(new Set(reconciles.map(({ reconcileID }) => reconcileID)).size).toBe(reconciles.length);
});
