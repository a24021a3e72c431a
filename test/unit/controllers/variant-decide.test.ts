import { describe, expect, test } from '@jest/globals';
import type { PackageRevision, PackageVariant } from '../../../src/api/kinds.ts';
import { INPUT_HASH_ANNOTATION, VARIANT_ANNOTATION } from '../../../src/api/labels.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { decideVariant } from '../../../src/controllers/package-variant/decide.ts';
import { variantInputHash } from '../../../src/controllers/package-variant/inputs.ts';
import { controlledBy, listersOf, type RevisionChoices, repositoryOf, revisionOf, variantOf } from './support.ts';

const NOTHING = { byName: () => [] };
const UPSTREAM = revisionOf();
const OURS = controlledBy('my-pv');
const ADOPT = { adoptionPolicy: 'adoptExisting' } as const;

const DIFFERS = {
  type: 'InputsMatch',
  status: 'False',
  reason: 'InputsDiffer',
  message: 'differs',
  lastTransitionTime: '2026-01-01T00:00:00Z',
} as const;

/** @param hash of the inputs that it was compared with last */
function comparedWith(revision: PackageRevision, wanted: string, hash = wanted): PackageRevision {
  const { metadata, status } = revision;
  const annotations = { ...metadata.annotations, [INPUT_HASH_ANNOTATION]: wanted };
  const conditions = [...(status?.conditions ?? []), { ...DIFFERS, observedGeneration: 1 }];
  return { ...revision, metadata: { ...metadata, annotations }, status: { ...status, inputHash: hash, conditions } };
}

const downstream = (choices: RevisionChoices): PackageRevision =>
  revisionOf({ repository: 'deployments', package: 'bar', workspace: 'ws', ...choices });
const draft = (choices: RevisionChoices = {}): PackageRevision =>
  downstream({ lifecycle: 'Draft', revision: 0, ...choices });

function decide(
  variant: PackageVariant,
  revisions: readonly PackageRevision[],
  variants: readonly PackageVariant[] = [],
) {
  return decideVariant(
    variant,
    listersOf({ revisions: [UPSTREAM, ...revisions], variants: [variant, ...variants] }),
    NOTHING,
  );
}

const planOf = (...args: Parameters<typeof decide>) => decide(...args).plan;
const wantedBy = (variant: PackageVariant): string => variantInputHash(variant, UPSTREAM, NOTHING);

