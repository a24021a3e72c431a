import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createBuiltinRuntime } from '../../../src/functions/builtin-runtime.ts';
import { CATALOG } from '../../../src/functions/catalog/registry.ts';
import type { FunctionOutput, FunctionRuntime } from '../../../src/functions/types.ts';
import { createGrpcRuntime, type GrpcRuntimeOptions } from '../../../src/runtimes/grpc/runtime.ts';
import { chainRuntimes } from '../../../src/runtimes/multi.ts';
import { TcpGate } from '../../env/cluster/tcp-gate.ts';
import { buildPorchRunner, type PorchRunner, startPorchRunner } from '../../env/grpc/porch-runner.ts';
import { buildFunction } from '../../env/images/function-images.ts';
import { textOf } from '../../unit/render/support.ts';
import { renderWith, until } from '../../unit/runtimes/support.ts';

const SET_NAMESPACE = 'example.com/fns/set-namespace:v0.4.5';
const MISBEHAVING = 'example.com/fns/misbehaving:v1';
const ALLOWED = { allowedImages: ['example.com'] };
const LIMIT = 16 * 1024 * 1024;

let functions: Record<string, string>;
let runner: PorchRunner;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  await buildPorchRunner();
  functions = {
    [SET_NAMESPACE]: await buildFunction('set-namespace'),
    [MISBEHAVING]: await buildFunction('misbehaving'),
  };
  runner = await startPorchRunner({ functions, maxMessageBytes: LIMIT });
}, 600_000);

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

afterAll(() => runner?.stop());

function runtimeTo(target: string, options: Partial<GrpcRuntimeOptions> = {}) {
  const tagInRange = () => Promise.reject(new Error('no range was expected'));
  const runtime = createGrpcRuntime({ target, tagInRange, maxMessageBytes: LIMIT, ...options });
  cleanups.push(() => runtime.close());
  return runtime;
}

const told = (behaviour: string, more = '') => `{image: '${MISBEHAVING}', configMap: {behaviour: ${behaviour}${more}}}`;

/** One evaluation of nothing, which takes that long on the runner. */
function evaluate(runtime: FunctionRuntime, milliseconds = 0): Promise<FunctionOutput> {
  const value = { kind: 'ConfigMap', data: { behaviour: 'pass-through', milliseconds: String(milliseconds) } };
  const context = { signal: new AbortController().signal, packagePath: '' };
  const found = runtime.runner({ image: MISBEHAVING });
  if (!found) throw new Error('the runtime does not take the image');
  return found.run({ items: [], functionConfig: value }, context);
}

describe("Porch's function runner as it is published", () => {
  test("runs the catalogue's function with the bytes that the built-in one gives, and the step says where", async () => {
    const step = `{image: '${SET_NAMESPACE}', configMap: {namespace: shop}}`;
    const { package: rendered, report } = await renderWith(runtimeTo(runner.target), step, ALLOWED);
    expect(report.failure).toBeUndefined();
    expect(report.steps).toMatchObject([{ runtime: 'grpc', image: SET_NAMESPACE, exitCode: 0 }]);
    const builtin = createBuiltinRuntime({ functions: CATALOG });
    const byBuiltin = await renderWith(builtin, '{image: set-namespace:v0.4.5, configMap: {namespace: shop}}');
    expect(byBuiltin.report.steps).toMatchObject([{ runtime: 'builtin', exitCode: 0 }]);
    expect(textOf(rendered, 'a.yaml')).toContain('namespace: shop');
    expect(textOf(rendered, 'a.yaml')).toBe(textOf(byBuiltin.package, 'a.yaml'));
    expect(runner.log()).toContain(`Evaluated "${SET_NAMESPACE}"`);
  });

  test('is healthy by its own word', async () => {
    const { signal } = new AbortController();
    await expect(runtimeTo(runner.target).health(signal)).resolves.toBeUndefined();
  });

  test('says NotFound of an image that it does not know: the next runtime is asked', async () => {
    const other = await startPorchRunner({ functions: { 'example.com/fns/other:v1': functions[MISBEHAVING] ?? '' } });
    cleanups.push(() => other.stop());
    const chain = chainRuntimes([runtimeTo(other.target), runtimeTo(runner.target)]);
    const { report } = await renderWith(chain, told('pass-through'), ALLOWED);
    expect(report.steps).toMatchObject([{ exitCode: 0 }]);
    expect(other.log()).not.toContain(MISBEHAVING);
    const { report: alone } = await renderWith(runtimeTo(other.target), told('pass-through'), ALLOWED);
    expect(alone.failure).toMatchObject({ reason: 'FunctionNotFound', retry: 'terminal' });
  });

  test('has results and standard error of a function that succeeds come through', async () => {
    const { report } = await renderWith(runtimeTo(runner.target), told('warn'), ALLOWED);
    expect(report.failure).toBeUndefined();
    expect(report.steps).toMatchObject([
      { exitCode: 0, results: [{ severity: 'warning', message: 'the value is wrong', field: { path: 'data.k' } }] },
    ]);
  });

  test('a function that fails is an outcome with its words, for good, and nobody else is asked', async () => {
    const other = await startPorchRunner({ functions });
    cleanups.push(() => other.stop());
    const chain = chainRuntimes([runtimeTo(runner.target), runtimeTo(other.target)]);
    const { report } = await renderWith(chain, told('fail-with-results'), ALLOWED);
    expect(report.failure).toMatchObject({ reason: 'RenderFailed', retry: 'terminal' });
    expect(report.steps).toMatchObject([{ exitCode: 1, stderr: expect.stringContaining('exit with 3, as told') }]);
    expect(other.log()).not.toContain('Evaluat');
  });

  test.each(['invalid-yaml', 'invalid-utf8', 'two-documents', 'wrong-kind', 'print-nothing'])(
    'X-13: output of %s is BadOutput',
    async (behaviour) => {
      const { report } = await renderWith(runtimeTo(runner.target), told(behaviour), ALLOWED);
      expect(report.failure).toMatchObject({ reason: 'BadOutput', retry: 'terminal' });
    },
  );

  test('X-05: a ResourceList of 7.9 MB goes there and back', async () => {
    const item = { value: { kind: 'ConfigMap', data: { text: 'x'.repeat(7_900_000) } }, path: 'a.yaml', index: 0 };
    const context = { signal: new AbortController().signal, packagePath: '' };
    const output = await runtimeTo(runner.target)
      .runner({ image: MISBEHAVING })
      ?.run({ items: [item] }, context);
    expect(output?.items[0]).toBe(item);
  });

  test("X-05: what is above the runner's own limit is InputTooLarge, whatever ours is", async () => {
    const small = await startPorchRunner({ functions, maxMessageBytes: 64 * 1024 });
    cleanups.push(() => small.stop());
    const step = told('pass-through', `, text: ${'x'.repeat(100_000)}`);
    const { report } = await renderWith(runtimeTo(small.target), step, ALLOWED);
    expect(report.failure).toMatchObject({ reason: 'InputTooLarge', retry: 'terminal' });
  });

  test('the deadline ends the function on the runner as well', async () => {
    const rendering = renderWith(runtimeTo(runner.target, { deadlineMs: 2_000 }), told('sleep'), ALLOWED);
    await until(async () => (await runner.children()).length > 0);
    expect((await rendering).report.failure).toMatchObject({ reason: 'Timeout', retry: 'backoff' });
    await until(async () => (await runner.children()).length === 0);
  });
});

