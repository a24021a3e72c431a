import { describe, expect, test } from '@jest/globals';
import { pinnedUpstream, upstreamOf } from '../../../../src/controllers/package-variant-set/upstream.ts';
import { listersOf, revisionOf } from '../support.ts';
import { setOf } from './support.ts';

const LISTERS = listersOf({
  revisions: [
    revisionOf({ revision: 1 }),
    revisionOf({ revision: 2 }),
    revisionOf({ workspace: 'main', revision: -1 }),
    revisionOf({ workspace: 'draft', revision: 0, lifecycle: 'Draft' }),
  ],
});

const found = (fields: object) => {
  const set = setOf([], { upstream: { repo: 'blueprints', package: 'foo', ...fields } });
  const resolution = upstreamOf(set, LISTERS);
  return 'revision' in resolution ? resolution.revision.metadata.name : resolution.reason;
};

describe('the upstream of a set', () => {
  test.each([
    ['16.169: a wrong repository', { repo: 'deployments', workspaceName: 'v1' }, 'UpstreamNotFound'],
    ['16.169: a wrong package', { package: 'bar', workspaceName: 'v1' }, 'UpstreamNotFound'],
    ['16.169: a wrong workspace', { workspaceName: 'v9' }, 'UpstreamNotFound'],
    ['16.169: a workspace', { workspaceName: 'v1' }, 'blueprints.foo.v1'],
    ['the head of the branch', { workspaceName: 'main' }, 'blueprints.foo.main'],
    ['a revision', { revision: 1 }, 'blueprints.foo.v1'],
    ['the latest one', { revision: -1 }, 'blueprints.foo.v2'],
    [
      '16.181: a workspace that is not there is not any draft',
      { workspaceName: 'v9', revision: 0 },
      'UpstreamNotFound',
    ],
  ])('%s', (_case, fields, expected) => {
    expect(found(fields)).toBe(expected);
  });
});

describe('with a rollout', () => {
  test.each([
    ['the latest revision is named by its number', { revision: -1 }, { revision: 2 }],
    ['a revision stays', { revision: 1 }, { revision: 1 }],
    ['a workspace stays', { workspaceName: 'main' }, { workspaceName: 'main' }],
  ])('%s', (_case, fields, expected) => {
    const place = { repo: 'blueprints', package: 'foo' };
    const set = setOf([], { upstream: { ...place, ...fields }, rollout: {} });
    expect(pinnedUpstream(set, upstreamOf(set, LISTERS)).upstream).toEqual({ ...place, ...expected });
    const { rollout: _rollout, ...spec } = set.spec;
    expect(pinnedUpstream({ ...set, spec }, upstreamOf(set, LISTERS)).upstream).toEqual({ ...place, ...fields });
  });
});
