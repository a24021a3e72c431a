import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import WebSocket from 'ws';
import type { ApiRequest } from '../../../src/kube/adapters/kubernetes/client.ts';
import { loadCredentials } from '../../../src/kube/adapters/kubernetes/credentials.ts';
import type { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { ANY_WRITE, type ApiProxy, matching, startApiProxy } from '../../env/cluster/api-proxy.ts';
import { kubectl } from '../../env/cluster/kubectl.ts';
import { type SharedCluster, sharedCluster } from '../../env/cluster/shared.ts';
import { connect, makeNamespace } from '../kube/support.ts';
import { waitFor } from '../support/wait-for.ts';

let cluster: SharedCluster;
let proxy: ApiProxy;
let direct: HttpApiClient;
let client: HttpApiClient;
let namespace: string;

beforeEach(async () => {
  cluster = await sharedCluster();
  proxy = await startApiProxy(cluster.kubeconfig);
  direct = await connect(cluster.kubeconfig);
  client = await connect(proxy.kubeconfig);
  namespace = await makeNamespace(direct);
});

afterEach(async () => {
  await client.close();
  await direct.close();
  await proxy.stop();
});

const configMaps = () => `/api/v1/namespaces/${namespace}/configmaps`;
const uniqueName = () => `m-${randomBytes(4).toString('hex')}`;

function creation(name: string): ApiRequest {
  return { method: 'POST', path: configMaps(), body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } } };
}

interface WatchEvent {
  readonly type: string;
  readonly object: { readonly code?: number; readonly reason?: string; readonly metadata: { readonly name?: string } };
}

/** Starts a watch; its events, and how it ended. */
function watch(query: ApiRequest['query'] = {}) {
  const stopping = new AbortController();
  const events: WatchEvent[] = [];
  const request = {
    method: 'GET',
    path: configMaps(),
    query: { ...query, watch: true },
    signal: stopping.signal,
  } as const;
  const ended = (async () => {
    try {
      for await (const event of client.lines(request)) events.push(event as WatchEvent);
      return 'ended';
    } catch (error) {
      return error as { readonly reason?: string };
    }
  })();
  const has = async (name: string) =>
    await waitFor(() => events.some(({ object }) => object.metadata.name === name), { what: `an event of ${name}` });
  return { events, ended, has, stop: () => stopping.abort() };
}

async function currentVersion(): Promise<string> {
  const list = await direct.json<{ metadata: { resourceVersion: string } }>({ method: 'GET', path: configMaps() });
  return list.metadata.resourceVersion;
}

test('requests pass and are counted by verb and kind', async () => {
  const name = uniqueName();
  await client.json(creation(name));
  await client.json({ method: 'GET', path: configMaps() });
  await client.json({ method: 'GET', path: `${configMaps()}/${name}` });
  await client.json({ method: 'DELETE', path: `${configMaps()}/${name}` });
  const seen = proxy.requests({ resource: 'configmaps', namespace });
  expect(seen.map(({ verb, name: of, status }) => [verb, of, status])).toEqual([
    ['create', '', 201],
    ['list', '', 200],
    ['get', name, 200],
    ['delete', name, 200],
  ]);
  expect(proxy.count({ ...ANY_WRITE, namespace })).toBe(2);
  proxy.forget();
  expect(proxy.count()).toBe(0);
});

test('kubectl works through it', async () => {
  expect(await kubectl(proxy.kubeconfig, ['get', 'namespace', namespace, '-o', 'name'])).toBe(
    `namespace/${namespace}\n`,
  );
});

describe('users are known to the API server as who they are', () => {
  const review = {
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  } as const;

  test('by certificate', async () => {
    const theirs = await connect(await proxy.through(await cluster.kubeconfigFor('anna', ['writers'])));
    const { status } = await theirs.json<{ status: { userInfo: unknown } }>(review);
    await theirs.close();
    expect(status.userInfo).toMatchObject({ username: 'anna', groups: ['writers', 'system:authenticated'] });
  });

  test('by token', async () => {
    // The controller manager makes the account.
    await kubectl(cluster.kubeconfig, [
      'wait',
      '--for=create',
      'serviceaccount/default',
      '-n',
      namespace,
      '--timeout=30s',
    ]);
    const token = await kubectl(cluster.kubeconfig, ['create', 'token', 'default', '-n', namespace]);
    const file = await kubectl(proxy.kubeconfig, [
      'config',
      'view',
      '--raw',
      '--minify',
      '-o',
      'jsonpath={.clusters[0].cluster.server}',
    ]);
    expect(file).toBe(proxy.url);
    const who = await kubectl('/dev/null', [
      '--server',
      proxy.url,
      '--insecure-skip-tls-verify',
      '--token',
      token,
      'auth',
      'whoami',
    ]);
    expect(who).toContain(`system:serviceaccount:${namespace}:default`);
  });
});

