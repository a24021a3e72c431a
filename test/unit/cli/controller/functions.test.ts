import { Writable } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { readConfiguration } from '../../../../src/cli/controller/configuration.ts';
import { ClusterFunctions } from '../../../../src/cli/controller/functions.ts';
import { KubernetesStore } from '../../../../src/kube/adapters/kubernetes/store.ts';
import { createLogger } from '../../../../src/observability/logger.ts';
import { startFunctionRunner } from '../../../env/grpc/function-runner.ts';
import { offlineClient } from '../../kube/offline-client.ts';

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

/** The first line that an operator with these flags logs of its function runtimes. */
async function firstLine(flags: Readonly<Record<string, readonly string[]>>): Promise<Line> {
  const { promise, resolve } = Promise.withResolvers<Line>();
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      resolve(JSON.parse(String(chunk)) as Line);
      done();
    },
  });
  const client = offlineClient();
  const functions = new ClusterFunctions({
    settings: await readConfiguration({ flags, env: {} }),
    client,
    store: new KubernetesStore({ client, kinds: [] }),
    install: 'tests',
    logger: createLogger({ level: 'info', format: 'json', stream }),
  });
  const stopping = new AbortController();
  functions.start(stopping.signal);
  cleanups.push(async () => {
    stopping.abort();
    await functions.stop();
    await client.close();
  });
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
