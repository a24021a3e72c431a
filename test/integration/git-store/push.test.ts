import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { GitStore } from '../../../src/repository/git/types.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { Bench, fetchAll, PERSON, update, writeFileCommit } from './support.ts';

const MAIN = 'refs/heads/main';
const DRAFT = 'refs/heads/drafts/shop/v1';

let bench: Bench;
let repository: BareRepository;
let server: GitServer;
let store: GitStore;
let head: string;

beforeEach(async () => {
  bench = await Bench.create();
  repository = await bench.repository();
  head = await repository.commit('main', { 'file.yaml': 'seed' });
  server = await startGitServer({ root: bench.served });
  bench.closing(() => server.close());
  store = await bench.store(server.url('repo.git'));
  await fetchAll(store);
});
afterEach(() => bench.dispose());

describe('expectations', () => {
  test('branch, tag and removal of a draft go out together', async () => {
    const draft = await writeFileCommit(store, 'draft', [head]);
    await store.push([update(DRAFT, null, draft)]);
    const published = await writeFileCommit(store, 'published', [head, draft]);
    const outcomes = await store.push([
      update(MAIN, head, published),
      update('refs/tags/shop/v1', null, published),
      update(DRAFT, draft, null),
    ]);
    expect([...outcomes.values()]).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
    expect(await repository.refs()).toEqual(
      new Map([
        [MAIN, published],
        ['refs/tags/shop/v1', published],
      ]),
    );
    await repository.fsck();
  });

  test('one that does not hold stops all the others and is told apart from them', async () => {
    const theirs = await repository.commit('main', { 'file.yaml': 'theirs' });
    const ours = await writeFileCommit(store, 'ours', [head]);
    const outcomes = await store.push([update(MAIN, head, ours), update(DRAFT, null, ours)]);
    expect(outcomes.get(MAIN)).toMatchObject({ ok: false, stale: true });
    expect(outcomes.get(DRAFT)).toMatchObject({ ok: false, stale: false, collateral: true });
    expect(await repository.refs()).toEqual(new Map([[MAIN, theirs]]));
  });

  test.each([
    ['a ref that must not exist but does', MAIN, null, 'new'],
    ['a ref that must exist but does not', DRAFT, 'head', 'new'],
    ['the removal of a ref that has moved', MAIN, 'other', null],
    ['the removal of a ref that is gone', DRAFT, 'head', null],
    ['no change of a ref that has moved', MAIN, 'other', 'other'],
    ['no change of a ref that is gone', DRAFT, 'head', 'head'],
  ] as const)('%s is stale', async (_name, ref, expected, target) => {
    const commits = {
      head,
      new: await writeFileCommit(store, 'new', [head]),
      other: await writeFileCommit(store, 'other', [head]),
    };
    const outcomes = await store.push([
      update(ref, expected === null ? null : commits[expected], target === null ? null : commits[target]),
    ]);
    expect(outcomes.get(ref)).toMatchObject({ ok: false, stale: true });
    expect(await repository.refs()).toEqual(new Map([[MAIN, head]]));
  });

  test('no change of a ref that is where it was expected is ok', async () => {
    expect(await store.push([update(MAIN, head, head)])).toEqual(new Map([[MAIN, { ok: true }]]));
  });

  test('a rewind is no different from any other update', async () => {
    const next = await writeFileCommit(store, 'next', [head]);
    await store.push([update(MAIN, head, next)]);
    expect((await store.push([update(MAIN, next, head)])).get(MAIN)).toEqual({ ok: true });
  });

  test('of two stores that race for one ref exactly one wins', async () => {
    const other = await bench.store(repository.path);
    await fetchAll(other);
    const [ours, theirs] = [
      await writeFileCommit(store, 'ours', [head]),
      await writeFileCommit(other, 'theirs', [head]),
    ];
    const outcomes = await Promise.all([
      store.push([update(MAIN, head, ours)]),
      other.push([update(MAIN, head, theirs)]),
    ]);
    const won = outcomes.map((outcome) => outcome.get(MAIN)?.ok);
    expect(won.filter((ok) => ok)).toHaveLength(1);
    expect((await repository.refs()).get(MAIN)).toBe(won[0] ? ours : theirs);
    for (const outcome of outcomes)
      expect(outcome.get(MAIN)).toMatchObject(outcome.get(MAIN)?.ok ? {} : { stale: true });
  });
});

