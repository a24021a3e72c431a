import { readdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mirrorDirectory, openGitStore } from '../../../src/repository/git/store/open.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { startSshd } from '../../env/git/ssh-server.ts';
import { Bench, fetchAll, readText, update, writeFileCommit } from './support.ts';

const MAIN = 'refs/heads/main';

let bench: Bench;
let server: GitServer;
let url: string;
let head: string;

beforeEach(async () => {
  bench = await Bench.create();
  const repository = await bench.repository();
  head = await repository.commit('main', { 'file.yaml': 'seed' });
  server = await startGitServer({ root: bench.served });
  bench.closing(() => server.close());
  url = server.url('repo.git');
});
afterEach(() => bench.dispose());

describe('G-23: a server that hangs', () => {
  test.each(['list', 'fetch', 'push'] as const)(
    'fails a %s at its deadline and holds up nothing else',
    async (what) => {
      const store = await bench.store(url, { timeoutMs: 1500 });
      const refs = await fetchAll(store);
      const commit = await writeFileCommit(store, 'new', [head]);
      const later = await (await bench.repository('other.git')).commit('main', { 'file.yaml': 'x' });
      server.fault = () => ({ kind: 'hang' });
      const calls = {
        list: () => store.listRemote(),
        fetch: () => store.fetch(new Map([[MAIN, later]])),
        push: () => store.push([update(MAIN, head, commit)]),
      };
      const hanging = calls[what]();
      hanging.catch(() => undefined);
      // Objects are read and written meanwhile.
      expect(await readText(store, head)).toBe('seed');
      await writeFileCommit(store, 'another', [head]);
      await expect(hanging).rejects.toMatchObject({ reason: 'Timeout', retry: 'backoff' });
      server.fault = () => undefined;
      expect(await store.listRemote()).toEqual(refs);
      await store.push([update(MAIN, head, commit)]);
    },
  );

  test('leaves no process behind when the call is aborted', async () => {
    const store = await bench.store(url);
    const aborter = new AbortController();
    const reached = new Promise<void>((resolve) => {
      server.fault = () => {
        resolve();
        return { kind: 'hang' };
      };
    });
    const hanging = store.listRemote({ signal: aborter.signal });
    hanging.catch(() => undefined);
    await reached;
    const mirror = mirrorDirectory(join(bench.root, 'mirrors'), url);
    expect(processesIn(mirror).length).toBeGreaterThan(0);
    aborter.abort(new Error('enough'));
    await expect(hanging).rejects.toThrow('enough');
    expect(processesIn(mirror)).toEqual([]);
    expect((await readdir(mirror)).filter((name) => name.startsWith('veranda-access-'))).toEqual([]);
  });

  test('does not outlive the store', async () => {
    const store = await openGitStore({ url, directory: join(bench.root, 'short') });
    server.fault = () => ({ kind: 'hang' });
    const hanging = store.listRemote();
    hanging.catch(() => undefined);
    await store.close();
    await expect(hanging).rejects.toMatchObject({ reason: 'Closed' });
  });
});

/** Command lines of the processes whose working folder is `folder`. */
function processesIn(folder: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      return environment.includes(`GIT_DIR=${folder}\0`) ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8')] : [];
    } catch {
      return [];
    }
  });
}

