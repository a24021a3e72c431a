import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { TransientError } from '../../../../src/api/errors.ts';
import { systemClock } from '../../../../src/kube/clock.ts';
import { PodEvaluator } from '../../../../src/runtimes/pod/evaluator.ts';
import type { FunctionImage, Pod } from '../../../../src/runtimes/pod/manifest.ts';
import { PodPool } from '../../../../src/runtimes/pod/pool.ts';
import { DEFAULT_POD_SETTINGS } from '../../../../src/runtimes/pod/settings.ts';

const IMAGE: FunctionImage = {
  asked: { name: 'example.com/fns/f', suffix: ':v1' },
  resolved: 'example.com/fns/f:v1',
  reference: 'example.com/fns/f@sha256:ab',
  digest: 'sha256:ab',
  command: ['/f'],
};
const [STDIN, STDOUT, STATUS] = [0, 1, 3];
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A process in a pod, which does what the test says. */
interface Process {
  print(text: string): void;
  exit(code: number): void;
}

/** The streams of an API server. */
async function startStreams() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  const started = new Map<string, PromiseWithResolvers<Process>>();
  const startOf = (input: string, pod: string) => {
    const key = `${input} in ${pod}`;
    const start = started.get(key) ?? Promise.withResolvers<Process>();
    started.set(key, start);
    return start;
  };
  server.on('connection', (socket, { url = '' }) => {
    const pod = /pods\/([^/]+)\/exec/.exec(url)?.[1] ?? '';
    const send = (channel: number, text: string) => socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(text)]));
    socket.on('message', (data: Buffer) => {
      if (data[0] !== STDIN) return;
      const causes = (code: number) => [{ reason: 'ExitCode', message: String(code) }];
      startOf(data.subarray(1).toString(), pod).resolve({
        print: (text) => send(STDOUT, text),
        exit: (code) =>
          send(
            STATUS,
            JSON.stringify(
              code === 0 ? { status: 'Success' } : { status: 'Failure', details: { causes: causes(code) } },
            ),
          ),
      });
    });
  });
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const client = {
    webSocket: async ({ path, protocols }: { readonly path: string; readonly protocols: readonly string[] }) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, [...protocols]);
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      return socket;
    },
  };
  const processOf = (input: string, pod: string) => startOf(input, pod).promise;
  return { client, processOf };
}

/** An evaluator with a pool of shared pods, which run as soon as they are made. */
async function startEvaluator() {
  const { client, processOf } = await startStreams();
  const removed: string[] = [];
  let made = 0;
  const settings = { ...DEFAULT_POD_SETTINGS, parallel: 2 };
  const pool = new PodPool({
    settings,
    clock: systemClock,
    startTimeoutMs: 60_000,
    scheduleTimeoutMs: 60_000,
    budget: { take: () => true, release: () => undefined },
    factory: {
      create: () => {
        const name = `p${++made}`;
        setImmediate(() => pool.observe(name, pod(name, { running: {} })));
        return { name, created: Promise.resolve() };
      },
      remove: (name) => removed.push(name),
    },
  });
  const singles = {
    start: () => Promise.reject(new Error('no pod of its own was expected')),
    running: 0,
    waiting: 0,
  };
  const evaluator = new PodEvaluator({
    client,
    namespace: 'fns',
    image: IMAGE,
    settings,
    pool,
    singles,
    clock: systemClock,
    maxOutputBytes: 16,
  });
  const evaluate = (input: string, signal = new AbortController().signal) =>
    evaluator.evaluate(Buffer.from(input), signal);
  return { pool, removed, evaluate, processOf };
}

function pod(name: string, state: object): Pod {
  const status = { phase: 'Running', containerStatuses: [{ name: 'function', state }] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'fns' }, status };
}

const textOf = ({ stdout }: { readonly stdout: Uint8Array }) => Buffer.from(stdout).toString();

test.each(['a flood', 'an abort'])(
  'an evaluation whose pod goes for %s of another one in it is tried again',
  async (how) => {
    const { removed, evaluate, processOf } = await startEvaluator();
    const gone = new AbortController();
    const broken = evaluate('broken', gone.signal);
    const other = evaluate('other');
    const [breaks, ends] = [await processOf('broken', 'p1'), await processOf('other', 'p1')];
    if (how === 'a flood') breaks.print('more than it may print');
    else gone.abort(new TransientError('Timeout', 'it took too long'));
    await expect(broken).rejects.toMatchObject({ reason: how === 'a flood' ? 'BadOutput' : 'Timeout' });
    expect(removed).toEqual(['p1']);
    // Its container ends, and everything in it by SIGKILL.
    ends.exit(137);
    const again = await processOf('other', 'p2');
    again.print('done');
    again.exit(0);
    expect(textOf(await other)).toBe('done');
  },
);

test('evaluations in a pod whose memory runs out are not tried again, also when one of them is done before', async () => {
  const { pool, evaluate, processOf } = await startEvaluator();
  const all = [evaluate('one'), evaluate('two')];
  const processes = [await processOf('one', 'p1'), await processOf('two', 'p1')];
  pool.observe('p1', pod('p1', { terminated: { exitCode: 137, reason: 'OOMKilled' } }));
  for (const process of processes) process.exit(137);
  for (const outcome of await Promise.allSettled(all)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { reason: 'OOMKilled' } });
  }
});

test('an evaluation in a pod that goes as the process ends is not tried again', async () => {
  const { pool, evaluate, processOf } = await startEvaluator();
  const evaluation = evaluate('one');
  const process = await processOf('one', 'p1');
  const closed = new TransientError('PoolClosed', 'it ends');
  pool.close(closed);
  process.exit(137);
  await expect(evaluation).rejects.toBe(closed);
});