describe('decideVariant', () => {
  test('16.57: without a downstream package it is cloned from the revision that was found', () => {
    const { plan, upstream, inputHash } = decide(variantOf(), []);
    expect(plan).toEqual({ action: 'clone', workspace: expect.stringMatching(/^packagevariant-[0-9a-f]{10}$/) });
    expect(upstream?.metadata.name).toBe('blueprints.foo.v1');
    expect(inputHash).toBe(wantedBy(variantOf()));
  });

  test('looking twice with the same caches gives the same workspace', () => {
    expect(planOf(variantOf(), [])).toEqual(planOf(variantOf(), []));
  });

  test.each<[string, Partial<PackageVariant['spec']>, string]>([
    ['16.18: a reserved key', { packageContext: { data: { name: 'x' } } }, 'spec.packageContext.data.name'],
    [
      '16.18: a policy that is none',
      { annotations: { 'approval.nephio.org/policy': 'sometimes' } },
      'approval.nephio.org/policy',
    ],
    [
      '16.18: a delay that is none',
      { annotations: { 'approval.nephio.org/delay': 'soon' } },
      'approval.nephio.org/delay',
    ],
    ['16.24: the upstream package itself', { downstream: { repo: 'blueprints', package: 'foo' } }, 'spec.downstream'],
  ])('%s is blocked until the spec changes, with the field', (_case, spec, field) => {
    const plan = planOf(variantOf(spec), [draft({ metadata: OURS })]);
    expect(plan).toMatchObject({ action: 'blocked', reason: 'ValidationError', retry: false });
    expect(plan.action === 'blocked' && plan.message).toContain(field);
  });

  test.each(['web c', 'Web', 'apps/-shop', 'x'.repeat(64)])(
    'a package named %j, which no revision can be named after, is told with the field of the variant',
    (name) => {
      const plan = planOf(variantOf({ downstream: { repo: 'deployments', package: name } }), []);
      expect(plan).toMatchObject({ action: 'blocked', reason: 'InvalidName', retry: false });
      expect(plan.action === 'blocked' && plan.message).toContain(
        `spec.downstream.package: package name ${JSON.stringify(name)} is not valid`,
      );
    },
  );

  test('a downstream repository that is not ready is waited for, and the upstream is told all the same', () => {
    const repositories = [repositoryOf('blueprints'), repositoryOf('deployments', 'no route')];
    const decision = decideVariant(variantOf(), listersOf({ repositories, revisions: [UPSTREAM] }), NOTHING);
    expect(decision.plan).toMatchObject({ action: 'blocked', reason: 'RepositoryNotReady', retry: true });
    expect(decision.upstream?.metadata.name).toBe('blueprints.foo.v1');
  });

  test('of two variants with one downstream the older has it, and of two of one age the first by name', () => {
    const rival = (name: string, creationTimestamp: string) => variantOf({}, { name, creationTimestamp });
    const mine = variantOf();
    expect(planOf(mine, [], [rival('a-pv', '2025-12-31T00:00:00Z')])).toMatchObject({ reason: 'DownstreamConflict' });
    expect(planOf(mine, [], [rival('a-pv', '2026-01-01T00:00:00Z')])).toMatchObject({ reason: 'DownstreamConflict' });
    expect(planOf(mine, [], [rival('z-pv', '2026-01-01T00:00:00Z')])).toMatchObject({ action: 'clone' });
    expect(planOf(mine, [], [rival('a-pv', '2026-01-02T00:00:00Z')])).toMatchObject({ action: 'clone' });
    const elsewhere = variantOf({ downstream: { repo: 'deployments', package: 'baz' } }, { name: 'a-pv' });
    expect(planOf(mine, [], [elsewhere])).toMatchObject({ action: 'clone' });
  });
});

