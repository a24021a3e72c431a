import { execFileSync } from 'node:child_process';
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mirrorDirectory, openGitStore } from '../../../src/repository/git/store/open.ts';
import type { GitStore } from '../../../src/repository/git/types.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { Bench, fetchAll, readText, update, writeFileCommit } from './support.ts';

const MAIN = 'refs/heads/main';

let bench: Bench;
let repository: BareRepository;
let server: GitServer;
let url: string;
let mirror: string;

beforeEach(async () => {
  bench = await Bench.create();
  repository = await bench.repository();
  server = await startGitServer({ root: bench.served });
  bench.closing(() => server.close());
  url = server.url('repo.git');
  mirror = mirrorDirectory(join(bench.root, 'mirrors'), url);
});
afterEach(() => bench.dispose());

describe('refs that change', () => {
  test('G-08: a branch that was forced back and packed away on the server does not stop the next sync', async () => {
    const first = await repository.commit('main', { 'file.yaml': 'first' });
    const second = await repository.commit('main', { 'file.yaml': 'second' });
    const store = await bench.store(url);
    const seen = await fetchAll(store);
    await repository.git('update-ref', MAIN, first);
    await repository.git('reflog', 'expire', '--expire=now', '--all');
    await repository.git('gc', '--quiet', '--prune=now');
    expect(await fetchAll(store)).toEqual(new Map([[MAIN, first]]));
    // What was read before is still there to compare with.
    expect(await readText(store, second)).toBe('second');

    const late = await bench.store(url, { directory: join(bench.root, 'late') });
    await expect(late.fetch(seen)).rejects.toMatchObject({ reason: 'HistoryRewritten', retry: 'backoff' });
    await fetchAll(late);
    expect(await readText(late, first)).toBe('first');
  });

  test('G-19: a ref that becomes the folder of another one, and back, is no obstacle', async () => {
    const store = await bench.store(url);
    await repository.commit('drafts/x', { 'file.yaml': 'x' });
    await fetchAll(store);
    await repository.git('update-ref', '-d', 'refs/heads/drafts/x');
    const below = await repository.commit('drafts/x/y', { 'file.yaml': 'y' });
    await fetchAll(store);
    expect(await readText(store, below)).toBe('y');
    await repository.git('update-ref', '-d', 'refs/heads/drafts/x/y');
    const again = await repository.commit('drafts/x', { 'file.yaml': 'again' });
    await fetchAll(store);
    expect(await readText(store, again)).toBe('again');
  });

  test('G-28: ref and file names that are not ASCII come through as they are', async () => {
    const commit = await repository.commit('ветка', { 'cafe\u0301.yaml': 'nfd', 'caf\u00e9.yaml': 'nfc' });
    const store = await bench.store(url);
    expect(await fetchAll(store)).toEqual(new Map([['refs/heads/ветка', commit]]));
    expect(await readText(store, commit, 'cafe\u0301.yaml')).toBe('nfd');
    expect(await readText(store, commit, 'caf\u00e9.yaml')).toBe('nfc');
    const next = await writeFileCommit(store, 'next', [commit]);
    expect((await store.push([update('refs/heads/ветка', commit, next)])).get('refs/heads/ветка')).toEqual({
      ok: true,
    });
    expect((await store.listRemote()).get('refs/heads/ветка')).toBe(next);
  });

  test('annotated tags are listed as the commit they point at, moved ones too', async () => {
    const first = await repository.commit('main', { 'file.yaml': 'first' });
    await repository.git('-c', 'user.name=T', '-c', 'user.email=t@x', 'tag', '-a', '-m', 'one', 'shop/v1', first);
    const store = await bench.store(url);
    const refs = await fetchAll(store);
    expect(refs.get('refs/tags/shop/v1')).toBe(first);
    const second = await repository.commit('main', { 'file.yaml': 'second' });
    await repository.git(
      '-c',
      'user.name=T',
      '-c',
      'user.email=t@x',
      'tag',
      '-f',
      '-a',
      '-m',
      'two',
      'shop/v1',
      second,
    );
    expect((await fetchAll(store)).get('refs/tags/shop/v1')).toBe(second);
    expect(await readText(store, second)).toBe('second');
  });

  test.each([
    ['by its commit id', false],
    ['by its name where the server takes no commit ids', true],
  ])('an annotated tag alone, whose commit no other ref has, is brought %s', async (_name, oldProtocol) => {
    server.oldProtocol = oldProtocol;
    const commit = await repository.commit('main', { 'file.yaml': 'tagged' });
    await repository.git('-c', 'user.name=T', '-c', 'user.email=t@x', 'tag', '-a', '-m', 'one', 'shop/v1', commit);
    await repository.git('update-ref', '-d', MAIN);
    const store = await bench.store(url);
    await fetchAll(store);
    expect(await readText(store, commit)).toBe('tagged');
  });

  test('an empty remote is an empty map', async () => {
    const store = await bench.store(url);
    expect(await fetchAll(store)).toEqual(new Map());
  });
});

