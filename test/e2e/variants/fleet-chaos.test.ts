import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { installApi } from '../../env/cluster/install.ts';
import { ChaoticFleet, type GitState, NAMES } from './chaotic-fleet.ts';

/** Whose drafts a person rejects, and whose drafts lose their branches. */
const [REJECTED, BROKEN] = [NAMES.slice(0, 5), NAMES.slice(5, 10)];

let plane: ControlPlane;
let wanted: { readonly git: GitState; readonly names: readonly string[] };

beforeAll(async () => {
  plane = await startControlPlane();
  await installApi(plane.kubeconfig);
  const fleet = await ChaoticFleet.open(plane);
  try {
    await fleet.operator('faultless');
    await fleet.begin(REJECTED);
    await fleet.untilSettled();
    wanted = { git: await fleet.gitState(), names: await fleet.revisionNames() };
  } finally {
    await fleet.close();
  }
}, 240_000);

afterAll(() => plane?.stop(), 60_000);

test('without faults each of a hundred packages is published once', () => {
  const refs = wanted.git.find(({ ref }) => ref === 'all')?.content;
  expect(refs?.split('\n')).toEqual(NAMES.map((name) => `refs/tags/${name}/v1`));
});

test('the same with operators killed, drafts, branches and the Secret deleted in the middle; only what a person rejects waits for other inputs', async () => {
  const fleet = await ChaoticFleet.open(plane);
  try {
    const first = await fleet.operator('first');
    await fleet.begin();
    await fleet.untilDraftsWait([...REJECTED, ...BROKEN]);
    expect(await fleet.deleteDraftBranches((pkg) => BROKEN.includes(pkg))).toEqual(BROKEN);
    first.kill('SIGKILL');
    await first.exited;
    expect(await fleet.deleteDraftObjects((pkg) => REJECTED.includes(pkg))).toEqual(REJECTED);
    const others = (pkg: string) => !REJECTED.includes(pkg) && !BROKEN.includes(pkg);
    await fleet.deleteDraftBranches(others, 5);
    await fleet.deleteSecret();

    const second = await fleet.operator('second');
    await fleet.untilSecretIsMissed();
    await fleet.makeSecret();
    await fleet.untilPublished(NAMES.length / 2);
    second.kill('SIGKILL');
    await second.exited;
    await fleet.deleteDraftBranches(others, 5);

    await fleet.operator('third');
    await fleet.untilPublished(NAMES.length - REJECTED.length);
    await fleet.untilRejected(REJECTED);
    await fleet.change(REJECTED);
    await fleet.untilSettled();
    expect(await fleet.revisionNames()).toEqual(wanted.names);
    expect(await fleet.gitState()).toEqual(wanted.git);
  } finally {
    await fleet.close();
  }
}, 300_000);