describe('what is the variant’s own, and what it may adopt', () => {
  const wanted = { inputHash: wantedBy(variantOf()) };

  test('16.46, 16.51: with adoptNone the own draft is taken and the other left alone', () => {
    const own = draft({ workspace: 'own', metadata: OURS, ...wanted });
    expect(planOf(variantOf(), [draft({ workspace: 'a-foreign' }), own])).toMatchObject({
      action: 'none',
      current: { workspace: 'own' },
    });
  });

  test('the highest published revision is built on, also when somebody else made it', () => {
    const revisions = [1, 2, 3].map((revision) =>
      downstream({ workspace: `v${revision}`, revision, ...(revision < 3 ? { metadata: OURS, ...wanted } : {}) }),
    );
    expect(planOf(variantOf(), revisions)).toMatchObject({ action: 'adopt', revision: { revision: 3 } });
    expect(planOf(variantOf(), revisions.slice(0, 2))).toMatchObject({ action: 'none', current: { revision: 2 } });
  });

  test('16.49, 16.52: revisions of another package are none of its', () => {
    const elsewhere = [draft({ package: 'baz', metadata: OURS }), draft({ package: 'baz/bar' })];
    expect(planOf(variantOf(ADOPT), elsewhere)).toMatchObject({ action: 'clone' });
  });

  test('16.50: with adoptExisting a draft that nobody controls is changed in place, before a new one is made', () => {
    const published = downstream({ workspace: 'v1', metadata: OURS, inputHash: 'v1:other.other' });
    const foreign = draft({ workspace: 'by-hand' });
    expect(planOf(variantOf(ADOPT), [published, foreign])).toMatchObject({
      action: 'mutateDraft',
      draft: { workspace: 'by-hand' },
    });
    expect(planOf(variantOf(ADOPT), [foreign])).toMatchObject({
      action: 'mutateDraft',
      draft: { workspace: 'by-hand' },
    });
  });

  test('16.50: what is to be adopted is waited for until it was looked at, and never replaced', () => {
    const made = draft({ workspace: 'by-hand', unseen: true });
    const unseen = { ...made, spec: { ...made.spec, source: { init: { description: 'by hand' } } } };
    expect(planOf(variantOf(ADOPT), [unseen])).toMatchObject({ action: 'wait', reason: 'Discovering' });
    const proposed = draft({ workspace: 'by-hand', lifecycle: 'Proposed' });
    expect(planOf(variantOf(ADOPT), [proposed])).toMatchObject({ action: 'blocked', reason: 'ProposedBlocked' });
  });

  test('V-14: a published revision that was compared and differs is edited, for the inputs that it was compared with', () => {
    const variant = variantOf({ ...ADOPT, packageContext: { data: { region: 'north' } } });
    const adopted = downstream({ workspace: 'v1', metadata: OURS });
    const wanted = wantedBy(variant);
    expect(planOf(variant, [comparedWith(adopted, wanted)])).toMatchObject({ action: 'edit', source: { revision: 1 } });
    const earlier = comparedWith(adopted, wanted, 'v1:other.other');
    expect(planOf(variant, [earlier])).toMatchObject({ action: 'wait', reason: 'Comparing' });
  });

  test('16.54: what another object controls is refused', () => {
    for (const metadata of [controlledBy('other-pv'), controlledBy('something', 'Application')]) {
      for (const revision of [draft({ metadata }), downstream({ workspace: 'v1', metadata })]) {
        expect(planOf(variantOf(ADOPT), [revision])).toMatchObject({
          action: 'blocked',
          reason: 'Conflict',
          retry: false,
        });
      }
    }
  });

  test('what a variant that is gone left behind is nobody’s', () => {
    const left = downstream({ workspace: 'v1', metadata: { annotations: { [VARIANT_ANNOTATION]: 'default/old-pv' } } });
    expect(planOf(variantOf(), [left])).toMatchObject({ reason: 'DownstreamExists' });
    expect(planOf(variantOf(ADOPT), [left])).toMatchObject({ action: 'adopt' });
  });

  test('what its own commits say it made is its own, without any owner reference', () => {
    const made = downstream({
      workspace: 'v1',
      metadata: { annotations: { [VARIANT_ANNOTATION]: 'default/my-pv' } },
      ...wanted,
    });
    expect(planOf(variantOf(), [made])).toMatchObject({ action: 'none' });
  });

  test('16.55: the head of the branch is neither adopted nor in the way', () => {
    const head = downstream({ workspace: 'main', revision: -1 });
    expect(planOf(variantOf(), [head])).toMatchObject({ action: 'clone' });
    expect(planOf(variantOf(ADOPT), [head])).toMatchObject({ action: 'clone' });
  });

  test('16.71: the message says which revision is in the way, and what would let it be taken over', () => {
    const plan = planOf(variantOf(), [downstream({ workspace: 'v1' })]);
    expect(plan).toMatchObject({ action: 'blocked', reason: 'DownstreamExists' });
    expect(plan.action === 'blocked' && plan.message).toContain('deployments.bar.v1');
    expect(plan.action === 'blocked' && plan.message).toContain('adoptionPolicy: adoptExisting');
  });
});

