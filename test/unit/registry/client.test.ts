import { afterEach, describe, expect, test } from '@jest/globals';
import { RegistryClient, type RegistryClientOptions } from '../../../src/registry/client.ts';
import { credentialsFor } from '../../../src/registry/credentials.ts';
import { parseLocation } from '../../../src/registry/reference.ts';
import { pushBlob } from '../../../src/registry/upload.ts';
import { digestOf, send, startServer, type TestServer } from './server.ts';

const BLOB = Buffer.from('the content of a layer');
const DESCRIPTOR = { mediaType: 'application/x', digest: digestOf(BLOB), size: BLOB.length, annotations: {} };
const MANIFEST = JSON.stringify({ schemaVersion: 2 });
const PASSWORD = 'correct-horse-battery';

const opened: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.stop()));
});

async function serve(...args: Parameters<typeof startServer>): Promise<TestServer> {
  const server = await startServer(...args);
  opened.push(server);
  return server;
}

function clientOf(options: RegistryClientOptions = {}): RegistryClient {
  const client = new RegistryClient({ loopback: true, ...options });
  opened.push({ stop: () => client.close() });
  return client;
}

const signal = () => AbortSignal.timeout(20_000);
const userOf = (host: string) => credentialsFor(host, { username: 'robot', password: PASSWORD });

/** Basic authentication before anything else. */
function locked(handler: Parameters<typeof startServer>[0]): Parameters<typeof startServer>[0] {
  return (request, response) => {
    if (request.headers.authorization === undefined) {
      send(response, 401, { 'www-authenticate': 'Basic realm="registry"' });
    } else handler(request, response);
  };
}

describe('redirects', () => {
  test('credentials do not follow a redirect to another host', async () => {
    const storage = await serve((_request, response) => send(response, 200, {}, BLOB));
    const registry = await serve(
      locked((_request, response) => send(response, 307, { location: `http://${storage.host}/blob?sig=1` })),
    );
    const location = parseLocation(`${registry.host}/a/b`);
    const call = { signal: signal(), credentials: userOf(registry.host) };
    expect(await clientOf().readBlob(location, DESCRIPTOR, 1000, call)).toEqual(BLOB);
    expect(registry.requests.at(-1)?.authorization).toMatch(/^Basic /);
    expect(storage.requests).toEqual([{ method: 'GET', url: '/blob?sig=1' }]);
  });

  test('credentials do not come back after a detour over another host', async () => {
    let registry: TestServer | undefined;
    const detour = await serve((_request, response) =>
      send(response, 302, { location: `http://${registry?.host}/end` }),
    );
    registry = await serve((request, response) => {
      if (request.url === '/end') send(response, 200, {}, BLOB);
      else locked((_, answer) => send(answer, 302, { location: `http://${detour.host}/` }))(request, response);
    });
    const call = { signal: signal(), credentials: userOf(registry.host) };
    await clientOf().readBlob(parseLocation(`${registry.host}/a/b`), DESCRIPTOR, 1000, call);
    expect(registry.requests.at(-1)).toEqual({ method: 'GET', url: '/end' });
  });

  test.each([
    ['plain HTTP elsewhere', 'http://registry.example.com/x'],
    ['a file', 'file:///etc/passwd'],
    ['where clouds keep secrets', 'https://169.254.169.254/latest/meta-data'],
    ['a number that means the same', 'https://[::ffff:169.254.169.254]/latest'],
  ])('a redirect to %s is refused', async (_name, target) => {
    const registry = await serve((_request, response) => send(response, 307, { location: target }));
    const reading = clientOf().readBlob(parseLocation(`${registry.host}/a/b`), DESCRIPTOR, 1000, { signal: signal() });
    await expect(reading).rejects.toMatchObject({ reason: 'AddressRefused' });
  });

  test('a circle of redirects ends', async () => {
    const registry = await serve((request, response) => send(response, 307, { location: request.url ?? '/' }));
    const reading = clientOf().readBlob(parseLocation(`${registry.host}/a/b`), DESCRIPTOR, 1000, { signal: signal() });
    await expect(reading).rejects.toMatchObject({ reason: 'RegistryUnreachable' });
    expect(registry.requests.length).toBeLessThan(10);
  });

  test('an upload that goes on at another host goes there without credentials', async () => {
    const storage = await serve((_request, response) => send(response, 201, {}));
    const registry = await serve(
      locked((request, response) => {
        if (request.method === 'HEAD') send(response, 404, {});
        else send(response, 202, { location: `http://${storage.host}/upload/1` });
      }),
    );
    const call = { signal: signal(), credentials: userOf(registry.host) };
    await pushBlob(clientOf(), parseLocation(`${registry.host}/a/b`), BLOB, call);
    expect(storage.requests).toEqual([
      { method: 'PUT', url: `/upload/1?digest=${encodeURIComponent(DESCRIPTOR.digest)}` },
    ]);
  });
});

