import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { GitStore } from '../../../src/repository/git/types.ts';
import { boundStore } from '../../unit/repository/bound-store.ts';
import { Fixture, find, kptfile, listed, makeDraft, packageOf, publishNew, simplePackage } from './fixture.ts';

let fixture: Fixture;

beforeEach(async () => {
  fixture = await Fixture.start();
});

afterEach(() => fixture.stop());

const packageFiles = (...paths: string[]): Record<string, string> =>
  Object.fromEntries(paths.map((path) => [`${path}/Kptfile`, kptfile(path.split('/').at(-1) ?? '')]));

/** The same store, counting what is read. */
function counted(store: GitStore) {
  const counts = { commits: 0, trees: 0, blobs: 0, lists: 0, fetches: 0 };
  const counting =
    <Args extends unknown[], T>(what: keyof typeof counts, call: (...args: Args) => T) =>
    (...args: Args): T => {
      counts[what]++;
      return call(...args);
    };
  const wrapped: GitStore = {
    ...boundStore(store),
    listRemote: counting('lists', (options) => store.listRemote(options)),
    fetch: counting('fetches', (refs, options) => store.fetch(refs, options)),
    readCommit: counting('commits', (oid) => store.readCommit(oid)),
    readTree: counting('trees', (oid) => store.readTree(oid)),
    readBlob: counting('blobs', (oid) => store.readBlob(oid)),
  };
  return { store: wrapped, counts };
}

describe('opening (4.8)', () => {
  test('7.8.129: a missing branch is created on demand, once', async () => {
    await fixture.remote.commit('other', packageFiles('a'));
    const repository = await fixture.open({ createBranch: true });
    await repository.sync();
    await repository.sync();
    expect(await fixture.files()).toEqual(['100644 README.md']);
    expect(await fixture.remote.git('log', '--format=%s|%P', 'main')).toBe('Initial commit: Creating main branch|');
    expect(await fixture.remote.git('show', 'main:README.md')).toBe('Created by porch');
    expect(await listed(repository)).toEqual([]);
  });

  test('7.8.130: an empty remote is an error without createBranch', async () => {
    const repository = await fixture.open();
    await expect(repository.sync()).rejects.toMatchObject({
      reason: 'BranchNotFound',
      retry: 'terminal',
      location: { field: 'spec.git.branch' },
    });
    const other = await fixture.open({ branch: 'other', createBranch: true });
    expect((await other.sync()).head).toBe((await fixture.remote.refs()).get('refs/heads/other'));
  });

  test('a directory that does not exist holds no packages', async () => {
    await fixture.remote.commit('main', packageFiles('a'));
    const repository = await fixture.open({ directory: 'nowhere' });
    expect(await repository.sync()).toMatchObject({ revisions: [], warnings: [] });
  });
});

