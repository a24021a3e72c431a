import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ApiClient } from '../../../../src/kube/adapters/kubernetes/client.ts';
import { openWebSocket } from '../../../../src/kube/adapters/kubernetes/web-socket.ts';
import { runInPod, type StreamLimits } from '../../../../src/runtimes/pod/streams.ts';

const [STDIN, STDOUT, STDERR, STATUS, CLOSE] = [0, 1, 2, 3, 255];
const EXEC = { namespace: 'fns', pod: 'p', container: 'function', command: ['/f', '--quiet'] };
const { command: _command, ...ATTACH } = EXEC;
const SUCCESS = JSON.stringify({ status: 'Success' });
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The API server's side of one connection. */
interface Served {
  readonly socket: WebSocket;
  readonly url: string;
  /** Frames of the client, in order. */
  readonly frames: Buffer[];
  /** Resolves when the client has ended its input. */
  readonly inputEnded: Promise<void>;
  send(channel: number, text: string): void;
}

/** Runs something against a server that does as the test says. */
async function start(options: { readonly protocol?: string | false } = {}) {
  const { protocol = 'v5.channel.k8s.io' } = options;
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => protocol });
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  await once(server, 'listening');
  const connected = Promise.withResolvers<Served>();
  server.on('connection', (socket, { url = '' }) => {
    cleanups.push(() => socket.terminate());
    const frames: Buffer[] = [];
    const ended = Promise.withResolvers<void>();
    socket.on('message', (data: Buffer) => {
      frames.push(data);
      if (data[0] === CLOSE) ended.resolve();
    });
    const send = (channel: number, text: string) => socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(text)]));
    connected.resolve({ socket, url, frames, inputEnded: ended.promise, send });
  });
  const { port } = server.address() as AddressInfo;
  return { served: connected.promise, ...clientOf(port, protocol) };
}

function clientOf(port: number, protocol: string | false = 'v5.channel.k8s.io') {
  const opened = Promise.withResolvers<WebSocket>();
  const client = {
    webSocket: async ({ path, query = {}, protocols }: Parameters<ApiClient['webSocket']>[0]) => {
      const parameters = new URLSearchParams();
      for (const [name, value] of Object.entries(query)) {
        for (const one of [value].flat()) parameters.append(name, String(one));
      }
      const socket = await openWebSocket(
        { server: '', headers: {}, tls: {} },
        {
          url: `ws://127.0.0.1:${port}${path}?${parameters}`,
          // A client fails by itself when none of what it offers is taken.
          protocols: protocol === 'v5.channel.k8s.io' ? protocols : [protocol].filter((each) => each !== false),
          userAgent: 'test',
          what: 'the connection',
          object: undefined,
          signal: new AbortController().signal,
        },
      );
      opened.resolve(socket);
      return socket;
    },
  };
  const run = (input: Uint8Array = Buffer.from('in'), options: RunOptions = {}) => {
    const { target = EXEC, limits = {}, signal = new AbortController().signal } = options;
    const result = runInPod(client, target, input, { maxStdoutBytes: 1_000, ...limits }, signal);
    // Not everybody waits for it at once.
    result.catch(() => undefined);
    return result;
  };
  return { run, opened: opened.promise };
}

interface RunOptions {
  readonly target?: typeof EXEC | typeof ATTACH;
  readonly limits?: Partial<StreamLimits>;
  readonly signal?: AbortSignal;
}

describe('input', () => {
  test('goes in frames of 64 KiB at most, in order, and is ended by a frame of its own', async () => {
    const { run, served } = await start();
    const input = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
    const result = run(input);
    const { url, frames, inputEnded, send } = await served;
    await inputEnded;
    send(STDOUT, 'out');
    send(STATUS, SUCCESS);
    expect(await result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(Buffer.from((await result).stdout).toString()).toBe('out');
    const data = frames.slice(0, -1);
    expect(new Set(data.map(([channel]) => channel))).toEqual(new Set([STDIN]));
    expect(Math.max(...data.map(({ length }) => length))).toBe(64 * 1024 + 1);
    expect(Buffer.concat(data.map((frame) => frame.subarray(1))).equals(input)).toBe(true);
    expect(frames.at(-1)).toEqual(Buffer.of(CLOSE, STDIN));
    expect(url).toBe(
      '/api/v1/namespaces/fns/pods/p/exec?container=function&stdin=true&stdout=true&stderr=true&tty=false&command=%2Ff&command=--quiet',
    );
  });

  test('waits for who does not read: no more than a frame is held beside what the kernel takes', async () => {
    const { run, served, opened } = await start();
    const input = Buffer.alloc(64 * 1024 * 1024);
    const result = run(input);
    const [{ socket, inputEnded, frames, send }, client] = [await served, await opened];
    socket.pause();
    // It has stopped when nothing leaves any more.
    for (let last = -1; last !== client.bufferedAmount || last === 0; ) {
      last = client.bufferedAmount;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(client.bufferedAmount).toBeLessThan(256 * 1024);
    socket.resume();
    await inputEnded;
    send(STATUS, SUCCESS);
    expect((await result).exitCode).toBe(0);
    expect(frames.slice(0, -1).reduce((sum, { length }) => sum + length - 1, 0)).toBe(input.length);
  });

  test('need not be read for the command to end', async () => {
    const { run, served } = await start();
    const result = run(Buffer.alloc(64 * 1024 * 1024));
    const { socket, send } = await served;
    socket.pause();
    send(STATUS, SUCCESS);
    expect((await result).exitCode).toBe(0);
  });
});

describe('output', () => {
  test('is put together from its frames, standard error apart', async () => {
    const { run, served } = await start();
    const result = run();
    const { send } = await served;
    for (const [channel, text] of [
      [STDOUT, 'a'],
      [STDERR, 'x'],
      [STDOUT, 'b'],
      [STDERR, 'y'],
    ] as const) {
      send(channel, text);
    }
    send(STATUS, JSON.stringify({ status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '3' }] } }));
    const { exitCode, stdout, stderr } = await result;
    expect([exitCode, Buffer.from(stdout).toString(), stderr]).toEqual([3, 'ab', 'xy']);
  });

  test('X-13: above its cap is BadOutput, and the connection is given up at once', async () => {
    const { run, served } = await start();
    const result = run();
    const { socket, send } = await served;
    const closed = once(socket, 'close');
    send(STDOUT, 'x'.repeat(600));
    send(STDOUT, 'x'.repeat(600));
    await expect(result).rejects.toMatchObject({ reason: 'BadOutput', retry: 'terminal' });
    await closed;
  });

  test('on standard error is cut at its cap, with the rest counted', async () => {
    const { run, served } = await start();
    const result = run(undefined, { limits: { maxStderrBytes: 4 } });
    const { send } = await served;
    send(STDERR, 'abc');
    send(STDERR, 'defgh');
    send(STATUS, SUCCESS);
    expect((await result).stderr).toBe('abcd\n(4 bytes more)');
  });
});

