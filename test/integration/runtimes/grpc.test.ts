import { once } from 'node:events';
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { TerminalError } from '../../../src/api/errors.ts';
import type { FunctionRuntime } from '../../../src/functions/types.ts';
import { createGrpcRuntime, type GrpcRuntimeOptions } from '../../../src/runtimes/grpc/runtime.ts';
import { chainRuntimes } from '../../../src/runtimes/multi.ts';
import { type FunctionRunner, startFunctionRunner } from '../../env/grpc/function-runner.ts';
import { textOf } from '../../unit/render/support.ts';
import { renderWith, until } from '../../unit/runtimes/support.ts';

type Evaluate = Parameters<typeof startFunctionRunner>[0];

const STEP = 'image: example.com/fns/renew:v1';
const ALLOWED = { allowedImages: ['example.com'] };
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function runner(
  evaluate: Evaluate,
  options?: Parameters<typeof startFunctionRunner>[1],
): Promise<FunctionRunner> {
  const started = await startFunctionRunner(evaluate, options);
  cleanups.push(() => started.stop());
  return started;
}

function runtimeTo(target: string, options: Partial<GrpcRuntimeOptions> = {}) {
  const tagInRange = () => Promise.reject(new Error('no range was expected'));
  const runtime = createGrpcRuntime({ target, tagInRange, ...options });
  cleanups.push(() => runtime.close());
  return runtime;
}

/** Changes the value of the test package's ConfigMap, as a real function would. */
const renew: Evaluate = async ({ resourceList }) => ({
  resourceList: Buffer.from(Buffer.from(resourceList).toString().replace('k: old', 'k: new')),
  log: Buffer.from('renewed\n'),
});

const failing =
  (code: status, details: string): Evaluate =>
  async () => ({ code, details });

async function failureOf(evaluate: Evaluate, options: Partial<GrpcRuntimeOptions> = {}) {
  const { target } = await runner(evaluate);
  const { report } = await renderWith(runtimeTo(target, options), STEP, ALLOWED);
  return report;
}

