import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TerminalError } from '../../../src/api/errors.ts';
import type { GitStore } from '../../../src/repository/git/types.ts';
import type { PackageRepository } from '../../../src/repository/types.ts';
import { boundStore } from '../../unit/repository/bound-store.ts';
import { Fixture, find, INIT, listed, makeDraft, publishNew, simplePackage, startDraft } from './fixture.ts';

let fixture: Fixture;
let repository: PackageRepository;

beforeEach(async () => {
  fixture = await Fixture.start();
  repository = await fixture.open({ createBranch: true });
  await repository.sync();
});

afterEach(() => fixture.stop());

const numbered = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** A second client whose view of the remote is up to date. */
async function otherClient(): Promise<PackageRepository> {
  const other = await fixture.open();
  await other.sync();
  return other;
}

describe('drafts', () => {
  test('content that is there already makes no commit, and closing then touches nothing', async () => {
    const made = await makeDraft(repository, 'a', 'w1');
    const pushes = fixture.server.requests.push;
    const draft = await repository.openDraft(made);
    await draft.update(simplePackage('a'), { task: { type: 'render' } });
    expect(await draft.close('Draft')).toEqual(made);
    expect(fixture.server.requests.push).toBe(pushes);
  });

  test('a new draft with the content of the branch is a draft all the same', async () => {
    const published = await publishNew(repository, 'a', 'w1');
    const draft = await repository.createDraft({ package: 'a', workspace: 'w2' });
    await draft.update(await repository.read(published.commit, 'a'), { task: { type: 'edit' } });
    expect(await draft.close('Draft')).toMatchObject({
      lifecycle: 'Draft',
      tree: published.tree,
      task: { type: 'edit' },
    });
  });

  test('new inputs that lead to the same content are recorded', async () => {
    const first = await startDraft(repository, 'a', 'w1', '1', { variant: 'n/v', inputHash: 'v1:one' });
    const draft = await repository.openDraft(await first.close('Draft'));
    await draft.update(simplePackage('a'), { ...INIT, origin: { variant: 'n/v', inputHash: 'v1:two' } });
    expect((await draft.close('Draft')).origin?.inputHash).toBe('v1:two');
  });

  test('several updates are one push, and other clients see none of them before', async () => {
    const draft = await repository.createDraft({ package: 'a', workspace: 'w1' });
    const pushes = fixture.server.requests.push;
    for (const value of ['1', '2', '3', '4', '5'])
      await draft.update(simplePackage('a', value), { task: { type: 'render' } });
    expect(await fixture.refNames()).toEqual(['refs/heads/main']);
    await draft.close('Proposed');
    expect(fixture.server.requests.push).toBe(pushes + 1);
    expect(await fixture.remote.git('rev-list', '--count', 'main..proposed/a/w1')).toBe('5');
  });

  test('a draft opened and closed as Proposed moves in one push', async () => {
    const draft = await repository.openDraft(await makeDraft(repository, 'a', 'w1'));
    await draft.update(simplePackage('a', '2'), { task: { type: 'replace' } });
    await draft.close('Proposed');
    expect(await fixture.refNames()).toEqual(['refs/heads/main', 'refs/heads/proposed/a/w1']);
  });

  test('a package without a Kptfile and a draft without content are refused', async () => {
    const draft = await repository.createDraft({ package: 'a', workspace: 'w1' });
    await expect(draft.close('Draft')).rejects.toMatchObject({ reason: 'EmptyDraft' });
    const empty = simplePackage('a').edit([['Kptfile', null]]);
    await expect(draft.update(empty, INIT)).rejects.toMatchObject({ reason: 'InvalidPackage' });
  });

  test('C-01: of two writers with one base the second loses', async () => {
    const made = await makeDraft(repository, 'a', 'w1');
    const other = await otherClient();
    const seen = await find(other, 'a', 'w1');
    const [mine, theirs] = [await repository.openDraft(made), await other.openDraft(seen ?? made)];
    await mine.update(simplePackage('a', 'mine'), { task: { type: 'replace' } });
    await theirs.update(simplePackage('a', 'theirs'), { task: { type: 'replace' } });
    await mine.close('Draft');
    await expect(theirs.close('Draft')).rejects.toMatchObject({ reason: 'RefMoved', retry: 'replan' });
    expect(await fixture.remote.git('show', 'drafts/a/w1:a/config.yaml')).toBe('value: mine');
  });

  test('7.5.75, 7.5.86: of edits of one draft at once one is stored, the others are conflicts, and so is a late one', async () => {
    const made = await makeDraft(repository, 'a', 'w1');
    const clients = [repository, await otherClient(), repository, await otherClient()];
    const edit = async (client: PackageRepository, value: string) => {
      const draft = await client.openDraft(made);
      await draft.update(simplePackage('a', value), { task: { type: 'replace' } });
      return await draft.close('Draft');
    };
    const outcomes = await Promise.allSettled(clients.map((client, index) => edit(client, `edit ${index}`)));
    const stored = outcomes.findIndex(({ status }) => status === 'fulfilled');
    expect(await fixture.remote.git('show', 'drafts/a/w1:a/config.yaml')).toBe(`value: edit ${stored}`);
    for (const [index, outcome] of outcomes.entries()) {
      if (index !== stored) expect(outcome).toMatchObject({ reason: { name: 'ConflictError', reason: 'RefMoved' } });
    }
    await expect(edit(repository, 'late')).rejects.toMatchObject({ name: 'ConflictError', reason: 'RefMoved' });
    expect(await fixture.remote.git('rev-list', '--count', 'main..drafts/a/w1')).toBe('2');
  });
});

