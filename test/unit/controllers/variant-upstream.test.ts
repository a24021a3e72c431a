import { describe, expect, test } from '@jest/globals';
import type { PackageVariant } from '../../../src/api/kinds.ts';
import { resolveUpstream } from '../../../src/controllers/package-variant/observe.ts';
import { listersOf, type RevisionChoices, repositoryOf, revisionOf, variantOf } from './support.ts';

type Upstream = Partial<PackageVariant['spec']['upstream']>;

function resolve(upstream: Upstream, revisions: readonly RevisionChoices[]) {
  const variant = variantOf({ upstream: { repo: 'blueprints', package: 'foo', ...upstream } });
  const found = resolveUpstream(variant, listersOf({ revisions: revisions.map(revisionOf) }));
  return 'revision' in found ? found.revision.metadata.name : found.reason;
}

const HEAD: RevisionChoices = { workspace: 'main', revision: -1 };

describe('resolveUpstream', () => {
  test.each<[string, Upstream, readonly RevisionChoices[], string]>([
    ['16.25: there is nothing at all', { workspaceName: 'v1' }, [], 'UpstreamNotFound'],
    ['16.26: of another repository', {}, [{ repository: 'others' }], 'UpstreamNotFound'],
    ['16.26: of another package', {}, [{ package: 'foobar' }], 'UpstreamNotFound'],
    ['16.27: another workspace', { workspaceName: 'v2' }, [{ workspace: 'v1' }], 'UpstreamNotFound'],
    ['16.28: the workspace', { workspaceName: 'v1' }, [{}, { revision: 2 }], 'blueprints.foo.v1'],
    [
      '16.28: the workspace, whatever its number',
      { workspaceName: 'ws' },
      [{ workspace: 'ws', revision: 7 }],
      'blueprints.foo.ws',
    ],
    ['the head of the branch, by its name', { workspaceName: 'main' }, [HEAD, {}], 'blueprints.foo.main'],
    ['the head of the branch only by its name, never as the latest', {}, [HEAD], 'UpstreamNotFound'],
    ['16.17: revision N', { revision: 2 }, [{}, { revision: 2 }, { revision: 3 }], 'blueprints.foo.v2'],
    ['16.17: revision N that does not exist', { revision: 4 }, [{}, { revision: 3 }], 'UpstreamNotFound'],
    [
      '16.17: revision and workspace that agree',
      { revision: 2, workspaceName: 'v2' },
      [{}, { revision: 2 }],
      'blueprints.foo.v2',
    ],
    [
      '16.17: revision and workspace that disagree',
      { revision: 2, workspaceName: 'v1' },
      [{}, { revision: 2 }],
      'ValidationError',
    ],
    [
      '16.37: without both, the latest',
      {},
      [{ revision: 2 }, { revision: 10 }, { revision: 9 }, HEAD],
      'blueprints.foo.v10',
    ],
    ['16.37: revision 0 is no number', { revision: 0 }, [{}, { revision: 2 }], 'blueprints.foo.v2'],
    ['16.37: revision -1 is no number', { revision: -1 }, [{}, { revision: 2 }, HEAD], 'blueprints.foo.v2'],
    [
      '16.36: a draft',
      { workspaceName: 'ws' },
      [{ workspace: 'ws', lifecycle: 'Draft', revision: 0 }],
      'UpstreamNotPublished',
    ],
    [
      '16.36: a proposed one',
      { workspaceName: 'ws' },
      [{ workspace: 'ws', lifecycle: 'Proposed', revision: 0 }],
      'UpstreamNotPublished',
    ],
    [
      '16.181: an unrelated draft beside the wanted one',
      { workspaceName: 'v1' },
      [{ workspace: 'ws', lifecycle: 'Draft', revision: 0 }, {}],
      'blueprints.foo.v1',
    ],
    [
      'one proposed for deletion is still there',
      { revision: 1 },
      [{ lifecycle: 'DeletionProposed' }],
      'blueprints.foo.v1',
    ],
  ])('%s', (_case, upstream, revisions, expected) => {
    expect(resolve(upstream, revisions)).toBe(expected);
  });

  test('one that nobody has looked at yet is waited for: it may be the latest', () => {
    const unseen: RevisionChoices = { revision: 2, unseen: true };
    expect(resolve({}, [{}, unseen])).toBe('UpstreamPending');
    expect(resolve({ workspaceName: 'v1' }, [{}, unseen])).toBe('blueprints.foo.v1');
  });

  test.each([
    ['does not exist', [], 'RepositoryNotFound', true],
    ['was not read', [{ ...repositoryOf('blueprints'), status: {} }], 'RepositoryNotReady', true],
    ['cannot be reached', [repositoryOf('blueprints', 'connection refused')], 'RepositoryNotReady', true],
  ])('a repository that %s is no missing package', (_case, repositories, reason, retry) => {
    const found = resolveUpstream(variantOf(), listersOf({ repositories, revisions: [revisionOf()] }));
    expect(found).toMatchObject({ reason, retry });
  });

  test('16.32: the message says what there is, and a change of the revisions is what helps', () => {
    const variant = variantOf({ upstream: { repo: 'blueprints', package: 'foo', workspaceName: 'v9' } });
    const revisions = Array.from({ length: 7 }, (_, index) => revisionOf({ revision: index + 1 }));
    expect(resolveUpstream(variant, listersOf({ revisions }))).toEqual({
      reason: 'UpstreamNotFound',
      message:
        'spec.upstream.workspaceName: package foo of Repository blueprints has no workspace v9; it has v1, v2, v3, v4, v5 and 2 more',
      retry: true,
    });
  });
});