test('G-14: 50 parallel reads while fetches run meet no error and no torn object', async () => {
  const store = await bench.store(url);
  const commits = [await repository.commit('main', manyFiles(0))];
  await fetchAll(store);
  let fetching = true;
  const fetches = (async () => {
    for (let round = 1; round <= 5; round += 1) {
      const commit = await repository.commit('main', manyFiles(round));
      await fetchAll(store);
      commits.push(commit);
    }
    fetching = false;
  })();
  const readers = Array.from({ length: 50 }, async (_, reader) => {
    let reads = 0;
    while (fetching || reads === 0) {
      const round = reads % commits.length;
      const name = `file-${reader}.yaml`;
      expect(await readText(store, commits[round] ?? '', name)).toBe(`${name} of round ${round}`);
      reads += 1;
    }
    return reads;
  });
  await fetches;
  expect(Math.min(...(await Promise.all(readers)))).toBeGreaterThan(0);
});

test('C-08: a branch that is listed while it is pushed to is at one commit or the next, never at none, and never goes back', async () => {
  const store = await bench.store(url);
  const commits = [await repository.commit('main', { 'file.yaml': 'first' })];
  await fetchAll(store);
  let pushing = true;
  const pushAll = async () => {
    for (let round = 1; round <= 15; round += 1) {
      const before = commits.at(-1) ?? null;
      const commit = await writeFileCommit(store, `round ${round}`, commits.slice(-1));
      commits.push(commit);
      expect((await store.push([update(MAIN, before, commit)])).get(MAIN)).toEqual({ ok: true });
    }
  };
  const pushes = pushAll().finally(() => {
    pushing = false;
  });
  const seen: number[] = [];
  while (pushing) seen.push(commits.indexOf((await store.listRemote()).get(MAIN) ?? ''));
  await pushes;
  expect(seen).not.toContain(-1);
  expect(seen).toEqual([...seen].sort((one, other) => one - other));
  expect(seen.length).toBeGreaterThan(1);
});

function manyFiles(round: number): Record<string, string> {
  const names = Array.from({ length: 50 }, (_, index) => `file-${index}.yaml`);
  return Object.fromEntries(names.map((name) => [name, `${name} of round ${round}`]));
}

