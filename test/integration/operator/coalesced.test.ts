import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { condition, OperatorBench } from './support.ts';

let bench: OperatorBench;
let remote: BareRepository;

beforeEach(async () => {
  bench = await OperatorBench.open();
  remote = await bench.repository('git');
});

afterEach(async () => {
  await remote.fsck();
  await bench.close();
});

const draft = (packageName: string) =>
  bench.revision({ repository: 'git', packageName, workspaceName: 'v1', lifecycle: 'Draft', source: { init: {} } });

/** Applies a lifecycle and does not wait for what comes of it. */
async function ask(name: string, lifecycle: string): Promise<void> {
  const { apiVersion, kind, spec } = bench.get(name);
  await bench.apply(apiVersion, kind, name, { ...spec, lifecycle });
}

/** The remote writes down each update that it gets, and holds pushes until `release`. */
async function holdPushes() {
  const log = join(bench.folder, 'updates');
  const gate = join(bench.folder, 'go');
  await writeFile(log, '');
  const hook = join(remote.path, 'hooks/pre-receive');
  const text = `#!/bin/sh\ncat >>'${log}'\nwhile [ ! -e '${gate}' ]; do sleep 0.05; done\n`;
  await writeFile(hook, text);
  await chmod(hook, 0o755);
  const updates = async () => (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '');
  const arrived = async (ref: string): Promise<void> => {
    while (!(await updates()).some((line) => line.endsWith(ref))) await new Promise((done) => setTimeout(done, 20));
  };
  return { updates, arrived, release: () => writeFile(gate, '') };
}

test('a proposal that is approved while it waits for its push is published by one', async () => {
  const { updates, waiting } = await askedWhileItWaits('Published');

  expect(updates.filter((line) => line.endsWith('refs/heads/proposed/second/v1'))).toEqual([]);
  expect([...(await remote.refs()).keys()].sort()).toEqual([
    'refs/heads/main',
    'refs/heads/proposed/first/v1',
    'refs/tags/second/v1',
  ]);
  const { status } = bench.get(waiting);
  expect(status).toMatchObject({ observedLifecycle: 'Published', proposedBy: 'unknown', approvedBy: 'unknown' });
  expect(condition(bench.get(waiting), 'Ready')?.status).toBe('True');
});

test('a proposal that is taken back while it waits for its push is never made', async () => {
  const { updates, waiting } = await askedWhileItWaits('Draft');

  expect(updates.filter((line) => line.endsWith('second/v1'))).toEqual([]);
  expect(bench.get(waiting).status).toMatchObject({ observedLifecycle: 'Draft' });
});

/** Two proposals; the lifecycle of the second is set to `next` while the push of the first holds it up. */
async function askedWhileItWaits(next: 'Published' | 'Draft') {
  const [first, waiting] = [await draft('first'), await draft('second')];
  await bench.start();
  const pushes = await holdPushes();

  await ask(first, 'Proposed');
  await pushes.arrived('refs/heads/proposed/first/v1');
  await ask(waiting, 'Proposed');
  await new Promise((done) => setTimeout(done, 200));
  await ask(waiting, next);
  await pushes.release();
  await bench.settle();
  return { updates: await pushes.updates(), waiting };
}
