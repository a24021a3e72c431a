import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseChallenges } from '../../../src/registry/challenge.ts';
import { credentialHelpers } from '../../../src/registry/credential-helper.ts';
import { DockerConfig } from '../../../src/registry/docker-config.ts';

const signal = AbortSignal.timeout(30_000);
const auth = (pair: string) => ({ auth: Buffer.from(pair).toString('base64') });
const config = (content: object, ask?: ConstructorParameters<typeof DockerConfig>[2]) =>
  new DockerConfig(JSON.stringify(content), 'the test', ask);

describe('docker configs', () => {
  const auths = {
    'registry.example.com': auth('host:1'),
    'registry.example.com/team': auth('team:2'),
    'https://registry.example.com/team/app/': auth('app:3'),
    'https://index.docker.io/v1/': auth('hub:p:with:colons'),
    '*.cloud.example': auth('any:5'),
    'eu.cloud.example': { username: 'eu', password: '6' },
    'http://127.0.0.1:5000/v2/': auth('local:7'),
    'id.example.com': { ...auth('<token>:x'), identitytoken: 'refresh' },
    'bearer.example.com': { registrytoken: 'ready' },
  };
  test.each([
    ['registry.example.com', 'other/app', { username: 'host', password: '1' }],
    ['registry.example.com', 'team', { username: 'team', password: '2' }],
    ['registry.example.com', 'team/app/web', { username: 'app', password: '3' }],
    ['registry.example.com', 'team/application', { username: 'team', password: '2' }],
    ['docker.io', 'library/alpine', { username: 'hub', password: 'p:with:colons' }],
    ['us.cloud.example', 'x', { username: 'any', password: '5' }],
    ['eu.cloud.example', 'x', { username: 'eu', password: '6' }],
    ['a.b.cloud.example', 'x', undefined],
    ['cloud.example', 'x', undefined],
    ['127.0.0.1:5000', 'x', { username: 'local', password: '7' }],
    ['127.0.0.1:5001', 'x', undefined],
    ['registry.example.com.evil.example', 'team', undefined],
    ['id.example.com', 'x', { identityToken: 'refresh' }],
    ['bearer.example.com', 'x', { registryToken: 'ready' }],
  ])('of %s/%s', async (host, repository, expected) => {
    expect(await config({ auths }).find(host, repository, signal)).toEqual(expected);
  });

  test.each([
    ['no JSON', '{"auths": {"x": {"auth": "c2VjcmV0"'],
    ['a list', '["hunter2"]'],
    ['an auth without a colon', JSON.stringify({ auths: { 'r.example.com': auth('hunter2') } })],
  ])('%s is refused without a word of what it holds', (_name, text) => {
    let thrown: unknown;
    try {
      new DockerConfig(text, 'Secret x');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ reason: 'InvalidDockerConfig', message: expect.stringContaining('Secret x') });
    expect(String(thrown)).not.toMatch(/hunter2|c2VjcmV0|aHVudGVy/);
  });

  test('a Secret starts no programs', async () => {
    const found = await config({ credsStore: 'evil', auths: { 'r.example.com': auth('a:b') } }).find(
      'r.example.com',
      'x',
      signal,
    );
    expect(found).toEqual({ username: 'a', password: 'b' });
  });

  test('a helper of the host goes before the store for all, and what it lacks comes from the file', async () => {
    const asked: string[] = [];
    const docker = config(
      {
        credsStore: 'store',
        credHelpers: { 'r.example.com': 'own' },
        auths: { 'https://s.example.com/v1/': auth('a:b') },
      },
      async (helper, server) => {
        asked.push(`${helper} ${server}`);
        return helper === 'own' ? { username: 'o', password: 'w' } : undefined;
      },
    );
    expect(await docker.find('r.example.com', 'x', signal)).toEqual({ username: 'o', password: 'w' });
    expect(await docker.find('s.example.com', 'x', signal)).toEqual({ username: 'a', password: 'b' });
    await docker.find('docker.io', 'library/x', signal);
    expect(asked).toEqual([
      'own r.example.com',
      'store https://s.example.com/v1/',
      'store https://index.docker.io/v1/',
    ]);
  });
});

describe('credential helpers', () => {
  let folder: string;
  const helper = async (name: string, script: string) => {
    const path = join(folder, `docker-credential-${name}`);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  };
  const ask = (name: string) => credentialHelpers({ PATH: `${folder}:/usr/bin:/bin` })(name, 'r.example.com', signal);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veranda-helper-'));
    await helper('good', 'read server; printf \'{"ServerURL":"%s","Username":"u-%s","Secret":"s"}\' "$server" "$1"');
    await helper('token', 'printf \'{"Username":"<token>","Secret":"refresh"}\'');
    await helper('none', 'echo "credentials not found in native keychain"; exit 1');
    await helper('broken', 'echo "hunter2"; echo "hunter2" >&2; exit 3');
    await helper('garbage', 'echo "hunter2"');
    await helper('endless', 'while :; do echo hunter2hunter2hunter2hunter2hunter2; done');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each([
    ['good', { username: 'u-get', password: 's' }],
    ['token', { identityToken: 'refresh' }],
    ['none', undefined],
  ])('%s', async (name, expected) => {
    expect(await ask(name)).toEqual(expected);
  });

  test.each(['broken', 'garbage', 'endless', 'absent', '../../bin/sh', 'a b', ''])(
    '%j fails without a secret',
    async (name) => {
      const error = await ask(name).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ reason: 'CredentialHelperFailed', retry: 'backoff' });
      expect(String(error)).not.toContain('hunter2');
    },
  );
});

describe('challenges', () => {
  test.each([
    ['Basic realm="x"', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
    [
      'Bearer realm="https://a/t",service="s, \\"q\\"" , scope=repository:a:pull',
      [{ scheme: 'bearer', parameters: { realm: 'https://a/t', service: 's, "q"', scope: 'repository:a:pull' } }],
    ],
    [
      'Negotiate, Basic realm="b", bearer realm="c"',
      [
        { scheme: 'negotiate', parameters: {} },
        { scheme: 'basic', parameters: { realm: 'b' } },
        { scheme: 'bearer', parameters: { realm: 'c' } },
      ],
    ],
    ['', []],
    ['"', []],
  ])('%s', (header, expected) => {
    expect(parseChallenges(header)).toEqual(expected);
  });

  test('a hostile header takes no time', () => {
    expect(parseChallenges(`Bearer ${'a="\\'.repeat(100_000)}`).length).toBeLessThan(10_000);
  });
});
