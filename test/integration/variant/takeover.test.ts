import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findCondition } from '../../../src/kube/conditions.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { LocalFleet, type RunningFleet } from '../fleet/local-fleet.ts';
import { BLUEPRINT, porchRevisions, porchVariants, UPSTREAM_TAG, writePorchPackages } from './porch-fleet.ts';

/** VERANDA_TAKEOVER_SIZE takes over a larger fleet, to see how long it takes. */
const SIZE = Number(process.env.VERANDA_TAKEOVER_SIZE ?? '200');
const NAMES = Array.from({ length: SIZE }, (_, index) => `shop-${String(index).padStart(4, '0')}`);
const CHANGED = NAMES.filter((_, index) => index % 20 === 7);

describe(`${SIZE} settled variants that Porch made`, () => {
  let folder: string;
  let place: LocalFleet;
  let deployments: BareRepository;
  let fleet: RunningFleet;
  let before: Map<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veranda-takeover-'));
    place = new LocalFleet(folder);
    const blueprints = await place.empty('blueprints');
    const commit = await blueprints.commit('main', BLUEPRINT);
    await blueprints.git('tag', UPSTREAM_TAG, commit);
    deployments = await place.empty('deployments');
    await writePorchPackages(deployments, NAMES, { repo: blueprints.path, commit });
    await place.register([{ name: 'blueprints' }, { name: 'deployments', deployment: true }]);
    await place.write('revisions', porchRevisions(NAMES));
    await place.write('variants', porchVariants(NAMES));
    before = await deployments.refs();
    fleet = place.open();
    const started = performance.now();
    await fleet.settle(AbortSignal.timeout(280_000));
    if (SIZE !== 200) console.log(`taken over in ${Math.round(performance.now() - started)} ms`);
  }, 300_000);

  afterAll(async () => {
    await fleet?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test('are Ready, and nothing was written to git', async () => {
    const variants = await fleet.variants();
    const notReady = variants.filter(({ status }) => findCondition(status?.conditions, 'Ready')?.status !== 'True');
    expect(notReady.map(({ metadata, status }) => [metadata.name, status?.conditions])).toEqual([]);
    expect(new Set(variants.map(({ status }) => status?.phase))).toEqual(new Set(['Published']));
    expect(await deployments.refs()).toEqual(before);
    expect((await fleet.revisions()).filter(({ status }) => status?.observedLifecycle === 'Draft')).toEqual([]);
  });

  test('with one change of the template only what differs is written', async () => {
    const regions = Object.fromEntries(CHANGED.map((name) => [name, 'south']));
    for (const variant of porchVariants(NAMES, regions)) await fleet.operator.apply(variant);
    await fleet.operator.settle(AbortSignal.timeout(280_000));
    const after = await deployments.refs();
    const added = [...after.keys()].filter((ref) => !before.has(ref));
    expect(added.map((ref) => ref.split('/')[3]).sort()).toEqual(CHANGED);
    for (const [ref, commit] of before) expect(after.get(ref)).toBe(commit);
    const [first = ''] = added;
    expect(await deployments.git('diff', '--stat', 'refs/heads/main', first)).toContain('2 files changed');
  }, 300_000);
});
