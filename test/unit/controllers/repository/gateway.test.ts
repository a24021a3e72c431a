import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Repository } from '../../../../src/api/kinds.ts';
import { RepositoryGateway } from '../../../../src/controllers/repository/gateway.ts';
import { createGitRepository } from '../../../../src/repository/git/repository.ts';
import type { GitStore } from '../../../../src/repository/git/types.ts';

let made: string[];
let closed: string[];
let failures: number;
let gateway: RepositoryGateway;
beforeEach(() => {
  made = [];
  closed = [];
  failures = 0;
  gateway = new RepositoryGateway({
    mirrors: '/nonexistent',
    allowLocal: true,
    credentials: () => undefined,
    now: () => 0,
    openStore: async () => {
      if (failures-- > 0) throw new Error('no store today');
      return STORE;
    },
    createRepository: (store, options) => {
      const repository = createGitRepository(store, options);
      made.push(options.branch);
      return Object.assign(repository, { close: async () => void closed.push(options.branch) });
    },
  });
});

/** Nothing is asked of it here. */
const STORE = {
  url: 'https://git.example.com/fleet.git',
  close: async () => undefined,
} as Partial<GitStore> as GitStore;

function registered(branch: string): Repository {
  return {
    apiVersion: 'config.porch.kpt.dev/v1alpha1',
    kind: 'Repository',
    metadata: { name: 'fleet', namespace: 'default', uid: 'a' },
    spec: { type: 'git', git: { repo: 'https://git.example.com/fleet.git', branch } },
  };
}

function openTimes(count: number, branch: string) {
  return Promise.all(Array.from({ length: count }, () => gateway.open(registered(branch))));
}

describe('an opened repository', () => {
  test('is one however many ask for it at once: each has snapshots and listeners of its own', async () => {
    expect(new Set(await openTimes(1000, 'main')).size).toBe(1);
    expect(new Set([...(await openTimes(10, 'main')), await gateway.open(registered('main'))]).size).toBe(1);
    expect(made).toEqual(['main']);
  });

  test('is closed before the one with other settings is opened, which is one as well', async () => {
    const [first] = await openTimes(1, 'main');
    const others = await openTimes(100, 'next');
    expect(new Set(others).size).toBe(1);
    expect(others[0]).not.toBe(first);
    expect([made, closed]).toEqual([['main', 'next'], ['main']]);
    await gateway.close('default/fleet');
    expect(closed).toEqual(['main', 'next']);
  });

  test('that could not be opened is tried again by the next who asks', async () => {
    failures = 1;
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => gateway.open(registered('main'))));
    expect(outcomes.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    await gateway.open(registered('main'));
    await gateway.closeAll();
    expect([made, closed]).toEqual([['main'], ['main']]);
  });
});
