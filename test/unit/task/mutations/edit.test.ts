import { describe, expect, test } from '@jest/globals';
import { edit } from '../../../../src/task/mutations/edit.ts';
import type { ResolvedRevision } from '../../../../src/task/types.ts';
import { apply, contextOf, KPTFILE, packageOf, revisionOf, sourcesOf, targetOf } from '../support.ts';

const mutation = edit({ sourceRef: { name: 'blueprints.basens.v1' } });
const target = targetOf({ repository: 'blueprints', package: 'basens', workspace: 'v2', existingPackages: ['basens'] });
const empty = packageOf({});

function contextWith(source: Partial<ResolvedRevision>) {
  return contextOf({ target, sources: sourcesOf([revisionOf(source)]) });
}

describe('edit', () => {
  test('7.3.41 and M-22: the content is the source, upstream lock and all', async () => {
    const lock = 'upstreamLock:\n  type: git\n  git:\n    repo: https://h/blueprints.git\n    commit: abc\n';
    const content = packageOf({ Kptfile: `# c\n${KPTFILE}${lock}`, 'a.yaml': 'a:   1\n' });
    expect((await apply(mutation, empty, contextWith({ content }))).hash()).toBe(content.hash());
  });

  test.each(['Draft', 'Proposed'] as const)('7.3.42: a %s source must be published', async (lifecycle) => {
    await expect(apply(mutation, empty, contextWith({ lifecycle }))).rejects.toMatchObject({
      reason: 'SourceNotPublished',
    });
  });

  test('7.3.42: a source whose deletion is proposed will do', async () => {
    expect((await apply(mutation, empty, contextWith({ lifecycle: 'DeletionProposed' }))).size).toBe(1);
  });

  test('7.3.44: the head of the branch may be copied, whatever its lifecycle says', async () => {
    const content = packageOf({ Kptfile: KPTFILE, 'a.yaml': 'a: 1\n' });
    const head = contextWith({ branchHead: true, lifecycle: 'Draft', content });
    expect((await apply(mutation, empty, head)).hash()).toBe(content.hash());
  });

  test.each([
    { source: { package: 'other' }, reason: 'SourceOfOtherPackage', message: 'must be same package' },
    { source: { repository: 'other' }, reason: 'SourceOfOtherRepository', message: 'must be from same repository' },
  ])('7.3.43: $reason', async ({ source, reason, message }) => {
    await expect(apply(mutation, empty, contextWith(source))).rejects.toMatchObject({
      reason,
      message: expect.stringContaining(message),
      location: { field: 'spec.source.copyFrom.name' },
    });
  });
});
