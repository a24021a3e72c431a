import { createHmac } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import type { Repository } from '../../../../src/api/kinds.ts';
import { type HttpServer, startHttpServer } from '../../../../src/cli/controller/http-server.ts';
import { SyncEndpoint, type SyncEndpointOptions } from '../../../../src/cli/controller/sync-endpoint.ts';
import { nullLogger } from '../../../../src/observability/logger.ts';
import { FakeClock } from '../../kube/support.ts';

const TOKEN = 'the-right-one';
const BODY = '{"ref":"refs/heads/main"}';
const open: { readonly server: HttpServer; readonly endpoint: SyncEndpoint }[] = [];

afterEach(async () => {
  for (const { server, endpoint } of open.splice(0)) {
    endpoint.close();
    await server.close();
  }
});

function repository(name: string, secret?: string): Repository {
  const annotations = secret === undefined ? undefined : { 'veranda.dev/webhook-secret': secret };
  return {
    apiVersion: 'config.porch.kpt.dev/v1alpha1',
    kind: 'Repository',
    metadata: { namespace: 'default', name, annotations },
    spec: {},
  };
}

async function start(options: Partial<SyncEndpointOptions> = {}) {
  const clock = new FakeClock();
  const requested: string[] = [];
  const known = new Map([
    ['default/edge', repository('edge', 'hook')],
    ['default/mute', repository('mute')],
    ['default/empty', repository('empty', 'empty')],
  ]);
  let reads = 0;
  const endpoint = new SyncEndpoint({
    repositories: { get: (key) => known.get(key) },
    readToken: async (_namespace, name) => {
      reads += 1;
      return name === 'hook' ? TOKEN : undefined;
    },
    requestSync: async ({ metadata }) => void requested.push(metadata.name),
    clock,
    logger: nullLogger,
    ...options,
  });
  const server = await startHttpServer({
    name: 'sync',
    address: { host: '127.0.0.1', port: 0 },
    handle: (request, response) => endpoint.handle(request, response),
    logger: nullLogger,
  });
  open.push({ server, endpoint });
  const send = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { method: 'POST', body: BODY, ...init });
  const post = (name: string, headers: Readonly<Record<string, string>>) =>
    send(`/hooks/sync/default/${name}`, { headers });
  return { clock, requested, send, post, reads: () => reads };
}

const sign = (secret: string, body = BODY) => createHmac('sha256', secret).update(body).digest('hex');

test.each([
  ['GitHub', { 'x-hub-signature-256': `sha256=${sign(TOKEN)}` }],
  ['Gitea', { 'x-gitea-signature': sign(TOKEN) }],
  ['Gogs', { 'x-gogs-signature': sign(TOKEN) }],
  ['Bitbucket', { 'x-hub-signature': `sha256=${sign(TOKEN)}` }],
  ['GitLab', { 'x-gitlab-token': TOKEN }],
  ['a script', { authorization: `Bearer ${TOKEN}` }],
])('a proof as %s gives it asks for a sync', async (_who, headers) => {
  const { post, requested } = await start();
  expect((await post('edge', headers as Record<string, string>)).status).toBe(202);
  expect(requested).toEqual(['edge']);
});

test.each([
  ['no proof', {}],
  ['a signature with another secret', { 'x-hub-signature-256': `sha256=${sign('other')}` }],
  ['a signature of another body', { 'x-hub-signature-256': `sha256=${sign(TOKEN, '{}')}` }],
  ['a signature without its algorithm', { 'x-hub-signature-256': sign(TOKEN) }],
  ['SHA-1 in the old header', { 'x-hub-signature': `sha1=${sign(TOKEN)}` }],
  ['the beginning of the token', { 'x-gitlab-token': TOKEN.slice(0, -1) }],
  ['an empty token', { 'x-gitlab-token': '' }],
  ['basic credentials', { authorization: `Basic ${TOKEN}` }],
])('%s is refused', async (_what, headers) => {
  const { post, requested } = await start();
  const response = await post('edge', headers as Record<string, string>);
  expect([response.status, await response.text()]).toEqual([401, 'unauthorized\n']);
  expect(requested).toEqual([]);
});

test.each([
  ['that does not exist', 'nothing'],
  ['that names no secret', 'mute'],
  ['whose secret has no token', 'empty'],
])('a repository %s answers as one whose secret is another', async (_which, name) => {
  const { post, requested } = await start();
  for (const headers of [{ 'x-gitlab-token': TOKEN }, { 'x-gitlab-token': '' }]) {
    const response = await post(name, headers);
    expect([response.status, await response.text()]).toEqual([401, 'unauthorized\n']);
  }
  expect(requested).toEqual([]);
});

test('pushes in a short time are one sync at once and one more', async () => {
  const { post, requested, clock } = await start();
  for (let push = 0; push < 5; push += 1) {
    expect((await post('edge', { 'x-gitlab-token': TOKEN })).status).toBe(202);
  }
  expect(requested).toEqual(['edge']);
  clock.advance(2_000);
  expect(requested).toEqual(['edge', 'edge']);
  clock.advance(60_000);
  expect(requested).toEqual(['edge', 'edge']);
});

test('who guesses is not listened to for long, and stands in nobody else’s way', async () => {
  const { post, reads } = await start();
  const statuses: number[] = [];
  for (let guess = 0; guess < 25; guess += 1) {
    statuses.push((await post('edge', { 'x-gitlab-token': `guess ${guess}` })).status);
  }
  expect(statuses.slice(0, 20)).toEqual(Array(20).fill(401));
  expect(statuses.slice(20)).toEqual(Array(5).fill(429));
  expect(reads()).toBe(1);
  expect((await post('edge', { 'x-gitlab-token': TOKEN })).status).toBe(202);
});

test('a secret that cannot be read is not told to the sender', async () => {
  const { post } = await start({ readToken: () => Promise.reject(new Error('forbidden')) });
  expect((await post('edge', { 'x-gitlab-token': TOKEN })).status).toBe(401);
});

test('only POST, only below the path, only names', async () => {
  const { send } = await start();
  expect((await send('/hooks/sync/default/edge', { method: 'GET', body: null })).status).toBe(405);
  for (const path of ['/', '/hooks/sync/default', '/hooks/sync/default/edge/more', '/hooks/sync/default/%2e%2e']) {
    expect([path, (await send(path)).status]).toEqual([path, 404]);
  }
});

test('a body that is too large is not taken in', async () => {
  const { send } = await start();
  const body = new Uint8Array(6 * 1024 * 1024);
  const status = await send('/hooks/sync/default/edge', { body }).then(
    (response) => response.status,
    // The connection may be closed before all of it was sent.
    () => 413,
  );
  expect(status).toBe(413);
});
