import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RegistryClient } from '../../../src/registry/client.ts';
import { credentialsFor } from '../../../src/registry/credentials.ts';
import { ImageResolver } from '../../../src/registry/image-resolver.ts';
import { parseLocation } from '../../../src/registry/reference.ts';
import { pushBlob, pushManifest } from '../../../src/registry/upload.ts';
import { digestOf, makeImage, makeLayer } from '../../env/images/image.ts';
import { pushImage } from '../../env/images/push.ts';
import { type Registry, startRegistry } from '../../env/registry/registry.ts';
import { anonymousCall, callAs } from './support.ts';

const USER = { user: 'robot', password: 'correct-horse-battery' };
const PLATFORM = { os: 'linux', architecture: 'amd64' };

let client: RegistryClient;
let plain: Registry;
let locked: Registry;
let tokens: Registry;

beforeAll(async () => {
  client = new RegistryClient({ loopback: true });
  [plain, locked, tokens] = await Promise.all([
    startRegistry(),
    startRegistry({ htpasswd: USER, tls: true }),
    startRegistry({ tokenAuth: { ...USER, anonymousPull: false } }),
  ]);
});

afterAll(async () => {
  await client?.close();
  await Promise.all([plain, locked, tokens].map((registry) => registry?.stop()));
});

async function functionImage(content = 'program') {
  const layer = await makeLayer([{ path: '/function', mode: 0o755, content }]);
  return makeImage([layer], { entrypoint: ['/function'], cmd: ['--quiet'], user: '65534', env: ['A=1'] });
}

describe('a registry over plain HTTP on this machine', () => {
  test('gives digest, entrypoint, command, user and environment of an image by tag, digest, or both', async () => {
    const digest = await pushImage(plain, 'fns/set', 'v1', await functionImage());
    const resolver = new ImageResolver({ client, platform: PLATFORM });
    const image = `${plain.host}/fns/set`;
    for (const name of [`${image}:v1`, `${image}@${digest}`, `${image}:other@${digest}`]) {
      expect(await resolver.resolve(name, callAs(plain))).toMatchObject({
        digest,
        reference: `${image}@${digest}`,
        entrypoint: ['/function'],
        cmd: ['--quiet'],
        user: '65534',
        env: ['A=1'],
        platform: PLATFORM,
      });
    }
  });

  test('a tag means the same digest for as long as it is remembered, and is then asked for again', async () => {
    let now = 1_000;
    const resolver = new ImageResolver({ client, platform: PLATFORM, tagTtlMs: 100, now: () => now });
    const name = `${plain.host}/fns/moving:v1`;
    const first = await pushImage(plain, 'fns/moving', 'v1', await functionImage('one'));
    expect((await resolver.resolve(name, callAs(plain))).digest).toBe(first);
    const second = await pushImage(plain, 'fns/moving', 'v1', await functionImage('two'));
    expect((await resolver.resolve(name, callAs(plain))).digest).toBe(first);
    now += 101;
    expect((await resolver.resolve(name, callAs(plain))).digest).toBe(second);
  });

  test('lists all tags of an image', async () => {
    const image = await functionImage();
    const names = Array.from({ length: 7 }, (_, index) => `v0.${index}.0`);
    for (const name of names) await pushImage(plain, 'fns/many', name, image);
    const resolver = new ImageResolver({ client, platform: PLATFORM });
    expect([...(await resolver.listTags(`${plain.host}/fns/many`, callAs(plain)))].sort()).toEqual(names);
  });

  test.each([
    ['a tag', ':nope', 'TagNotFound'],
    ['a digest', `@sha256:${'0'.repeat(64)}`, 'ManifestNotFound'],
  ])('%s that is not there is told by name', async (_name, suffix, reason) => {
    await pushImage(plain, 'fns/there', 'v1', await functionImage());
    const missing = client.manifest(parseLocation(`${plain.host}/fns/there${suffix}`), callAs(plain));
    await expect(missing).rejects.toMatchObject({ reason, message: expect.stringContaining('fns/there') });
  });

  test('a repository that is not there is no missing right', async () => {
    const missing = client.manifest(parseLocation(`${plain.host}/no/such:v1`), callAs(plain));
    await expect(missing).rejects.toMatchObject({ reason: 'TagNotFound' });
  });

  test.each([
    ['in one piece', undefined],
    ['in pieces', 40_000],
  ])('takes a blob %s and a manifest, and gives back the same bytes', async (_name, chunkBytes) => {
    const location = parseLocation(`${plain.host}/pushed/by-us:v1`);
    const bytes = randomBytes(100_000);
    expect(await pushBlob(client, location, bytes, callAs(plain), { chunkBytes })).toBe(digestOf(bytes));
    const descriptor = { mediaType: 'application/x', digest: digestOf(bytes), size: bytes.length, annotations: {} };
    const config = Buffer.from('{}');
    await pushBlob(client, location, config, callAs(plain));
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType,
        config: { mediaType: 'application/json', digest: digestOf(config), size: 2 },
        layers: [descriptor],
      }),
    );
    const digest = await pushManifest(client, location, { bytes: manifest, mediaType }, callAs(plain));
    expect((await client.manifest(location, callAs(plain))).digest).toBe(digest);
    expect(await client.readBlob(location, descriptor, 200_000, callAs(plain))).toEqual(bytes);
  });

  test('a blob of another repository is mounted, not sent', async () => {
    const bytes = randomBytes(1000);
    await pushBlob(client, parseLocation(`${plain.host}/mount/from`), bytes, callAs(plain));
    const target = parseLocation(`${plain.host}/mount/to`);
    const digest = await pushBlob(client, target, bytes, callAs(plain), { mountFrom: 'mount/from' });
    expect(plain.log()).toMatch(
      new RegExp(`POST /v2/mount/to/blobs/uploads/\\?mount=${encodeURIComponent(digest)}[^"]*" 201`),
    );
  });
});

