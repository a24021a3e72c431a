import { describe, expect, test } from '@jest/globals';
import { PACKAGE_VARIANT_SET, type PackageVariant, type PackageVariantSet } from '../../../src/api/kinds.ts';
import { planSet } from '../../../src/controllers/package-variant-set/plan.ts';
import {
  distinctVariantName,
  expandTargets,
  variantName,
} from '../../../src/controllers/package-variant-set/targets.ts';
import { variantOf } from './support.ts';

type Targets = PackageVariantSet['spec']['targets'];

function setOf(targets: Targets): PackageVariantSet {
  return {
    apiVersion: PACKAGE_VARIANT_SET.apiVersion,
    kind: PACKAGE_VARIANT_SET.kind,
    metadata: { name: 'my-pvs', namespace: 'default', uid: 'set-uid' },
    spec: { upstream: { repo: 'blueprints', package: 'foo', revision: 1 }, targets },
  };
}

const placesOf = (targets: Targets): string[] =>
  expandTargets(setOf(targets)).desired.map(({ spec }) => `${spec.downstream.repo}/${spec.downstream.package}`);

describe('variantName', () => {
  const LONG = `supersupersuperl${'o'.repeat(50)}ngpkgname`;

  test.each([
    ['16.168: short ones are what they stand for', 'my-pvs', 'dnrepo1', 'dnpkg1', 'my-pvs-dnrepo1-dnpkg1'],
    [
      '16.168: the first vector',
      'my-pvs',
      'dnrepo4',
      LONG,
      'my-pvs-dnrepo4-supersupersuperlooooooooooooooooooooooo-bec36506',
    ],
    [
      '16.168: the second vector',
      'edge-baseline',
      'cluster-eu-central-1-prod-0042',
      'platform-observability-stack',
      'edge-baseline-cluster-eu-central-1-prod-0042-platform--975d07f5',
    ],
  ])('%s', (_case, set, repo, pkg, name) => {
    expect(variantName(set, { repo, package: pkg })).toBe(name);
  });

  test.each(['team/app', 'team/app.v2', 'Team', 'a_b', `${'long/'.repeat(30)}er`])(
    '16.179: %s gives a DNS label, always the same',
    (pkg) => {
      const name = variantName('my-pvs', { repo: 'r', package: pkg });
      expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
      expect(name.length).toBeLessThanOrEqual(63);
      expect(variantName('my-pvs', { repo: 'r', package: pkg })).toBe(name);
    },
  );

  test('16.178: two downstreams that read alike get two names', () => {
    const [one, two] = [
      { repo: 'a', package: 'b-c' },
      { repo: 'a-b', package: 'c' },
    ];
    expect(variantName('s', one)).toBe(variantName('s', two));
    expect(distinctVariantName('s', two)).not.toBe(variantName('s', one));
    expect(distinctVariantName('s', one)).not.toBe(distinctVariantName('s', two));
  });
});

