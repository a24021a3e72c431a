import { describe, expect, test } from '@jest/globals';
import type { PackageVariant } from '../../../../src/api/kinds.ts';
import { SET_NAME_LABEL } from '../../../../src/api/labels.ts';
import {
  belongsTo,
  claimPatch,
  ownedMetadata,
  patchBetween,
} from '../../../../src/controllers/package-variant-set/ownership.ts';
import { planSet, type Variants } from '../../../../src/controllers/package-variant-set/plan.ts';
import { mergePatch } from '../../../../src/kube/adapters/embedded/merge-patch.ts';
import { variantOf } from '../support.ts';
import { render, setOf } from './support.ts';

const SET = setOf([]);
const upstream = { repo: 'blueprints', package: 'foo', revision: 1 };
const LABEL = 'config.porch.kpt.dev/packagevariantset';

const desiredOf = (...places: readonly (readonly [string, string])[]) =>
  render(setOf(places.map(([name, pkg]) => ({ repositories: [{ name, packageNames: [pkg] }] })))).desired;

/** A variant of the set, as the set made it. */
function existing(repo: string, pkg: string, metadata: Partial<PackageVariant['metadata']> = {}): PackageVariant {
  const name = `my-pvs-${repo}-${pkg}`;
  const owned = { ...ownedMetadata(SET, name), uid: `uid-${name}`, ...metadata };
  return variantOf({ upstream, downstream: { repo, package: pkg } }, owned);
}

/** As Porch made it: it knows of its set's UID, not of our label. */
const byPorch = (repo: string, pkg: string, name = `my-pvs-${repo}-${pkg}`): PackageVariant =>
  existing(repo, pkg, { name, labels: { [LABEL]: 'set-uid', 'team.example.com/a': 'b' } });

function variants(...all: readonly PackageVariant[]): Variants {
  return { candidates: all, byName: (name) => all.find(({ metadata }) => metadata.name === name) };
}

const namesBy = (plan: ReturnType<typeof planSet>, change: string) =>
  plan.variants.filter((variant) => variant.change === change).map(({ name }) => name);