describe('X-01: a private registry with a password and its own certificate authority', () => {
  test('lets in who knows the password', async () => {
    const digest = await pushImage(locked, 'private/fn', 'v1', await functionImage());
    const resolver = new ImageResolver({ client, platform: PLATFORM });
    expect((await resolver.resolve(`${locked.host}/private/fn:v1`, callAs(locked))).digest).toBe(digest);
  });

  test('O-07: a wrong password is AuthDenied with the words of the registry, a missing tag TagNotFound', async () => {
    await pushImage(locked, 'private/fn', 'v1', await functionImage());
    const location = parseLocation(`${locked.host}/private/fn:v1`);
    await expect(client.manifest(location, callAs(locked, 'wrong-password'))).rejects.toMatchObject({
      reason: 'AuthDenied',
      message: expect.stringContaining('UNAUTHORIZED'),
    });
    await expect(client.manifest(location, anonymousCall(locked))).rejects.toMatchObject({
      reason: 'AuthDenied',
      message: expect.stringContaining('without credentials'),
    });
    await expect(client.manifest({ ...location, tag: 'gone' }, callAs(locked))).rejects.toMatchObject({
      reason: 'TagNotFound',
    });
  });

  test('a certificate of an unknown authority is TLSVerify', async () => {
    const { ca: _ca, ...call } = callAs(locked);
    const untrusted = new RegistryClient({ loopback: true });
    await expect(untrusted.ping(parseLocation(`${locked.host}/x`), call)).rejects.toMatchObject({
      reason: 'TLSVerify',
    });
    await untrusted.close();
  });

  test('no message of any failure holds the password', async () => {
    const failures = [
      client.manifest(parseLocation(`${locked.host}/private/fn:gone`), callAs(locked)),
      client.manifest(parseLocation(`${locked.host}/private/fn:v1`), callAs(locked, 'hunter2hunter2')),
    ];
    for (const { reason } of (await Promise.allSettled(failures)) as PromiseRejectedResult[]) {
      const text = JSON.stringify([reason, String(reason), String(reason.cause), reason.stack]);
      expect(text).not.toMatch(/correct-horse|hunter2|cm9ib3Q6/);
    }
  });

  test('nothing is shown to somebody else of what one set of credentials has seen', async () => {
    await pushImage(locked, 'private/seen', 'v1', await functionImage());
    const resolver = new ImageResolver({ client, platform: PLATFORM });
    const name = `${locked.host}/private/seen:v1`;
    await resolver.resolve(name, callAs(locked));
    await expect(resolver.resolve(name, anonymousCall(locked))).rejects.toMatchObject({ reason: 'AuthDenied' });
  });
});

