import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TransientError } from '../../../src/api/errors.ts';
import { sanitiseText, sanitiseValue } from '../../../src/observability/sanitise.ts';

const PEM = [
  '-----BEGIN OPENSSH PRIVATE KEY-----',
  'b3BlbnNzaC1rZXktdjEAAAAABG5vbmU',
  'AAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz',
  '-----END OPENSSH PRIVATE KEY-----',
].join('\n');

describe('sanitiseText', () => {
  test.each([
    ['https://user:hunter2@example.com/repo.git', 'https://example.com/repo.git'],
    ['https://user:hun@ter2@example.com/repo.git', 'https://example.com/repo.git'],
    ['https://hunter2@example.com', 'https://example.com'],
    ['https://user%40corp:hun%40ter2@example.com/a', 'https://example.com/a'],
    ['https://user:hun/ter2@example.com/a', 'https://example.com/a'],
    ['https://user:hun?ter2#x@example.com/a', 'https://example.com/a'],
    ['ssh://git:hunter2@example.com:22/a', 'ssh://example.com:22/a'],
    ['HTTPS://USER:HUNTER2@EXAMPLE.COM', 'HTTPS://EXAMPLE.COM'],
    ['https://[::1]:8080/a', 'https://[::1]:8080/a'],
    ['https://u:hunter2@[::1]:8080/a', 'https://[::1]:8080/a'],
    ['fatal: "https://u:hunter2@h/": no', 'fatal: "https://h/": no'],
    ['https://a:1@h/ then https://b:2@i/', 'https://h/ then https://i/'],
    ['go?next=https%3A%2F%2Fu%3Ahunter2%40h%2Fx', 'go?next=https%3A%2F%2Fh%2Fx'],
  ])('takes the user information out of %s', (text, expected) => {
    expect(sanitiseText(text)).toBe(expected);
  });

  test.each([
    'https://example.com:8443/packages@v1/x',
    'https://example.com/a@b',
    'git@example.com:org/repo.git',
    'mail someone@example.com',
    'the token is missing, basic authentication failed',
    'Bearer authentication is required',
    'secretRef.name: repo-auth',
    'Secret porch/repo-auth not found',
    'tokenizer=fast secretName=repo-auth password_file=/etc/x',
    'commit 0123456789abcdef0123456789abcdef01234567',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  ])('leaves %j alone', (text) => {
    expect(sanitiseText(text)).toBe(text);
  });

  test.each([
    'Authorization: Bearer hunter2hunter2',
    'authorization: Basic dXNlcjpodW50ZXIy',
    'AUTHORIZATION=token hunter2',
    'Proxy-Authorization: Digest username="u", response="hunter2"',
    "-H 'Authorization: hunter2'",
    '{"Authorization":"Bearer hunter2"}',
    '{\\"authorization\\": \\"Bearer hunter2\\"}',
    'http.extraHeader=Authorization: Basic hunter2',
    'PRIVATE-TOKEN: hunter2',
    'X-Auth-Token: hunter2',
    'Set-Cookie: session=hunter2; Path=/',
    'sent Bearer hunter2.hunter2.x to the server',
    'sent bearer hunter2hunter2',
    'https://h/x?access_token=hunter2&y=1',
    'https://h/x?private_token=hunter2',
    'password=hunter2 user=x',
    'password = "hunter2 and more"',
    '{"password": "hunter2", "user": "x"}',
    '{\\"clientSecret\\":\\"hunter2\\"}',
    "{'api_key': 'hunter2'}",
    'GIT_PASSWORD=hunter2',
    'ghp_hunter2hunter2hunter2hunter2hunter2',
    'github_pat_hunter2hunter2hunter2_hunter2',
    'glpat-hunter2hunter2hunter2',
    'eyJhbGciOi.eyJzdWIi.hunter2',
  ])('hides the secret in %s', (text) => {
    const clean = sanitiseText(text);
    expect(clean).not.toMatch(/hunter2|dXNlcjpodW50ZXIy/i);
    expect(clean).toContain('[redacted]');
  });

  test.each([
    ['whole', `key:\n${PEM}\nend`, 'key:\n[redacted private key]\nend'],
    ['with Windows line ends', PEM.replaceAll('\n', '\r\n'), '[redacted private key]'],
    ['inside a JSON string', JSON.stringify(PEM), '"[redacted private key]"'],
    ['cut off', PEM.slice(0, 60), '[redacted private key]'],
    ['two of them', `${PEM} and ${PEM}`, '[redacted private key] and [redacted private key]'],
    ['of another kind', PEM.replaceAll('OPENSSH ', ''), '[redacted private key]'],
  ])('hides a PEM private key: %s', (_, text, expected) => {
    expect(sanitiseText(text)).toBe(expected);
  });

  test('no user and password ever survive in a URL', () => {
    const word = fc.stringMatching(/^[a-zA-Z0-9@:!$&'()*+,;=._~-]{1,12}$/);
    fc.assert(
      fc.property(word, word, fc.constantFrom('h.example', 'h.example:8443', '[::1]'), (user, password, host) => {
        expect(sanitiseText(`https://${user}:${password}@${host}/p`)).toBe(`https://${host}/p`);
      }),
    );
  });

  test('is idempotent', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '@', ':', '/', '//', 'https', 'token', '=', ' ', '"') }),
        (text) => {
          expect(sanitiseText(sanitiseText(text))).toBe(sanitiseText(text));
        },
      ),
    );
  });
});

