import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { fetchPackage } from '../../../src/repository/sources.ts';
import { Fixture, kptfile, packageOf } from './fixture.ts';

const { signal } = new AbortController();
let fixture: Fixture;
let first: string;
let second: string;

beforeEach(async () => {
  fixture = await Fixture.start();
  first = await fixture.remote.commit('main', { 'pkgs/web/Kptfile': kptfile('web'), 'pkgs/web/a.yaml': 'a: 1\n' });
  await fixture.remote.git('tag', 'pkgs/web/v1', first);
  second = await fixture.remote.commit('main', { 'pkgs/web/Kptfile': kptfile('web'), 'pkgs/web/a.yaml': 'a: 2\n' });
});

afterEach(() => fixture.stop());

describe('packages from any git URL', () => {
  test.each(['/pkgs/web', 'pkgs/web', 'pkgs/web/', './pkgs/web'])('7.2.26, P-17: directory %s', async (directory) => {
    const location = { repo: fixture.url, ref: 'main', directory };
    const { lock, content } = await fetchPackage(await fixture.store(), location, signal);
    expect(lock).toEqual({
      type: 'git',
      git: { repo: fixture.url, directory: 'pkgs/web', ref: 'main', commit: second },
    });
    expect(content.hash()).toBe(packageOf({ Kptfile: kptfile('web'), 'a.yaml': 'a: 2\n' }).hash());
  });

  test('7.2.25, 7.2.27: full tag, short tag, branch, full ref and commit; the lock has the text as given', async () => {
    const store = await fixture.store();
    const cases = { 'pkgs/web/v1': first, v1: first, main: second, 'refs/heads/main': second, [first]: first };
    for (const [ref, commit] of Object.entries(cases)) {
      const { lock } = await fetchPackage(store, { repo: fixture.url, ref, directory: 'pkgs/web' }, signal);
      expect(lock.git).toMatchObject({ ref, commit });
    }
  });

  test('7.2.28: what cannot be found is told with what was tried', async () => {
    const store = await fixture.store();
    const at = (ref: string, directory: string) => fetchPackage(store, { repo: fixture.url, ref, directory }, signal);
    await expect(at('v9', 'pkgs/web')).rejects.toMatchObject({
      reason: 'RefNotFound',
      retry: 'terminal',
      message: expect.stringMatching(/refs\/tags\/pkgs\/web\/v9.*refs\/heads\/v9/),
    });
    await expect(at('main', 'pkgs')).rejects.toMatchObject({ reason: 'PackageNotFound', retry: 'terminal' });
    await expect(at('main', 'pkgs/../..')).rejects.toMatchObject({ reason: 'InvalidSource' });
    await expect(at('', 'pkgs/web')).rejects.toMatchObject({ reason: 'InvalidSource' });
  });

  test('G-30: 50 callers cost one listing and one fetch', async () => {
    const store = await fixture.store();
    const location = { repo: fixture.url, ref: 'main', directory: 'pkgs/web' };
    const fetched = await Promise.all(Array.from({ length: 50 }, () => fetchPackage(store, location, signal)));
    expect(new Set(fetched.map(({ content }) => content)).size).toBe(1);
    expect(fixture.server.requests).toMatchObject({ lsRefs: 1, fetch: 1 });
  });
});
