import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { GitCredentials } from '../../../src/repository/git/types.ts';
import { makeServerCertificate } from '../../env/git/certificates.ts';
import { startForwardProxy } from '../../env/git/forward-proxy.ts';
import { type GitServerOptions, startGitServer } from '../../env/git/git-server.ts';
import { startSshd } from '../../env/git/ssh-server.ts';
import { Bench, fetchAll, readText, update, writeFileCommit } from './support.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.create();
});
afterEach(() => bench.dispose());

async function serve(options: Omit<GitServerOptions, 'root'> = {}) {
  const repository = await bench.repository();
  const head = await repository.commit('main', { 'file.yaml': 'seed' });
  const server = await startGitServer({ root: bench.served, ...options });
  bench.closing(() => server.close());
  return { repository, head, server, url: server.url('repo.git') };
}

/** Reads, writes and pushes over whatever transport the store has. */
async function roundTrip(store: Awaited<ReturnType<Bench['store']>>, head: string): Promise<string> {
  expect(await store.listRemote()).toEqual(new Map([['refs/heads/main', head]]));
  await fetchAll(store);
  expect(await readText(store, head)).toBe('seed');
  const commit = await writeFileCommit(store, 'changed', [head]);
  expect(await store.push([update('refs/heads/main', head, commit)])).toEqual(
    new Map([['refs/heads/main', { ok: true }]]),
  );
  return commit;
}

describe('a round trip of list, fetch, read, write and push', () => {
  test('works over plain HTTP', async () => {
    const { repository, head, url } = await serve();
    const commit = await roundTrip(await bench.store(url), head);
    expect(await repository.refs()).toEqual(new Map([['refs/heads/main', commit]]));
    await repository.fsck();
  });

  test('works on a local path when that is allowed', async () => {
    const { repository, head } = await serve();
    await roundTrip(await bench.store(repository.path), head);
    await repository.fsck();
  });

  test('works over SSH with a key and known hosts', async () => {
    const sshd = await startSshd();
    if (sshd === undefined) {
      console.warn('SSH TESTS SKIPPED: sshd is not installed (apt-get install openssh-server)');
      return;
    }
    bench.closing(() => sshd.close());
    const { repository, head } = await serve();
    const credentials: GitCredentials = { sshPrivateKey: sshd.privateKey, sshKnownHosts: sshd.knownHosts };
    await roundTrip(await bench.store(sshd.url(repository.path), { credentials: async () => credentials }), head);
    await repository.fsck();
  });

  test('works through an HTTP proxy', async () => {
    const proxy = await startForwardProxy();
    bench.closing(() => proxy.close());
    const { head, url } = await serve();
    await roundTrip(await bench.store(url, { proxy: proxy.url }), head);
    expect(proxy.seen.length).toBeGreaterThan(0);
    expect(proxy.seen.every((seen) => seen.startsWith(url))).toBe(true);
  });

  test('works through a tunnelling proxy to a server with its own authority', async () => {
    const proxy = await startForwardProxy();
    bench.closing(() => proxy.close());
    const { ca, ...tls } = await makeServerCertificate();
    const { head, url, server } = await serve({ tls });
    const store = await bench.store(url, { proxy: proxy.url, credentials: async () => ({ caBundle: ca }) });
    await roundTrip(store, head);
    expect(proxy.seen).toContain(`localhost:${server.port}`);
  });
});

describe('credentials', () => {
  test('G-04: a rotated password is used at the next call, without a restart', async () => {
    let password = 'first';
    const { head, url, server } = await serve({ auth: { kind: 'basic', username: 'porch', password } });
    const store = await bench.store(url, { credentials: async () => ({ username: 'porch', password }) });
    await fetchAll(store);
    server.auth = { kind: 'basic', username: 'porch', password: 'second' };
    await expect(store.listRemote()).rejects.toMatchObject({ reason: 'AuthFailed', retry: 'backoff' });
    password = 'second';
    expect(await store.listRemote()).toEqual(new Map([['refs/heads/main', head]]));
  });

  test('G-05: a token that has expired is asked for again within the same call', async () => {
    const tokens = ['expired', 'fresh'];
    let asked = 0;
    const { head, url, server } = await serve({ auth: { kind: 'bearer', token: 'fresh' } });
    const store = await bench.store(url, {
      credentials: async () => ({ bearerToken: tokens[Math.min(asked++, 1)] }),
    });
    expect(await store.listRemote()).toEqual(new Map([['refs/heads/main', head]]));
    expect(asked).toBe(2);
    expect(server.rejected.count).toBe(1);
  });

  test('are sent with the first request and never asked of a terminal', async () => {
    const { url, server } = await serve({ auth: { kind: 'basic', username: 'u', password: 'p' } });
    const store = await bench.store(url, { credentials: async () => ({ username: 'u', password: 'p' }) });
    await store.listRemote();
    expect(server.rejected.count).toBe(0);
    const anonymous = await bench.store(url);
    await expect(anonymous.listRemote()).rejects.toMatchObject({ reason: 'AuthFailed' });
  });

  test('a push that lacks them fails before anything is changed, then works with fresh ones', async () => {
    const auth = { kind: 'basic', username: 'u', password: 'p' } as const;
    const { repository, head, url, server } = await serve();
    let password = 'wrong';
    const store = await bench.store(url, { credentials: async () => ({ username: 'u', password }) });
    await fetchAll(store);
    const commit = await writeFileCommit(store, 'changed', [head]);
    server.auth = auth;
    await expect(store.push([update('refs/heads/main', head, commit)])).rejects.toMatchObject({ reason: 'AuthFailed' });
    expect((await repository.refs()).get('refs/heads/main')).toBe(head);
    password = 'p';
    expect((await store.push([update('refs/heads/main', head, commit)])).get('refs/heads/main')).toEqual({ ok: true });
  });
});