describe('sanitiseValue', () => {
  test('reaches strings however deep they lie, keys too', () => {
    const value = { list: [{ url: 'https://u:p@h/' }], 'https://u:p@h/': new Set(['https://t@h/']) };
    expect(sanitiseValue(value)).toEqual({ list: [{ url: 'https://h/' }], 'https://h/': ['https://h/'] });
  });

  test('hides what lies under a key that names a secret', () => {
    const value = {
      password: 'a',
      API_KEY: 1,
      'x-api-key': 'b',
      bearerToken: { nested: 'c' },
      sshPrivateKey: new Uint8Array(3),
      token: undefined,
      secretRef: { name: 'repo-auth' },
      headers: new Map([['Authorization', 'd']]),
      hasPassword: true,
    };
    expect(sanitiseValue(value)).toEqual({
      password: '[redacted]',
      API_KEY: '[redacted]',
      'x-api-key': '[redacted]',
      bearerToken: '[redacted]',
      sshPrivateKey: '[redacted]',
      token: undefined,
      secretRef: { name: 'repo-auth' },
      headers: { Authorization: '[redacted]' },
      hasPassword: true,
    });
  });

  test('hides what follows a name in raw headers and command lines', () => {
    expect(sanitiseValue(['Host', 'h', 'Authorization', 'x', '--password', 'y'])).toEqual([
      'Host',
      'h',
      'Authorization',
      '[redacted]',
      '--password',
      '[redacted]',
    ]);
  });

  test('turns errors into data, causes and own fields included', () => {
    const cause = Object.assign(new Error('GET https://u:p@h/'), { code: 'ECONNRESET', headers: { cookie: 'x' } });
    const error = new TransientError('FetchFailed', 'cannot fetch https://u:p@h/', { object: 'Repository a/b', cause });
    const data = sanitiseValue({ error }) as { error: Record<string, unknown> };
    expect(data.error).toMatchObject({
      name: 'TransientError',
      reason: 'FetchFailed',
      message: 'cannot fetch https://h/',
      location: { object: 'Repository a/b' },
      cause: { message: 'GET https://h/', code: 'ECONNRESET', headers: { cookie: '[redacted]' } },
    });
    expect(JSON.stringify(data)).not.toContain('u:p@');
    expect(data.error.stack).toContain('sanitise.test');
  });

  test('copes with cycles, bytes, big integers, dates and getters that throw', () => {
    const value: Record<string, unknown> = { bytes: new Uint8Array(5), big: 12n, at: new Date(0) };
    value.self = value;
    Object.defineProperty(value, 'bad', {
      enumerable: true,
      get() {
        throw new Error('no');
      },
    });
    expect(sanitiseValue(value)).toEqual({
      bytes: '[5 bytes]',
      big: '12',
      at: '1970-01-01T00:00:00.000Z',
      self: '[circular]',
      bad: '[unreadable]',
    });
  });

  test('cuts what is too deep', () => {
    let value: unknown = 'https://u:p@h/';
    for (let depth = 0; depth < 10_000; depth++) value = [value];
    expect(JSON.stringify(sanitiseValue(value))).toContain('[too deep]');
  });
});