describe('discovery (4.5)', () => {
  test('7.8.137: tags without a path are no revisions, and with a directory nothing outside it counts', async () => {
    const commit = await fixture.remote.commit('main', packageFiles('apps/a', 'apps2/b'));
    for (const tag of ['v1.0', 'apps/a/v1', 'apps2/b/v1']) await fixture.remote.git('tag', tag, commit);
    const repository = await fixture.open({ directory: 'apps' });
    expect((await repository.sync()).warnings).toEqual([]);
    expect(await listed(repository)).toEqual(['a v1 Published 1*', 'a main Published -1']);
  });

  test('7.8.138: only the outermost packages are revisions', async () => {
    await fixture.remote.commit('main', packageFiles('a', 'a/sub', 'x/y/z', 'x/y/z/deep/er'));
    const repository = await fixture.open();
    await repository.sync();
    expect(await listed(repository)).toEqual(['a main Published -1', 'x/y/z main Published -1']);
  });

  test('7.8.139: annotated tags made by hand are revisions of the commit and its author', async () => {
    const commit = await fixture.remote.commit('main', packageFiles('a'));
    for (const tag of ['v1', 'v2', 'v01', 'v1.2', 'stable']) {
      await fixture.remote.git(
        '-c',
        'user.name=Tagger',
        '-c',
        'user.email=t@x',
        'tag',
        '-a',
        '-m',
        'x',
        `a/${tag}`,
        commit,
      );
    }
    const repository = await fixture.open();
    await repository.sync();
    expect(await listed(repository)).toEqual([
      'a stable Published -1',
      'a v01 Published -1',
      'a v1.2 Published -1',
      'a v1 Published 1',
      'a v2 Published 2*',
      'a main Published -1',
    ]);
    expect(await find(repository, 'a', 'v2')).toMatchObject({
      commit,
      published: { name: 'Seed', email: 'seed@example.com', at: 1_700_000_000 },
    });
  });

  test('7.8.140: a malformed kpt: line does not hide the package', async () => {
    const commit = await fixture.remote.commit('main', packageFiles('a'), 'x\n\nkpt:{"package":"a",\nkpt:[]\nkpt:"a"');
    await fixture.remote.git('tag', 'a/v1', commit);
    await fixture.remote.git('branch', 'drafts/a/w1', commit);
    const repository = await fixture.open();
    await repository.sync();
    expect(await listed(repository)).toEqual(['a w1 Draft 0', 'a v1 Published 1*', 'a main Published -1']);
    expect(await find(repository, 'a', 'w1')).toMatchObject({ handPushed: true, task: undefined });
  });

  test('7.8.141: a bad ref is a warning and spoils nothing', async () => {
    const commit = await fixture.remote.commit('main', packageFiles('a'));
    for (const branch of ['drafts/x', 'drafts/no/kptfile/w1', 'drafts/a/good'])
      await fixture.remote.git('branch', branch, commit);
    const repository = await fixture.open();
    const { warnings } = await repository.sync();
    expect(warnings.map(({ ref }) => ref).sort()).toEqual(['refs/heads/drafts/no/kptfile/w1', 'refs/heads/drafts/x']);
    expect(await listed(repository)).toEqual(['a good Draft 0', 'a main Published -1']);
  });

  test('P-16: a tag shared by packages is a warning that says so', async () => {
    const commit = await fixture.remote.commit('main', packageFiles('a', 'b'));
    await fixture.remote.git('tag', 'release-1', commit);
    const repository = await fixture.open();
    const { warnings } = await repository.sync();
    expect(warnings).toEqual([
      { ref: 'refs/tags/release-1', message: expect.stringContaining('shared by several packages') },
    ]);
    const revision = await find(repository, 'a', 'main');
    if (!revision) throw new Error('not listed');
    const shared = {
      ...revision,
      branchHead: false,
      lifecycle: 'DeletionProposed',
      ref: 'refs/tags/release-1',
    } as const;
    await expect(repository.delete(shared)).rejects.toMatchObject({ reason: 'SharedTag', retry: 'terminal' });
  });

  test('G-12: Repositories on one URL see their own directory only and share one fetch', async () => {
    await fixture.remote.commit('main', packageFiles('apps/a', 'apps2/b', 'c'));
    const store = await fixture.store();
    const [apps, apps2] = [
      await fixture.open({ directory: 'apps' }, store),
      await fixture.open({ directory: 'apps2' }, store),
    ];
    await Promise.all([apps.sync(), apps2.sync()]);
    expect(fixture.server.requests).toMatchObject({ lsRefs: 1, fetch: 1 });
    await Promise.all([publishNew(apps, 'n', 'w1'), publishNew(apps2, 'n', 'w1')]);
    expect(await listed(apps)).toEqual(['n w1 Published 1*', 'a main Published -1', 'n main Published -1']);
    expect(await listed(apps2)).toEqual(['n w1 Published 1*', 'b main Published -1', 'n main Published -1']);
    await apps.close();
    expect(await apps2.sync()).toMatchObject({ warnings: [] });
  });

  test('G-16: submodules beside a package are kept, inside one they are carried and told', async () => {
    const module = { mode: '160000', content: 'b'.repeat(40) } as const;
    await fixture.remote.commit('main', { beside: module, ...packageFiles('a'), 'a/inside': module });
    const repository = await fixture.open();
    const { head } = await repository.sync();
    const content = await repository.read(head ?? '', 'a');
    expect(content.get('inside')?.mode).toBe('160000');
    await repository.sync();
    const draft = await repository.createDraft({ package: 'a', workspace: 'w1' });
    await draft.update(content.edit([['new.yaml', { mode: '100644', bytes: Buffer.from('a: b\n') }]]), {
      task: { type: 'edit' },
    });
    await repository.publish(await draft.close('Draft'));
    expect(await fixture.files()).toEqual([
      '100644 a/Kptfile',
      '160000 a/inside',
      '100644 a/new.yaml',
      '160000 beside',
    ]);
    await repository.read((await repository.snapshot()).head ?? '', 'a');
    const { warnings } = await repository.sync();
    expect(warnings).toContainEqual({ ref: 'refs/tags/a/v1', message: expect.stringContaining('submodule at inside') });
  });

  test('G-17: the executable bit survives edits of that file and of others', async () => {
    const repository = await fixture.open({ createBranch: true });
    await repository.sync();
    const files = { Kptfile: kptfile('a'), 'run.sh': { mode: '100755', text: 'one' }, 'a.yaml': 'a: 1\n' } as const;
    const draft = await repository.createDraft({ package: 'a', workspace: 'w1' });
    await draft.update(packageOf(files), { task: { type: 'init' } });
    let revision = await draft.close('Draft');
    for (const [path, text] of [
      ['run.sh', 'two'],
      ['a.yaml', 'a: 2\n'],
    ] as const) {
      const before = await repository.read(revision.commit, 'a');
      const mode = before.get(path)?.mode ?? '100644';
      const again = await repository.openDraft(revision);
      await again.update(before.edit([[path, { mode, bytes: Buffer.from(text) }]]), { task: { type: 'replace' } });
      revision = await again.close('Draft');
      expect(await fixture.files('drafts/a/w1')).toContain('100755 a/run.sh');
    }
    expect(await fixture.remote.git('log', '-1', '--format=%s', 'drafts/a/w1')).toBe('Intermediate commit: replace');
  });

  test('G-28: refs outside the scheme are no trouble, file names are kept as bytes', async () => {
    const [nfc, nfd] = ['caf\u00e9.yaml', 'cafe\u0301.yaml'];
    const commit = await fixture.remote.commit('main', { ...packageFiles('a'), [`a/${nfc}`]: '1', [`a/${nfd}`]: '2' });
    for (const branch of ['ветка', 'ветки/два', 'feature/x']) await fixture.remote.git('branch', branch, commit);
    const repository = await fixture.open();
    expect((await repository.sync()).warnings).toEqual([]);
    const content = await repository.read(commit, 'a');
    expect(content.paths()).toEqual(expect.arrayContaining([nfc, nfd]));
    const draft = await repository.createDraft({ package: 'a', workspace: 'w1' });
    await draft.update(content, { task: { type: 'edit' } });
    const made = await draft.close('Draft');
    expect(made.tree).toBe(await fixture.remote.git('rev-parse', 'main:a'));
  });
});