describe('repeats after a crash or a lost answer', () => {
  const dropNextPush = (): void => {
    let dropped = false;
    fixture.server.fault = (kind) => {
      if (kind !== 'push' || dropped) return undefined;
      dropped = true;
      return { kind: 'dropAnswer' };
    };
  };

  test('a lost answer is found out and is a success, for every kind of write', async () => {
    dropNextPush();
    const draft = await makeDraft(repository, 'a', 'w1');
    dropNextPush();
    const proposed = await repository.propose(draft);
    dropNextPush();
    const published = await repository.publish(proposed);
    expect(published).toMatchObject({ revision: 1, lifecycle: 'Published' });
    dropNextPush();
    const doomed = await repository.proposeDeletion(published);
    dropNextPush();
    await repository.delete(doomed);
    expect(await listed(repository)).toEqual(['a main Published -1']);
    dropNextPush();
    for (const placeholder of (await repository.snapshot()).revisions) await repository.delete(placeholder);
    expect(await fixture.remote.git('rev-list', '--count', '--first-parent', 'main')).toBe('3');
    expect(await fixture.refNames()).toEqual(['refs/heads/main']);
  });

  test('a client that starts anew finds the draft that it made, and only that', async () => {
    const now = () => 1_900_000_000_000;
    await makeDraft(repository, 'a', 'w1');
    const tip = await fixture.remote.git('rev-parse', 'drafts/a/w1');
    const restarted = await fixture.open({ now });
    await restarted.sync();
    expect((await makeDraft(restarted, 'a', 'w1')).commit).toBe(tip);
    await expect(makeDraft(restarted, 'a', 'w1', 'other content')).rejects.toMatchObject({ reason: 'WorkspaceExists' });
    await repository.propose((await find(repository, 'a', 'w1')) ?? (await makeDraft(repository, 'a', 'w1')));
    await restarted.sync();
    await expect(makeDraft(restarted, 'a', 'w1')).rejects.toMatchObject({ reason: 'WorkspaceExists' });
  });

  test('a client that is late leaves no draft of a workspace that another one has made and published meanwhile', async () => {
    const late = await fixture.open({ now: () => 1_900_000_000_000 });
    await late.sync();
    const draft = await startDraft(late, 'a', 'w1');
    await publishNew(repository, 'a', 'w1');

    await expect(draft.close('Draft')).rejects.toMatchObject({ reason: 'WorkspaceExists' });
    expect(await fixture.refNames()).toEqual(['refs/heads/main', 'refs/tags/a/v1']);
  });

  test('of two packages, one within the other, that are made at the same time one is refused', async () => {
    const names = ['outer', 'outer/inner', 'outer-most'];
    const drafts = await Promise.all(names.map((name) => startDraft(repository, name, 'w1')));
    const results = await Promise.allSettled(drafts.map((draft) => draft.close('Draft')));

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { reason: 'PackageOverlap', retry: 'replan' } });
    expect(await fixture.refNames()).toEqual([
      'refs/heads/drafts/outer-most/w1',
      'refs/heads/drafts/outer/w1',
      'refs/heads/main',
    ]);
  });

  test('every write that is repeated with the same revision gives the same result', async () => {
    const draft = await makeDraft(repository, 'a', 'w1');
    const proposed = await repository.propose(draft);
    expect(await repository.propose(draft)).toEqual(proposed);
    const published = await repository.publish(proposed);
    const refs = await fixture.remote.refs();
    const restarted = await otherClient();
    for (const client of [repository, restarted]) {
      expect(await client.publish(proposed)).toEqual(published);
      expect(await client.publish(draft)).toEqual(published);
    }
    expect(await fixture.remote.refs()).toEqual(refs);
    const doomed = await repository.proposeDeletion(published);
    expect(await repository.proposeDeletion(published)).toEqual(doomed);
    expect(await repository.restore(doomed)).toEqual(published);
    expect(await repository.restore(doomed)).toEqual(published);
  });
});

