import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { REPOSITORY } from '../../../src/api/kinds.ts';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { installApi } from '../../env/cluster/install.ts';
import { type Replica, Rollout } from '../support/rollout.ts';
import { waitFor } from '../support/wait-for.ts';

const VARIANTS = 12;
const PATIENCE_MS = 150_000;
const GIT_DOWN_MS = 60_000;

let plane: ControlPlane;
let faultless: Rollout;

beforeAll(async () => {
  plane = await startControlPlane();
  await installApi(plane.kubeconfig);
  faultless = await Rollout.open(plane, { variants: VARIANTS });
}, 240_000);

afterAll(async () => {
  await faultless?.close();
  await plane?.stop();
}, 60_000);

async function expectAsWithoutFaults(rollout: Rollout): Promise<void> {
  expect(await rollout.revisionNames()).toEqual(await faultless.revisionNames());
  expect(await rollout.gitState()).toEqual(await faultless.gitState());
}

const FOLLOWED = ['packagerevisions', 'packagevariants', 'packagevariantsets', 'repositories'];

/** What a replica watches now; `undefined` while one of our kinds is missing. */
function watchesAll({ proxy }: Replica): readonly string[] | undefined {
  const open = new Set(proxy.openWatches().map(({ resource }) => resource));
  return FOLLOWED.every((resource) => open.has(resource)) ? [...open].sort() : undefined;
}

/** How often a replica has listed each of these since `forget`; further pages of a list are no lists. */
function lists({ proxy }: Replica, resources: readonly string[]): Readonly<Record<string, number>> {
  const count = (resource: string) =>
    proxy.requests({ verb: 'list', resource }).filter(({ query }) => !query.has('continue')).length;
  return Object.fromEntries(resources.map((resource) => [resource, count(resource)]));
}

test('the git server is away for 60 s in the middle of one rollout, the API server is killed in the middle of the next', async () => {
  const rollout = await Rollout.open(plane, { variants: VARIANTS });
  try {
    const [first] = await rollout.replicas();
    await rollout.midway(() => rollout.begin());
    const restart = await rollout.stopGit();
    const isBack = sleep(GIT_DOWN_MS);
    await faultless.replicas();
    await faultless.begin();
    await faultless.untilSettled(1);
    await faultless.upgrade();
    await faultless.untilSettled(2);
    await isBack;
    const done = await rollout.settled(1);
    await restart();
    const gitBack = Date.now();
    const next = await rollout.untilProgress(1, gitBack, done);
    await rollout.untilSettled(1);
    console.info(`git server: next variant after ${next} ms, all after ${Date.now() - gitBack} ms`);

    const letPushesGoOn = await rollout.midway(() => rollout.upgrade());
    const before = await rollout.settled(2);
    expect(before).toBeLessThan(VARIANTS);
    await plane.killApiServer();
    letPushesGoOn();
    await plane.startApiServer();
    const apiBack = Date.now();
    const after = await rollout.untilProgress(2, apiBack, before);
    await rollout.untilSettled(2);
    console.info(`API server: next variant after ${after} ms, all after ${Date.now() - apiBack} ms`);
    await expectAsWithoutFaults(rollout);
    expect(first.controller.logs().filter(({ message }) => message === 'working')).toHaveLength(1);
  } finally {
    await rollout.close();
  }
}, 900_000);

test('watches that are cut every 5 s, and 410 on every watch once, lose nothing; each kind is listed once after 410', async () => {
  const rollout = await Rollout.open(plane, { variants: VARIANTS });
  try {
    const [first, second] = await rollout.replicas();
    const stops = [first, second].map(({ proxy }) => proxy.cutWatchesEvery(5_000));
    await rollout.begin();
    await rollout.untilSettled(1);
    for (const stop of stops) stop();
    const watched = await waitFor(() => watchesAll(first), { what: 'all watches are open', timeoutMs: PATIENCE_MS });
    const { metadata } = await rollout.namespace.patch(REPOSITORY, 'east', {
      metadata: { annotations: { note: 'a later version' } },
    });
    first.proxy.forget();
    const allow = first.proxy.expireWatches('status', BigInt(metadata.resourceVersion ?? '') + 1n);
    const expired = Date.now();
    first.proxy.cutWatches();
    await rollout.upgrade();
    const next = await rollout.untilProgress(2, expired, 0);
    await rollout.untilSettled(2);
    console.info(`410: next variant after ${next} ms, all after ${Date.now() - expired} ms`);
    await waitFor(() => watchesAll(first), { what: 'all watches are open again', timeoutMs: PATIENCE_MS });
    const listed = lists(first, watched);
    console.info(`lists after 410: ${JSON.stringify(listed)}`);
    expect(Object.values(listed)).toEqual(watched.map(() => 1));
    allow();
    await expectAsWithoutFaults(rollout);
  } finally {
    await rollout.close();
  }
}, 600_000);