describe('who the server is', () => {
  test('G-06: a private authority works per store, and another one is TLSVerify', async () => {
    const { ca, ...tls } = await makeServerCertificate();
    const other = await makeServerCertificate();
    const { head, url } = await serve({ tls });
    const trusted = await bench.store(url, { credentials: async () => ({ caBundle: ca }) });
    expect(await trusted.listRemote()).toEqual(new Map([['refs/heads/main', head]]));
    const wrong = await bench.store(url, { credentials: async () => ({ caBundle: other.ca }) });
    await expect(wrong.listRemote()).rejects.toMatchObject({ reason: 'TLSVerify' });
    const none = await bench.store(url);
    await expect(none.listRemote()).rejects.toMatchObject({ reason: 'TLSVerify' });
  });

  test('an unknown SSH host key is HostKeyMismatch and a wrong key AuthFailed', async () => {
    const sshd = await startSshd();
    const other = await startSshd();
    if (sshd === undefined || other === undefined) {
      console.warn('SSH TESTS SKIPPED: sshd is not installed (apt-get install openssh-server)');
      return;
    }
    bench.closing(() => sshd.close());
    bench.closing(() => other.close());
    const { repository } = await serve();
    const url = sshd.url(repository.path);
    const strange = await bench.store(url, { credentials: async () => ({ sshPrivateKey: sshd.privateKey }) });
    await expect(strange.listRemote()).rejects.toMatchObject({ reason: 'HostKeyMismatch' });
    const refused = await bench.store(url, {
      credentials: async () => ({ sshPrivateKey: other.privateKey, sshKnownHosts: sshd.knownHosts }),
    });
    await expect(refused.listRemote()).rejects.toMatchObject({ reason: 'AuthFailed' });
  });
});

describe('a server that does not do as asked', () => {
  test('no repository there is NotFound, no server there is Unreachable, and 500 is ServerError', async () => {
    const { server, url } = await serve();
    const nowhere = await bench.store(server.url('absent.git'));
    await expect(nowhere.listRemote()).rejects.toMatchObject({ reason: 'NotFound' });
    const store = await bench.store(url);
    server.fault = () => ({ kind: 'status', status: 500 });
    await expect(store.listRemote()).rejects.toMatchObject({ reason: 'ServerError' });
    server.fault = () => ({ kind: 'reset' });
    await expect(store.listRemote()).rejects.toMatchObject({ reason: 'Unreachable' });
    await server.close();
    await expect(store.listRemote()).rejects.toMatchObject({ reason: 'Unreachable' });
  });

  test('a redirect to the same path with .git is followed by asking there, and no other one', async () => {
    const { head, server } = await serve();
    server.fault = (_kind, request) =>
      request.url?.startsWith('/repo/')
        ? { kind: 'status', status: 301, headers: { location: request.url.replace('/repo/', '/repo.git/') } }
        : undefined;
    const store = await bench.store(server.url('repo'));
    expect(await store.listRemote()).toEqual(new Map([['refs/heads/main', head]]));
    server.fault = () => ({ kind: 'status', status: 302, headers: { location: 'http://127.0.0.1:1/elsewhere.git' } });
    const other = await bench.store(server.url('other'));
    await expect(other.listRemote()).rejects.toMatchObject({ reason: 'Redirected', retry: 'terminal' });
  });

  test('one listing is two requests, and a fetch with nothing new is none', async () => {
    const { url, server } = await serve();
    const store = await bench.store(url);
    const refs = await store.listRemote();
    expect(server.requests).toMatchObject({ discoverFetch: 1, lsRefs: 1, fetch: 0 });
    await store.fetch(refs);
    await store.fetch(refs);
    expect(server.requests).toMatchObject({ lsRefs: 1, fetch: 1 });
  });
});
