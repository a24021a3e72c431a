import { describe, expect, test } from '@jest/globals';
import { TerminalError, TransientError } from '../../../../src/api/errors.ts';
import { guardAddress, pinForCurl, pinForNode } from '../../../../src/repository/git/store/address-guard.ts';
import { mirrorDirectory } from '../../../../src/repository/git/store/open.ts';
import { checkProxyUrl, parseRemoteUrl } from '../../../../src/repository/git/store/remote-url.ts';

describe('addresses', () => {
  test.each([
    ['https://Example.com/a/b.git/', 'https', 'https://example.com/a/b.git', 'example.com', 443],
    ['https://example.com:443/a', 'https', 'https://example.com/a', 'example.com', 443],
    ['http://127.0.0.1:3000/a', 'http', 'http://127.0.0.1:3000/a', '127.0.0.1', 3000],
    ['ssh://git@example.com:2222/a.git', 'ssh', 'ssh://git@example.com:2222/a.git', 'example.com', 2222],
    ['git@example.com:org/a.git', 'ssh', 'git@example.com:org/a.git', 'example.com', 22],
    ['https://[::1]:8443/a', 'https', 'https://[::1]:8443/a', '::1', 8443],
  ] as const)('%s is read', (url, kind, argument, host, port) => {
    expect(parseRemoteUrl(url)).toMatchObject({ kind, argument, host, port });
  });

  test('the shown form holds no user', () => {
    expect(parseRemoteUrl('git@example.com:org/a.git').display).toBe('example.com:org/a.git');
    expect(parseRemoteUrl('ssh://git@example.com/a.git').display).toBe('ssh://example.com/a.git');
  });

  test.each(['http://proxy:3128', 'https://proxy'])('%s is a proxy', (proxy) => {
    expect(() => checkProxyUrl(proxy)).not.toThrow();
  });

  test.each(['proxy:3128', 'socks5://proxy:1080', 'http://user:secret@proxy:3128', 'http://proxy/path', ''])(
    '%j is no proxy',
    (proxy) => expect(() => checkProxyUrl(proxy)).toThrow(expect.objectContaining({ reason: 'InvalidProxy' })),
  );
});

describe('mirror directories', () => {
  const directory = (url: string) => mirrorDirectory('/mirrors', url);

  test('spellings of one remote share one', () => {
    expect(directory('https://Example.com:443/a.git/')).toBe(directory('https://example.com/a.git'));
    expect(directory('file:///srv/a.git')).toBe(directory('/srv/a.git'));
  });

  test('different remotes never share one, however alike they look', () => {
    const urls = [
      'https://example.com/a/b',
      'https://example.com/a-b',
      'https://example.com/A/b',
      'https://example.com:8443/a/b',
      'http://example.com/a/b',
      'ssh://example.com/a/b',
      'ssh://git@example.com/a/b',
      'git@example.com:a/b',
      'git@example.com:a/b.git',
    ];
    expect(new Set(urls.map(directory)).size).toBe(urls.length);
    expect(mirrorDirectory('/mirrors', 'https://example.com/a', 'shallow')).not.toBe(
      directory('https://example.com/a'),
    );
  });
});

describe('the address guard', () => {
  const resolve = (...addresses: string[]) => {
    const all = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    return async () => all;
  };

  test.each([
    'http://169.254.169.254/x',
    'http://2852039166/x',
    'http://[::ffff:169.254.169.254]/x',
    'http://[fe80::1]/x',
    'http://0.0.0.0/x',
    'git@169.254.169.254:x',
  ])('refuses %s without looking anything up', async (url) => {
    const never = () => Promise.reject(new Error('looked up'));
    await expect(guardAddress(parseRemoteUrl(url), never)).rejects.toBeInstanceOf(TerminalError);
    await expect(guardAddress(parseRemoteUrl(url), undefined)).rejects.toBeInstanceOf(TerminalError);
  });

  test('refuses a name when one of its addresses is denied', async () => {
    const remote = parseRemoteUrl('https://metadata.example.com/x');
    await expect(guardAddress(remote, resolve('192.0.2.1', '169.254.169.254'))).rejects.toMatchObject({
      reason: 'InvalidURL',
    });
  });

  test('pins the addresses that it has checked', async () => {
    const remote = parseRemoteUrl('https://git.example.com:8443/x');
    const addresses = (await guardAddress(remote, resolve('192.0.2.1', '2001:db8::1'))) ?? [];
    expect(pinForCurl(remote, addresses)).toBe('git.example.com:8443:192.0.2.1,[2001:db8::1]');
    const found: unknown[] = [];
    const lookup = pinForNode(addresses);
    lookup('git.example.com', { all: true }, (_error, all) => found.push(all));
    lookup('git.example.com', {}, (_error, address, family) => found.push([address, family]));
    expect(found).toEqual([addresses, ['192.0.2.1', 4]]);
    expect(await guardAddress(parseRemoteUrl('http://127.0.0.1:3000/x'), resolve())).toBeUndefined();
    expect(await guardAddress(parseRemoteUrl('/srv/x', true), resolve())).toBeUndefined();
  });

  test('a name without an address is unreachable for now', async () => {
    const failing = () => Promise.reject(new Error('ENOTFOUND'));
    const attempt = guardAddress(parseRemoteUrl('https://nowhere.example.com/x'), failing);
    await expect(attempt).rejects.toBeInstanceOf(TransientError);
    await expect(attempt).rejects.toMatchObject({ reason: 'Unreachable' });
  });
});
