import { expect, test } from '@jest/globals';
import type { MetricsRegistry } from '../../../src/observability/metrics.ts';
import { createPrometheusMetrics } from '../../../src/observability/prometheus.ts';

function metricsAt(now: () => number = () => 0): MetricsRegistry {
  return createPrometheusMetrics(now);
}

/** The value of a series, written as Prometheus writes it. */
async function value(metrics: MetricsRegistry, series: string): Promise<number | undefined> {
  const line = (await metrics.text()).split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test('reconciles are counted and timed under the names of controller-runtime', async () => {
  const metrics = metricsAt();
  metrics.maxWorkers('repository', 8);
  metrics.activeWorkers('repository', 3);
  metrics.reconciled('repository', 'success', 250);
  metrics.reconciled('repository', 'error', 1750);
  expect(await value(metrics, 'controller_runtime_reconcile_total{controller="repository",result="success"}')).toBe(1);
  expect(await value(metrics, 'controller_runtime_reconcile_errors_total{controller="repository"}')).toBe(1);
  expect(await value(metrics, 'controller_runtime_reconcile_time_seconds_sum{controller="repository"}')).toBe(2);
  expect(await value(metrics, 'controller_runtime_active_workers{controller="repository"}')).toBe(3);
  expect(await value(metrics, 'controller_runtime_max_concurrent_reconciles{controller="repository"}')).toBe(8);
});

test('a controller that never failed has the number zero for its errors', async () => {
  const metrics = metricsAt();
  metrics.reconciled('repository', 'success', 1);
  expect(await value(metrics, 'controller_runtime_reconcile_errors_total{controller="repository"}')).toBe(0);
});

test('a queue tells its depth, adds, retries and durations, from the start on', async () => {
  const metrics = metricsAt();
  const queue = metrics.queue('variant');
  expect(await value(metrics, 'workqueue_depth{name="variant"}')).toBe(0);
  queue.added();
  queue.depth(1);
  queue.retried();
  queue.waited(2000);
  queue.worked(500);
  expect(await value(metrics, 'workqueue_depth{name="variant"}')).toBe(1);
  expect(await value(metrics, 'workqueue_adds_total{name="variant"}')).toBe(1);
  expect(await value(metrics, 'workqueue_retries_total{name="variant"}')).toBe(1);
  expect(await value(metrics, 'workqueue_queue_duration_seconds_sum{name="variant"}')).toBe(2);
  expect(await value(metrics, 'workqueue_work_duration_seconds_sum{name="variant"}')).toBe(0.5);
});

test('work that does not end shows while it goes on', async () => {
  let now = 1_000;
  const metrics = metricsAt(() => now);
  const queue = metrics.queue('revision');
  queue.waited(0);
  now = 4_000;
  queue.waited(0);
  now = 6_000;
  const series = 'workqueue_unfinished_work_seconds{name="revision"}';
  expect(await value(metrics, series)).toBe(7);
  queue.worked(5_000);
  expect(await value(metrics, series)).toBe(2);
  queue.worked(2_000);
  expect(await value(metrics, series)).toBe(0);
});

test('our own operations are told by result', async () => {
  const metrics = metricsAt();
  metrics.apiRequest('GET', '200');
  metrics.leading('veranda-system/veranda', true);
  metrics.rendered('failure', 100);
  metrics.functionRan('builtin', 'success', 10);
  metrics.gitOperation('push', 'error', 60_000);
  expect(await value(metrics, 'rest_client_requests_total{code="200",method="GET"}')).toBe(1);
  expect(await value(metrics, 'leader_election_master_status{name="veranda-system/veranda"}')).toBe(1);
  expect(await value(metrics, 'veranda_render_seconds_count{result="failure"}')).toBe(1);
  expect(await value(metrics, 'veranda_function_seconds_count{runtime="builtin",result="success"}')).toBe(1);
  expect(await value(metrics, 'veranda_git_operation_seconds_sum{op="push",result="error"}')).toBe(60);
});

test('counts of revisions are those of the moment at which they are read', async () => {
  const metrics = metricsAt();
  let drafts = 2;
  metrics.observe({
    packageRevisions: () =>
      drafts > 0 ? [{ labels: { repository: 'default/edge', lifecycle: 'Draft' }, value: drafts }] : [],
    repositorySyncs: () => [{ labels: { repository: 'default/edge' }, value: 1_700_000_000 }],
    functionPods: () => [{ labels: { image: 'example.com/fns/f:v1' }, value: 3 }],
    functionQueues: () => [{ labels: { image: 'example.com/fns/f:v1' }, value: 5 }],
  });
  const series = 'veranda_package_revisions{repository="default/edge",lifecycle="Draft"}';
  expect(await value(metrics, series)).toBe(2);
  drafts = 0;
  expect(await value(metrics, series)).toBeUndefined();
  expect(await value(metrics, 'veranda_repository_last_sync_timestamp_seconds{repository="default/edge"}')).toBe(
    1_700_000_000,
  );
  expect(await value(metrics, 'veranda_function_pods{image="example.com/fns/f:v1"}')).toBe(3);
  expect(await value(metrics, 'veranda_function_queue_length{image="example.com/fns/f:v1"}')).toBe(5);
});

test('the lag of the event loop and the memory of the process are there', async () => {
  const text = await metricsAt().text();
  expect(text).toContain('nodejs_eventloop_lag_seconds');
  expect(text).toContain('process_resident_memory_bytes');
});
