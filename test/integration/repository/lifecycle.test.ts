import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PackageRepository, RevisionInfo } from '../../../src/repository/types.ts';
import {
  Fixture,
  find,
  kptfile,
  listed,
  makeDraft,
  packageOf,
  publishNew,
  simplePackage,
  startDraft,
} from './fixture.ts';

let fixture: Fixture;
let repository: PackageRepository;

beforeEach(async () => {
  fixture = await Fixture.start();
  repository = await fixture.open({ createBranch: true });
  await repository.sync();
});

afterEach(() => fixture.stop());

const trailer = async (revision: string): Promise<unknown> => {
  const message = await fixture.remote.git('log', '-1', '--format=%B', revision);
  const last = message.split('\n').at(-1) ?? '';
  expect(last.startsWith('kpt:{')).toBe(true);
  return JSON.parse(last.slice(4));
};

describe('layout (4.1, 4.2)', () => {
  test('a draft commit has the subject, trailer, parent and identities of the reference', async () => {
    const draft = await startDraft(repository, 'apps/shop', 'w1', '1', { variant: 'ns/v', inputHash: 'v1:abc' });
    await draft.close('Draft');
    const branch = 'drafts/apps/shop/w1';
    expect(await fixture.remote.git('log', '-1', '--format=%s|%an <%ae>|%cn <%ce>', branch)).toBe(
      'Creating new empty revision|Package Orchestration Service <porch@kpt.dev>|Package Orchestration Service <porch@kpt.dev>',
    );
    expect(await trailer(branch)).toEqual({
      package: 'apps/shop',
      workspaceName: 'w1',
      revision: '0',
      task: { type: 'init', init: { description: 'test' } },
      veranda: {
        variant: 'ns/v',
        inputHash: 'v1:abc',
        tree: await fixture.remote.git('rev-parse', `${branch}:apps/shop`),
      },
    });
    expect(await fixture.remote.git('rev-parse', `${branch}^`)).toBe(await fixture.remote.git('rev-parse', 'main'));
  });

  test('4.3: an approval joins the branch head and the draft, is tagged and ends the draft', async () => {
    const draft = await makeDraft(repository, 'shop', 'w1');
    const head = await fixture.remote.git('rev-parse', 'main');
    const published = await repository.publish(draft);
    expect(await fixture.remote.git('log', '-1', '--format=%s|%P', 'main')).toBe(
      `Approving package revision shop/1|${head} ${draft.commit}`,
    );
    expect(await trailer('main')).toEqual({ package: 'shop', workspaceName: 'w1', revision: '1' });
    expect(await fixture.remote.git('cat-file', '-t', 'shop/v1')).toBe('commit');
    expect(await fixture.remote.git('rev-parse', 'shop/v1')).toBe(await fixture.remote.git('rev-parse', 'main'));
    expect(await fixture.refNames()).toEqual(['refs/heads/main', 'refs/tags/shop/v1']);
    expect(published.lock.git).toEqual({
      repo: fixture.url,
      directory: 'shop',
      ref: 'shop/v1',
      commit: published.commit,
    });
    expect(published.task).toEqual({ type: 'init', init: { description: 'test' } });
  });

  test('4.2: only the subtree of the package is replaced; modes, links, submodules and other files stay', async () => {
    const linked = { mode: '120000', content: 'run.sh' } as const;
    await fixture.remote.commit('main', {
      'run.sh': { mode: '100755', content: '#!/bin/sh\n' },
      link: linked,
      module: { mode: '160000', content: 'a'.repeat(40) },
      'other/deep/file.bin': new Uint8Array([0, 255, 13, 10]),
      'shop/old.yaml': 'gone: soon\n',
    });
    await repository.sync();
    const before = (await fixture.files()).filter((line) => !line.includes('shop/'));
    const untouched = await fixture.remote.git('rev-parse', 'main:other');
    const pkg = packageOf({
      Kptfile: 'kind: Kptfile\n',
      'run.sh': { mode: '100755', text: 'x' },
      l: { mode: '120000', text: 'run.sh' },
    });
    const draft = await repository.createDraft({ package: 'shop', workspace: 'w1' });
    await draft.update(pkg, { task: { type: 'init' } });
    await repository.publish(await draft.close('Proposed'));
    const after = await fixture.files();
    expect(after.filter((line) => !line.includes('shop/'))).toEqual(before);
    expect(after.filter((line) => line.includes('shop/'))).toEqual([
      '100644 shop/Kptfile',
      '120000 shop/l',
      '100755 shop/run.sh',
    ]);
    expect(await fixture.remote.git('rev-parse', 'main:other')).toBe(untouched);
  });

  test.each([
    { says: { name: 'Repo', email: 'repo@x' }, asked: true, author: 'Repo <repo@x>' },
    { says: { email: 'repo@x' }, asked: true, author: 'repo@x <repo@x>' },
    { says: { name: 'Repo' }, asked: true, author: 'Repo <>' },
    { says: undefined, asked: true, author: 'jane <jane@x>' },
    { says: undefined, asked: false, author: 'Package Orchestration Service <porch@kpt.dev>' },
  ])('7.8.148: author is $author', async ({ says, asked, author }) => {
    const other = await fixture.open({ author: says });
    const requested = asked ? { name: 'jane', email: 'jane@x' } : undefined;
    const draft = await other.createDraft({ package: 'shop', workspace: 'w1' });
    await draft.update(simplePackage('shop'), { task: { type: 'init' }, author: requested });
    const published = await other.publish(await draft.close('Draft'), { author: requested });
    for (const revision of ['main', 'main^2']) {
      expect(await fixture.remote.git('log', '-1', '--format=%an <%ae>|%cn', revision)).toBe(
        `${author}|Package Orchestration Service`,
      );
    }
    expect(published.published?.at).toBe(1_800_000_000);
  });
});

