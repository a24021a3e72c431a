import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConflictError } from '../../../../../src/api/errors.ts';
import { HttpApiClient } from '../../../../../src/kube/adapters/kubernetes/http-client.ts';
import { KubernetesStore, type KubernetesStoreOptions } from '../../../../../src/kube/adapters/kubernetes/store.ts';
import type { WatchEvent } from '../../../../../src/kube/store.ts';
import { FakeClock, never, until, WIDGET, type Widget, widget } from '../../support.ts';
import { AnswerServer, answer, ListedCredentials, status } from './support.ts';

let server: AnswerServer;
let client: HttpApiClient;
let clock: FakeClock;

beforeEach(async () => {
  server = await AnswerServer.start();
  clock = new FakeClock();
  client = new HttpApiClient({ credentials: new ListedCredentials(server.url), userAgent: 'test', clock });
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

const make = (options: Partial<KubernetesStoreOptions> = {}) =>
  new KubernetesStore({ client, kinds: [WIDGET], random: () => 0.5, ...options });

const page = (names: readonly string[], next?: string) => ({
  metadata: { resourceVersion: '7', ...(next === undefined ? {} : { continue: next }) },
  items: names.map((name) => ({ metadata: { name, namespace: 'default', managedFields: [{ manager: 'x' }] } })),
});

const expired = status(410, 'Expired', 'The provided continue parameter is too old');

describe('KubernetesStore.list', () => {
  test('puts pages together; items say what they are and carry no managedFields', async () => {
    server.handler = ({ url }, response) => {
      const next = { a: ['b', undefined], '': ['a', 'a'] }[url.searchParams.get('continue') ?? ''];
      answer(response, 200, page([`${next?.[0]}1`, `${next?.[0]}2`], next?.[1]));
    };

    const { items, resourceVersion } = await make({ pageSize: 2 }).list(WIDGET, { namespace: 'default' });

    expect(items).toEqual(
      ['a1', 'a2', 'b1', 'b2'].map((name) => ({
        apiVersion: WIDGET.apiVersion,
        kind: WIDGET.kind,
        metadata: { name, namespace: 'default' },
      })),
    );
    expect(resourceVersion).toBe('7');
    expect(server.seen.map(({ url }) => `${url.pathname}${url.search}`)).toEqual([
      '/apis/test.veranda.dev/v1/namespaces/default/widgets?limit=2',
      '/apis/test.veranda.dev/v1/namespaces/default/widgets?limit=2&continue=a',
    ]);
  });

  test('is made anew in one piece, once, when a page comes too late', async () => {
    server.handler = ({ url }, response) => {
      if (url.searchParams.has('continue')) answer(response, 410, expired);
      else if (url.searchParams.has('limit')) answer(response, 200, page(['a'], 'next'));
      else answer(response, 200, page(['a', 'b', 'c']));
    };

    const { items } = await make({ pageSize: 1 }).list(WIDGET);

    expect(items.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
    expect(server.seen).toHaveLength(3);
    server.handler = (_request, response) => answer(response, 410, expired);
    await expect(make().list(WIDGET)).rejects.toMatchObject({ reason: 'Expired' });
    expect(server.seen).toHaveLength(5);
  });
});

describe('KubernetesStore.watch', () => {
  const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;

  async function collect(store: KubernetesStore, events: WatchEvent<Widget>[], signal = never): Promise<void> {
    for await (const event of store.watch(WIDGET, { resourceVersion: '5', signal })) events.push(event);
  }

  test('asks for bookmarks and for an end in some minutes, and tells what comes', async () => {
    const { metadata, ...rest } = widget('a');
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', mine: 'x' };
    const object = { ...rest, metadata: { ...metadata, resourceVersion: '6', annotations, managedFields: [] } };
    server.handler = (_request, response) => {
      response.write(line('ADDED', object));
      response.end(line('BOOKMARK', { kind: 'Widget', metadata: { resourceVersion: '9' } }));
    };
    const events: WatchEvent<Widget>[] = [];

    await collect(make(), events);

    const seen = { ...rest, metadata: { ...metadata, resourceVersion: '6', annotations: { mine: 'x' } } };
    expect(events).toEqual([
      { type: 'ADDED', object: seen, resourceVersion: '6' },
      { type: 'BOOKMARK', resourceVersion: '9' },
    ]);
    expect(events.map((event) => event.type !== 'BOOKMARK' && Object.isFrozen(event.object))).toEqual([true, false]);
    expect(server.seen[0]?.url.search).toBe(
      '?watch=true&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=450',
    );
  });

  test.each([
    {
      how: 'as a status',
      handler: (response: Parameters<typeof answer>[0]) => answer(response, 410, expired),
    },
    {
      how: 'in the stream',
      handler: (response: Parameters<typeof answer>[0]) => response.end(line('ERROR', expired)),
    },
  ])('a history that is gone is Expired, told $how', async ({ handler }) => {
    server.handler = (_request, response) => handler(response);

    const error = await collect(make(), []).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(ConflictError);
    expect(error).toMatchObject({ reason: 'Expired' });
  });

  test.each([
    { object: status(403, 'Forbidden', 'no'), reason: 'Forbidden' },
    { object: status(500, 'InternalError', 'no'), reason: 'InternalError' },
    { object: {}, reason: 'ServerError' },
  ])('an error in the stream is an error of its kind: $reason', async ({ object, reason }) => {
    server.handler = (_request, response) => response.end(line('ERROR', object));

    await expect(collect(make(), [])).rejects.toMatchObject({ reason });
  });

  test('a line that is no event is a fault of the server', async () => {
    server.handler = (_request, response) => response.end('{"hello":"world"}\n');

    await expect(collect(make(), [])).rejects.toMatchObject({ reason: 'BadResponse' });
  });

  test.each([
    { what: 'without a word', keepsTalking: false, endsAfterMs: 150_000 },
    { what: 'beyond the time that the server was given', keepsTalking: true, endsAfterMs: 480_000 },
  ])('a watch that goes on $what is ended (K-05)', async ({ keepsTalking, endsAfterMs }) => {
    const sockets: { write(text: string): unknown }[] = [];
    server.handler = (_request, response) => {
      response.write(line('BOOKMARK', { metadata: { resourceVersion: '6' } }));
      sockets.push(response);
    };
    const events: WatchEvent<Widget>[] = [];
    let ended = false;
    const watching = collect(make(), events).then(() => {
      ended = true;
    });
    await until(() => events.length === 1 && clock.pending === 2);
    for (let passed = 0; passed < endsAfterMs; passed += 10_000) {
      expect(ended).toBe(false);
      const [before, told] = [events.length, sockets.length];
      if (keepsTalking) {
        for (const socket of sockets) socket.write(line('BOOKMARK', { metadata: { resourceVersion: '7' } }));
        await until(() => events.length === before + told && clock.pending === 2);
      }
      clock.advance(10_000);
    }
    await watching;

    expect(clock.pending).toBe(0);
    await until(() => server.openConnections === 0);
  });

  test('ends with its signal', async () => {
    server.handler = (_request, response) => response.write(line('BOOKMARK', { metadata: { resourceVersion: '6' } }));
    const stop = new AbortController();
    const events: WatchEvent<Widget>[] = [];
    const watching = collect(make(), events, stop.signal);
    await until(() => events.length === 1);

    stop.abort(new Error('stopped'));

    await watching;
    await until(() => server.openConnections === 0);
  });
});

describe('KubernetesStore', () => {
  test('a path that the server does not serve is not an object that is not there', async () => {
    server.handler = (_request, response) => answer(response, 404, '404 page not found');
    const store = make();
    const name = { namespace: 'default', name: 'a' };

    await expect(store.get(WIDGET, name)).rejects.toMatchObject({ reason: 'NotServed', retry: 'backoff' });
    await expect(store.list(WIDGET)).rejects.toMatchObject({ reason: 'NotServed' });
  });

  test('finds kinds that it was not told of, or says that there are none', async () => {
    server.handler = ({ body }, response) => answer(response, 200, JSON.parse(body));
    const other = { ...WIDGET, kind: 'Gadget', plural: 'gadgets' };
    const resolveKind = async (_apiVersion: string, kind: string) => (kind === 'Gadget' ? other : undefined);
    const store = make({ resolveKind });

    await store.create({ ...widget('a'), kind: 'Gadget' }, { fieldManager: 'x' });
    const error = await store
      .create({ ...widget('a'), kind: 'Nothing' }, { fieldManager: 'x' })
      .catch((e: unknown) => e);

    expect(server.seen.map(({ url }) => url.pathname)).toEqual([
      '/apis/test.veranda.dev/v1/namespaces/default/gadgets',
    ]);
    expect(error).toMatchObject({ reason: 'UnknownKind', retry: 'terminal' });
  });

  test('a name cannot leave its place in the path', async () => {
    server.handler = (_request, response) => answer(response, 404, status(404, 'NotFound', 'no', { name: 'x' }));

    await make().get(WIDGET, { namespace: '../../secrets', name: '../a?b' });

    expect(server.seen[0]?.url.pathname).toBe(
      '/apis/test.veranda.dev/v1/namespaces/..%2F..%2Fsecrets/widgets/..%2Fa%3Fb',
    );
    await expect(make().get(WIDGET, { name: 'a' })).rejects.toThrow('without a namespace');
    await expect(make().get(WIDGET, { namespace: 'x', name: '' })).rejects.toThrow('without a name');
  });

  test('a status write that others keep overtaking gives up in the end', async () => {
    const metadata = { name: 'a', namespace: 'default', uid: 'u', resourceVersion: '1' };
    server.handler = ({ method }, response) => {
      if (method === 'GET') answer(response, 200, { ...widget('a'), metadata });
      else answer(response, 409, status(409, 'Conflict', 'the object has been modified'));
    };
    const object = widget('a', { status: { x: 1 }, metadata: { uid: 'u' } });

    await expect(make().applyStatus(object, { fieldManager: 'x' })).rejects.toMatchObject({ reason: 'Conflict' });

    expect(server.seen.length).toBeLessThanOrEqual(22);
  });
});