describe('content', () => {
  test.each([
    ['other bytes', Buffer.from('the CONTENT of a layer')],
    ['fewer bytes', BLOB.subarray(1)],
    ['more bytes', Buffer.concat([BLOB, BLOB])],
  ])('a blob with %s is DigestMismatch', async (_name, bytes) => {
    const registry = await serve((_request, response) => send(response, 200, {}, bytes));
    const reading = clientOf().readBlob(parseLocation(`${registry.host}/a/b`), DESCRIPTOR, 1000, { signal: signal() });
    await expect(reading).rejects.toMatchObject({ reason: 'DigestMismatch', retry: 'backoff' });
  });

  test('a manifest by digest with other bytes is DigestMismatch', async () => {
    const registry = await serve((_request, response) => send(response, 200, {}, MANIFEST));
    const location = parseLocation(`${registry.host}/a/b@sha256:${'0'.repeat(64)}`);
    await expect(clientOf().manifest(location, { signal: signal() })).rejects.toMatchObject({
      reason: 'DigestMismatch',
    });
  });

  test('a manifest by tag with another digest than its header says is DigestMismatch', async () => {
    const headers = { 'docker-content-digest': `sha256:${'0'.repeat(64)}` };
    const registry = await serve((_request, response) => send(response, 200, headers, MANIFEST));
    const location = parseLocation(`${registry.host}/a/b:v1`);
    await expect(clientOf().manifest(location, { signal: signal() })).rejects.toMatchObject({
      reason: 'DigestMismatch',
    });
  });

  test('an endless manifest is given up at the limit', async () => {
    let sent = 0;
    const registry = await serve((_request, response) => {
      const more = () => {
        sent += 16_384;
        if (!response.destroyed) response.write(Buffer.alloc(16_384), more);
      };
      response.writeHead(200);
      more();
    });
    const location = parseLocation(`${registry.host}/a/b:v1`);
    const reading = clientOf({ maxManifestBytes: 100_000 }).manifest(location, { signal: signal() });
    await expect(reading).rejects.toMatchObject({ reason: 'TooLarge', retry: 'terminal' });
    expect(sent).toBeLessThan(50_000_000);
  });

  test('a blob that is too large by its own word is not asked for', async () => {
    const registry = await serve((_request, response) => send(response, 200, {}, BLOB));
    const reading = clientOf().readBlob(parseLocation(`${registry.host}/a/b`), DESCRIPTOR, 3, { signal: signal() });
    await expect(reading).rejects.toMatchObject({ reason: 'TooLarge' });
    expect(registry.requests).toEqual([]);
  });
});

describe('lists of tags', () => {
  test('goes from page to page by the links, in the same registry', async () => {
    const registry = await serve((request, response) => {
      const last = new URL(request.url ?? '', 'http://x').searchParams.get('last');
      const page = { '': ['a', 'b'], b: ['c'], c: ['d'] }[last ?? ''];
      const link = {
        '': '</v2/a/b/tags/list?n=2&last=b>; rel="next"',
        b: '<https://evil.example/v2/a/b/tags/list?last=c>; rel=next',
      }[last ?? ''];
      send(
        response,
        200,
        { 'content-type': 'application/json', ...(link && { link }) },
        JSON.stringify({ name: 'a/b', tags: page }),
      );
    });
    expect(await clientOf().tags(parseLocation(`${registry.host}/a/b`), { signal: signal() })).toEqual([
      'a',
      'b',
      'c',
      'd',
    ]);
  });

  test('pages without end are given up', async () => {
    const registry = await serve((_request, response) => {
      send(response, 200, { link: '</v2/a/b/tags/list>; rel="next"' }, '{"tags":["x"]}');
    });
    const listing = clientOf().tags(parseLocation(`${registry.host}/a/b`), { signal: signal() });
    await expect(listing).rejects.toMatchObject({ reason: 'TooLarge' });
  });
});

describe('busy and absent registries', () => {
  test.each([
    [429, '7', 7_000],
    [503, 'Thu, 01 Jan 1970 00:00:13 GMT', 3_000],
  ])('status %i waits as long as Retry-After says', async (status, after, expected) => {
    const waits: number[] = [];
    const registry = await serve((_request, response) => {
      if (waits.length < 2) send(response, status, { 'retry-after': after });
      else send(response, 200, {}, MANIFEST);
    });
    const wait = async (milliseconds: number) => {
      waits.push(milliseconds);
    };
    const client = clientOf({ wait, now: () => 10_000 });
    await client.manifest(parseLocation(`${registry.host}/a/b:v1`), { signal: signal() });
    expect(waits).toEqual([expected, expected]);
  });

  test.each([
    [429, 'TooManyRequests'],
    [503, 'RegistryUnreachable'],
  ])('status %i again and again is %s', async (status, reason) => {
    const registry = await serve((_request, response) => send(response, status, {}));
    const client = clientOf({ wait: async () => undefined });
    const asking = client.manifest(parseLocation(`${registry.host}/a/b:v1`), { signal: signal() });
    await expect(asking).rejects.toMatchObject({ reason, retry: 'backoff' });
  });

  test('a registry that wants an hour is left to the caller', async () => {
    const registry = await serve((_request, response) => send(response, 429, { 'retry-after': '3600' }));
    const client = clientOf({ wait: async () => expect('a wait').toBe('none') });
    const asking = client.manifest(parseLocation(`${registry.host}/a/b:v1`), { signal: signal() });
    await expect(asking).rejects.toMatchObject({ reason: 'TooManyRequests' });
  });

  test('nobody there is RegistryUnreachable', async () => {
    const gone = await startServer(() => undefined);
    await gone.stop();
    const asking = clientOf().manifest(parseLocation(`${gone.host}/a/b:v1`), { signal: signal() });
    await expect(asking).rejects.toMatchObject({ reason: 'RegistryUnreachable', retry: 'backoff' });
  });

  test('no answer within the deadline is RegistryUnreachable', async () => {
    const registry = await serve(() => undefined);
    const asking = clientOf({ timeoutMs: 50 }).manifest(parseLocation(`${registry.host}/a/b:v1`), { signal: signal() });
    await expect(asking).rejects.toMatchObject({
      reason: 'RegistryUnreachable',
      message: expect.stringContaining('within 0.05 s'),
    });
  });
});