describe('planSet', () => {
  test('16.168: what is gone is removed, what is new is made, what stays keeps its name', () => {
    const pkg = `supersupersuperl${'o'.repeat(50)}ngpkgname`;
    const desired = desiredOf(['dnrepo2', 'dnpkg2'], ['dnrepo3', 'dnpkg3'], ['dnrepo4', pkg]);
    const plan = planSet(SET, desired, variants(existing('dnrepo1', 'dnpkg1'), existing('dnrepo2', 'dnpkg2')));
    expect(plan.remove.map(({ metadata }) => metadata.name)).toEqual(['my-pvs-dnrepo1-dnpkg1']);
    expect(namesBy(plan, 'none')).toEqual(['my-pvs-dnrepo2-dnpkg2']);
    expect(namesBy(plan, 'create')).toEqual([
      'my-pvs-dnrepo3-dnpkg3',
      'my-pvs-dnrepo4-supersupersuperlooooooooooooooooooooooo-bec36506',
    ]);
  });

  test('16.171, 16.175: a spec that was edited is put right, labels of others are kept, what is equal is not written', () => {
    const edited = existing('r1', 'p');
    const labelled = existing('r2', 'p');
    const plan = planSet(
      SET,
      desiredOf(['r1', 'p'], ['r2', 'p']),
      variants(
        { ...edited, spec: { ...edited.spec, labels: { by: 'hand' } } },
        { ...labelled, metadata: { ...labelled.metadata, labels: { ...labelled.metadata.labels, by: 'hand' } } },
      ),
    );
    expect(namesBy(plan, 'update')).toEqual(['my-pvs-r1-p']);
    expect(namesBy(plan, 'none')).toEqual(['my-pvs-r2-p']);
  });

  test('V-02: children that Porch made are changed in place, whatever they are called', () => {
    const plan = planSet(
      SET,
      desiredOf(['r1', 'p'], ['r2', 'p'], ['r3', 'p']),
      variants(byPorch('r1', 'p'), byPorch('r2', 'p', 'some-old-name'), {
        ...byPorch('r3', 'p'),
        spec: { upstream: { ...upstream, revision: 2 }, downstream: { repo: 'r3', package: 'p' } },
      }),
    );
    expect(plan.remove).toEqual([]);
    expect(namesBy(plan, 'create')).toEqual([]);
    expect(namesBy(plan, 'claim')).toEqual(['my-pvs-r1-p', 'some-old-name']);
    expect(namesBy(plan, 'update')).toEqual(['my-pvs-r3-p']);
  });

  test('16.178: downstreams that read alike are two variants, and each keeps its name when the other goes', () => {
    const both = planSet(SET, desiredOf(['a', 'b-c'], ['a-b', 'c']), variants());
    const [one, two] = both.variants;
    expect(one?.name).toBe('my-pvs-a-b-c');
    expect(two?.name).not.toBe(one?.name);
    const made = both.variants.map(({ name, spec }) => variantOf(spec, ownedMetadata(SET, name)));
    const plan = planSet(SET, desiredOf(['a-b', 'c']), variants(...made));
    expect(namesBy(plan, 'none')).toEqual([two?.name]);
    expect(plan.remove.map(({ metadata }) => metadata.name)).toEqual([one?.name]);
  });

  test('16.178: a name that a variant of another set has is not taken', () => {
    const other = setOf([], {}, { name: 'my', uid: 'other-uid' });
    const name = 'my-pvs-a-b';
    const theirs = variantOf({ upstream, downstream: { repo: 'pvs-a', package: 'b' } }, ownedMetadata(other, name));
    const plan = planSet(SET, desiredOf(['a', 'b']), { candidates: [], byName: () => theirs });
    expect(plan.faults).toEqual([]);
    expect(plan.variants.map((variant) => variant.name)).toEqual([expect.stringMatching(/^my-pvs-a-b-[0-9a-f]{8}$/)]);
  });

  test('16.180: of two targets with one downstream the first has it, and the second is reported', () => {
    const set = setOf([{ repositories: [{ name: 'r1' }] }, { repositories: [{ name: 'r1' }, { name: 'r2' }] }]);
    const plan = planSet(set, render(set).desired, variants());
    expect(plan.variants.map(({ spec }) => spec.downstream.repo)).toEqual(['r1', 'r2']);
    expect(plan.faults).toEqual([
      {
        target: 'spec.targets[1].repositories[0]',
        place: { repo: 'r1', package: 'foo' },
        reason: 'DuplicateTarget',
        message: 'r1/foo is the downstream of spec.targets[0].repositories[0] already',
        passes: false,
      },
    ]);
  });

  test('a variant that somebody made by hand is not taken over', () => {
    const theirs = variantOf({ upstream, downstream: { repo: 'r1', package: 'p' } }, { name: 'my-pvs-r1-p' });
    const plan = planSet(SET, desiredOf(['r1', 'p']), { candidates: [], byName: () => theirs });
    expect(plan.variants).toEqual([]);
    expect(plan.faults).toMatchObject([{ reason: 'VariantExists' }]);
  });

  test('a variant that is being deleted is neither deleted again nor changed; it is made anew when it has gone', () => {
    const going = existing('r1', 'p', { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(planSet(SET, [], variants(going)).remove).toEqual([]);
    expect(namesBy(planSet(SET, desiredOf(['r1', 'p']), variants(going)), 'wait')).toEqual(['my-pvs-r1-p']);
  });

  test('of two variants with one downstream, which a restore can leave, the first made stays and none is deleted', () => {
    const old = existing('r1', 'p', { name: 'old', creationTimestamp: '2025-01-01T00:00:00Z' });
    const young = existing('r1', 'p', { name: 'young', creationTimestamp: '2026-01-01T00:00:00Z' });
    const plan = planSet(SET, desiredOf(['r1', 'p']), variants(young, old));
    expect(namesBy(plan, 'none')).toEqual(['old']);
    expect(plan.remove).toEqual([]);
  });
});

describe('W-35: whose a variant is survives backup and restore', () => {
  const restored = setOf([], {}, { uid: 'new-uid' });
  const variant = existing('r1', 'p');
  const { ownerReferences: _owner, ...unowned } = variant.metadata;

  test.each([
    ['by owner reference, whose UID is of before', { ...variant, metadata: { ...variant.metadata, labels: {} } }, true],
    ['by the label of the set’s name', { ...variant, metadata: unowned }, true],
    [
      'not when something else controls it',
      {
        ...variant,
        metadata: {
          ...variant.metadata,
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'my-pvs', uid: 'x', controller: true }],
        },
      },
      false,
    ],
    [
      'not by anything that another set has',
      variantOf({}, ownedMetadata(setOf([], {}, { name: 'b', uid: 'b' }), 'x')),
      false,
    ],
  ])('%s', (_case, candidate, expected) => {
    expect(belongsTo(restored, candidate)).toBe(expected);
  });

  test('a variant of before gets the new UID, keeps its name and its spec', () => {
    const plan = planSet(restored, desiredOf(['r1', 'p']), variants(variant));
    expect(namesBy(plan, 'claim')).toEqual(['my-pvs-r1-p']);
    const patch = claimPatch(restored, variant);
    expect(patch).toMatchObject({
      labels: { [LABEL]: 'new-uid' },
      ownerReferences: [{ kind: 'PackageVariantSet', name: 'my-pvs', uid: 'new-uid', controller: true }],
    });
    const claimed = { ...variant, metadata: { ...variant.metadata, ...patch } };
    expect(claimPatch(restored, claimed)).toBeUndefined();
  });

  test('a variant of Porch that lost its owner is known by its name', () => {
    const stray = { ...variant, metadata: { ...unowned, labels: { [LABEL]: 'a-uid-of-before' } } };
    const plan = planSet(restored, desiredOf(['r1', 'p']), { candidates: [], byName: () => stray });
    expect(namesBy(plan, 'claim')).toEqual(['my-pvs-r1-p']);
  });
});

