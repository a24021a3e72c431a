import { beforeEach, describe, expect, test } from '@jest/globals';
import { TerminalError, TransientError } from '../../../src/api/errors.ts';
import { Package } from '../../../src/package/package.ts';
import { createGitRepository } from '../../../src/repository/git/repository.ts';
import type { PackageRepository, RevisionInfo } from '../../../src/repository/types.ts';
import { boundStore } from './bound-store.ts';
import { MemoryStore } from './memory-store.ts';

let store: MemoryStore;
let published: RevisionInfo[];

/** Each opening is like another process: nothing cached. */
const open = (): PackageRepository =>
  createGitRepository(boundStore(store), {
    repo: store.url,
    branch: 'main',
    directory: '',
    createBranch: true,
    now: () => 0,
  });

const names = (revisions: readonly RevisionInfo[]): string[] => revisions.map((r) => `${r.package} ${r.workspace}`);

async function publish(repository: PackageRepository, name: string): Promise<RevisionInfo> {
  const draft = await repository.createDraft({ package: name, workspace: 'w1' });
  const bytes = Buffer.from(`name: ${name}\n`);
  await draft.update(Package.of([['Kptfile', { mode: '100644', bytes }]]), { task: { type: 'init' } });
  return repository.publish(await draft.close('Draft'));
}

beforeEach(async () => {
  store = new MemoryStore();
  const repository = open();
  published = [await publish(repository, 'a'), await publish(repository, 'dir/b')];
});

describe('objects that cannot be read', () => {
  test('what can never be read is a warning for its ref, and the others are listed', async () => {
    store.broken.set(published[0]?.tree ?? '', new TerminalError('UnexpectedObject', 'is a blob'));
    const { revisions, warnings } = await open().sync();
    expect(names(revisions)).toEqual(['dir/b w1', 'dir/b main']);
    expect(warnings).toEqual([
      { ref: 'refs/tags/a/v1', message: expect.stringContaining('is a blob') },
      { ref: 'refs/heads/main', message: expect.stringContaining('a cannot be read'), unread: 'a' },
    ]);
  });

  test('what cannot be read now fails the sync: it must not look as if it were gone', async () => {
    const repository = open();
    store.broken.set(published[1]?.tree ?? '', new TransientError('MirrorDamaged', 'unreadable'));
    await expect(repository.sync()).rejects.toMatchObject({ reason: 'MirrorDamaged', retry: 'backoff' });
    store.broken.clear();
    expect(names((await repository.sync()).revisions)).toEqual(['a w1', 'dir/b w1', 'a main', 'dir/b main']);
  });

  test('a Kptfile in the directory of the Repository itself hides no package', async () => {
    const blob = await store.writeBlob(Buffer.from('x'));
    const head = await store.readCommit(store.refs.get('refs/heads/main') ?? '');
    const entries = [...(await store.readTree(head.tree)), { mode: '100644', name: 'Kptfile', oid: blob } as const];
    const commit = await store.writeCommit({
      ...head,
      at: 1,
      parents: [head.oid],
      tree: await store.writeTree(entries),
    });
    store.refs.set('refs/heads/main', commit);
    const { revisions, warnings } = await open().sync();
    expect(names(revisions.filter(({ branchHead }) => branchHead))).toEqual(['a main', 'dir/b main']);
    expect(warnings).toEqual([{ ref: 'refs/heads/main', message: expect.stringContaining('ignored') }]);
  });
});
