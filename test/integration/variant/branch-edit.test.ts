import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PackageRevision } from '../../../src/api/kinds.ts';
import { REPLACE_BRANCH_CONTENT_ANNOTATION } from '../../../src/api/labels.ts';
import { condition } from '../operator/support.ts';
import { VariantBench } from './support.ts';

const HOTFIX = 'colour: red # at three in the morning\n';

describe('what somebody changed by hand on the branch that clusters deploy from', () => {
  let place: VariantBench;

  beforeEach(async () => {
    place = await VariantBench.open({ 'notes.txt': 'colour: blue\n' });
  });
  afterEach(() => place.close());

  /** The package `shop` on the branch with other notes, and without a tag. */
  async function pushHotfix(notes = HOTFIX): Promise<void> {
    const kptfile = await place.deployments.git('show', 'main:shop/Kptfile');
    await place.deployments.commit('main', { 'shop/Kptfile': `${kptfile}\n`, 'shop/notes.txt': notes });
  }

  async function giveUp(name: string, tree: string): Promise<void> {
    const { apiVersion, kind, spec } = place.bench.get(name);
    await place.bench.apply(
      apiVersion,
      kind,
      name,
      { ...spec },
      { annotations: { [REPLACE_BRANCH_CONTENT_ANNOTATION]: tree } },
    );
    await place.bench.settle();
  }

  const onBranch = () => place.deployments.git('show', 'main:shop/notes.txt');
  const draft = async () => (await place.revisions('shop')).find(({ status }) => !status?.revision) as PackageRevision;
  const diverged = async (number: number) =>
    condition((await place.revisions('shop'))[number - 1] as PackageRevision, 'BranchDiverged');

  test('is told at the latest revision for as long as it differs from all of them', async () => {
    await place.variant('shop', { approval: { policy: 'Always' } });
    expect(await diverged(1)).toBeUndefined();

    await pushHotfix();
    await place.look();
    expect(await diverged(1)).toMatchObject({ status: 'True', reason: 'BranchDiverged' });
    expect((await diverged(1))?.message).toContain('git diff shop/v1 main -- shop');
    expect(condition((await place.revisions('shop'))[0] as PackageRevision, 'Ready')?.status).toBe('True');

    await place.deployments.git('update-ref', 'refs/heads/main', 'shop/v1');
    await place.look();
    expect(await diverged(1)).toBeUndefined();
  });

  test('is not published over by a policy, also when the operator learns of it only as it publishes', async () => {
    await place.variant('shop', { approval: { policy: 'Always' } });
    await pushHotfix();
    await place.release({ 'notes.txt': 'colour: green\n' });
    // Nobody tells the operator that the other remote has changed as well.
    await place.bench.register('blueprints', place.blueprints.path, { description: 'look' });
    await place.bench.settle();

    expect(await onBranch()).toBe(HOTFIX.trim());
    expect((await place.revisions('shop')).map(({ status }) => status?.revision)).toEqual([1, 0]);
    const ready = condition(await draft(), 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'BranchDiverged' });
    const tree = await place.deployments.git('rev-parse', 'main:shop');
    expect(ready?.message).toContain(tree);
    expect(condition(place.get('shop'), 'Ready')).toMatchObject({ status: 'False' });
    expect(condition(place.get('shop'), 'Ready')?.message).toContain('has content of the package that no revision has');
  });

  test('is published over once an annotation names it, and not another one', async () => {
    await place.variant('shop', { approval: { policy: 'Always' } });
    await pushHotfix();
    await place.look();
    await place.release({ 'notes.txt': 'colour: green\n' });
    await place.look();
    const seen = await place.deployments.git('rev-parse', 'main:shop');
    await pushHotfix('colour: pink\n');
    const { name } = (await draft()).metadata;
    await giveUp(name, seen);
    expect(await onBranch()).toBe('colour: pink');

    await giveUp(name, await place.deployments.git('rev-parse', 'main:shop'));
    expect(await onBranch()).toBe('colour: green');
    expect((await place.revisions('shop')).map(({ status }) => status?.revision)).toEqual([1, 2]);
    expect(await diverged(2)).toBeUndefined();
    expect(place.reasons()).toContain('BranchReplaced');
    expect(condition(place.get('shop'), 'Ready')).toMatchObject({ status: 'True', reason: 'UpToDate' });
  });

  test('stays held when the policy that asked for its publication is taken back', async () => {
    await place.variant('shop', { approval: { policy: 'Always' } });
    await pushHotfix();
    await place.look();
    await place.release({ 'notes.txt': 'colour: green\n' });
    await place.look();
    expect(await onBranch()).toBe(HOTFIX.trim());
    await place.variant('shop', { approval: { policy: 'Manual' } });
    await place.look();
    expect(await onBranch()).toBe(HOTFIX.trim());
    await giveUp((await draft()).metadata.name, await place.deployments.git('rev-parse', 'main:shop'));
    expect(await onBranch()).toBe('colour: green');
  });

  test('goes with what a person approves, and that is told', async () => {
    await place.variant('shop', {});
    await place.publish((await place.only('shop')).metadata.name);
    await place.release({ 'notes.txt': 'colour: green\n' });
    await place.look();
    await pushHotfix();
    await place.publish((await draft()).metadata.name);
    expect(await onBranch()).toBe('colour: green');
    expect(place.reasons()).toContain('BranchReplaced');
  });

  test('is nothing that could be lost when a revision or the draft itself has the same', async () => {
    await place.variant('shop', { approval: { policy: 'Always' } });
    await place.release({ 'notes.txt': 'colour: green\n' });
    await place.look();
    // Back to the first revision.
    await place.deployments.git('update-ref', 'refs/heads/main', 'shop/v1');
    await place.look();
    expect(await diverged(2)).toBeUndefined();
    await place.release({ 'notes.txt': 'colour: yellow\n' });
    await place.look();
    expect((await place.revisions('shop')).map(({ status }) => status?.revision)).toEqual([1, 2, 3]);
    expect(place.reasons()).not.toContain('BranchReplaced');
  });
});
