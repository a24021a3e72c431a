import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../../src/api/object.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { type Company, freshName, makeCompany, refusal, revision, variant, variantSet } from './support.ts';

const POLICY = 'approval.nephio.org/policy';
const DELAY = 'approval.nephio.org/delay';
const NEEDS_RIGHT = 'takes the right to update packagerevisions/approval';

/** Who may have revisions approved without a person. */
export function approvalPolicies(cluster: () => ControlPlane): void {
  let company: Company;

  beforeAll(async () => {
    company = await makeCompany(cluster());
  }, 120_000);

  afterAll(async () => {
    await company?.close();
  });

  type Make = (name: string, options: object) => KubeObject;

  const ASKING: readonly [string, Make, object][] = [
    ['a variant: approval Initial', variant, { approval: { policy: 'Initial' } }],
    ['a variant: approval Always', variant, { approval: { policy: 'Always' } }],
    ['a variant: approval WhenReady', variant, { approval: { policy: 'WhenReady', delay: '10m' } }],
    ['a variant: annotation initial', variant, { annotations: { [POLICY]: 'initial' } }],
    ['a variant: annotation always', variant, { annotations: { [POLICY]: 'always' } }],
    [
      'a variant: the annotation beside Manual',
      variant,
      { approval: { policy: 'Manual' }, annotations: { [POLICY]: 'always' } },
    ],
    [
      'a variant: the annotation beside a delay',
      variant,
      { approval: { delay: '1m' }, annotations: { [POLICY]: 'always' } },
    ],
    ['a set: approval in its template', variantSet, { approval: { policy: 'Always' } }],
    ['a set: annotation in its template', variantSet, { annotations: { [POLICY]: 'always' } }],
    ['a set: an expression for the value', variantSet, { annotationExprs: [{ key: POLICY, valueExpr: "'always'" }] }],
    [
      'a set: an expression for the key',
      variantSet,
      { annotationExprs: [{ keyExpr: "'approval.nephio.org' + '/policy'", value: 'always' }] },
    ],
  ];

  const NOT_ASKING: readonly [string, Make, object][] = [
    ['a variant without a policy', variant, {}],
    ['a variant: approval Manual', variant, { approval: { policy: 'Manual', delay: '10m' } }],
    ['a variant: an empty annotation', variant, { annotations: { [POLICY]: '' } }],
    ['a variant: other annotations', variant, { annotations: { [DELAY]: '10m', team: 'a' } }],
    ['a set without a policy', variantSet, {}],
    ['a set: approval Manual', variantSet, { approval: { policy: 'Manual' } }],
    ['a set: other annotations by expression', variantSet, { annotationExprs: [{ key: 'team', valueExpr: "'a'" }] }],
  ];

  describe('who may not approve may not have it done by', () => {
    test.each(ASKING)('%s', async (_what, make, options) => {
      const name = freshName();
      for (const way of ['create', 'serverSideApply'] as const) {
        const { reason, message } = await refusal(company.alice[way](make(name, options)));
        expect(reason).toBe('Forbidden');
        expect(message).toContain(NEEDS_RIGHT);
      }
    });

    test.each(ASKING)('%s, on an object that is there already', async (_what, make, options) => {
      const name = freshName();
      await company.alice.create(make(name, {}));
      expect((await refusal(company.alice.serverSideApply(make(name, options)))).message).toContain(NEEDS_RIGHT);
      await expect(company.bob.serverSideApply(make(name, options))).resolves.toBeDefined();
    });
  });

  test.each(NOT_ASKING)('who may edit may create %s', async (_what, make, options) => {
    await expect(company.alice.create(make(freshName(), options))).resolves.toBeDefined();
  });

  test.each(ASKING)('who may approve may create %s', async (_what, make, options) => {
    await expect(company.bob.create(make(freshName(), options))).resolves.toBeDefined();
  });

  describe('on a variant that publishes by itself', () => {
    const make = async (options: object) => await company.bob.create(variant(freshName(), options));

    test.each([
      ['a field', { approval: { policy: 'Initial', delay: '10m' } }],
      ['annotations', { annotations: { [POLICY]: 'initial', [DELAY]: '10m' } }],
    ])('by %s, who may only edit changes the rest, and turns it off', async (_way, options) => {
      const { kind, metadata } = await make(options);
      const change = (spec: object) => company.alice.merge(kind, metadata.name, { spec });
      await expect(change({ labels: { team: 'a' } })).resolves.toBeDefined();
      await expect(change({ approval: null, annotations: null })).resolves.toBeDefined();
    });

    test.each([
      ['where it publishes to', { approval: { policy: 'Always' } }, { downstream: { package: 'another' } }],
      ['the policy', { approval: { policy: 'Initial' } }, { approval: { policy: 'Always' } }],
      ['the delay', { approval: { policy: 'Initial', delay: '10m' } }, { approval: { delay: null } }],
      ['the gates', { approval: { policy: 'WhenReady', requiredGates: ['a'] } }, { approval: { requiredGates: null } }],
      ['the annotation', { annotations: { [POLICY]: 'initial' } }, { annotations: { [POLICY]: 'always' } }],
      ['its delay', { annotations: { [POLICY]: 'initial', [DELAY]: '9m' } }, { annotations: { [DELAY]: '0s' } }],
    ])('but not %s', async (_what, options, spec) => {
      const { kind, metadata } = await make(options);
      expect((await refusal(company.alice.merge(kind, metadata.name, { spec }))).message).toContain(NEEDS_RIGHT);
    });
  });

  test('on a set that publishes by itself, who may only edit changes the upstream, but adds no target', async () => {
    const { kind, metadata } = await company.bob.create(variantSet(freshName(), { approval: { policy: 'Always' } }));
    const change = (spec: object) => company.alice.merge(kind, metadata.name, { spec });
    await expect(change({ upstream: { revision: 2 } })).resolves.toBeDefined();
    const targets = [{ repositories: [{ name: 'live' }], template: { approval: { policy: 'Always' } } }];
    expect((await refusal(change({ targets }))).message).toContain(NEEDS_RIGHT);
  });

  test('a set makes its variants through the operator, which may approve', async () => {
    const made = company.operator.create(variant(freshName(), { approval: { policy: 'Always' } }));
    await expect(made).resolves.toBeDefined();
  });

  describe('the annotation on a revision itself', () => {
    const annotated = { metadata: { annotations: { [POLICY]: 'always' } } };

    test('cannot be set by who may not approve', async () => {
      const { metadata, ...rest } = revision(freshName());
      const object = { ...rest, metadata: { ...metadata, ...annotated.metadata } };
      expect((await refusal(company.alice.create(object))).message).toContain(NEEDS_RIGHT);
      await company.alice.create({ ...rest, metadata });
      const attempt = company.alice.merge('PackageRevision', metadata.name, annotated);
      expect((await refusal(attempt)).message).toContain(NEEDS_RIGHT);
      await expect(company.bob.merge('PackageRevision', metadata.name, annotated)).resolves.toMatchObject(annotated);
    });

    test('is no hindrance to other changes once it is there', async () => {
      const { metadata } = await company.operator.create(revision(freshName()));
      await company.operator.merge('PackageRevision', metadata.name, annotated);
      const proposal = { spec: { lifecycle: 'Proposed' } };
      await expect(company.alice.merge('PackageRevision', metadata.name, proposal)).resolves.toMatchObject(proposal);
    });
  });
}