describe('watches', () => {
  test('are streamed, and are cut by a reset', async () => {
    const events = watch();
    await waitFor(() => proxy.openWatches({ namespace }).length === 1, { what: 'the watch' });
    const name = uniqueName();
    await direct.json(creation(name));
    await events.has(name);
    proxy.cutWatches();
    expect(await events.ended).toMatchObject({ name: 'ServerError' });
    expect(proxy.openWatches()).toEqual([]);
  });

  test('are ended politely', async () => {
    const events = watch();
    await waitFor(() => proxy.openWatches({ namespace }).length === 1, { what: 'the watch' });
    proxy.cutWatches('end');
    expect(await events.ended).toBe('ended');
  });

  test('are cut again and again', async () => {
    const stop = proxy.cutWatchesEvery(10);
    await watch().ended;
    await watch().ended;
    stop();
    expect(proxy.count({ verb: 'watch', namespace })).toBe(2);
  });

  test('of an old version are told so by the status', async () => {
    const resourceVersion = await currentVersion();
    proxy.expireWatches('status', BigInt(resourceVersion) + 1n);
    expect(await watch({ resourceVersion }).ended).toMatchObject({ reason: 'Expired' });
  });

  test('of an old version are told so by an event', async () => {
    const resourceVersion = await currentVersion();
    proxy.expireWatches('event', BigInt(resourceVersion) + 1n);
    const { events, ended } = watch({ resourceVersion });
    await ended;
    expect(events).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }]);
  });

  test('of a younger version are let through', async () => {
    proxy.expireWatches('status', await currentVersion());
    const events = watch({ resourceVersion: await currentVersion() });
    await waitFor(() => proxy.openWatches({ namespace }).length === 1, { what: 'the watch' });
    events.stop();
    await events.ended;
  });
});

describe('faults', () => {
  test('a status is answered as often as it was asked for, with Retry-After', async () => {
    const matches = matching({ verb: 'list', resource: 'configmaps' });
    proxy.inject({ kind: 'status', code: 429, retryAfterSeconds: 1 }, { matches, times: 1 });
    await client.json({ method: 'GET', path: configMaps() });
    expect(proxy.requests({ namespace }).map(({ status, faulty }) => [status, faulty])).toEqual([
      [429, true],
      [200, false],
    ]);
  });

  test('a connection is reset before the write', async () => {
    const name = uniqueName();
    proxy.inject({ kind: 'reset' }, { matches: matching(ANY_WRITE) });
    await expect(client.json(creation(name))).rejects.toMatchObject({ name: 'ServerError' });
    await expect(direct.json({ method: 'GET', path: `${configMaps()}/${name}` })).rejects.toMatchObject({
      reason: 'NotFound',
    });
  });

  test('an answer is lost after the write', async () => {
    const name = uniqueName();
    const remove = proxy.inject({ kind: 'lose-answer' }, { matches: matching(ANY_WRITE) });
    await expect(client.json(creation(name))).rejects.toMatchObject({ name: 'ServerError' });
    await direct.json({ method: 'GET', path: `${configMaps()}/${name}` });
    remove();
    await client.json(creation(uniqueName()));
  });

  test('an answer is lost after the write, and another comes', async () => {
    const name = uniqueName();
    proxy.inject({ kind: 'lose-answer', code: 504 }, { matches: matching(ANY_WRITE), times: 1 });
    await client.json(creation(name)).catch(() => undefined);
    expect(proxy.requests(ANY_WRITE)[0]).toMatchObject({ faulty: true, status: 504 });
    const found = await direct.json<{ metadata: { name: string } }>({
      method: 'GET',
      path: `${configMaps()}/${name}`,
    });
    expect(found.metadata.name).toBe(name);
  });

  test('requests are delayed', async () => {
    proxy.inject({ kind: 'delay', milliseconds: 200 }, { matches: matching({ verb: 'list' }) });
    await expect(client.json({ method: 'GET', path: configMaps(), timeoutMs: 100 })).rejects.toMatchObject({
      reason: 'Timeout',
    });
    await client.json({ method: 'GET', path: configMaps() });
  });
});

test('a frozen network answers nothing and resets nothing; what was held back comes later', async () => {
  const events = watch();
  await waitFor(() => proxy.openWatches({ namespace }).length === 1, { what: 'the watch' });
  proxy.freeze();
  const name = uniqueName();
  await direct.json(creation(name));
  await expect(client.json({ method: 'GET', path: configMaps(), timeoutMs: 300 })).rejects.toMatchObject({
    reason: 'Timeout',
  });
  expect(events.events.map(({ object }) => object.metadata.name)).not.toContain(name);
  proxy.thaw();
  await events.has(name);
  await client.json({ method: 'GET', path: configMaps() });
  events.stop();
  await events.ended;
});

test('WebSockets pass', async () => {
  const { tls } = await (await loadCredentials({ kubeconfig: proxy.kubeconfig })).access();
  // A watch may be a WebSocket; unlike exec it needs no node, but an origin.
  const socket = new WebSocket(`${proxy.url}${configMaps()}?watch=true`, { ...tls, origin: proxy.url });
  const message = new Promise((resolve, reject) => {
    socket.on('message', (data) => resolve(JSON.parse(String(data)))).on('error', reject);
  });
  const name = uniqueName();
  await direct.json(creation(name));
  expect(await message).toMatchObject({ type: 'ADDED', object: { kind: 'ConfigMap' } });
  socket.terminate();
});
