import { describe, expect, test } from '@jest/globals';
import type { PackageRevision } from '../../../../src/api/kinds.ts';
import { latestLabelPatch, latestLabels } from '../../../../src/controllers/package-revision/labels.ts';
import { referrersOf } from '../../../../src/controllers/package-revision/referrers.ts';
import { listersOf, revisionOf } from '../support.ts';

const UPSTREAM = revisionOf();

const madeFrom = (
  workspace: string,
  source: PackageRevision['spec']['source'],
  changes: { readonly namespace?: string; readonly lock?: { repo: string; directory: string; commit: string } } = {},
): PackageRevision => {
  const object = revisionOf({ repository: 'deployments', package: 'bar', workspace });
  const lock = changes.lock && { type: 'git' as const, git: { ref: 'foo/v1', ...changes.lock } };
  return {
    ...object,
    metadata: { ...object.metadata, ...(changes.namespace ? { namespace: changes.namespace } : {}) },
    spec: { ...object.spec, source },
    status: { ...object.status, ...(lock ? { upstreamLock: lock } : {}) },
  };
};
const named = (name: string) => ({ cloneFrom: { upstreamRef: { name } } });
const lock = { repo: 'git@git.example.com:blueprints', directory: '/foo/', commit: 'c1' };

const referrers = (...others: readonly PackageRevision[]) =>
  referrersOf(UPSTREAM, listersOf({ revisions: [UPSTREAM, ...others] }).revisions);

describe('who has a revision as its upstream', () => {
  test('nobody is absent, not an empty list (T-06)', () => {
    expect(referrers(revisionOf({ revision: 2 }), madeFrom('ws', named('blueprints.foo.v2')))).toBeUndefined();
  });

  test('who names it as the source of a clone or as the new upstream, not as the old one (7.7.115, 7.7.116)', () => {
    const name = UPSTREAM.metadata.name;
    const upgrade = {
      currentPackage: { name: 'deployments.bar.w0' },
      oldUpstream: { name: 'x' },
      newUpstream: { name },
    };
    expect(
      referrers(
        madeFrom('clone', named(name)),
        madeFrom('new', { upgrade }),
        madeFrom('old', { upgrade: { ...upgrade, oldUpstream: { name }, newUpstream: { name: 'x' } } }),
        madeFrom('copy', { copyFrom: { name } }),
        madeFrom('elsewhere', named(name), { namespace: 'other' }),
      ),
    ).toEqual(['deployments.bar.clone', 'deployments.bar.new']);
  });

  test('whose lock names its place in git, in any namespace and spelling', () => {
    expect(
      referrers(
        madeFrom('ours', undefined, { lock }),
        madeFrom('theirs', undefined, { lock, namespace: 'other' }),
        madeFrom('older', undefined, { lock: { ...lock, commit: 'c0' } }),
        madeFrom('neighbour', undefined, { lock: { ...lock, directory: 'foo/sub' } }),
      ),
    ).toEqual(['deployments.bar.ours', 'other/deployments.bar.theirs']);
  });

  test('the head of a branch does not count: what it holds was published', () => {
    const head = madeFrom('main', undefined, { lock });
    expect(referrers({ ...head, status: { ...head.status, revision: -1 } })).toBeUndefined();
  });

  test('the first thirty-two by name are shown', () => {
    const many = Array.from({ length: 40 }, (_, index) => madeFrom(`w${index + 10}`, named(UPSTREAM.metadata.name)));
    const shown = referrers(...many.toReversed());
    expect(shown).toHaveLength(32);
    expect(shown?.at(-1)).toBe('deployments.bar.w41');
  });
});

describe('labels of the latest revision (7.7.103, 7.9.160, 7.9.173)', () => {
  test('both spellings say so; of the others only the newer one says no', () => {
    expect(latestLabels(true)).toEqual({ 'porch.kpt.dev/latest-revision': 'true', 'kpt.dev/latest-revision': 'true' });
    expect(latestLabels(false)).toEqual({ 'porch.kpt.dev/latest-revision': 'false' });
  });

  test('are patched only when they say something else', () => {
    expect(latestLabelPatch(latestLabels(true), true)).toBeUndefined();
    expect(latestLabelPatch({ ...latestLabels(false), team: 'a' }, false)).toBeUndefined();
    expect(latestLabelPatch(undefined, false)).toMatchObject({ 'porch.kpt.dev/latest-revision': 'false' });
    expect(latestLabelPatch(latestLabels(true), false)).toEqual({
      'porch.kpt.dev/latest-revision': 'false',
      'kpt.dev/latest-revision': null,
    });
  });
});
