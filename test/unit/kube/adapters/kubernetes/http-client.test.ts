import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConflictError, TerminalError, TransientError } from '../../../../../src/api/errors.ts';
import type { ApiRequestMetrics } from '../../../../../src/kube/adapters/kubernetes/client.ts';
import { ServerError } from '../../../../../src/kube/adapters/kubernetes/errors.ts';
import { type ApiClientOptions, HttpApiClient } from '../../../../../src/kube/adapters/kubernetes/http-client.ts';
import { nullLogger } from '../../../../../src/observability/logger.ts';
import { FakeClock, until } from '../../support.ts';
import { AnswerServer, answer, ListedCredentials, status } from './support.ts';

const PODS = '/api/v1/namespaces/default/pods';

let server: AnswerServer;
let clients: HttpApiClient[] = [];

beforeEach(async () => {
  server = await AnswerServer.start();
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
  await server.stop();
});

function make(options: Partial<ApiClientOptions> = {}) {
  const credentials = new ListedCredentials(server.url);
  const client = new HttpApiClient({ credentials, userAgent: 'veranda/9.9.9', ...options });
  clients.push(client);
  return client;
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => {
      throw new Error(`it should have failed but gave ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}

describe('HttpApiClient', () => {
  test('sends JSON with its credentials and its name, and reads JSON', async () => {
    server.handler = (_request, response) => answer(response, 201, { made: true });
    const client = make();

    const body = { metadata: { name: 'a' } };
    const query = { fieldManager: 'veranda', force: true, limit: 5, container: ['a', 'b'], absent: undefined };
    expect(await client.json({ method: 'POST', path: PODS, query, body })).toEqual({ made: true });
    await client.json({ method: 'PATCH', path: `${PODS}/a`, contentType: 'application/merge-patch+json', body });

    const [post, patch] = server.seen;
    expect(post).toMatchObject({
      method: 'POST',
      headers: {
        authorization: 'Bearer token-0',
        'user-agent': 'veranda/9.9.9',
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
    expect(post?.url.pathname).toBe(PODS);
    expect([...(post?.url.searchParams ?? [])]).toEqual([
      ['fieldManager', 'veranda'],
      ['force', 'true'],
      ['limit', '5'],
      ['container', 'a'],
      ['container', 'b'],
    ]);
    expect(patch?.headers['content-type']).toBe('application/merge-patch+json');
  });

  test('one request after the other needs no new connections', async () => {
    const client = make();
    for (let round = 0; round < 20; round++) await client.json({ method: 'GET', path: PODS });

    // One that is just ending and the next.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  test('a server below a path is asked there', async () => {
    const client = make({ credentials: new ListedCredentials(`${server.url}/clusters/one`) });

    await client.json({ method: 'GET', path: PODS });

    expect(server.seen[0]?.url.pathname).toBe(`/clusters/one${PODS}`);
  });

  test.each([
    { code: 400, reason: 'BadRequest', type: TerminalError, as: 'BadRequest' },
    { code: 401, reason: 'Unauthorized', type: TransientError, as: 'Unauthorized' },
    { code: 403, reason: 'Forbidden', type: TransientError, as: 'Forbidden' },
    { code: 404, reason: 'NotFound', type: TerminalError, as: 'NotFound', details: { name: 'a', kind: 'pods' } },
    { code: 404, reason: 'NotFound', type: TransientError, as: 'NotServed' },
    { code: 409, reason: 'AlreadyExists', type: ConflictError, as: 'AlreadyExists' },
    { code: 409, reason: 'Conflict', type: ConflictError, as: 'Conflict' },
    { code: 410, reason: 'Expired', type: ConflictError, as: 'Expired' },
    { code: 413, reason: 'RequestEntityTooLarge', type: TerminalError, as: 'RequestEntityTooLarge' },
    { code: 422, reason: 'Invalid', type: TerminalError, as: 'Invalid' },
    { code: 429, reason: 'TooManyRequests', type: ServerError, as: 'TooManyRequests' },
    { code: 500, reason: 'InternalError', type: ServerError, as: 'InternalError' },
    { code: 503, reason: 'ServiceUnavailable', type: ServerError, as: 'ServiceUnavailable' },
    { code: 504, reason: 'Timeout', type: ServerError, as: 'Timeout' },
  ])('$code $reason is $type.name $as', async ({ code, reason, type, as, details }) => {
    server.handler = (_request, response) => answer(response, code, status(code, reason, 'the sentence', details));

    const error = await failure(make().json({ method: 'GET', path: `${PODS}/a`, object: 'Pod default/a' }));

    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ reason: as, location: { object: 'Pod default/a' } });
    expect(String(error)).toContain(as === 'NotServed' ? `${PODS}/a` : 'the sentence');
  });

  test('an invalid object comes with its field', async () => {
    const details = {
      name: 'a',
      causes: [{ message: 'no' }, { field: '<nil>' }, { field: 'spec.size', message: 'no' }],
    };
    server.handler = (_request, response) => answer(response, 422, status(422, 'Invalid', 'it is invalid', details));

    const error = await failure(make().json({ method: 'POST', path: PODS, body: {} }));

    expect(error).toMatchObject({ reason: 'Invalid', location: { field: 'spec.size' } });
  });

  test.each([{ body: '<html>bad gateway</html>' }, { body: '' }, { body: '[1]' }])(
    'a refusal that is no Status object is told by its code: $body',
    async ({ body }) => {
      server.handler = (_request, response) => answer(response, 502, body);

      const error = await failure(make().json({ method: 'GET', path: PODS }));

      expect(error).toBeInstanceOf(ServerError);
      expect(error).toMatchObject({ message: `GET ${PODS}: the server answered 502` });
    },
  );

  test('a response that is no JSON, and one that breaks off, are faults of the server', async () => {
    server.handler = (_request, response) => answer(response, 200, 'not json');
    expect(await failure(make().json({ method: 'GET', path: PODS }))).toMatchObject({ reason: 'BadResponse' });

    server.handler = (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
      setImmediate(() => server.cut());
    };
    const error = await failure(make().json({ method: 'GET', path: PODS }));
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({ reason: 'ServerUnreachable' });
  });

  test('a server that is not there is a transient error without secrets', async () => {
    const client = make();
    await server.stop();

    const error = await failure(client.json({ method: 'GET', path: PODS, query: { token: 'secret' } }));

    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({ reason: 'ServerUnreachable' });
    expect(String(error)).not.toMatch(/secret|token-0/);
    server = await AnswerServer.start();
  });

  test('a request that is put off is repeated after the time that the server names', async () => {
    const clock = new FakeClock();
    server.handler = (_request, response) => {
      if (server.seen.length > 2) answer(response, 200, { done: true });
      else answer(response, 429, status(429, 'TooManyRequests', 'later'), { 'retry-after': '2' });
    };
    const result = make({ clock }).json({ method: 'GET', path: PODS, timeoutMs: 60_000 });
    await until(() => clock.next === 2_000);
    clock.advance(1_999);
    expect(server.seen).toHaveLength(1);
    clock.advance(1);
    await until(() => clock.next === 2_000);
    clock.advance(2_000);

    expect(await result).toEqual({ done: true });
    expect(server.seen).toHaveLength(3);
    expect(clock.pending).toBe(0);
  });

  test('who is put off for ever is told, with the time that the server names', async () => {
    server.handler = (_request, response) =>
      answer(response, 429, status(429, 'TooManyRequests', 'later'), { 'retry-after': '0' });

    const error = await failure(make().json({ method: 'GET', path: PODS }));

    expect(error).toMatchObject({ reason: 'TooManyRequests', retryAfterMs: 0 });
    expect(server.seen).toHaveLength(6);
  });

  test('a failure without Retry-After is not repeated: it may have had an effect', async () => {
    server.handler = (_request, response) => answer(response, 500, status(500, 'InternalError', 'no'));

    await failure(make().json({ method: 'POST', path: PODS, body: {} }));

    expect(server.seen).toHaveLength(1);
  });

  test('a token that is refused is fetched anew, once (K-10)', async () => {
    server.handler = ({ headers }, response) => {
      if (headers.authorization === 'Bearer new') answer(response, 200, { done: true });
      else answer(response, 401, status(401, 'Unauthorized', 'Unauthorized'));
    };
    const credentials = new ListedCredentials(server.url, ['old', 'new']);
    expect(await make({ credentials }).json({ method: 'GET', path: PODS })).toEqual({ done: true });

    const useless = new ListedCredentials(server.url, ['old', 'older']);
    const error = await failure(make({ credentials: useless }).json({ method: 'GET', path: PODS }));
    expect(error).toMatchObject({ reason: 'Unauthorized' });
    expect([credentials.refusals, useless.refusals]).toEqual([1, 1]);
  });

  test('a call ends at its deadline and with its signal, and gives its connection up', async () => {
    const clock = new FakeClock();
    server.handler = () => {};
    const client = make({ clock });
    const late = failure(client.json({ method: 'GET', path: PODS, timeoutMs: 5_000 }));
    await until(() => server.seen.length === 1);
    clock.advance(5_000);
    const stop = new AbortController();
    const stopped = failure(client.json({ method: 'GET', path: PODS, signal: stop.signal }));
    await until(() => server.seen.length === 2);
    stop.abort(new Error('stopped'));

    expect(await late).toMatchObject({ reason: 'Timeout', message: `GET ${PODS}: no answer in 5000 ms` });
    expect(await stopped).toMatchObject({ message: 'stopped' });
    await until(() => server.openConnections === 0);
    expect(clock.pending).toBe(0);
    const early = await failure(client.json({ method: 'GET', path: PODS, signal: stop.signal }));
    expect(early).toMatchObject({ message: 'stopped' });
    expect(server.seen).toHaveLength(2);
  });

  test('many requests share few connections', async () => {
    const client = make({ connections: 4 });

    await Promise.all(Array.from({ length: 100 }, () => client.json({ method: 'GET', path: PODS })));

    expect(server.seen).toHaveLength(100);
    expect(server.connections).toBeLessThanOrEqual(4);
  });

  test('requests above a rate wait their turn', async () => {
    const clock = new FakeClock();
    const client = make({ clock, rate: { requestsPerSecond: 10, burst: 3 } });

    const requests = Promise.all(Array.from({ length: 5 }, () => client.json({ method: 'GET', path: PODS })));
    await until(() => server.seen.length === 3);
    expect(clock.next).toBe(100);
    clock.advance(100);
    await until(() => server.seen.length === 4);
    clock.advance(100);
    await requests;

    expect(server.seen).toHaveLength(5);
  });

  test('each request is told to metrics, by resource', async () => {
    const told: Parameters<ApiRequestMetrics['requested']>[0][] = [];
    const client = make({ metrics: { requested: (request) => told.push(request) } });
    await client.json({ method: 'GET', path: `${PODS}/a` });
    server.handler = (_request, response) => answer(response, 404, status(404, 'NotFound', 'no', { name: 'a' }));
    await failure(client.json({ method: 'PATCH', path: '/apis/porch.kpt.dev/v1alpha2/namespaces/x/things/a/status' }));
    server.handler = () => server.cut();
    await failure(client.json({ method: 'GET', path: '/api/v1/namespaces/x' }));

    expect(told.map(({ method, code, resource }) => `${method} ${code} ${resource}`)).toEqual([
      'GET 200 pods',
      'PATCH 404 things/status',
      'GET error namespaces',
    ]);
  });

  test('what the server warns of is in the log', async () => {
    const lines: unknown[] = [];
    const logger = {
      ...nullLogger,
      warn: (message: string, fields: object = {}) => lines.push({ message, ...fields }),
    };
    server.handler = (_request, response) =>
      answer(response, 200, {}, { warning: ['299 - "unknown field \\"status.x\\""', '299 - "old"'] });

    await make({ logger }).json({ method: 'PATCH', path: `${PODS}/a`, object: 'Pod default/a' });

    expect(lines).toMatchObject([
      { object: 'Pod default/a', warning: 'unknown field \\"status.x\\"' },
      { object: 'Pod default/a', warning: 'old' },
    ]);
  });

  describe('lines', () => {
    test('gives what comes, when it comes, however it is cut', async () => {
      const text = [{ n: 1, text: 'é\n' }, { n: 2 }, { n: 3 }].map((value) => `${JSON.stringify(value)}\n`).join('');
      const bytes = Buffer.from(text);
      server.handler = (_request, response) => {
        for (const byte of bytes) response.write(Buffer.of(byte));
        response.end();
      };

      const values: unknown[] = [];
      for await (const value of make().lines({ method: 'GET', path: PODS })) values.push(value);

      expect(values).toEqual([{ n: 1, text: 'é\n' }, { n: 2 }, { n: 3 }]);
    });

    test('a response that ends within a line, or is no JSON, is a fault', async () => {
      server.handler = (_request, response) => response.end('{"n":1}\n{"n":');
      const values: unknown[] = [];
      const read = async () => {
        for await (const value of make().lines({ method: 'GET', path: PODS })) values.push(value);
      };

      expect(await failure(read())).toBeInstanceOf(ServerError);
      expect(values).toEqual([{ n: 1 }]);
      server.handler = (_request, response) => response.end('hello\n');
      expect(await failure(read())).toBeInstanceOf(ServerError);
    });

    test('a refusal is the same error as of any request', async () => {
      server.handler = (_request, response) => answer(response, 410, status(410, 'Expired', 'too old'));

      const read = failure(make().lines({ method: 'GET', path: PODS }).next());

      expect(await read).toMatchObject({ reason: 'Expired' });
    });

    test.each([{ idleMs: 1_000 }, { limitMs: 1_000 }])('a silent response ends quietly: %j', async (bounds) => {
      const clock = new FakeClock();
      server.handler = (_request, response) => response.write('{"n":1}\n');
      const lines = make({ clock }).lines({ method: 'GET', path: PODS, ...bounds });
      expect(await lines.next()).toEqual({ done: false, value: { n: 1 } });
      const next = lines.next();
      await until(() => clock.next === 1_000);

      clock.advance(1_000);

      expect(await next).toEqual({ done: true, value: undefined });
      await until(() => server.openConnections === 0);
      expect(clock.pending).toBe(0);
    });

    test('whoever leaves in the middle of a burst leaves nothing behind (K-02, K-04)', async () => {
      server.handler = (_request, response) => {
        const send = () => {
          while (!response.destroyed && response.write(`${JSON.stringify({ text: 'x'.repeat(1000) })}\n`));
          if (!response.destroyed) response.once('drain', send);
        };
        send();
      };
      const client = make();
      const signals: AbortController[] = [];
      for (let round = 0; round < 20; round++) {
        const stop = new AbortController();
        signals.push(stop);
        let count = 0;
        try {
          for await (const _line of client.lines({ method: 'GET', path: PODS, signal: stop.signal })) {
            if (++count === 20 && round % 2 === 0) break;
            if (count === 20) stop.abort(new Error('stopped'));
          }
        } catch (error) {
          expect(error).toMatchObject({ message: 'stopped' });
        }
        expect(count).toBeGreaterThanOrEqual(20);
      }

      await until(() => server.openConnections === 0);
      expect(signals.filter(({ signal }) => signal.aborted)).toHaveLength(10);
    });

    test('closing the client ends it', async () => {
      server.handler = (_request, response) => response.write('{"n":1}\n');
      const client = make();
      const lines = client.lines({ method: 'GET', path: PODS });
      await lines.next();
      const next = failure(lines.next());

      await client.close();

      expect(await next).toMatchObject({ message: 'the client is closed' });
    });
  });
});
