import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { resolveSource } from '../../../src/repository/git/store/source.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { Bench, readText } from './support.ts';

let bench: Bench;
let repository: BareRepository;
let server: GitServer;

beforeEach(async () => {
  bench = await Bench.create();
  repository = await bench.repository();
  server = await startGitServer({ root: bench.served });
  bench.closing(() => server.close());
});
afterEach(() => bench.dispose());

describe('what a user calls a revision', () => {
  test.each([
    ['v1', 'apps/shop', 'shop tag', 'refs/tags/apps/shop/v1'],
    ['v1', '/apps/shop/', 'shop tag', 'refs/tags/apps/shop/v1'],
    ['v1', 'apps/other', 'plain tag', 'refs/tags/v1'],
    ['apps/shop/v1', 'apps/shop', 'shop tag', 'refs/tags/apps/shop/v1'],
    ['main', 'apps/shop', 'branch', 'refs/heads/main'],
    ['refs/heads/main', '', 'branch', 'refs/heads/main'],
  ])('%s in %j is the %s', async (text, directory, content, ref) => {
    for (const [name, seed] of [
      ['refs/tags/apps/shop/v1', 'shop tag'],
      ['refs/tags/v1', 'plain tag'],
      ['refs/heads/main', 'branch'],
    ] as const) {
      await repository.commit(name, { 'file.yaml': seed });
    }
    const store = await bench.store(server.url('repo.git'), { shallow: true });
    const source = await resolveSource(store, text, directory);
    expect(source.ref).toBe(ref);
    expect(await readText(store, source.commit)).toBe(content);
  });

  test.each(['v9', '', '--help', 'a..b', '*'])('%j is RefNotFound', async (text) => {
    await repository.commit('main', { 'file.yaml': 'x' });
    const store = await bench.store(server.url('repo.git'), { shallow: true });
    await expect(resolveSource(store, text, 'apps/shop')).rejects.toMatchObject({ reason: 'RefNotFound' });
  });
});

test('G-29: what a pinned commit costs does not depend on the length of the history', async () => {
  const received: number[] = [];
  let pinned = '';
  for (let round = 0; round < 30; round += 1) {
    const commit = await repository.commit('main', { 'file.yaml': `round ${round} ${Math.sin(round)}`.repeat(50) });
    if (round === 0 || round === 28) {
      pinned = commit;
      const store = await bench.store(server.url('repo.git'), {
        shallow: true,
        directory: `${bench.root}/at-${round}`,
      });
      const before = server.bytes.sent;
      expect(await resolveSource(store, commit, '')).toEqual({ commit });
      received.push(server.bytes.sent - before);
      expect(await readText(store, commit)).toContain(`round ${round} `);
    }
  }
  const [short = 0, long = 0] = received;
  expect(long).toBeLessThan(short + 400);

  // A second look costs nothing, and such a mirror is never pushed from.
  const store = await bench.store(server.url('repo.git'), { shallow: true });
  await resolveSource(store, pinned, '');
  const requests = { ...server.requests };
  await resolveSource(store, pinned, '');
  expect(server.requests).toEqual(requests);
  const push = store.push([{ ref: 'refs/heads/x', expected: null, target: pinned }]);
  await expect(push).rejects.toMatchObject({ reason: 'ReadOnlyMirror' });
});

test('a commit that is not a tip, or was never there', async () => {
  const first = await repository.commit('main', { 'file.yaml': 'first' });
  await repository.commit('main', { 'file.yaml': 'second' });
  const store = await bench.store(server.url('repo.git'));
  expect(await readText(store, (await resolveSource(store, first, '')).commit)).toBe('first');
  await expect(resolveSource(store, '1'.repeat(40), '')).rejects.toMatchObject({ reason: 'HistoryRewritten' });
});