describe('G-09: a mirror that is damaged', () => {
  async function packFile(extension: string): Promise<string> {
    const folder = join(mirror, 'objects/pack');
    const name = (await fs.readdir(folder)).find((each) => each.endsWith(extension));
    return join(folder, name ?? 'none');
  }

  const damages: [string, () => Promise<void>][] = [
    ['a truncated pack', async () => fs.truncate(await packFile('.pack'), 40)],
    ['an empty pack', async () => fs.truncate(await packFile('.pack'), 0)],
    ['an empty index', async () => fs.truncate(await packFile('.idx'), 0)],
    ['a lost pack', async () => fs.rm(await packFile('.pack'))],
    ['a lost pack and index', async () => fs.rm(join(mirror, 'objects/pack'), { recursive: true })],
    ['the loss of its whole folder', () => fs.rm(mirror, { recursive: true })],
    ['a garbled HEAD', () => fs.writeFile(join(mirror, 'HEAD'), '\0\0\0garbage')],
    ['a garbled configuration', () => fs.writeFile(join(mirror, 'config'), '[core')],
    ['garbled packed refs', () => fs.writeFile(join(mirror, 'packed-refs'), 'garbage\n\0')],
    ['no refs', () => fs.rm(join(mirror, 'refs'), { recursive: true })],
    ['locks of a killed git', () => fs.writeFile(join(mirror, 'packed-refs.lock'), '')],
    ['a temporary pack of a killed git', () => fs.writeFile(join(mirror, 'objects/pack/tmp_pack_x'), 'half')],
  ];

  test.each(damages)('by %s is sound again after it is opened anew', async (_name, damage) => {
    const head = await repository.commit('main', { 'file.yaml': 'content' });
    const before = await openGitStore({ url, directory: mirror });
    await fetchAll(before);
    await before.close();
    await damage();
    const store = await bench.store(url);
    await fetchAll(store);
    expect(await readText(store, head)).toBe('content');
    const next = await repository.commit('main', { 'file.yaml': 'next' });
    await fetchAll(store);
    expect(await readText(store, next)).toBe('next');
    expect(await fs.readdir(join(mirror, 'objects/pack'))).not.toContain('tmp_pack_x');
    expect(await fs.readdir(mirror)).not.toContain('packed-refs.lock');
  });

  test.each(damages.slice(0, 6))('by %s heals while it is open, on a read', async (_name, damage) => {
    const head = await repository.commit('main', { 'file.yaml': 'content' });
    const store = await bench.store(url);
    await fetchAll(store);
    await damage();
    expect(await readText(store, head)).toBe('content');
    const next = await writeFileCommit(store, 'next', [head]);
    expect((await store.push([update(MAIN, head, next)])).get(MAIN)).toEqual({ ok: true });
    await repository.fsck();
  });

  test('by a flipped byte in a pack heals once, and says so when it happens again', async () => {
    const head = await repository.commit('main', { 'file.yaml': 'content' });
    const store = await bench.store(url);
    await fetchAll(store);
    await flipByte(await packFile('.pack'));
    expect(await readText(store, head)).toBe('content');
    const next = await repository.commit('main', { 'file.yaml': 'next' });
    await fetchAll(store);
    for (const name of await fs.readdir(join(mirror, 'objects/pack'))) {
      if (name.endsWith('.pack')) await flipByte(join(mirror, 'objects/pack', name));
    }
    await expect(readText(store, next)).rejects.toMatchObject({ reason: 'MirrorDamaged', retry: 'backoff' });
  });

  test('by a torn object that a push needs is rebuilt, and the push works when its objects are written again', async () => {
    const head = await repository.commit('main', { 'file.yaml': 'content' });
    const store = await bench.store(url);
    await fetchAll(store);
    const next = await writeFileCommit(store, 'next', [head]);
    // Refused, but the objects are on disk.
    expect((await store.push([update(MAIN, next, next)])).get(MAIN)).toMatchObject({ ok: false, stale: true });
    const object = join(mirror, 'objects', next.slice(0, 2), next.slice(2));
    await fs.chmod(object, 0o644);
    await fs.truncate(object, 5);
    await expect(store.push([update(MAIN, head, next)])).rejects.toMatchObject({ retry: 'backoff' });
    await fetchAll(store);
    expect(await writeFileCommit(store, 'next', [head])).toBe(next);
    expect((await store.push([update(MAIN, head, next)])).get(MAIN)).toEqual({ ok: true });
    await repository.fsck();
  });

  test('by the loss of its folder, while it is open, is rebuilt by the next call', async () => {
    await repository.commit('main', { 'file.yaml': 'content' });
    const store = await bench.store(url);
    await fetchAll(store);
    await fs.rm(mirror, { recursive: true });
    const next = await repository.commit('main', { 'file.yaml': 'next' });
    await fetchAll(store);
    expect(await readText(store, next)).toBe('next');
  });

  test('is never sought in a folder that is not ours', async () => {
    const directory = join(bench.root, 'home');
    await fs.mkdir(directory);
    await fs.writeFile(join(directory, 'precious'), 'x');
    await expect(openGitStore({ url, directory })).rejects.toMatchObject({ reason: 'InvalidMirrorDirectory' });
    expect(await fs.readdir(directory)).toEqual(['precious']);
  });
});