describe('the lifecycle of a revision', () => {
  test('7.7.103, 7.7.126: draft, proposed, published; the placeholder appears; the approver is told', async () => {
    const draft = await makeDraft(repository, 'shop', 'w1');
    expect(await fixture.refNames()).toContain('refs/heads/drafts/shop/w1');
    const proposed = await repository.propose(draft);
    expect(await fixture.refNames()).toEqual(['refs/heads/main', 'refs/heads/proposed/shop/w1']);
    expect(proposed).toMatchObject({ lifecycle: 'Proposed', commit: draft.commit, ref: 'refs/heads/proposed/shop/w1' });
    const published = await repository.publish(proposed, { author: { name: 'Ann', email: 'ann@x' } });
    expect(published).toMatchObject({ lifecycle: 'Published', revision: 1, latest: true, workspace: 'w1' });
    expect(published.published).toEqual({ name: 'Ann', email: 'ann@x', at: 1_800_000_000 });
    expect(await listed(repository)).toEqual(['shop w1 Published 1*', 'shop main Published -1']);
    await repository.sync();
    expect(await listed(repository)).toEqual(['shop w1 Published 1*', 'shop main Published -1']);
  });

  test('7.7.105: a rejected proposal is a draft again', async () => {
    const proposed = await repository.propose(await makeDraft(repository, 'shop', 'w1'));
    const draft = await repository.reject(proposed);
    expect(draft).toMatchObject({ lifecycle: 'Draft', workspace: 'w1', commit: proposed.commit });
    expect(await fixture.refNames()).toEqual(['refs/heads/drafts/shop/w1', 'refs/heads/main']);
  });

  test('7.7.106, 7.7.110: published revisions cannot be edited, proposed or rejected, drafts not proposed for deletion', async () => {
    const published = await publishNew(repository, 'shop', 'w1');
    const draft = await makeDraft(repository, 'shop', 'w2');
    const wrong = [
      repository.openDraft(published),
      repository.propose(published),
      repository.reject(published),
      repository.proposeDeletion(draft),
    ];
    for (const call of wrong)
      await expect(call).rejects.toMatchObject({ reason: 'IllegalTransition', retry: 'terminal' });
  });

  test('7.7.107, P-05: a proposed deletion keeps everything and can be taken back; a published revision is not deletable', async () => {
    const published = await publishNew(repository, 'shop', 'w1');
    const doomed = await repository.proposeDeletion(published);
    expect(await fixture.remote.git('rev-parse', 'deletionProposed/shop/v1')).toBe(published.commit);
    for (let reads = 0; reads < 20; reads++) {
      await repository.sync();
      expect(await find(repository, 'shop', 'w1')).toMatchObject({ lifecycle: 'DeletionProposed' });
    }
    expect((await repository.read(doomed.commit, 'shop')).has('Kptfile')).toBe(true);
    const restored = await repository.restore(doomed);
    expect(restored.lifecycle).toBe('Published');
    await expect(repository.delete(restored)).rejects.toMatchObject({ reason: 'NotProposedForDeletion' });
    expect(await fixture.refNames()).toEqual(['refs/heads/main', 'refs/tags/shop/v1']);
  });

  test('7.7.108: drafts, proposals and deletion-proposed revisions are deleted with all their refs; again is a success', async () => {
    const draft = await makeDraft(repository, 'a', 'w1');
    const proposed = await repository.propose(await makeDraft(repository, 'b', 'w1'));
    const doomed = await repository.proposeDeletion(await publishNew(repository, 'c', 'w1'));
    for (let turn = 0; turn < 2; turn++) {
      for (const revision of [draft, proposed, doomed]) await repository.delete(revision);
    }
    expect(await fixture.refNames()).toEqual(['refs/heads/main']);
    expect(await listed(repository)).toEqual(['c main Published -1']);
  });

  test('7.7.111, 7.7.119, P-11: latest follows numbers, numbers are never used again', async () => {
    for (let revision = 1; revision <= 11; revision++) {
      expect(await publishNew(repository, 'shop', `w${revision}`, String(revision))).toMatchObject({ revision });
    }
    const eleven = await find(repository, 'shop', 'w11');
    expect(eleven?.latest).toBe(true);
    if (eleven) await repository.delete(await repository.proposeDeletion(eleven));
    expect(await find(repository, 'shop', 'w10')).toMatchObject({ latest: true });
    expect((await repository.snapshot()).revisions.filter(({ latest }) => latest)).toHaveLength(1);
    const fresh = await fixture.open();
    expect(await publishNew(fresh, 'shop', 'w12', '12')).toMatchObject({ revision: 12, latest: true });
  });

  test('7.7.111: without published revisions nobody is the latest, the placeholder neither', async () => {
    await repository.delete(await repository.proposeDeletion(await publishNew(repository, 'shop', 'w1')));
    expect((await repository.snapshot()).revisions.map(({ latest }) => latest)).toEqual([false]);
  });

  test('7.7.112, 7.7.114: revision and placeholder are deleted apart; the same package and workspace can be made anew', async () => {
    await repository.delete(await repository.proposeDeletion(await publishNew(repository, 'shop', 'w1')));
    expect(await fixture.files()).toContain('100644 shop/Kptfile');
    const placeholder = await find(repository, 'shop', 'main');
    if (placeholder) await repository.delete(await repository.proposeDeletion(placeholder));
    expect(await fixture.refNames()).toEqual(['refs/heads/main']);
    expect(await listed(repository)).toEqual([]);
    const again = await publishNew(repository, 'shop', 'w1');
    expect(again).toMatchObject({ revision: 2, workspace: 'w1', task: { type: 'init' } });
  });

  test('7.7.113: two placeholders go by separate commits, and emptied parent directories with them', async () => {
    await publishNew(repository, 'apps/a', 'w1');
    await publishNew(repository, 'apps/b', 'w1');
    const placeholders = (await repository.snapshot()).revisions.filter(({ branchHead }) => branchHead);
    const author = { name: 'Ann', email: 'ann@x' };
    for (const placeholder of placeholders) await repository.delete(placeholder, { author });
    expect(await fixture.files()).toEqual(['100644 README.md']);
    expect((await fixture.remote.git('log', '-2', '--format=%s|%an', 'main')).split('\n')).toEqual([
      'Delete apps/b|Ann',
      'Delete apps/a|Ann',
    ]);
    for (const placeholder of placeholders) await repository.delete(placeholder);
    expect(await fixture.remote.git('log', '-1', '--format=%s', 'main')).toBe('Delete apps/b');
  });

  test('7.7.117, P-02: numbers count per full path, also below the directory of a Repository', async () => {
    const scoped = await fixture.open({ directory: 'apps' });
    for (const revision of [1, 2]) {
      const published = await publishNew(scoped, 'a/b/c', `w${revision}`, String(revision));
      expect(published).toMatchObject({
        revision,
        package: 'a/b/c',
        lock: { git: { directory: 'apps/a/b/c', ref: `apps/a/b/c/v${revision}` } },
      });
    }
    expect(await publishNew(repository, 'a/b/c', 'w1')).toMatchObject({ revision: 1 });
  });

  test('7.7.118: two workspaces of one package published at once get distinct numbers', async () => {
    const drafts = await Promise.all(
      ['w1', 'w2', 'w3'].map((workspace) => makeDraft(repository, 'shop', workspace, workspace)),
    );
    const published = await Promise.all(drafts.map((draft) => repository.publish(draft)));
    expect(published.map(({ revision }) => revision).sort()).toEqual([1, 2, 3]);
  });

  test('P-01: a published workspace cannot be made again', async () => {
    await publishNew(repository, 'shop', 'w1');
    const before = await fixture.remote.refs();
    await expect(makeDraft(repository, 'shop', 'w1')).rejects.toMatchObject({
      reason: 'WorkspaceExists',
      retry: 'replan',
    });
    expect(await fixture.remote.refs()).toEqual(before);
  });
});

