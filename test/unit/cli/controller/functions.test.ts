import { Writable } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { readConfiguration } from '../../../../src/cli/controller/configuration.ts';
import { ClusterFunctions } from '../../../../src/cli/controller/functions.ts';
import { openRenderer } from '../../../../src/cli/renderer.ts';
import { KubernetesStore } from '../../../../src/kube/adapters/kubernetes/store.ts';
import { createLogger } from '../../../../src/observability/logger.ts';
import { DEFAULT_POD_SETTINGS } from '../../../../src/runtimes/pod/settings.ts';
import { startFunctionRunner } from '../../../env/grpc/function-runner.ts';
import { offlineClient } from '../../kube/offline-client.ts';
import { send, startServer } from '../../registry/server.ts';
import { packageWith } from '../../runtimes/support.ts';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly target?: string;
  readonly error?: unknown;
}

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Flags = Readonly<Record<string, readonly string[]>>;

/** The function runtimes of an operator with these flags. */
async function functionsWith(flags: Flags, stream: Writable = new Writable({ write: (_chunk, _, done) => done() })) {
  const client = offlineClient();
  const settings = await readConfiguration({ flags, env: {} });
  const functions = new ClusterFunctions({
    settings,
    client,
    store: new KubernetesStore({ client, kinds: [] }),
    install: 'tests',
    logger: createLogger({ level: 'info', format: 'json', stream }),
  });
  cleanups.push(async () => {
    await functions.stop();
    await client.close();
  });
  return { functions, settings };
}

/** The first line that an operator with these flags logs of its function runtimes. */
async function firstLine(flags: Flags): Promise<Line> {
  const { promise, resolve } = Promise.withResolvers<Line>();
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      resolve(JSON.parse(String(chunk)) as Line);
      done();
    },
  });
  const { functions } = await functionsWith(flags, stream);
  const stopping = new AbortController();
  cleanups.push(async () => stopping.abort());
  functions.start(stopping.signal);
  return await promise;
}

describe('the log of the start', () => {
  test('says that the function runner is serving', async () => {
    const runner = await startFunctionRunner(async () => ({ resourceList: new Uint8Array(), log: new Uint8Array() }));
    cleanups.push(() => runner.stop());
    const line = await firstLine({ runtimes: ['grpc'], functionRunner: [runner.target] });
    expect(line).toMatchObject({ level: 'info', message: 'function runner is serving', target: runner.target });
  });

  test.each(['does not answer', 'is not serving'])('says that the function runner %s, and why', async (why) => {
    const runner = await startFunctionRunner(async () => ({ resourceList: new Uint8Array(), log: new Uint8Array() }));
    runner.setHealth(2);
    if (why === 'does not answer') await runner.stop();
    else cleanups.push(() => runner.stop());
    const line = await firstLine({ runtimes: ['grpc'], functionRunner: [runner.target] });
    expect(line).toMatchObject({ level: 'warn', message: 'function runner cannot be used now', target: runner.target });
    expect(JSON.stringify(line.error)).toContain(why);
  });
});

describe('the list of allowed images', () => {
  const EVIL = 'evil.example.net/fns/set-namespace:v0.4.1';

  async function registry() {
    const server = await startServer((_request, response) => send(response, 404, {}));
    cleanups.push(() => server.stop());
    return server;
  }

  test.each(['builtin', 'grpc', 'pod'])('holds for the runtime %s, which is not asked', async (runtime) => {
    const runner = await startFunctionRunner(async ({ resourceList }) => ({ resourceList, log: new Uint8Array() }));
    cleanups.push(() => runner.stop());
    const { host, requests } = await registry();
    const flags = { runtimes: [runtime], functionRunner: [runner.target], loopbackRegistries: ['true'] };
    const { functions, settings } = await functionsWith(flags);
    const renderer = openRenderer({
      hosted: functions.hosted,
      builtins: () => functions.builtins(),
      allowedImages: settings.allowImages,
    });
    cleanups.push(() => renderer.close());
    for (const image of [EVIL, `${host}/fns/f:v1`]) {
      const pkg = packageWith(`{image: '${image}', configMap: {namespace: shop}}`);
      const { report } = await renderer.render(pkg, { signal: new AbortController().signal });
      expect(report.failure).toMatchObject({ reason: 'ImageNotAllowed', message: expect.stringContaining(image) });
    }
    expect(runner.requests).toEqual([]);
    expect(requests).toEqual([]);
  });

  test('holds for the pods that a FunctionConfig wants to be there before the first render', async () => {
    const { host, requests } = await registry();
    const image = `${host}/fns/f:v1`;
    const { signal } = new AbortController();
    const closed = await functionsWith({ loopbackRegistries: ['true'] });
    const refused = closed.functions.warmUp(image, DEFAULT_POD_SETTINGS, signal);
    await expect(refused).rejects.toMatchObject({ reason: 'ImageNotAllowed' });
    expect(requests).toEqual([]);
    const open = await functionsWith({ loopbackRegistries: ['true'], allowImages: [`${host}/fns`] });
    const asked = open.functions.warmUp(image, DEFAULT_POD_SETTINGS, signal);
    await expect(asked).rejects.toMatchObject({ reason: 'ImagePull' });
    expect(requests).not.toEqual([]);
  });
});