describe('changes from outside (4.6)', () => {
  test.each([
    ['another content is a push by hand, although our trailer is kept', { 'a/by-hand.yaml': 'x: 1\n' }, true],
    ['the same content is as we made it', {}, false],
  ])('142: our commit on a draft, amended: %s', async (_what, added, byHand) => {
    const repository = await fixture.open({ createBranch: true });
    const { commit, ref } = await makeDraft(repository, 'a', 'w1');
    const { remote } = fixture;
    const files = await remote.git('ls-tree', '-r', '--name-only', commit);
    const kept = await Promise.all(
      files.split('\n').map(async (path) => [path, `${await remote.git('show', `${commit}:${path}`)}\n`] as const),
    );
    const side = await remote.commit('side', { ...Object.fromEntries(kept), ...added });
    const message = await remote.git('log', '-1', '--format=%B', commit);
    const person = ['-c', 'user.name=Eve', '-c', 'user.email=eve@example.com'];
    const amended = await remote.git(...person, 'commit-tree', `${side}^{tree}`, '-p', `${commit}^`, '-m', message);
    await remote.git('update-ref', ref, amended);

    await repository.sync();
    expect(await find(repository, 'a', 'w1')).toMatchObject({
      commit: amended,
      handPushed: byHand,
      editedByHand: byHand,
      task: { type: 'init' },
    });
  });

  test('7.8.142: a push to a draft shows after a sync, and a stale writer loses', async () => {
    const repository = await fixture.open({ createBranch: true });
    await repository.sync();
    const stale = await makeDraft(repository, 'a', 'w1');
    await fixture.remote.commit('drafts/a/w1', { ...packageFiles('a'), 'a/by-hand.yaml': 'x: 1\n' });
    await repository.sync();
    const fresh = await find(repository, 'a', 'w1');
    expect(fresh).toMatchObject({
      handPushed: true,
      editedByHand: true,
      lifecycle: 'Draft',
      task: { type: 'init' },
    });
    expect((await repository.read(fresh?.commit ?? '', 'a')).has('by-hand.yaml')).toBe(true);
    const draft = await repository.openDraft(stale);
    await draft.update(simplePackage('a', 'stale'), { task: { type: 'replace' } });
    await expect(draft.close('Draft')).rejects.toMatchObject({ reason: 'RefMoved', retry: 'replan' });
    await expect(repository.publish(stale)).rejects.toMatchObject({ retry: 'replan' });
  });

  test('7.8.143: a branch or tag that is gone is no revision any more', async () => {
    const repository = await fixture.open({ createBranch: true });
    await repository.sync();
    await publishNew(repository, 'a', 'w1');
    await makeDraft(repository, 'a', 'w2');
    await fixture.remote.git('update-ref', '-d', 'refs/heads/drafts/a/w2');
    await fixture.remote.git('update-ref', '-d', 'refs/tags/a/v1');
    const before = (await repository.snapshot()).version;
    expect((await repository.sync()).version).not.toBe(before);
    expect(await listed(repository)).toEqual(['a main Published -1']);
  });

  test('7.8.144: what others put on the branch before an approval is kept', async () => {
    const repository = await fixture.open({ createBranch: true });
    await repository.sync();
    const draft = await makeDraft(repository, 'a', 'w1');
    await fixture.remote.commit('main', { 'by-hand.txt': 'x' });
    await repository.publish(draft);
    expect(await fixture.files()).toEqual(['100644 a/Kptfile', '100644 a/config.yaml', '100644 by-hand.txt']);
  });

  test('7.8.145: tags, drafts, proposals and the branch may be moved before a deletion; a moved tag is told', async () => {
    const repository = await fixture.open({ createBranch: true });
    await repository.sync();
    await repository.proposeDeletion(await publishNew(repository, 'a', 'w1'));
    await makeDraft(repository, 'b', 'w1');
    await repository.propose(await makeDraft(repository, 'c', 'w1'));
    const moved = await fixture.remote.commit('main', { ...packageFiles('a', 'b', 'c'), 'more.txt': 'x' });
    for (const ref of ['tags/a/v1', 'heads/drafts/b/w1', 'heads/proposed/c/w1'])
      await fixture.remote.git('update-ref', `refs/${ref}`, moved);
    const { warnings } = await repository.sync();
    expect(warnings).toEqual([
      { ref: 'refs/tags/a/v1', message: expect.stringContaining('moved'), reason: 'TagMoved' },
    ]);
    for (const revision of (await repository.snapshot()).revisions) await repository.delete(revision);
    expect(await fixture.refNames()).toEqual(['refs/heads/main']);
    expect(await fixture.files()).toEqual(['100644 more.txt']);
  });

  test('G-19: a branch that stands in the way of a draft is gone before the draft is fetched', async () => {
    const commit = await fixture.remote.commit('main', packageFiles('a'));
    await fixture.remote.git('branch', 'drafts/a', commit);
    const repository = await fixture.open();
    await repository.sync();
    await fixture.remote.git('branch', '-D', 'drafts/a');
    await fixture.remote.git('branch', 'drafts/a/w1', commit);
    await repository.sync();
    expect(await listed(repository)).toEqual(['a w1 Draft 0', 'a main Published -1']);
  });
});