describe('a server that refuses', () => {
  test('G-20: a protected branch is a refusal with the words of the server, and nothing else goes through', async () => {
    await repository.hook('pre-receive', 'echo "branch main is \\033[31mprotected\\033[0m" >&2; exit 1');
    const commit = await writeFileCommit(store, 'new', [head]);
    const outcomes = await store.push([update(MAIN, head, commit), update(DRAFT, null, commit)]);
    expect(outcomes.get(MAIN)).toEqual({
      ok: false,
      stale: false,
      message: 'pre-receive hook declined: branch main is protected',
    });
    expect(await repository.refs()).toEqual(new Map([[MAIN, head]]));
  });

  test('only the ref that its update hook refuses is at fault', async () => {
    await repository.hook('update', 'case "$1" in refs/heads/main) echo "no pushes to main"; exit 1;; esac');
    const commit = await writeFileCommit(store, 'new', [head]);
    const outcomes = await store.push([update(MAIN, head, commit), update(DRAFT, null, commit)]);
    expect(outcomes.get(MAIN)).toMatchObject({ ok: false, stale: false });
    expect(outcomes.get(MAIN)).not.toHaveProperty('collateral');
    expect(outcomes.get(DRAFT)).toMatchObject({ ok: false, stale: false, collateral: true });
  });

  test('without atomic each update stands for itself', async () => {
    await repository.hook('update', 'case "$1" in refs/heads/main) exit 1;; esac');
    const commit = await writeFileCommit(store, 'new', [head]);
    const outcomes = await store.push([update(MAIN, head, commit), update(DRAFT, null, commit)], { atomic: false });
    expect(outcomes.get(MAIN)).toMatchObject({ ok: false, stale: false });
    expect(outcomes.get(DRAFT)).toEqual({ ok: true });
    expect((await repository.refs()).get(DRAFT)).toBe(commit);
  });

  test('a ref that moves while the push is under way is stale, not refused', async () => {
    const theirs = await repository.commit('other', { 'file.yaml': 'theirs' });
    await repository.hook('pre-receive', `unset GIT_QUARANTINE_PATH; git update-ref ${MAIN} ${theirs}`);
    const commit = await writeFileCommit(store, 'new', [head]);
    const outcomes = await store.push([update(MAIN, head, commit), update(DRAFT, null, commit)]);
    expect(outcomes.get(MAIN)).toMatchObject({ ok: false, stale: true });
    expect(outcomes.get(DRAFT)).toMatchObject({ ok: false, stale: false });
    expect((await repository.refs()).get(MAIN)).toBe(theirs);
  });
});

test('a server without atomic push is told as such, and takes a push that is not', async () => {
  await repository.config('receive.advertiseatomic', 'false');
  const commit = await writeFileCommit(store, 'new', [head]);
  const updates = [update(MAIN, head, commit), update(DRAFT, null, commit)];
  await expect(store.push(updates)).rejects.toMatchObject({ reason: 'AtomicPushUnsupported' });
  expect(await repository.refs()).toEqual(new Map([[MAIN, head]]));
  const outcomes = await store.push(updates, { atomic: false });
  expect([...outcomes.values()]).toEqual([{ ok: true }, { ok: true }]);
});

test('a push whose answer is lost is unknown, and repeating it is harmless', async () => {
  const commit = await writeFileCommit(store, 'new', [head]);
  server.fault = (kind) => (kind === 'push' ? { kind: 'dropAnswer' } : undefined);
  await expect(store.push([update(MAIN, head, commit)])).rejects.toMatchObject({ retry: 'backoff' });
  expect((await repository.refs()).get(MAIN)).toBe(commit);
  server.fault = () => undefined;
  expect((await store.push([update(MAIN, head, commit)])).get(MAIN)).toEqual({ ok: true });
});

test('updates that make no sense are refused before anything is sent', async () => {
  const absent = '1'.repeat(40);
  const before = server.requests.discoverPush;
  await expect(store.push([update(MAIN, head, head), update(MAIN, head, null)])).rejects.toMatchObject({
    reason: 'InvalidRef',
  });
  await expect(store.push([update('refs/heads/a..b', null, head)])).rejects.toMatchObject({ reason: 'InvalidRef' });
  await expect(store.push([update(DRAFT, null, absent)])).rejects.toMatchObject({ reason: 'ObjectMissing' });
  expect(await store.push([])).toEqual(new Map());
  expect(server.requests.discoverPush).toBe(before);
});

test('G-16 and G-17: modes, submodule entries and foreign names survive a rewrite of the tree', async () => {
  const submodule = '2'.repeat(40);
  const files = {
    'run.sh': { mode: '100755', content: '#!/bin/sh\n' },
    link: { mode: '120000', content: 'run.sh' },
    module: { mode: '160000', content: submodule },
    'cafe\u0301.yaml': 'nfd',
    'caf\u00e9.yaml': 'nfc',
    'dir/inner.yaml': 'x',
    'dir-sibling': 'y',
    'dir.yaml': 'z',
  } as const;
  const seeded = await repository.commit('main', files);
  await fetchAll(store);
  const { tree } = await store.readCommit(seeded);
  const entries = await store.readTree(tree);
  expect(entries.find(({ name }) => name === 'module')).toEqual({ mode: '160000', name: 'module', oid: submodule });
  // Written anew in another order, the very same tree comes out.
  expect(await store.writeTree([...entries].reverse())).toBe(tree);

  const oid = await store.writeBlob(Buffer.from('changed'));
  const changed = await store.writeTree(entries.map((entry) => (entry.name === 'run.sh' ? { ...entry, oid } : entry)));
  const person = { author: PERSON, committer: PERSON, at: 1_700_000_000 };
  const commit = await store.writeCommit({ tree: changed, parents: [seeded], ...person, message: 'edit' });
  await store.push([update(MAIN, seeded, commit)]);
  const lines = (await repository.git('ls-tree', commit)).split('\n');
  expect(lines).toContain(`100755 blob ${oid}\trun.sh`);
  expect(lines).toContain(`160000 commit ${submodule}\tmodule`);
  await repository.fsck();
});

test('nothing of credentials or remotes is kept in the mirror', async () => {
  const [mirror] = (await import('node:fs')).readdirSync(join(bench.root, 'mirrors'));
  const config = await readFile(join(bench.root, 'mirrors', mirror ?? '', 'config'), 'utf8');
  expect(config).toBe('[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
});