describe('ends', () => {
  test('a failure without an exit code is a lost connection: the command was never run, or cut off', async () => {
    const { run, served } = await start();
    const result = run();
    (await served).send(STATUS, JSON.stringify({ status: 'Failure', message: 'container not found', code: 500 }));
    const lost = { reason: 'PodStreamLost', retry: 'backoff', message: expect.stringContaining('container not found') };
    await expect(result).rejects.toMatchObject(lost);
  });

  test('a connection that closes before the command has ended is lost', async () => {
    const { run, served } = await start();
    const result = run();
    const { socket, send } = await served;
    send(STDOUT, 'half');
    socket.close(1000);
    await expect(result).rejects.toMatchObject({ reason: 'PodStreamLost' });
  });

  test("a container's own process ends without a status: its output counts, and the exit code is the pod's to tell", async () => {
    const { run, served } = await start();
    const result = run(undefined, { target: ATTACH });
    const { socket, send, url } = await served;
    send(STDOUT, 'whole');
    socket.close(1000);
    expect((await result).exitCode).toBeUndefined();
    expect(Buffer.from((await result).stdout).toString()).toBe('whole');
    expect(url).toMatch(/^\/api\/v1\/namespaces\/fns\/pods\/p\/attach\?(?!.*command)/);
  });

  test('X-08: an abort gives its own reason and closes the connection', async () => {
    const { run, served } = await start();
    const abort = new AbortController();
    const result = run(undefined, { signal: abort.signal });
    const { socket } = await served;
    const closed = once(socket, 'close');
    abort.abort(new Error('no longer wanted'));
    await expect(result).rejects.toThrow('no longer wanted');
    await closed;
  });

  test('what comes after the end changes nothing', async () => {
    const { run, served } = await start();
    const result = run();
    const { socket, send } = await served;
    send(STDOUT, 'done');
    send(STATUS, SUCCESS);
    send(STDOUT, 'x'.repeat(10_000));
    send(STATUS, JSON.stringify({ status: 'Failure', message: 'late' }));
    socket.close(1011);
    expect(Buffer.from((await result).stdout).toString()).toBe('done');
  });

  test.each([false, 'v4.channel.k8s.io'] as const)(
    'a server that speaks %s is refused: input could not be ended',
    async (protocol) => {
      const { run } = await start({ protocol });
      await expect(run()).rejects.toMatchObject({ reason: 'PodStreamRefused', retry: 'backoff' });
    },
  );
});

test('what comes in one piece with the answer of the server is not lost, nor the end of the connection', async () => {
  const frame = (channel: number, text: string) => {
    const payload = Buffer.concat([Buffer.of(channel), Buffer.from(text)]);
    return Buffer.concat([Buffer.of(0x82, payload.length), payload]);
  };
  const server = createServer();
  server.on('upgrade', ({ headers }, socket) => {
    const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const lines = [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}`,
      'Sec-WebSocket-Protocol: v5.channel.k8s.io',
    ];
    const answer = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
    socket.end(Buffer.concat([answer, frame(STDOUT, 'quick'), frame(STATUS, SUCCESS)]));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  const { run } = clientOf((server.address() as AddressInfo).port);
  expect(Buffer.from((await run()).stdout).toString()).toBe('quick');
});

describe('silence', () => {
  test('X-03: a connection on which nothing comes back, not even the answer to a ping, is lost', async () => {
    const { run, served } = await start();
    const result = run(undefined, { limits: { pingMs: 100 } });
    const { socket } = await served;
    // As if every packet were dropped: neither read nor answered.
    socket.pause();
    await expect(result).rejects.toMatchObject({
      reason: 'PodStreamLost',
      message: expect.stringContaining('nothing came back'),
    });
  });

  test('a command that says nothing for long is waited for while pings are answered', async () => {
    const { run, served } = await start();
    const result = run(undefined, { limits: { pingMs: 2_000 } });
    const { socket, send } = await served;
    for (let pings = 0; pings < 2; pings += 1) await once(socket, 'ping');
    send(STATUS, SUCCESS);
    expect((await result).exitCode).toBe(0);
  });
});