describe('content of a package that somebody changed on the branch', () => {
  const edited = async (name: string) =>
    (await repository.sync()).find({ package: name, workspace: 'main' })?.branchEdited;

  test('is told apart from that of any revision, and may be refused to be replaced, by the push that would do it', async () => {
    await publishNew(repository, 'shop', 'w1');
    expect(await edited('shop')).toBeUndefined();
    const draft = await makeDraft(repository, 'shop', 'w2', '2');
    await fixture.remote.commit('main', { 'shop/Kptfile': kptfile('shop'), 'shop/config.yaml': 'value: by hand\n' });
    const head = await fixture.remote.git('rev-parse', 'main');
    const tree = await fixture.remote.git('rev-parse', 'main:shop');
    const asked: string[] = [];
    const refuse = (found: string) => {
      asked.push(found);
      return 'refuse' as const;
    };
    await expect(repository.publish(draft, { onBranchEdit: refuse })).rejects.toMatchObject({
      reason: 'BranchDiverged',
    });
    expect(new Set(asked)).toEqual(new Set([tree]));
    expect(await fixture.remote.git('rev-parse', 'main')).toBe(head);
    expect(await edited('shop')).toBe(true);
    expect((await repository.publish(draft, { onBranchEdit: () => 'replace' })).revision).toBe(2);
    expect(await edited('shop')).toBeUndefined();
  });

  test('is no edit when it was approved and its tag is gone', async () => {
    for (const value of ['1', '2']) await publishNew(repository, 'shop', `w${value}`, value);
    const second = await find(repository, 'shop', 'w2');
    await repository.delete(await repository.proposeDeletion(second as RevisionInfo));
    expect(await fixture.refNames()).toEqual(['refs/heads/main', 'refs/tags/shop/v1']);
    expect(await edited('shop')).toBeUndefined();
    const again = await fixture.open();
    expect((await again.sync()).find({ package: 'shop', workspace: 'main' })?.branchEdited).toBeUndefined();
    const draft = await makeDraft(repository, 'shop', 'w3', '3');
    expect((await repository.publish(draft, { onBranchEdit: () => 'refuse' })).revision).toBe(3);
  });

  test('is no edit where another package lies within: that is published on its own', async () => {
    const outer = { 'shop/Kptfile': kptfile('shop'), 'shop/inner/Kptfile': kptfile('inner') };
    await fixture.remote.commit('main', outer);
    await fixture.remote.git('tag', 'shop/v1', 'main');
    await fixture.remote.commit('main', { ...outer, 'shop/inner/new.yaml': 'a: b\n' });
    expect(await edited('shop')).toBe(true);
    await fixture.remote.git('tag', 'shop/inner/v1', 'main');
    expect(await edited('shop')).toBeUndefined();
  });
});