describe('functions on a function runner', () => {
  test('an image runs there with its comments kept, and the step says where and what it wrote', async () => {
    const { target, requests } = await runner(renew);
    const { package: rendered, report } = await renderWith(runtimeTo(target), STEP, ALLOWED);
    expect(textOf(rendered, 'a.yaml')).toContain('k: new # why\n');
    expect(report.steps).toMatchObject([
      { runtime: 'grpc', image: 'example.com/fns/renew:v1', exitCode: 0, stderr: 'renewed\n' },
    ]);
    expect(requests.map(({ image }) => image)).toEqual(['example.com/fns/renew:v1']);
  });

  test('a range of versions goes to the runner as the tag that it stands for, which is looked up once for a render', async () => {
    const { target, requests } = await runner(renew);
    const looks: string[] = [];
    const tagInRange: GrpcRuntimeOptions['tagInRange'] = async ({ name, tag }) =>
      `v0.4.${looks.push(`${name} ${tag}`)}`;
    const step = "{image: example.com/fns/renew, tag: '~0.4'}";
    const runtime = runtimeTo(target, { tagInRange });
    const { report } = await renderWith(runtime, `${step}\n  - ${step}`, ALLOWED);
    expect(report.failure).toBeUndefined();
    expect(looks).toEqual(['example.com/fns/renew ~0.4']);
    expect(requests.map(({ image }) => image)).toEqual([
      'example.com/fns/renew:v0.4.1',
      'example.com/fns/renew:v0.4.1',
    ]);
    expect(report.steps.map(({ image }) => image)).toEqual(requests.map(({ image }) => image));
  });

  test.each(['v1.2.3', 'nightly'])(
    'the tag %s goes to the runner as it is, without a look at a registry',
    async (tag) => {
      const { target, requests } = await runner(renew);
      await renderWith(runtimeTo(target), `{image: example.com/fns/renew:v9, tag: ${tag}}`, ALLOWED);
      expect(requests.map(({ image }) => image)).toEqual([`example.com/fns/renew:${tag}`]);
    },
  );

  test('a range that no tag is in fails the step, and the runner is not asked', async () => {
    const { target, requests } = await runner(renew);
    const tagInRange = () => Promise.reject(new TerminalError('TagNotFound', 'no tag is in the range'));
    const step = "{image: example.com/fns/renew, tag: '~9.9'}";
    const { report } = await renderWith(runtimeTo(target, { tagInRange }), step, ALLOWED);
    expect(report.failure).toMatchObject({ reason: 'TagNotFound' });
    expect(requests).toEqual([]);
  });

  test('NotFound asks the next runtime, and the step names the one that ran it', async () => {
    const { target } = await runner(failing(status.NOT_FOUND, 'no evaluator knows it'));
    const other = await runner(renew);
    const seen: string[] = [];
    const chain = chainRuntimes([runtimeTo(target), renamed('pod', runtimeTo(other.target))], {
      observe: (runtime, result) => seen.push(`${runtime} ${result}`),
    });
    const { report } = await renderWith(chain, STEP, ALLOWED);
    expect(report.failure).toBeUndefined();
    expect(report.steps[0]?.runtime).toBe('pod');
    expect(seen).toEqual(['pod success']);
  });

  test('what no runtime knows is FunctionNotFound', async () => {
    const report = await failureOf(failing(status.NOT_FOUND, 'no evaluator knows it'));
    expect(report.failure).toMatchObject({ reason: 'FunctionNotFound', retry: 'terminal' });
    expect(report.failure?.message).toContain('example.com/fns/renew:v1');
  });

  test('a function that fails is an output with its results as far as the protocol has them, and falls through to nobody', async () => {
    const details =
      'unable to evaluate: failed to evaluate function "x" with structured results: [error] apps/v1/Deployment/shop/web spec.replicas: must be 3' +
      '\n\n[warning]: beware and stderr: boom';
    const { target } = await runner(failing(status.UNKNOWN, details));
    const other = await runner(renew);
    const chain = chainRuntimes([runtimeTo(target), runtimeTo(other.target)]);
    const { report } = await renderWith(chain, STEP, ALLOWED);
    expect(other.requests).toHaveLength(0);
    expect(report.failure?.reason).toBe('RenderFailed');
    expect(report.steps[0]).toMatchObject({
      exitCode: 1,
      stderr: 'boom',
      results: [
        {
          severity: 'error',
          message: 'must be 3',
          resourceRef: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' },
          field: { path: 'spec.replicas' },
        },
        { severity: 'warning', message: 'beware' },
      ],
    });
  });

  test.each([
    { when: 'a program of the runner fails', code: status.INTERNAL, reason: 'RenderFailed', retry: 'terminal' },
    { when: 'no pod could be had', code: status.UNKNOWN, reason: 'FunctionRunnerFailed', retry: 'backoff' },
    {
      when: 'the runner is restarting',
      code: status.UNAVAILABLE,
      reason: 'FunctionRunnerUnavailable',
      retry: 'backoff',
    },
    {
      when: 'the message is too large there',
      code: status.RESOURCE_EXHAUSTED,
      reason: 'InputTooLarge',
      retry: 'terminal',
    },
    {
      when: 'the server is of another kind',
      code: status.UNIMPLEMENTED,
      reason: 'FunctionRunnerRefused',
      retry: 'terminal',
    },
  ])('$when: $reason', async ({ code, reason, retry }) => {
    const { failure } = await failureOf(failing(code, 'it said so'));
    expect(failure).toMatchObject({ reason, retry });
    expect(failure?.message).toContain('it said so');
  });

  test.each([
    { inner: 'Internal', reason: 'RenderFailed', retry: 'terminal' },
    { inner: 'ResourceExhausted', reason: 'InputTooLarge', retry: 'terminal' },
    { inner: 'DeadlineExceeded', reason: 'Timeout', retry: 'backoff' },
    { inner: 'Unavailable', reason: 'FunctionRunnerFailed', retry: 'backoff' },
    { inner: 'NotFound', reason: 'FunctionRunnerFailed', retry: 'backoff' },
  ])("a pod's $inner, which the runner wraps as Unknown, is $reason", async ({ inner, reason, retry }) => {
    const wrapped = `rpc error: code = Unknown desc = rpc error: code = ${inner} desc = it said so`;
    const printed = 'rpc error: code = Internal desc = printed by the function';
    const { failure } = await failureOf(failing(status.UNKNOWN, `unable to evaluate: ${wrapped} (${printed})`));
    expect(failure).toMatchObject({ reason, retry });
  });

  test.each([
    { what: 'a runner that is restarting is asked', code: status.UNAVAILABLE, times: 3 },
    { what: 'a function that fails is run', code: status.INTERNAL, times: 1 },
    { what: 'a runner that has trouble of its own is asked', code: status.UNKNOWN, times: 1 },
    { what: 'a runner that has no room is asked', code: status.RESOURCE_EXHAUSTED, times: 1 },
  ])('$what $times time(s)', async ({ code, times }) => {
    const { target, requests } = await runner(failing(code, 'it said so'));
    await renderWith(runtimeTo(target), STEP, ALLOWED);
    expect(requests).toHaveLength(times);
  });

  test('a runner that is not there is FunctionRunnerUnavailable', async () => {
    const gone = await startFunctionRunner(renew);
    await gone.stop();
    const { report } = await renderWith(runtimeTo(gone.target), STEP, ALLOWED);
    expect(report.failure).toMatchObject({ reason: 'FunctionRunnerUnavailable', retry: 'backoff' });
  });

  test('a runner that comes back is used again without a restart', async () => {
    const first = await startFunctionRunner(renew);
    const runtime = runtimeTo(first.target);
    await first.stop();
    expect((await renderWith(runtime, STEP, ALLOWED)).report.failure).toBeDefined();
    await runner(renew, { port: first.port });
    await until(async () => (await renderWith(runtime, STEP, ALLOWED)).report.failure === undefined);
  });

  test('the deadline goes to the runner, which gives up too', async () => {
    const evaluate: Evaluate = (_request, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('given up'))));
    const { target, cancelled } = await runner(evaluate);
    const { report } = await renderWith(runtimeTo(target, { deadlineMs: 200 }), STEP, ALLOWED);
    expect(report.failure).toMatchObject({ reason: 'Timeout', retry: 'backoff' });
    await until(() => cancelled() === 1);
  });

  test('X-05: one setting is the limit in both directions', async () => {
    const maxMessageBytes = 64 * 1024;
    const { target } = await runner(
      async () => ({ resourceList: Buffer.alloc(maxMessageBytes + 1, 'a'), log: Buffer.alloc(0) }),
      { maxMessageBytes: 2 * maxMessageBytes },
    );
    const answered = await renderWith(runtimeTo(target, { maxMessageBytes }), STEP, ALLOWED);
    expect(answered.report.failure).toMatchObject({ reason: 'InputTooLarge', retry: 'terminal' });
    const asked = await renderWith(runtimeTo(target, { maxMessageBytes: 512 }), STEP, ALLOWED);
    expect(asked.report.failure?.message).toContain('512 bytes are the limit');
  });

  test('X-05: a ResourceList of 7.9 MB passes where the limit allows it', async () => {
    const maxMessageBytes = 16 * 1024 * 1024;
    const { target, requests } = await runner(async ({ resourceList }) => ({ resourceList, log: Buffer.alloc(0) }), {
      maxMessageBytes,
    });
    const spec = { image: 'example.com/fns/noop:v1' };
    const item = { value: { kind: 'ConfigMap', data: { text: 'x'.repeat(7_900_000) } }, path: 'a.yaml', index: 0 };
    const context = { signal: new AbortController().signal, packagePath: '' };
    const output = await runtimeTo(target, { maxMessageBytes })
      .runner(spec)
      ?.run({ items: [item] }, context);
    expect(output?.items[0]).toBe(item);
    expect(requests[0]?.resourceList.length).toBeGreaterThan(7_900_000);
  });

  test('empty output is refused instead of emptying the package', async () => {
    const { failure } = await failureOf(async () => ({ resourceList: Buffer.alloc(0), log: Buffer.alloc(0) }));
    expect(failure?.reason).toBe('BadOutput');
  });

  test('evaluations of one name are spread over all of its addresses', async () => {
    const [one, two] = [await runner(renew), await runner(renew)];
    const runtime = runtimeTo(`ipv4:${one.target},${two.target}`);
    for (let at = 0; at < 10; at += 1) await renderWith(runtime, STEP, ALLOWED);
    await until(async () => {
      await renderWith(runtime, STEP, ALLOWED);
      return one.requests.length > 0 && two.requests.length > 0;
    });
  });

  test('health: serving, not serving, not there', async () => {
    const served = await runner(renew);
    const runtime = runtimeTo(served.target);
    const { signal } = new AbortController();
    await expect(runtime.health(signal)).resolves.toBeUndefined();
    served.setHealth(2);
    await expect(runtime.health(signal)).rejects.toMatchObject({ reason: 'FunctionRunnerUnavailable' });
    await served.stop();
    await expect(runtime.health(signal)).rejects.toMatchObject({ reason: 'FunctionRunnerUnavailable' });
  });
});

