import { afterEach, expect, test } from '@jest/globals';
import type { PackageRevision, Repository } from '../../../../src/api/kinds.ts';
import { healthEndpoint, metricsEndpoint } from '../../../../src/cli/controller/endpoints.ts';
import { type HttpServer, startHttpServer } from '../../../../src/cli/controller/http-server.ts';
import { podSamples, revisionCounts, syncTimes } from '../../../../src/cli/controller/samples.ts';
import { ServerContact } from '../../../../src/cli/controller/server-contact.ts';
import { nullLogger } from '../../../../src/observability/logger.ts';
import { createPrometheusMetrics } from '../../../../src/observability/prometheus.ts';
import type { PodLoad } from '../../../../src/runtimes/pod/service.ts';

const open: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function serve(handle: Parameters<typeof startHttpServer>[0]['handle']) {
  const server = await startHttpServer({
    name: 'test',
    address: { host: '127.0.0.1', port: 0 },
    handle,
    logger: nullLogger,
  });
  open.push(server);
  return async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
  };
}

test('health tells each check, and fails when one does', async () => {
  let fault: string | undefined;
  const well = { name: 'a', check: () => undefined };
  const get = await serve(healthEndpoint({ live: [well], ready: [well, { name: 'b', check: () => fault }] }));
  expect(await get('/readyz')).toMatchObject({ status: 200, text: '[+] a ok\n[+] b ok\n' });
  fault = 'not yet';
  expect(await get('/readyz?verbose')).toMatchObject({ status: 503, text: '[+] a ok\n[-] b: not yet\n' });
  expect(await get('/healthz')).toMatchObject({ status: 200 });
  expect(await get('/livez')).toMatchObject({ status: 200 });
});

test('an API server that is away is told by readiness, which does not fail', async () => {
  let now = 1_000;
  const contact = new ServerContact(() => now);
  const get = await serve(healthEndpoint({ live: [], ready: [contact.check] }));
  contact.requested({ code: 200 });
  expect(await get('/readyz')).toMatchObject({ status: 200, text: '[+] api-server ok\n' });
  contact.requested({ code: 'error' });
  now += 40_000;
  contact.requested({ code: 503 });
  expect(await get('/readyz')).toMatchObject({ status: 200, text: '[~] api-server: no answer for 40 s\n' });
  contact.requested({ code: 404 });
  expect(await get('/readyz')).toMatchObject({ status: 200, text: '[+] api-server ok\n' });
});

test('metrics come in the format of Prometheus, and by GET only', async () => {
  const get = await serve(metricsEndpoint(createPrometheusMetrics()));
  expect(await get('/metrics')).toMatchObject({ status: 200, type: expect.stringContaining('version=0.0.4') });
  expect(await get('/metrics', 'POST')).toMatchObject({ status: 405 });
  expect(await get('/')).toMatchObject({ status: 404 });
});

test('a handler that fails is answered without what failed', async () => {
  const get = await serve(() => Promise.reject(new Error('secret')));
  expect(await get('/')).toMatchObject({ status: 500, text: 'internal error\n' });
});

test('an address that is taken is told by the name of the server', async () => {
  await serve(() => Promise.resolve());
  const address = { host: '127.0.0.1', port: open[0]?.port ?? 0 };
  const options = { name: 'health', address, handle: () => Promise.resolve(), logger: nullLogger };
  await expect(startHttpServer(options)).rejects.toMatchObject({
    reason: 'ListenFailed',
    message: expect.stringContaining(`the health server cannot listen at 127.0.0.1:${address.port}`),
  });
});

function revision(repository: string, observedLifecycle?: string): PackageRevision {
  return {
    apiVersion: 'porch.kpt.dev/v1alpha2',
    kind: 'PackageRevision',
    metadata: { name: 'r', namespace: 'default' },
    spec: { repository, packageName: 'p', workspaceName: 'w' },
    status: observedLifecycle === undefined ? undefined : { observedLifecycle },
  } as PackageRevision;
}

test('revisions are counted by repository and lifecycle', () => {
  const revisions = [revision('a', 'Draft'), revision('a', 'Published'), revision('a', 'Published'), revision('b')];
  expect(revisionCounts(revisions)).toEqual([
    { labels: { repository: 'default/a', lifecycle: 'Draft' }, value: 1 },
    { labels: { repository: 'default/a', lifecycle: 'Published' }, value: 2 },
    { labels: { repository: 'default/b', lifecycle: 'Pending' }, value: 1 },
  ]);
});

test('the number of series is bounded: what is beyond is counted together', () => {
  const counts = revisionCounts(Array.from({ length: 1_500 }, (_, index) => revision(`r${index}`, 'Draft')));
  expect(counts).toHaveLength(1_001);
  expect(counts.at(-1)).toEqual({ labels: { repository: 'others', lifecycle: 'Draft' }, value: 500 });
});

test('function pods are counted by image without its digest, with a bound', () => {
  const load = (image: string, pods: number, waiting: number): PodLoad => {
    const [digest, reference] = ['sha256:0', `${image}@sha256:0`];
    return { image: { asked: { name: image }, resolved: reference, reference, digest, command: [] }, pods, waiting };
  };
  const loads = [load('example.com/f:v1', 1, 3), load('example.com/f:v2', 1, 0), load('example.com/f:v1', 2, 4)];
  expect(podSamples(loads, 'pods')).toEqual([
    { labels: { image: 'example.com/f:v1' }, value: 3 },
    { labels: { image: 'example.com/f:v2' }, value: 1 },
  ]);
  expect(podSamples(loads, 'waiting').map(({ value }) => value)).toEqual([7, 0]);
  const many = podSamples(
    Array.from({ length: 150 }, (_, index) => load(`example.com/f:v${index}`, 2, 0)),
    'pods',
  );
  expect(many).toHaveLength(101);
  expect(many.at(-1)).toEqual({ labels: { image: 'others' }, value: 100 });
});

test('a repository that was not read yet has no time, whoever else read the same URL', () => {
  const repository = (name: string) =>
    ({
      apiVersion: 'config.porch.kpt.dev/v1alpha1',
      kind: 'Repository',
      metadata: { name, namespace: 'default' },
      spec: { git: { repo: 'https://example.com/both' } },
    }) as Repository;
  expect(syncTimes([repository('a'), repository('b')], new Map([['default/a', 17]]))).toEqual([
    { labels: { repository: 'default/a' }, value: 17 },
  ]);
});