async function flipByte(path: string): Promise<void> {
  const bytes = await fs.readFile(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  await fs.chmod(path, 0o644);
  await fs.writeFile(path, bytes);
}

describe('objects', () => {
  let store: GitStore;
  beforeEach(async () => {
    store = await bench.store(url);
  });

  test('that nobody has are ObjectMissing, and of another type UnexpectedObject', async () => {
    await expect(store.readCommit('1'.repeat(40))).rejects.toMatchObject({ reason: 'ObjectMissing', retry: 'backoff' });
    const blob = await store.writeBlob(Buffer.from('x'));
    await expect(store.readTree(blob)).rejects.toMatchObject({ reason: 'UnexpectedObject', retry: 'terminal' });
    await expect(store.readBlob('HEAD')).rejects.toMatchObject({ reason: 'InvalidObjectId' });
  });

  test.each([0, 1, 6, 20])('of %d MiB come back byte for byte', async (size) => {
    const bytes = Buffer.alloc(size * 1024 * 1024, 'abcdefg\0\r\n');
    const oid = await store.writeBlob(bytes);
    expect(Buffer.from(await store.readBlob(oid)).equals(bytes)).toBe(true);
  });

  test('of one push are one pack, sound here and there, and can be read by whoever opens the mirror next', async () => {
    const commits: string[] = [];
    for (let each = 0; each < 100; each += 1) commits.push(await writeFileCommit(store, `draft ${each}`));
    const outcomes = await store.push(commits.map((oid, each) => update(`refs/heads/drafts/d${each}`, null, oid)));
    expect([...outcomes.values()].every(({ ok }) => ok)).toBe(true);
    const inMirror = await fs.readdir(join(mirror, 'objects'), { recursive: true });
    const kinds = inMirror.map((name) => /\.(?:pack|idx)$|^[0-9a-f]{2}$/.exec(name)?.[0]).filter(Boolean);
    expect(kinds.sort()).toEqual(['.idx', '.pack']);
    await repository.fsck();
    execFileSync('git', ['-C', mirror, 'fsck', '--strict', '--full', '--no-dangling'], { stdio: 'pipe' });
    await store.close();
    const again = await bench.store(url);
    for (const [each, commit] of commits.entries()) expect(await readText(again, commit)).toBe(`draft ${each}`);
  });

  test('that were fetched are not written again', async () => {
    const head = await repository.commit('main', { 'file.yaml': 'content' });
    await fetchAll(store);
    const { tree } = await store.readCommit(head);
    expect(await store.writeTree(await store.readTree(tree))).toBe(tree);
    expect(await fs.readdir(join(mirror, 'objects'))).not.toContain(tree.slice(0, 2));
  });
});

test('many small fetches are packed together in the end, and everything stays readable', async () => {
  const store = await bench.store(url);
  const commits: string[] = [];
  for (let round = 0; round < 52; round += 1) {
    commits.push(await repository.commit('main', { 'file.yaml': `round ${round}` }));
    await store.fetch(new Map([[MAIN, commits.at(-1) ?? '']]));
  }
  await store.close();
  const packs = (await fs.readdir(join(mirror, 'objects/pack'))).filter((name) => name.endsWith('.pack'));
  expect(packs.length).toBeLessThan(10);
  const again = await bench.store(url);
  for (const [round, commit] of commits.entries()) expect(await readText(again, commit)).toBe(`round ${round}`);
});