describe('expandTargets', () => {
  test('16.167: one variant for each repository and package name, by default the upstream’s', () => {
    expect(placesOf([{ repositories: [{ name: 'r1', packageNames: ['p1', 'p2', 'p3'] }, { name: 'r2' }] }])).toEqual([
      'r1/p1',
      'r1/p2',
      'r1/p3',
      'r2/foo',
    ]);
  });

  test('16.151: without a template a variant has only upstream and downstream', () => {
    expect(expandTargets(setOf([{ repositories: [{ name: 'r1' }] }])).desired).toEqual([
      {
        target: 'spec.targets[0].repositories[0]',
        spec: {
          upstream: { repo: 'blueprints', package: 'foo', revision: 1 },
          downstream: { repo: 'r1', package: 'foo' },
        },
      },
    ]);
  });

  test('16.152 to 16.154: what a template says is in every variant of its target', () => {
    const template = {
      downstream: { package: 'bar' },
      adoptionPolicy: 'adoptExisting',
      deletionPolicy: 'orphan',
      labels: { a: '1' },
      annotations: { 'approval.nephio.org/policy': 'initial' },
      packageContext: { data: { k: 'v' }, removeKeys: ['z', 'a', 'z'] },
      pipeline: { mutators: [{ name: 'ns', image: 'set-namespace:v0.4.1', configMap: { namespace: 'x' } }] },
      injectors: [{ kind: 'Cluster', name: 'edge' }],
    } as const;
    const { desired, faults } = expandTargets(setOf([{ repositories: [{ name: 'r1' }, { name: 'r2' }], template }]));
    expect(faults).toEqual([]);
    const { downstream: _downstream, ...rest } = template;
    for (const [index, { spec }] of desired.entries()) {
      expect(spec).toEqual({
        ...rest,
        upstream: { repo: 'blueprints', package: 'foo', revision: 1 },
        downstream: { repo: `r${index + 1}`, package: 'bar' },
        packageContext: { data: { k: 'v' }, removeKeys: ['a', 'z'] },
      });
    }
  });

  test('16.180: two targets with one downstream are reported, and the first has it', () => {
    const { desired, faults } = expandTargets(
      setOf([{ repositories: [{ name: 'r1' }] }, { repositories: [{ name: 'r1' }, { name: 'r2' }] }]),
    );
    expect(desired.map(({ spec }) => spec.downstream.repo)).toEqual(['r1', 'r2']);
    expect(faults).toEqual([
      {
        target: 'spec.targets[1].repositories[0]',
        reason: 'DuplicateTarget',
        message: 'r1/foo is the downstream of spec.targets[0].repositories[0] already',
      },
    ]);
  });

  test('what cannot be expanded is named by its field and does not stop the others', () => {
    const { desired, faults } = expandTargets(
      setOf([
        { repositorySelector: { matchLabels: { a: 'b' } } },
        { repositories: [{ name: 'r1' }], template: { injectors: [{ nameExpr: 'repository.name' }] } },
        { repositories: [{ name: 'r2' }] },
      ]),
    );
    expect(desired.map(({ spec }) => spec.downstream.repo)).toEqual(['r2']);
    expect(faults.map(({ target, reason }) => [target, reason])).toEqual([
      ['spec.targets[0].repositorySelector', 'NotImplemented'],
      ['spec.targets[1].template.injectors[0].nameExpr', 'NotImplemented'],
    ]);
  });
});

describe('planSet', () => {
  const desiredOf = (...places: readonly (readonly [string, string])[]) =>
    expandTargets(setOf(places.map(([name, pkg]) => ({ repositories: [{ name, packageNames: [pkg] }] })))).desired;
  const existing = (repo: string, pkg: string, metadata: Partial<PackageVariant['metadata']> = {}): PackageVariant =>
    variantOf(
      { upstream: { repo: 'blueprints', package: 'foo', revision: 1 }, downstream: { repo, package: pkg } },
      { name: `my-pvs-${repo}-${pkg}`, ...metadata },
    );

  test('16.168: what is gone is removed, what is new is made, what stays is kept', () => {
    const plan = planSet('my-pvs', desiredOf(['dnrepo2', 'dnpkg2'], ['dnrepo3', 'dnpkg3']), [
      existing('dnrepo1', 'dnpkg1'),
      existing('dnrepo2', 'dnpkg2'),
    ]);
    expect(plan.remove.map(({ metadata }) => metadata.name)).toEqual(['my-pvs-dnrepo1-dnpkg1']);
    expect(plan.keep.map(({ name }) => name)).toEqual(['my-pvs-dnrepo2-dnpkg2']);
    expect(plan.apply.map(({ name }) => name)).toEqual(['my-pvs-dnrepo3-dnpkg3']);
  });

  test('16.171, 16.175: only a variant that says something else is written', () => {
    const edited = existing('r1', 'p');
    const plan = planSet('my-pvs', desiredOf(['r1', 'p'], ['r2', 'p']), [
      { ...edited, spec: { ...edited.spec, labels: { by: 'hand' } } },
      existing('r2', 'p', { labels: { extra: 'label' } }),
    ]);
    expect(plan.apply.map(({ name }) => name)).toEqual(['my-pvs-r1-p']);
    expect(plan.apply[0]?.spec).not.toHaveProperty('labels');
    expect(plan.keep.map(({ name }) => name)).toEqual(['my-pvs-r2-p']);
  });

  test('16.178: downstreams that read alike are two variants, and each keeps its name when the other goes', () => {
    const both = planSet('s', desiredOf(['a', 'b-c'], ['a-b', 'c']), []);
    const names = both.apply.map(({ name }) => name);
    expect(new Set(names).size).toBe(2);
    const variants = both.apply.map(({ name, spec }) => variantOf(spec, { name }));
    expect(planSet('s', desiredOf(['a-b', 'c']), variants)).toMatchObject({
      apply: [],
      keep: [{ name: names[1] }],
      remove: [{ metadata: { name: names[0] } }],
    });
  });

  test('a variant that is being deleted already is not deleted again', () => {
    expect(planSet('my-pvs', [], [existing('r1', 'p', { deletionTimestamp: '2026-01-01T00:00:00Z' })]).remove).toEqual(
      [],
    );
  });
});