describe('metadata', () => {
  test('16.170: label with the set’s UID, controller, finalizer', () => {
    expect(ownedMetadata(SET, 'x')).toEqual({
      name: 'x',
      namespace: 'default',
      labels: { [LABEL]: 'set-uid', [SET_NAME_LABEL]: 'my-pvs' },
      finalizers: ['config.porch.kpt.dev/packagevariants'],
      ownerReferences: [
        {
          apiVersion: 'config.porch.kpt.dev/v1alpha2',
          kind: 'PackageVariantSet',
          name: 'my-pvs',
          uid: 'set-uid',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    });
  });

  test('A-10: nothing of the set’s own labels and annotations goes along', () => {
    const tracked = setOf(
      [],
      {},
      { labels: { 'app.kubernetes.io/instance': 'fleet' }, annotations: { 'argocd.argoproj.io/tracking-id': 'fleet' } },
    );
    expect(ownedMetadata(tracked, 'x')).toEqual(ownedMetadata(SET, 'x'));
  });
});

test.each([
  [{ a: 1, b: { c: 1, d: 2 } }, { a: 1, b: { c: 1 } }, { b: { d: null } }],
  [{ a: [1, 2] }, { a: [2] }, { a: [2] }],
  [{}, { a: { b: 'c' } }, { a: { b: 'c' } }],
  [{ a: 'b', c: 'd' }, {}, { a: null, c: null }],
  [{ a: { b: 1 } }, { a: { b: 1 } }, {}],
])('the patch between %j and %j', (before, after, patch) => {
  expect(patchBetween(before, after)).toEqual(patch);
  expect(mergePatch(before, patch)).toEqual(after);
});