describe('a change of the inputs', () => {
  const before = variantOf({ packageContext: { data: { region: 'north' } } });
  const after = variantOf({ packageContext: { data: { region: 'south' } } });
  const made = { metadata: OURS, inputHash: wantedBy(before) };

  test('16.60: none, and there is nothing to do', () => {
    expect(planOf(before, [downstream({ workspace: 'v1', ...made })])).toMatchObject({ action: 'none' });
    expect(planOf(before, [draft(made)])).toMatchObject({ action: 'none' });
  });

  test('16.59, 16.61: of a published revision makes a new draft on it, once it is known to change the content', () => {
    const published = downstream({ workspace: 'v1', ...made });
    expect(planOf(after, [published])).toMatchObject({ action: 'adopt', revision: { name: 'deployments.bar.v1' } });
    expect(planOf(after, [comparedWith(published, wantedBy(after))])).toMatchObject({
      action: 'edit',
      source: { name: 'deployments.bar.v1' },
    });
  });

  test('16.62: of a draft changes it in place', () => {
    expect(planOf(after, [draft(made)])).toMatchObject({ action: 'mutateDraft' });
  });

  test('16.64: of a proposed one waits for whoever has to decide about it', () => {
    expect(planOf(after, [draft({ ...made, lifecycle: 'Proposed' })])).toMatchObject({ reason: 'ProposedBlocked' });
  });

  test('16.58: of the upstream is an upgrade of what is published, and a new draft for a draft', () => {
    const follow = (revision: number, revisions: readonly PackageRevision[]) => {
      const variant = {
        ...before,
        spec: { ...before.spec, upstream: { repo: 'blueprints', package: 'foo', revision } },
      };
      return planOf(variant, [revisionOf({ revision: 2 }), ...revisions]);
    };
    expect(follow(2, [downstream({ workspace: 'v1', ...made })])).toMatchObject({ action: 'upgrade' });
    expect(follow(2, [draft(made)])).toMatchObject({ action: 'rebaseDraft' });
    expect(follow(1, [downstream({ workspace: 'v1', ...made })])).toMatchObject({ action: 'none' });
  });

  test('16.63: of the upstream does not replace a draft that others made', () => {
    const adopted = draft({
      workspace: 'by-hand',
      metadata: { ...OURS, annotations: { [INPUT_HASH_ANNOTATION]: 'v1:old.old' } },
    });
    expect(planOf(variantOf(ADOPT), [adopted])).toMatchObject({ action: 'mutateDraft' });
  });

  test('16.69: another upstream with the same number is a change of the upstream', () => {
    const other = revisionOf({ repository: 'others', package: 'foo', tree: UPSTREAM.status?.packageTree });
    expect(variantInputHash(before, other, NOTHING).split('.')[0]).not.toBe(wantedBy(before).split('.')[0]);
  });
});

describe('variantInputHash', () => {
  const object = (kind: string, name: string, content: object, apiVersion = 'infra.example.com/v1'): KubeObject =>
    ({ apiVersion, kind, metadata: { name, namespace: 'default' }, ...content }) as KubeObject;
  const variant = variantOf({ injectors: [{ kind: 'Cluster', name: 'edge' }] });
  const hash = (...objects: readonly KubeObject[]) =>
    variantInputHash(variant, UPSTREAM, {
      byName: (_namespace, name) => objects.filter(({ metadata }) => metadata.name === name),
    });

  test('depends on what would be injected, and on nothing else of the object', () => {
    const cluster = object('Cluster', 'edge', { spec: { size: 1 } });
    expect(hash(cluster)).not.toBe(hash());
    expect(hash(object('Cluster', 'edge', { spec: { size: 2 } }))).not.toBe(hash(cluster));
    const touched = { ...cluster, metadata: { ...cluster.metadata, resourceVersion: '7', labels: { a: 'b' } } };
    expect(hash({ ...touched, status: { ready: true } } as KubeObject)).toBe(hash(cluster));
  });

  test('an object of another kind with the same name is no input', () => {
    const cluster = object('Cluster', 'edge', { spec: { size: 1 } });
    expect(hash(cluster, object('Node', 'edge', { spec: { size: 1 } }))).toBe(hash(cluster));
  });

  test('does not depend on the commit of the upstream, only on the package’s tree', () => {
    const { status } = UPSTREAM;
    const moved = revisionOf({ workspace: 'v1', tree: status?.packageTree });
    expect(variantInputHash(variant, { ...moved, metadata: { ...moved.metadata, name: 'x' } }, NOTHING)).toBe(
      wantedBy(variant),
    );
    expect(variantInputHash(variant, revisionOf({ tree: 'other' }), NOTHING)).not.toBe(wantedBy(variant));
  });

  test('labels, annotations and approval are no inputs of the content: they do not make a new revision', () => {
    const spec = {
      ...variant.spec,
      labels: { a: 'b' },
      annotations: { c: 'd' },
      approval: { policy: 'Always' as const },
    };
    expect(wantedBy({ ...variant, spec })).toBe(wantedBy(variant));
  });
});