describe('pings', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  test('come less often than each 5 minutes, for which a server in Go with nothing set would close the connection', async () => {
    const server = createServer();
    const pings: unknown[] = [];
    const streams: ServerHttp2Stream[] = [];
    server.on('session', (session: ServerHttp2Session) => session.on('ping', (payload) => pings.push(payload)));
    server.on('stream', (stream) => streams.push(stream));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    jest.useFakeTimers({ doNotFake: ['Date', 'nextTick', 'queueMicrotask', 'setImmediate', 'performance', 'hrtime'] });
    const runtime = runtimeTo(`127.0.0.1:${(server.address() as AddressInfo).port}`, { deadlineMs: 3_600_000 });
    cleanups.push(() => server.close());
    const context = { signal: new AbortController().signal, packagePath: '' };
    const evaluate = () => runtime.runner({ image: 'example.com/fns/f:v1' })?.run({ items: [] }, context);
    /** After it, all that was sent before is there. */
    const answer = async (evaluation: Promise<unknown> | undefined) => {
      streams.shift()?.respond(FAILED, { endStream: true });
      await expect(evaluation).resolves.toMatchObject({ exitCode: 1 });
    };

    const first = evaluate();
    await once(server, 'stream');
    jest.advanceTimersByTime(300_000);
    await answer(first);
    expect(pings).toHaveLength(0);

    // What has been idle for long is tried with the next evaluation: it may be dead without a word.
    const second = evaluate();
    await once(server, 'stream');
    jest.advanceTimersByTime(30_000);
    await answer(second);
    expect(pings).toHaveLength(1);
  });
});

const FAILED = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-status': String(status.INTERNAL),
  'grpc-message': 'failed',
};

function renamed(name: string, runtime: FunctionRuntime): FunctionRuntime {
  return {
    name,
    runner: (spec) => {
      const found = runtime.runner(spec);
      return found && { resolved: found.resolved, runtime: name, run: (input, context) => found.run(input, context) };
    },
  };
}
