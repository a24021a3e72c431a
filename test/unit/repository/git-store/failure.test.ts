import { describe, expect, test } from '@jest/globals';
import { classifyFailure, cleanServerText, failureError } from '../../../../src/repository/git/store/failure.ts';
import { parseRemoteUrl } from '../../../../src/repository/git/store/remote-url.ts';

const url = 'https://git.example.com/x.git/';

describe('why git failed', () => {
  test.each([
    ['AuthFailed', `fatal: Authentication failed for '${url}'`],
    ['AuthFailed', "fatal: could not read Username for 'https://git.example.com': terminal prompts disabled"],
    ['AuthFailed', `fatal: unable to access '${url}': The requested URL returned error: 403`],
    ['AuthFailed', 'git@example.com: Permission denied (publickey).\nfatal: Could not read from remote repository.'],
    ['NotFound', `fatal: repository '${url}' not found`],
    [
      'NotFound',
      "fatal: '/srv/x' does not appear to be a git repository\nfatal: Could not read from remote repository.",
    ],
    [
      'TLSVerify',
      `fatal: unable to access '${url}': server certificate verification failed. CAfile: none CRLfile: none`,
    ],
    ['TLSVerify', `fatal: unable to access '${url}': SSL certificate problem: unable to get local issuer certificate`],
    ['HostKeyMismatch', 'Host key verification failed.\nfatal: Could not read from remote repository.'],
    ['Unreachable', `fatal: unable to access '${url}': Could not resolve host: git.example.com`],
    ['Unreachable', 'ssh: connect to host example.com port 22: Connection refused\nfatal: Could not read from remote'],
    ['Unreachable', 'error: RPC failed; curl 52 Empty reply from server\nfatal: the remote end hung up unexpectedly'],
    ['ServerError', `fatal: unable to access '${url}': The requested URL returned error: 502`],
    ['ServerError', 'error: RPC failed; HTTP 500 curl 22 The requested URL returned error: 500'],
    ['Redirected', `fatal: unable to access '${url}': The requested URL returned error: 301`],
    ['ObjectMissing', 'fatal: remote error: upload-pack: not our ref 1234'],
    ['AtomicPushUnsupported', 'fatal: the receiving end does not support --atomic push'],
    ['Other', 'fatal: unterminated line in packed-refs: garbage'],
    ['Other', ''],
    [
      'HostileContent',
      "error: object 396706a1712e8e817dd74e8ffe62ee2a68bcfeec: hasDotdot: contains '..'\nfatal: fsck error in packed object\nfatal: index-pack failed",
    ],
  ])('%s: %s', (reason, stderr) => expect(classifyFailure(stderr)).toBe(reason));

  test('is not for the server to say in its messages', () => {
    expect(classifyFailure("remote: Authentication failed for 'x'\nfatal: protocol error: bad pack header")).toBe(
      'Other',
    );
  });

  test('is an error to retry unless the address itself must change', () => {
    const remote = parseRemoteUrl(url);
    expect(failureError('AuthFailed', remote, 'fatal: x')).toMatchObject({ retry: 'backoff', reason: 'AuthFailed' });
    expect(failureError('Redirected', remote, '')).toMatchObject({ retry: 'terminal', reason: 'Redirected' });
    expect(failureError('Other', remote, 'fatal: odd').message).toBe(
      'git failed on https://git.example.com/x.git: fatal: odd',
    );
  });
});

describe('server text', () => {
  test.each([
    ['\u001b[31mred\u001b[0m\r\n  next\u0000', 'red next'],
    ['see https://user:secret@example.com/x', 'see https://example.com/x'],
    ['Authorization: Bearer secret', 'Authorization: Bearer ***'],
    ['a\u2028b\u009b1mc', 'a b 1mc'],
  ])('%j is shown as %j', (text, shown) => expect(cleanServerText(text)).toBe(shown));

  test('is bounded', () => expect(cleanServerText('x'.repeat(100_000)).length).toBeLessThanOrEqual(1001));
});