describe('cost', () => {
  test('a sync with nothing new is one listing; with one new tag of 1,000, one commit is read', async () => {
    const commit = await fixture.remote.commit('main', packageFiles('a'));
    const tags = Array.from({ length: 1_000 }, (_, index) => `create refs/tags/a/v${index + 1} ${commit}\n`);
    for (let from = 0; from < tags.length; from += 500) await fixture.updateRefs(tags.slice(from, from + 500));
    const { store, counts } = counted(await fixture.store());
    const repository = await fixture.open({}, store);
    const first = await repository.sync();
    expect(first.revisions).toHaveLength(1_001);
    Object.assign(counts, { commits: 0, trees: 0, blobs: 0, lists: 0, fetches: 0 });
    expect((await repository.sync()).version).toBe(first.version);
    expect(counts).toEqual({ commits: 0, trees: 0, blobs: 0, lists: 1, fetches: 0 });
    const next = await fixture.remote.commit('side', { ...packageFiles('a'), 'a/new.yaml': 'x: 1\n' });
    await fixture.remote.git('tag', 'a/v1001', next);
    expect((await repository.sync()).version).not.toBe(first.version);
    expect(counts).toEqual({ commits: 1, trees: 2, blobs: 0, lists: 2, fetches: 1 });
  });

  test('G-24: concurrent syncs and reads share one listing; own writes show without another', async () => {
    await fixture.remote.commit('main', packageFiles('a'));
    const { store, counts } = counted(await fixture.store());
    const repository = await fixture.open({}, store);
    await Promise.all(Array.from({ length: 200 }, () => repository.sync()));
    await makeDraft(repository, 'b', 'w1');
    await Promise.all(Array.from({ length: 50 }, () => listed(repository)));
    expect(await listed(repository)).toContain('b w1 Draft 0');
    expect(counts.lists).toBe(1);
  });

  test('C-07: while a sync waits for the server, reads are answered from the last snapshot', async () => {
    await fixture.remote.commit('main', packageFiles('a'));
    const repository = await fixture.open();
    const before = await repository.sync();
    await fixture.remote.commit('main', packageFiles('a', 'b'));
    const { promise, resolve: goOn } = Promise.withResolvers<void>();
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
    fixture.server.fault = (kind) => {
      if (kind !== 'discoverFetch') return undefined;
      reach();
      return { kind: 'delay', until: promise };
    };
    const syncing = repository.sync();
    await reached;
    expect(await repository.snapshot()).toBe(before);
    const { commit } = before.revisions[0] ?? { commit: '' };
    expect((await repository.read(commit, 'a')).has('Kptfile')).toBe(true);
    goOn();
    await syncing;
    expect(await listed(repository)).toEqual(['a main Published -1', 'b main Published -1']);
  });

  test('equal packages are read once, however many revisions hold them', async () => {
    const commit = await fixture.remote.commit('main', { 'a/Kptfile': 'same', 'b/Kptfile': 'same' });
    const { store, counts } = counted(await fixture.store());
    const repository = await fixture.open({}, store);
    await repository.sync();
    const [a, b, c] = await Promise.all(['a', 'b', 'a'].map((name) => repository.read(commit, name)));
    expect(b).toBe(a);
    expect(c).toBe(a);
    expect(counts.blobs).toBe(1);
  });
});