describe('secrets', () => {
  const SECRET = 's3cr3t-value-0123456789';

  test.each([
    ['a password', { username: 'porch', password: SECRET }],
    ['a bearer token', { bearerToken: SECRET }],
  ] as const)('%s is in no command line, no file of the mirror and no error', async (_name, credentials) => {
    const encoded = Buffer.from(`porch:${SECRET}`).toString('base64');
    const store = await bench.store(url, { credentials: async () => credentials });
    const mirror = mirrorDirectory(join(bench.root, 'mirrors'), url);
    const seen: string[] = [];
    const look = async () => {
      seen.push(...processesIn(mirror), ...(await contentsOf(mirror)));
    };
    let authorization: string | undefined;
    server.fault = (_kind, request) => {
      authorization = request.headers.authorization;
      return { kind: 'delay', until: look() };
    };
    await fetchAll(store);
    await store.push([update(MAIN, head, await writeFileCommit(store, 'new', [head]))]);
    expect(authorization).toMatch(/^(?:Basic|Bearer) /);
    expect(seen.length).toBeGreaterThan(3);
    server.fault = () => ({ kind: 'status', status: 401 });
    const error: unknown = await store.listRemote().catch((thrown: unknown) => thrown);
    const everything = [...seen, ...(await contentsOf(mirror)), deepText(error)].join('\n');
    expect(everything).toContain('ls-remote');
    expect(everything).not.toContain(SECRET);
    expect(everything).not.toContain(encoded);
  });

  test('an SSH key is gone from the disk when the call has ended', async () => {
    const sshd = await startSshd();
    if (sshd === undefined) {
      console.warn('SSH TESTS SKIPPED: sshd is not installed (apt-get install openssh-server)');
      return;
    }
    bench.closing(() => sshd.close());
    const address = sshd.url(join(bench.served, 'repo.git'));
    const credentials = { sshPrivateKey: sshd.privateKey, sshKnownHosts: sshd.knownHosts };
    const store = await bench.store(address, { credentials: async () => credentials });
    await fetchAll(store);
    const mirror = mirrorDirectory(join(bench.root, 'mirrors'), address);
    expect((await contentsOf(mirror)).join('\n')).not.toContain('PRIVATE KEY');
  });

  test('credentials go to the registered server alone, whatever it redirects to', async () => {
    const other = await startGitServer({ root: bench.served });
    bench.closing(() => other.close());
    let stolen: string | undefined;
    other.fault = (_kind, request) => {
      stolen = request.headers.authorization;
      return undefined;
    };
    server.fault = (_kind, request) => ({
      kind: 'status',
      status: 301,
      headers: { location: `http://127.0.0.1:${other.port}${request.url}` },
    });
    const store = await bench.store(url, { credentials: async () => ({ bearerToken: SECRET }) });
    await expect(store.listRemote()).rejects.toMatchObject({ reason: 'Redirected' });
    expect(stolen).toBeUndefined();
    expect(other.requests.discoverFetch).toBe(0);
  });
});

async function contentsOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => {
    try {
      return entry.isFile() ? [readFileSync(join(entry.parentPath, entry.name), 'latin1')] : [];
    } catch {
      return [];
    }
  });
}

/** All text of an error and its causes. */
function deepText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.message} ${error.stack} ${JSON.stringify(error)} ${error.cause === undefined ? '' : deepText(error.cause)}`;
}

describe('hostile addresses', () => {
  const marker = '/tmp/veranda-must-not-exist';

  test.each([
    `ext::sh -c touch% ${marker}`,
    `--upload-pack=touch ${marker}`,
    `-oProxyCommand=touch ${marker}`,
    `ssh://-oProxyCommand=touch${marker}/x`,
    `git@-oProxyCommand=x:y`,
    `fd::17/x`,
    'git://example.com/x.git',
    'ftp://example.com/x.git',
    'https://user:hunter2@example.com/x.git',
    'https://hunter2@example.com/x.git',
    'ssh://git:hunter2@example.com/x.git',
    'https://example.com/x.git\n',
    'https://example.com/x\0.git',
    'http://169.254.169.254/latest/meta-data',
    'http://[fe80::1]/x.git',
    'http://0x7f000001/',
    '',
  ])('%j are refused without being repeated', async (address) => {
    const directory = join(bench.root, 'hostile');
    const attempt = openGitStore({ url: address, directory, allowLocal: true }).then((store) => store.listRemote());
    const error: unknown = await attempt.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: 'InvalidURL', retry: 'terminal' });
    expect(deepText(error)).not.toContain('hunter2');
    expect(readdirSync('/tmp')).not.toContain('veranda-must-not-exist');
  });

  test.each(['/etc/repo.git', './repo.git', 'file:///etc/repo.git'])('%s needs leave', async (address) => {
    const directory = join(bench.root, 'local');
    await expect(openGitStore({ url: address, directory })).rejects.toMatchObject({ reason: 'InvalidURL' });
  });

  test('refs cannot become options or patterns', async () => {
    const store = await bench.store(url);
    for (const ref of ['--upload-pack=x', 'refs/heads/*', 'refs/heads/a b', 'HEAD', 'refs/heads/x\nrefs/heads/y']) {
      await expect(store.fetch(new Map([[ref, '1'.repeat(40)]]))).rejects.toMatchObject({ reason: 'InvalidRef' });
    }
  });
});