describe('what may be called', () => {
  test.each(['127.0.0.1:1', 'localhost:1', '[::1]:1'])('%s is not, unless this machine is allowed', async (host) => {
    const asking = clientOf({ loopback: false }).manifest(parseLocation(`${host}/a/b:v1`), { signal: signal() });
    await expect(asking).rejects.toMatchObject({ reason: 'AddressRefused' });
  });

  test.each(['169.254.169.254', '[fe80::1]', '0.0.0.0:5000'])('%s never is', async (host) => {
    const asking = clientOf().manifest(parseLocation(`${host}/a/b:v1`), { signal: signal() });
    await expect(asking).rejects.toMatchObject({ reason: 'AddressRefused' });
  });
});

describe('tokens', () => {
  const bearer = (realm: string) => ({
    'www-authenticate': `Bearer realm="${realm}",service="s, x",scope="repository:a/b:pull"`,
  });

  test('an identity token is exchanged by a form', async () => {
    let body = '';
    const registry: TestServer = await serve((request, response) => {
      if (request.url === '/token') {
        request.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        request.on('end', () =>
          send(response, 200, {}, JSON.stringify({ access_token: 'short-lived', expires_in: 60 })),
        );
      } else if (request.headers.authorization === 'Bearer short-lived') send(response, 200, {}, MANIFEST);
      else send(response, 401, bearer(`http://${registry.host}/token`));
    });
    const credentials = credentialsFor(registry.host, { identityToken: 'long-lived' });
    await clientOf().manifest(parseLocation(`${registry.host}/a/b:v1`), { signal: signal(), credentials });
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'veranda',
      refresh_token: 'long-lived',
      service: 's, x',
      scope: 'repository:a/b:pull',
    });
    expect(registry.requests.find(({ url }) => url === '/token')?.authorization).toBeUndefined();
  });

  test('credentials are not sent to a token server over plain HTTP elsewhere', async () => {
    const registry = await serve((_request, response) =>
      send(response, 401, bearer('http://tokens.example.com/token')),
    );
    const call = { signal: signal(), credentials: userOf(registry.host) };
    await expect(clientOf().manifest(parseLocation(`${registry.host}/a/b:v1`), call)).rejects.toMatchObject({
      reason: 'AuthDenied',
      message: expect.stringContaining('not safe'),
    });
  });

  test('a token that the registry no longer takes is replaced once', async () => {
    let given = 0;
    const registry: TestServer = await serve((request, response) => {
      if (request.url?.startsWith('/token'))
        send(response, 200, {}, JSON.stringify({ token: `t${++given}`, expires_in: 3000 }));
      else if (request.headers.authorization === `Bearer t${Math.max(given, 1)}` && given !== 1)
        send(response, 200, {}, MANIFEST);
      else send(response, 401, bearer(`http://${registry.host}/token`));
    });
    const client = clientOf();
    const location = parseLocation(`${registry.host}/a/b:v1`);
    await expect(client.manifest(location, { signal: signal() })).rejects.toMatchObject({ reason: 'AuthDenied' });
    await client.manifest(location, { signal: signal() });
    expect(given).toBe(2);
  });

  test('what a registry sends back of a password is not shown', async () => {
    const registry = await serve(
      locked((request, response) => {
        const sent = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64').toString();
        const message = `no rights for ${sent} ${request.headers.authorization}`;
        send(response, 403, {}, JSON.stringify({ errors: [{ code: 'DENIED', message }] }));
      }),
    );
    const call = { signal: signal(), credentials: userOf(registry.host) };
    const error = await clientOf()
      .manifest(parseLocation(`${registry.host}/a/b:v1`), call)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      reason: 'AuthDenied',
      message: expect.stringContaining('DENIED no rights for robot:'),
    });
    expect(String(error)).not.toMatch(/correct-horse|cm9ib3Q/);
  });
});