describe('a registry with tokens', () => {
  test('one token serves all pulls from a repository while it is valid', async () => {
    await pushImage(tokens, 'tok/fn', 'v1', await functionImage());
    const location = parseLocation(`${tokens.host}/tok/fn:v1`);
    const own = new RegistryClient({ loopback: true });
    const before = tokens.tokenServer?.requests.length ?? 0;
    for (let pull = 0; pull < 3; pull++) await own.manifest(location, callAs(tokens));
    const asked = tokens.tokenServer?.requests.slice(before) ?? [];
    expect(asked).toEqual([{ scopes: ['repository:tok/fn:pull'], user: 'robot' }]);
    await own.close();
  });

  test('a token that has expired is replaced', async () => {
    await pushImage(tokens, 'tok/fn', 'v1', await functionImage());
    const location = parseLocation(`${tokens.host}/tok/fn:v1`);
    let now = Date.now();
    const own = new RegistryClient({ loopback: true, now: () => now });
    const before = tokens.tokenServer?.requests.length ?? 0;
    await own.manifest(location, callAs(tokens));
    now += 3_600_000;
    await own.manifest(location, callAs(tokens));
    expect(tokens.tokenServer?.requests.length).toBe(before + 2);
    await own.close();
  });

  test('O-07: whom the token server does not know, and who may not pull, is AuthDenied', async () => {
    await pushImage(tokens, 'tok/fn', 'v1', await functionImage());
    const location = parseLocation(`${tokens.host}/tok/fn:v1`);
    await expect(client.manifest(location, callAs(tokens, 'nonsense'))).rejects.toMatchObject({ reason: 'AuthDenied' });
    await expect(client.manifest(location, anonymousCall(tokens))).rejects.toMatchObject({ reason: 'AuthDenied' });
  });

  test('pushes ask for the right to push', async () => {
    const location = parseLocation(`${tokens.host}/tok/up:v1`);
    await pushBlob(client, location, randomBytes(10), callAs(tokens));
    expect(tokens.tokenServer?.requests.at(-1)?.scopes).toEqual(['repository:tok/up:pull,push']);
  });
});

describe('mirrors and prefixes', () => {
  test('X-12: a rewritten prefix is where images come from and what their references say', async () => {
    const digest = await pushImage(plain, 'mirrored/catalog/set', 'v1', await functionImage());
    const own = new RegistryClient({
      loopback: true,
      mirrors: [{ prefix: 'registry.example.com/catalog', rewrite: `${plain.host}/mirrored/catalog` }],
    });
    const resolver = new ImageResolver({ client: own, platform: PLATFORM });
    const { reference } = await resolver.resolve('registry.example.com/catalog/set:v1', callAs(plain));
    expect(reference).toBe(`${plain.host}/mirrored/catalog/set@${digest}`);
    await own.close();
  });

  test('what a mirror lacks comes from the place itself', async () => {
    const own = new RegistryClient({
      loopback: true,
      mirrors: [{ prefix: plain.host, mirrors: [`${plain.host}/empty-mirror`] }],
    });
    const digest = await pushImage(plain, 'origin/fn', 'v1', await functionImage());
    const found = await own.manifest(parseLocation(`${plain.host}/origin/fn:v1`), callAs(plain));
    expect(found.digest).toBe(digest);
    expect(plain.log()).toContain('GET /v2/empty-mirror/origin/fn/manifests/v1');
    await own.close();
  });
});

test('credentials of one host are not shown to another', async () => {
  const call = {
    ...anonymousCall(locked),
    credentials: credentialsFor('other.example.com', { username: 'a', password: 'b' }),
  };
  const denied = client.manifest(parseLocation(`${locked.host}/private/fn:v1`), call);
  await expect(denied).rejects.toMatchObject({ message: expect.stringContaining('without credentials') });
});

test('an abort ends a call at once with its own reason', async () => {
  const abort = new AbortController();
  const reason = new Error('enough');
  const pending = client.manifest(parseLocation(`${plain.host}/fns/set:v1`), { signal: abort.signal });
  abort.abort(reason);
  await expect(pending).rejects.toBe(reason);
});
