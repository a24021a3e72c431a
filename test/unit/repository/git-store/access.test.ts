import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Access, withAccess } from '../../../../src/repository/git/store/access.ts';
import { gitEnvironment } from '../../../../src/repository/git/store/git-environment.ts';
import { parseRemoteUrl } from '../../../../src/repository/git/store/remote-url.ts';
import type { GitCredentials } from '../../../../src/repository/git/types.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "veranda-it's-"));
});
afterEach(() => rm(folder, { recursive: true }));

function options(url: string, credentials: GitCredentials, more: { proxy?: string; pinned?: string } = {}) {
  return { remote: parseRemoteUrl(url), credentials, proxy: more.proxy, pinned: more.pinned, temporaryParent: folder };
}

const show = async (access: Access) => access;

describe('access over HTTP', () => {
  const header = 'http.https://git.example.com:443/.extraHeader';

  test.each([
    ['name and password', { username: 'ann', password: 'pw' }, `Basic ${btoa('ann:pw')}`],
    ['a password alone', { password: 'pw' }, `Basic ${btoa('git:pw')}`],
    ['an empty name', { username: '', password: 'pw' }, `Basic ${btoa('git:pw')}`],
    ['a token with a newline', { bearerToken: 'abc\n' }, 'Bearer abc'],
  ])('%s is a header for that server alone', async (_name, credentials, value) => {
    const access = await withAccess(options('https://git.example.com/x', credentials), show);
    expect(access.config).toEqual([[header, `Authorization: ${value}`]]);
  });

  test('a proxy takes the place of pinned addresses', async () => {
    const pinned = 'git.example.com:443:192.0.2.1';
    const direct = await withAccess(options('https://git.example.com/x', {}, { pinned }), show);
    expect(direct.config).toEqual([['http.curloptResolve', pinned]]);
    const proxied = await withAccess(options('https://git.example.com/x', {}, { pinned, proxy: 'http://p:1' }), show);
    expect(proxied.config).toEqual([['http.proxy', 'http://p:1']]);
  });
});

describe('key files', () => {
  const credentials = { sshPrivateKey: 'KEY', sshKnownHosts: 'HOSTS\n' };

  test('are private while they are used, and gone afterwards', async () => {
    await withAccess(options('git@example.com:x', credentials), async ({ environment }) => {
      const command = environment.GIT_SSH_COMMAND ?? '';
      expect(command).not.toContain('KEY');
      const [held = ''] = await readdir(folder);
      const key = join(folder, held, 'key');
      expect(await readFile(key, 'utf8')).toBe('KEY\n');
      expect((await stat(key)).mode & 0o777).toBe(0o600);
      expect((await stat(dirname(key))).mode & 0o777).toBe(0o700);
      expect(command).toContain("'StrictHostKeyChecking=yes'");
      expect(command.replaceAll("'\\''", "'")).toContain(`'UserKnownHostsFile=${join(folder, held, 'known_hosts')}'`);
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('are gone after a failure too', async () => {
    const failing = withAccess(options('git@example.com:x', credentials), () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(await readdir(folder)).toEqual([]);
  });

  test('a local remote gets nothing at all', async () => {
    const access = await withAccess(
      { ...options('git@example.com:x', credentials), remote: parseRemoteUrl('/x', true) },
      show,
    );
    expect(access).toEqual({ config: [], environment: {} });
  });
});

test('the environment of git is made from nothing', () => {
  process.env.GIT_TRACE_CURL = '1';
  try {
    const environment = gitEnvironment('/mirror', [['a.b', 'c']], {});
    expect(Object.keys(environment).filter((name) => /TRACE|proxy/i.test(name))).toEqual([]);
    expect(environment).toMatchObject({
      GIT_DIR: '/mirror',
      LC_ALL: 'C',
      GIT_TERMINAL_PROMPT: '0',
      HOME: '/nonexistent',
    });
    expect(Object.values(environment)).toContain('a.b');
  } finally {
    delete process.env.GIT_TRACE_CURL;
  }
});
