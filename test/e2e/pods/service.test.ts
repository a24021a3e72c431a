import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { POD } from '../../../src/runtimes/pod/manifest.ts';
import { DEFAULT_POD_SETTINGS } from '../../../src/runtimes/pod/settings.ts';
import { NAMESPACE, PodWorld, until } from './world.ts';

let world: PodWorld;

beforeAll(async () => {
  world = await PodWorld.create(['misbehaving']);
}, 300_000);

afterEach(() => world.clear());

afterAll(() => world?.stop());

const LIST = Buffer.from('apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n');
const never = () => new AbortController().signal;
const settings = DEFAULT_POD_SETTINGS;

function told(behaviour: string, more = ''): Buffer {
  return Buffer.from(`${LIST}functionConfig:\n  behaviour: ${behaviour}\n${more}`);
}

describe('functions in pods', () => {
  test('an evaluation gives back what the function printed; the pod stays and is used again', async () => {
    const service = await world.service();
    const image = world.image('misbehaving');
    const results = [];
    for (let at = 0; at < 5; at += 1) results.push(await service.evaluate(image, settings, LIST, never()));
    expect(results.map(({ exitCode, stdout }) => `${exitCode} ${Buffer.from(stdout)}`)).toEqual(
      results.map(() => `0 ${LIST}`),
    );
    expect(await world.pods()).toHaveLength(1);
  });

  test('a function that fails is a result with its exit code and its words, and is not run again', async () => {
    const service = await world.service();
    const result = await service.evaluate(world.image('misbehaving'), settings, told('fail-with-results'), never());
    expect(result).toMatchObject({ exitCode: 3, stderr: 'exit with 3, as told\n' });
    expect(Buffer.from(result.stdout).toString()).toContain('message: the value is wrong');
  });

  test('X-05: a ResourceList of 8 MB goes there and back', async () => {
    const service = await world.service();
    const large = Buffer.concat([LIST, Buffer.from(`# ${'x'.repeat(8 * 1024 * 1024)}\n`)]);
    const { stdout } = await service.evaluate(world.image('misbehaving'), settings, large, never());
    expect(Buffer.from(stdout).equals(large)).toBe(true);
  });

  test('X-13: 200 MB of output is BadOutput, and the pod that still prints is replaced', async () => {
    const service = await world.service();
    const flood = service.evaluate(world.image('misbehaving'), settings, told('flood'), never());
    await expect(flood).rejects.toMatchObject({ reason: 'BadOutput', retry: 'terminal' });
    const after = await service.evaluate(world.image('misbehaving'), settings, LIST, never());
    expect(after.exitCode).toBe(0);
  });

  test('200 MB on standard error are cut, and the result counts', async () => {
    const service = await world.service();
    const more = '  bytes: 20000000\n';
    const { exitCode, stderr } = await service.evaluate(
      world.image('misbehaving'),
      settings,
      told('flood-stderr', more),
      never(),
    );
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/\(\d+ bytes more\)$/);
  });

  test('X-09: a function that needs more memory than its limit is OOMKilled, with the limit; others go on', async () => {
    const service = await world.service();
    const small = { ...settings, resources: { limits: { memory: '64Mi' } } };
    const killed = service.evaluate(world.image('misbehaving'), small, told('allocate'), never());
    const other = service.evaluate(world.image('misbehaving'), settings, LIST, never());
    await expect(killed).rejects.toMatchObject({ reason: 'OOMKilled', message: expect.stringContaining('64Mi') });
    expect((await other).exitCode).toBe(0);
  });

  test('X-08: a function that is given up is gone with its pod', async () => {
    const service = await world.service();
    await service.evaluate(world.image('misbehaving'), settings, LIST, never());
    const [before] = await world.pods();
    const given = new AbortController();
    setTimeout(() => given.abort(new Error('no longer wanted')), 500);
    const sleeping = service.evaluate(world.image('misbehaving'), settings, told('sleep'), given.signal);
    await expect(sleeping).rejects.toThrow('no longer wanted');
    await until(
      'the end of the pod',
      async () => !(await world.pods()).some((pod) => pod.metadata.uid === before?.metadata.uid),
    );
    expect((await service.evaluate(world.image('misbehaving'), settings, LIST, never())).exitCode).toBe(0);
  });

  test('X-03: a pod that is deleted in mid-evaluation costs another try, not the evaluation', async () => {
    const service = await world.service();
    const running = service.evaluate(
      world.image('misbehaving'),
      settings,
      told('pass-through', '  milliseconds: 3000\n'),
      never(),
    );
    await until('a running pod', async () => (await world.pods()).some(({ status }) => status?.phase === 'Running'));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const [pod] = await world.pods();
    await world.store.delete(POD, { namespace: NAMESPACE, name: pod?.metadata.name ?? '' });
    expect((await running).exitCode).toBe(0);
    expect((await world.pods()).map(({ metadata }) => metadata.uid)).not.toContain(pod?.metadata.uid);
  });

  test('fifty evaluations at once on a pool of two all end', async () => {
    const service = await world.service();
    const two = { ...settings, maxPods: 2, parallel: 2 };
    const all = Array.from({ length: 50 }, () => service.evaluate(world.image('misbehaving'), two, LIST, never()));
    expect(new Set((await Promise.all(all)).map(({ exitCode }) => exitCode))).toEqual(new Set([0]));
    expect((await world.pods()).length).toBeLessThanOrEqual(2);
  });

  test('isolation PerEvaluation gives each evaluation a pod of its own, and removes it', async () => {
    const service = await world.service();
    const fresh = { ...settings, isolation: 'PerEvaluation' } as const;
    const results = [];
    for (let at = 0; at < 2; at += 1) {
      results.push(await service.evaluate(world.image('misbehaving'), fresh, told('fail-with-results'), never()));
    }
    expect(results).toMatchObject([{ exitCode: 3 }, { exitCode: 3 }]);
    await until('no pod', async () => (await world.pods()).length === 0);
  });

  test.each([
    ['exit-at-once', 0, ''],
    ['fail-at-once', 1, 'no reason given\n'],
    ['generate', 0, 'name: generated'],
  ])(
    'a function that ends without reading its input (%s) runs in a pod for one evaluation',
    async (behaviour, exitCode, said) => {
      const service = await world.service();
      const image = world.image('misbehaving');
      // The container's own process is told by its environment what to do.
      const alone = { ...settings, env: [{ name: 'FUNCTION_BEHAVIOUR', value: behaviour }] };
      const result = await service.evaluate(image, alone, LIST, never());
      expect(result.exitCode).toBe(exitCode);
      expect(`${Buffer.from(result.stdout)}${result.stderr}`).toContain(said);
    },
  );

  test('X-01: an image that is not there is ImagePull with the words of the registry, and no pod stays', async () => {
    const service = await world.service();
    const missing = {
      ...world.image('misbehaving'),
      reference: `${world.registry.host}/fns/nothing@sha256:${'0'.repeat(64)}`,
    };
    await expect(service.evaluate(missing, settings, LIST, never())).rejects.toMatchObject({
      reason: 'ImagePull',
      retry: 'backoff',
      message: expect.stringMatching(/not found/),
    });
    await until('no pod', async () => (await world.pods()).length === 0);
  });

  test('a program that cannot be started is CrashLoop', async () => {
    const service = await world.service();
    const broken = { ...settings, env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'nothing', key: 'x' } } }] };
    await expect(service.evaluate(world.image('misbehaving'), broken, LIST, never())).rejects.toMatchObject({
      reason: 'CrashLoop',
      message: expect.stringContaining('nothing'),
    });
  });

  test('a pod that no node takes is Unschedulable with the reason', async () => {
    const service = await world.service({ scheduleTimeoutMs: 500 });
    const nowhere = { ...settings, nodeSelector: { pool: 'none' } };
    await expect(service.evaluate(world.image('misbehaving'), nowhere, LIST, never())).rejects.toMatchObject({
      reason: 'Unschedulable',
      message: expect.stringContaining('node'),
    });
  });

  test('X-10: pods that a killed process left are removed by the next one', async () => {
    // Never stopped: what a process that is killed leaves behind.
    const killed = await world.service({ owner: { install: 'tests', instance: 'killed' } });
    const two = { ...settings, maxPods: 2, parallel: 1, queueLength: 0 };
    await Promise.all([1, 2].map(() => killed.evaluate(world.image('misbehaving'), two, LIST, never())));
    const left = (await world.pods()).length;
    expect(left).toBeGreaterThan(0);
    await world.service();
    await until('no pod', async () => (await world.pods()).length === 0);
  });
});