describe('batches', () => {
  test('500 drafts closed at once, then published at once, are few pushes', async () => {
    const drafts = await Promise.all(numbered(500, (index) => startDraft(repository, `p${index}`, 'w1')));
    let pushes = fixture.server.requests.push;
    const closed = await Promise.all(drafts.map((draft) => draft.close('Draft')));
    expect(fixture.server.requests.push - pushes).toBeLessThanOrEqual(50);
    pushes = fixture.server.requests.push;
    const published = await Promise.all(closed.map((draft) => repository.publish(draft)));
    expect(fixture.server.requests.push - pushes).toBeLessThanOrEqual(50);
    expect(new Set(published.map(({ revision }) => revision))).toEqual(new Set([1]));
    expect(await fixture.remote.git('rev-list', '--count', '--first-parent', 'main')).toBe('501');
    expect(await fixture.refNames()).toHaveLength(501);
  });

  test('one unit whose expectation no longer holds fails alone', async () => {
    const drafts = await Promise.all(numbered(5, (index) => makeDraft(repository, `p${index}`, 'w1')));
    await fixture.remote.commit('drafts/p2/w1', { 'p2/Kptfile': 'by hand' });
    const results = await Promise.allSettled(drafts.map((draft) => repository.publish(draft)));
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(results[2]).toMatchObject({ reason: { reason: 'RefMoved', retry: 'replan' } });
    expect((await fixture.refNames()).filter((ref) => ref.startsWith('refs/tags/'))).toHaveLength(4);
  });

  test('G-13: a foreign push between plan and push costs a second try, and is kept', async () => {
    const drafts = await Promise.all(numbered(3, (index) => makeDraft(repository, `p${index}`, 'w1')));
    let moved = false;
    fixture.server.fault = (kind) => {
      if (kind !== 'push' || moved) return undefined;
      moved = true;
      return { kind: 'delay', until: fixture.remote.commit('main', { 'foreign.txt': 'x' }) };
    };
    await Promise.all(drafts.map((draft) => repository.publish(draft)));
    expect(await fixture.files()).toContain('100644 foreign.txt');
    expect(await fixture.remote.git('rev-list', '--count', '--first-parent', 'main')).toBe('5');
  });

  test('7.8.146: a hook that declines twice is passed at the third attempt; one that goes on gives its words', async () => {
    const draft = await makeDraft(repository, 'a', 'w1');
    const decline = (times: number) =>
      fixture.remote.hook(
        'pre-receive',
        `n=$(cat count 2>/dev/null || echo 0); echo $((n+1)) > count; [ $n -ge ${times} ] || { echo "not today" >&2; exit 1; }`,
      );
    await decline(2);
    const proposed = await repository.propose(draft);
    await decline(6);
    await expect(repository.publish(proposed)).rejects.toMatchObject({
      reason: 'PushRejected',
      retry: 'backoff',
      message: expect.stringContaining('not today'),
    });
    expect((await fixture.remote.git('show', '--no-patch', '--format=%s', 'main')).startsWith('Initial')).toBe(true);
    expect(await find(repository, 'a', 'w1')).toMatchObject({ lifecycle: 'Proposed' });
  });

  test('G-20: a ref that the server protects fails alone with the words of the server', async () => {
    const drafts = await Promise.all(numbered(4, (index) => startDraft(repository, `p${index}`, 'w1')));
    await fixture.remote.hook(
      'update',
      'case "$1" in refs/heads/drafts/p1/*) echo "p1 is protected" >&2; exit 1;; esac',
    );
    const results = await Promise.allSettled(drafts.map((draft) => draft.close('Draft')));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(results[1]).toMatchObject({
      reason: { reason: 'PushRejected', message: expect.stringContaining('p1 is protected') },
    });
    expect(await find(repository, 'p1', 'w1')).toBeUndefined();
  });

  test('7.8.147: an error that cannot be retried fails at once', async () => {
    const store = await fixture.store();
    let pushes = 0;
    const broken: GitStore = {
      ...boundStore(store),
      push: () => {
        pushes++;
        return Promise.reject(new TerminalError('AuthenticationFailed', 'no'));
      },
    };
    const client = await fixture.open({}, broken);
    await expect(makeDraft(client, 'a', 'w1')).rejects.toMatchObject({ reason: 'AuthenticationFailed' });
    expect(pushes).toBe(1);
  });

  test('an aborted caller stops waiting; the others of its batch go on', async () => {
    const drafts = await Promise.all(numbered(3, (index) => startDraft(repository, `p${index}`, 'w1')));
    const controller = new AbortController();
    const aborted = await repository.createDraft({ package: 'late', workspace: 'w1' }, { signal: controller.signal });
    await aborted.update(simplePackage('late'), INIT);
    fixture.server.fault = (kind) => {
      if (kind === 'push') controller.abort(new Error('enough'));
      return undefined;
    };
    const results = await Promise.allSettled([...drafts, aborted].map((draft) => draft.close('Draft')));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect(results[3]).toMatchObject({ reason: { message: 'enough' } });
  });

  test('two clients that publish at the same time lose nothing and share no number', async () => {
    const clients = [repository, await otherClient()];
    const published = await Promise.all(
      numbered(10, async (index) => {
        const client = clients[index % 2] ?? repository;
        return client.publish(await makeDraft(client, index < 6 ? 'same' : `p${index}`, `w${index}`, String(index)));
      }),
    );
    const numbers = published.filter(({ package: name }) => name === 'same').map(({ revision }) => revision);
    expect(numbers.sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await fixture.remote.git('rev-list', '--count', '--first-parent', 'main')).toBe('11');
  });
});