describe('connections to runners', () => {
  /** An evaluation has come to its end on the runner. */
  async function use(runtime: FunctionRuntime, { log }: PorchRunner): Promise<void> {
    const before = log().length;
    await until(async () => {
      await evaluate(runtime);
      return log().slice(before).includes('Evaluated');
    });
  }

  async function start(): Promise<PorchRunner> {
    const started = await startPorchRunner({ functions });
    cleanups.push(() => started.stop());
    return started;
  }

  test('one of two addresses that dies in mid-evaluation costs nothing: the other serves; back again, it is used', async () => {
    const [dying, other] = [await start(), await start()];
    const runtime = runtimeTo(`ipv4:${dying.target},${other.target}`);
    // Connections are made one by one.
    for (const one of [dying, other]) await use(runtime, one);
    const running = Promise.all(Array.from({ length: 8 }, () => evaluate(runtime, 4_000)));
    await until(async () => (await dying.children()).length === 4 && (await other.children()).length === 4);
    await dying.kill();
    for (let at = 0; at < 10; at += 1) await expect(evaluate(runtime)).resolves.toMatchObject({ exitCode: 0 });
    expect((await running).map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 8 }, () => 0));

    const back = await startPorchRunner({ functions, port: dying.port });
    cleanups.push(() => back.stop());
    await use(runtime, back);
  });

  test('when all of them are gone, that is said after a few tries', async () => {
    const both = [await start(), await start()];
    const runtime = runtimeTo(`ipv4:${both.map(({ target }) => target).join(',')}`);
    for (const one of both) await use(runtime, one);
    const running = evaluate(runtime, 60_000);
    const failed = expect(running).rejects.toMatchObject({ reason: 'FunctionRunnerUnavailable', retry: 'backoff' });
    await until(async () => (await Promise.all(both.map((one) => one.children()))).flat().length === 1);
    for (const one of both) await one.kill();
    await failed;
  });

  describe('that go silent', () => {
    afterEach(() => {
      jest.useRealTimers();
    });

    /** In steps, between which what comes over connections is heard. */
    async function pass(milliseconds: number): Promise<void> {
      for (let passed = 0; passed < milliseconds; passed += 5_000) {
        jest.advanceTimersByTime(5_000);
        await sleep(20);
      }
    }

    test('are found by a ping that nobody answers, and what was under way goes to another address', async () => {
      const [silent, other] = [await start(), await start()];
      const gate = await TcpGate.open(silent.port);
      cleanups.push(() => gate.close());
      const runtime = runtimeTo(`ipv4:127.0.0.1:${gate.port},${other.target}`, { deadlineMs: 3_600_000 });
      jest.useFakeTimers({
        doNotFake: ['Date', 'nextTick', 'queueMicrotask', 'setImmediate', 'performance', 'hrtime'],
      });
      const uses = async (log: () => string) => {
        const before = log().length;
        while (!log().slice(before).includes('Evaluated')) await evaluate(runtime);
      };
      for (const { log } of [silent, other]) await uses(log);

      gate.freeze();
      const ended = { count: 0 };
      const both = [evaluate(runtime), evaluate(runtime)].map((one) => one.finally(() => (ended.count += 1)));
      const outcomes = Promise.allSettled(both);
      await pass(300_000);
      expect(ended.count).toBe(1);
      await pass(60_000);
      while (ended.count < 2) await sleep(20);
      expect(await outcomes).toMatchObject([{ value: { exitCode: 0 } }, { value: { exitCode: 0 } }]);
    });
  });
});
