import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { ANY_WRITE } from '../../env/cluster/api-proxy.ts';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { installApi } from '../../env/cluster/install.ts';
import { type GitState, Rollout } from '../support/rollout.ts';

const VARIANTS = 30;
const STOPPED_MS = 30_000;

let plane: ControlPlane;
let wanted: { readonly git: GitState; readonly names: readonly string[] };
const open: Rollout[] = [];

beforeAll(async () => {
  plane = await startControlPlane();
  await installApi(plane.kubeconfig);
  const rollout = await start();
  await rollout.replicas();
  const began = Date.now();
  await rollout.begin();
  await rollout.untilSettled(1);
  console.info(`without faults: ${Date.now() - began} ms`);
  wanted = { git: await rollout.gitState(), names: await rollout.revisionNames() };
  await closeAll();
}, 600_000);

afterEach(closeAll, 120_000);

afterAll(async () => {
  await plane?.stop();
}, 60_000);

async function start(): Promise<Rollout> {
  const rollout = await Rollout.open(plane, { variants: VARIANTS });
  open.push(rollout);
  return rollout;
}

async function closeAll(): Promise<void> {
  await Promise.all(open.splice(0).map((rollout) => rollout.close()));
}

async function expectAsWanted(rollout: Rollout): Promise<void> {
  expect(await rollout.revisionNames()).toEqual(wanted.names);
  expect(await rollout.gitState()).toEqual(wanted.git);
}

test('the rollout without faults publishes twenty packages once, and has ten drafts', () => {
  const refs = wanted.git.map(({ ref }) => ref);
  expect(refs.filter((ref) => / refs\/tags\/web-\d\d\/v1$/.test(ref))).toHaveLength(20);
  expect(refs.filter((ref) => / refs\/heads\/drafts\/web-\d\d\//.test(ref))).toHaveLength(10);
  expect(refs).toHaveLength(20 + 10 + 2);
});

test('kill -9 of the leader in the middle of a rollout: the standby ends it', async () => {
  const rollout = await start();
  const [first, second] = await rollout.replicas();
  const letPushesGoOn = await rollout.midway(() => rollout.begin());
  first.controller.kill('SIGKILL');
  const killed = Date.now();
  await first.controller.exited;
  const before = await rollout.settled(1);
  expect(before).toBeLessThan(VARIANTS);
  // What it was just pushing arrives after its end.
  letPushesGoOn();
  const back = await rollout.untilProgress(1, killed, before);
  await second.controller.logged('working', ({ message }) => message === 'working');
  await rollout.untilSettled(1);
  console.info(`kill -9 with ${before} variants done: next one after ${back} ms, all after ${Date.now() - killed} ms`);
  await expectAsWanted(rollout);
}, 600_000);

test('a leader that was stopped in the middle of a rollout writes nothing when it goes on', async () => {
  const rollout = await start();
  const [first, second] = await rollout.replicas();
  const letPushesGoOn = await rollout.midway(() => rollout.begin());
  first.controller.kill('SIGSTOP');
  const stopped = Date.now();
  const before = await rollout.settled(1);
  expect(before).toBeLessThan(VARIANTS);
  letPushesGoOn();
  const back = await rollout.untilProgress(1, stopped, before);
  await second.controller.logged('working', ({ message }) => message === 'working');
  await rollout.untilSettled(1);
  console.info(`SIGSTOP: next variant after ${back} ms, all after ${Date.now() - stopped} ms`);
  await sleep(Math.max(0, stopped + STOPPED_MS - Date.now()));
  first.proxy.forget();
  first.controller.kill('SIGCONT');
  expect(await first.controller.exited).toEqual({ code: 1, signal: null });
  // Events tell of what it did before.
  const harmless = ['leases', 'events'];
  const writes = first.proxy.requests(ANY_WRITE).filter(({ resource }) => !harmless.includes(resource));
  expect(writes.map(({ verb, resource, name }) => `${verb} ${resource}/${name}`)).toEqual([]);
  await rollout.untilSettled(1);
  await expectAsWanted(rollout);
}, 600_000);