describe('servers without atomic pushes', () => {
  const plain = async (failAt?: (ref: string) => boolean): Promise<PackageRepository> => {
    const store = await fixture.store();
    const wrapped: GitStore = {
      ...boundStore(store),
      push: (updates, options) => {
        if (options?.atomic !== false)
          return Promise.reject(new TerminalError('AtomicPushUnsupported', 'no atomic push'));
        if (updates.some(({ ref }) => failAt?.(ref))) return Promise.reject(new TerminalError('Killed', 'killed'));
        return store.push(updates, options);
      },
    };
    const client = await fixture.open({}, wrapped);
    await client.sync();
    return client;
  };

  test('the whole life of a revision works', async () => {
    const client = await plain();
    const published = await Promise.all(numbered(3, (index) => publishNew(client, `p${index}`, 'w1')));
    for (const revision of published) await client.delete(await client.proposeDeletion(revision));
    expect(await fixture.refNames()).toEqual(['refs/heads/main']);
  });

  test.each(['refs/heads/main', 'refs/heads/proposed/a/w1'])(
    'a publish that was killed before %s is finished by the next',
    async (last) => {
      let killed = false;
      const client = await plain((ref) => ref === last && killed);
      const proposed = await client.propose(await makeDraft(client, 'a', 'w1'));
      killed = true;
      await expect(client.publish(proposed)).rejects.toMatchObject({ reason: 'Killed' });
      expect(await fixture.refNames()).toContain('refs/tags/a/v1');
      if (last === 'refs/heads/main') await fixture.remote.commit('main', { 'foreign.txt': 'x' });
      killed = false;
      await client.sync();
      expect(await client.publish(proposed)).toMatchObject({ revision: 1, lifecycle: 'Published' });
      expect(await fixture.refNames()).toEqual(['refs/heads/main', 'refs/tags/a/v1']);
      expect(await fixture.files()).toContain('100644 a/Kptfile');
      expect(await listed(client)).toEqual(['a w1 Published 1*', 'a main Published -1']);
    },
  );
});
