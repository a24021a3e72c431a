import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { resolveHost } from '../../../src/repository/git/store/address-guard.ts';
import { DirectPush } from '../../../src/repository/git/store/direct/direct-push.ts';
import { Remote } from '../../../src/repository/git/store/remote.ts';
import { parseRemoteUrl } from '../../../src/repository/git/store/remote-url.ts';
import type { GitStore, Oid, RefUpdate } from '../../../src/repository/git/types.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { makeServerCertificate } from '../../env/git/certificates.ts';
import { type GitFault, type GitRequestKind, type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { Bench, fetchAll, PERSON, update, writeFileCommit } from './support.ts';

const MAIN = 'refs/heads/main';
const DRAFT = 'refs/heads/drafts/shop/v1';
const PROPOSED = 'refs/heads/proposed/shop/v1';
const TAG = 'refs/tags/shop/v1';

let bench: Bench;
let repository: BareRepository;
let server: GitServer;
let store: GitStore;
let head: Oid;
/** Each request since the last push began, as `<kind>` of ours and `git <kind>` of git's. */
let seen: string[];

beforeEach(async () => {
  seen = [];
  bench = await Bench.create();
  repository = await bench.repository();
  head = await repository.commit('main', { 'file.yaml': 'seed' });
  server = await startGitServer({ root: bench.served });
  bench.closing(() => server.close());
  faults(() => undefined);
  store = await bench.store(server.url('repo.git'));
  await fetchAll(store);
});
afterEach(() => bench.dispose());

/** @param fault of requests that no git process makes */
function faults(fault: (kind: GitRequestKind, request: IncomingMessage) => GitFault | undefined): void {
  server.fault = (kind, request) => {
    const ours = request.headers['user-agent'] === 'git/veranda';
    seen.push(ours ? kind : `git ${kind}`);
    return ours ? fault(kind, request) : undefined;
  };
}

async function push(...updates: RefUpdate[]): Promise<readonly string[]> {
  seen = [];
  const outcomes = await store.push(updates);
  expect([...outcomes.values()]).toEqual(updates.map(() => ({ ok: true })));
  await repository.fsck();
  return seen;
}

function held(ref: string, oid: Oid): RefUpdate {
  return { ...update(ref, oid, oid), witness: true };
}

describe('the way of a revision', () => {
  test('is taken without git; the server is asked once what it can do, and never for all its refs', async () => {
    const draft = await writeFileCommit(store, 'draft', [head]);
    expect(await push(update(DRAFT, null, draft), held(MAIN, head))).toEqual([
      'discoverPush',
      'discoverFetch',
      'lsRefs',
      'push',
    ]);
    expect(await push(update(PROPOSED, null, draft), update(DRAFT, draft, null))).toEqual(['push']);
    const approval = await writeFileCommit(store, 'draft', [head, draft]);
    const published = [update(TAG, null, approval), update(MAIN, head, approval), update(PROPOSED, draft, null)];
    expect(await push(...published)).toEqual(['push']);
    expect(await repository.refs()).toEqual(
      new Map([
        [MAIN, approval],
        [TAG, approval],
      ]),
    );
    const next = await writeFileCommit(store, 'next', [approval]);
    expect(await push(update(DRAFT, null, next), held(MAIN, approval))).toEqual(['lsRefs', 'push']);
  });

  test('a branch that is only looked at is not written to: servers protect branches', async () => {
    await repository.hook('pre-receive', `while read old new ref; do [ $ref != ${MAIN} ] || exit 1; done`);
    const draft = await writeFileCommit(store, 'draft', [head]);
    expect(await push(update(DRAFT, null, draft), held(MAIN, head))).toContain('push');
  });

  test('a branch that is only looked at and has moved stops the push before it is sent', async () => {
    expect(await push(update(TAG, null, await writeFileCommit(store, 'first', [head])), held(MAIN, head))).toContain(
      'push',
    );
    const theirs = await repository.commit('main', { 'file.yaml': 'theirs' });
    const draft = await writeFileCommit(store, 'draft', [head]);
    const outcomes = await store.push([update(DRAFT, null, draft), held(MAIN, head)]);
    expect(outcomes.get(MAIN)).toMatchObject({ ok: false, stale: true });
    expect(outcomes.get(DRAFT)).toMatchObject({ ok: false, collateral: true });
    expect(server.requests.push).toBe(1);
    expect((await repository.refs()).get(MAIN)).toBe(theirs);
  });

  test('a ref that moved is stale although the server was not asked for it before', async () => {
    expect(await push(update(TAG, null, await writeFileCommit(store, 'first', [head])), held(MAIN, head))).toContain(
      'push',
    );
    const theirs = await repository.commit('main', { 'file.yaml': 'theirs' });
    const ours = await writeFileCommit(store, 'ours', [head]);
    const outcomes = await store.push([update(MAIN, head, ours), update(DRAFT, null, ours)]);
    expect(outcomes.get(MAIN)).toMatchObject({ ok: false, stale: true });
    expect(outcomes.get(DRAFT)).toMatchObject({ ok: false, collateral: true });
    expect((await repository.refs()).get(MAIN)).toBe(theirs);
    expect((await repository.refs()).has(DRAFT)).toBe(false);
  });
});

test('a refusal is told as it is, and the server not asked twice', async () => {
  await repository.hook('update', 'case "$1" in refs/heads/main) echo "main is protected"; exit 1;; esac');
  const commit = await writeFileCommit(store, 'new', [head]);
  seen = [];
  const updates = [update(MAIN, head, commit), update(DRAFT, null, commit)];
  const outcomes = await store.push(updates);
  expect(outcomes.get(MAIN)).toMatchObject({ ok: false, stale: false });
  expect(outcomes.get(MAIN)).toHaveProperty('message', expect.stringMatching(/^hook declined: main is protected/));
  expect(outcomes.get(DRAFT)).toMatchObject({ ok: false, stale: false, collateral: true });
  expect(seen.filter((kind) => kind.endsWith('push'))).toEqual(['push']);
  faults(() => ({ kind: 'status', status: 403 }));
  expect(await store.push(updates)).toEqual(outcomes);
  expect(seen).toContain('git push');
  expect(await repository.refs()).toEqual(new Map([[MAIN, head]]));
});

describe('what is sent is all that the server lacks', () => {
  test('of commits on each other, from an older state of the branch', async () => {
    const theirs = await repository.commit('main', { 'file.yaml': 'theirs', 'more.yaml': 'x' });
    await fetchAll(store);
    const first = await writeFileCommit(store, 'first', [head]);
    const second = await writeFileCommit(store, 'second', [first]);
    expect(await push(update(DRAFT, null, second), held(MAIN, theirs))).not.toContain('git push');
    expect(await repository.git('show', `${second}:file.yaml`)).toBe('second');
    expect(await repository.git('show', `${second}~1:file.yaml`)).toBe('first');
  });

  test('of a tree that is built from one of the branch', async () => {
    const submodule = { mode: '160000', content: '2'.repeat(40) } as const;
    const files = { 'a/b/c/deep.yaml': 'x', 'a/other.yaml': 'y', module: submodule, same: 'z' };
    const base = await repository.commit('main', files);
    await fetchAll(store);
    const { tree } = await store.readCommit(base);
    const blob = await store.writeBlob(Buffer.from('new'));
    const leaf = await store.writeTree([{ mode: '100755', name: 'run.sh', oid: blob }]);
    const folder = await store.writeTree([
      { mode: '040000', name: 'inner', oid: leaf },
      { mode: '100644', name: 'y.yaml', oid: blob },
    ]);
    const a = (await store.readTree(tree)).find(({ name }) => name === 'a')?.oid ?? '';
    const changedA = await store.writeTree([
      ...(await store.readTree(a)),
      { mode: '040000', name: 'new', oid: folder },
    ]);
    const root = await store.writeTree(
      (await store.readTree(tree)).map((entry) => (entry.name === 'a' ? { ...entry, oid: changedA } : entry)),
    );
    const person = { author: PERSON, committer: PERSON, at: 1_700_000_000 };
    const commit = await store.writeCommit({ tree: root, parents: [base], ...person, message: 'm' });
    expect(await push(update(MAIN, base, commit))).not.toContain('git push');
    expect((await repository.git('ls-tree', '-r', '--name-only', commit)).split('\n')).toEqual([
      'a/b/c/deep.yaml',
      'a/new/inner/run.sh',
      'a/new/y.yaml',
      'a/other.yaml',
      'module',
      'same',
    ]);
  });

  test('of content that the server once had and has thrown away since', async () => {
    const dropped = await writeFileCommit(store, 'again', [head]);
    expect(await push(update(DRAFT, null, dropped), held(MAIN, head))).toContain('push');
    await push(update(DRAFT, dropped, null));
    await repository.git('gc', '-q', '--prune=now');
    await expect(repository.git('cat-file', '-e', dropped)).rejects.toThrow();
    const commit = await writeFileCommit(store, 'again', [head], 'file.yaml');
    expect(commit).toBe(dropped);
    expect(await push(update(PROPOSED, null, commit), held(MAIN, head))).toEqual(['lsRefs', 'push']);
    await push(update(PROPOSED, commit, null));
    await repository.git('gc', '-q', '--prune=now');
    const { tree } = await store.readCommit(commit);
    const person = { author: PERSON, committer: PERSON, at: 1_700_000_001 };
    const other = await store.writeCommit({ tree, parents: [head], ...person, message: 'other' });
    expect(await push(update(MAIN, head, other))).toEqual(['push']);
    expect(await repository.git('show', `${MAIN}:file.yaml`)).toBe('again');
  });

  test('of the first commit of a repository', async () => {
    const empty = await bench.repository('empty.git');
    const other = await bench.store(server.url('empty.git'));
    const commit = await writeFileCommit(other, 'first');
    seen = [];
    expect((await other.push([update(MAIN, null, commit)])).get(MAIN)).toEqual({ ok: true });
    expect(seen).toEqual(['discoverPush', 'push']);
    await empty.fsck();
    expect(await empty.git('show', `${MAIN}:file.yaml`)).toBe('first');
  });

  test('and where that is more than a look at the new commits tells, git finds it out', async () => {
    const large = await writeFileCommit(store, 'x'.repeat(2_000_000), [head]);
    expect(await push(update(DRAFT, null, large))).toEqual(['git discoverPush', 'git push']);
    // Nothing is new about this commit, and no expectation shows that the server has it.
    expect(await push(update(TAG, null, large))).toEqual(['git discoverPush', 'git push']);
  });
});

describe('a server that does not answer as it should is left to git', () => {
  const garbage = { kind: 'status', status: 200, headers: { 'content-type': 'text/html' } } as const;

  test.each([
    ['forbids discovery', 'discoverPush', { kind: 'status', status: 403 }],
    ['has a page of its own in place of discovery', 'discoverPush', garbage],
    ['ends the connection at discovery', 'discoverPush', { kind: 'reset' }],
    ['forbids the listing', 'lsRefs', { kind: 'status', status: 403 }],
    ['refuses the push', 'push', { kind: 'status', status: 413 }],
    ['fails at the push', 'push', { kind: 'status', status: 502 }],
    ['has a page of its own in place of a report', 'push', garbage],
  ] as const)('one that %s', async (_name, kind, fault) => {
    faults((each) => (each === kind ? fault : undefined));
    const draft = await writeFileCommit(store, 'draft', [head]);
    expect(await push(update(DRAFT, null, draft), held(MAIN, head))).toContain('git push');
    expect((await repository.refs()).get(DRAFT)).toBe(draft);
  });

  test('one that speaks the old protocol only', async () => {
    server.oldProtocol = true;
    const draft = await writeFileCommit(store, 'draft', [head]);
    expect(await push(update(DRAFT, null, draft), held(MAIN, head))).toContain('git push');
    expect(await push(update(PROPOSED, null, draft), update(DRAFT, draft, null))).toEqual(['push']);
  });
});

describe('an answer that does not come', () => {
  test('is not followed by another push: what happened is unknown', async () => {
    const commit = await writeFileCommit(store, 'new', [head]);
    faults((kind) => (kind === 'push' ? { kind: 'dropAnswer' } : undefined));
    seen = [];
    await expect(store.push([update(MAIN, head, commit)])).rejects.toMatchObject({
      reason: 'PushAnswerLost',
      retry: 'backoff',
    });
    expect(seen).toEqual(['discoverPush', 'push']);
    expect((await repository.refs()).get(MAIN)).toBe(commit);
    faults(() => undefined);
    expect(await push(update(MAIN, head, commit))).toContain('git discoverPush');
  });

  test('is waited for until the deadline of the call, once', async () => {
    const impatient = await bench.store(server.url('repo.git'), { timeoutMs: 3000 });
    const commit = await writeFileCommit(impatient, 'new', [head]);
    faults((kind) => (kind === 'push' ? { kind: 'hang' } : undefined));
    seen = [];
    await expect(impatient.push([update(MAIN, head, commit)])).rejects.toMatchObject({ reason: 'Timeout' });
    expect(seen).toEqual(['discoverPush', 'push']);
  });

  test('is waited for no longer than the caller wants', async () => {
    const commit = await writeFileCommit(store, 'new', [head]);
    const aborter = new AbortController();
    faults((kind) => {
      if (kind === 'push') aborter.abort(new Error('enough'));
      return kind === 'push' ? { kind: 'hang' } : undefined;
    });
    await expect(store.push([update(MAIN, head, commit)], { signal: aborter.signal })).rejects.toThrow('enough');
  });
});

test('what a server can do is asked again after some time', async () => {
  let now = 0;
  const url = parseRemoteUrl(server.url('repo.git'));
  const direct = new DirectPush(new Remote(url, { url: url.argument, directory: bench.root }, resolveHost), () => now);
  seen = [];
  for (const [minutes, ref] of [
    [0, 'a/v1'],
    [9, 'b/v1'],
    [11, 'c/v1'],
  ] as const) {
    now = minutes * 60_000;
    expect(await direct.push([update(`refs/tags/${ref}`, null, head)], [], {})).toEqual(
      new Map([[`refs/tags/${ref}`, { ok: true }]]),
    );
  }
  expect(seen).toEqual(['discoverPush', 'push', 'push', 'discoverPush', 'push']);
});

test('a server that has unlearnt atomic pushes is found out by the first that it takes in part', async () => {
  const first = await writeFileCommit(store, 'first', [head]);
  expect(await push(update(MAIN, head, first))).toContain('push');
  await repository.git('config', 'receive.advertiseAtomic', 'false');
  await repository.hook('update', 'case "$1" in refs/heads/main) exit 1;; esac');
  const second = await writeFileCommit(store, 'second', [first]);
  const updates = [update(MAIN, first, second), update(DRAFT, null, second)];
  await expect(store.push(updates)).rejects.toMatchObject({ reason: 'PushAnswerLost' });
  expect((await repository.refs()).get(DRAFT)).toBe(second);
  await expect(store.push([update(MAIN, first, second), update(PROPOSED, null, second)])).rejects.toMatchObject({
    reason: 'AtomicPushUnsupported',
  });
  expect((await repository.refs()).has(PROPOSED)).toBe(false);
});

describe('who may and who is asked', () => {
  test('a server with an authority of its own, found by its name', async () => {
    const { ca, ...tls } = await makeServerCertificate();
    const secure = await startGitServer({ root: bench.served, tls });
    bench.closing(() => secure.close());
    const agents: unknown[] = [];
    secure.fault = (kind, request) => {
      if (kind === 'push') agents.push(request.headers['user-agent']);
      return undefined;
    };
    const trusting = await bench.store(secure.url('repo.git'), { credentials: async () => ({ caBundle: ca }) });
    await fetchAll(trusting);
    const commit = await writeFileCommit(trusting, 'new', [head]);
    expect((await trusting.push([update(MAIN, head, commit)])).get(MAIN)).toEqual({ ok: true });
    expect(agents).toEqual(['git/veranda']);
    const other = await makeServerCertificate();
    const wrong = await bench.store(secure.url('repo.git'), { credentials: async () => ({ caBundle: other.ca }) });
    await expect(wrong.push([update(MAIN, commit, null)])).rejects.toMatchObject({ reason: 'TLSVerify' });
  });

  test('a password that was rotated between two pushes', async () => {
    let password = 'first';
    server.auth = { kind: 'basic', username: 'u', password };
    const credentials = async () => ({ username: 'u', password });
    store = await bench.store(server.url('repo.git'), { credentials });
    await fetchAll(store);
    const first = await writeFileCommit(store, 'first', [head]);
    expect(await push(update(MAIN, head, first))).toEqual(['discoverPush', 'push']);
    password = 'second';
    server.auth = { kind: 'basic', username: 'u', password };
    expect(await push(update(MAIN, first, head))).toContain('push');
    expect(server.rejected.count).toBe(0);
  });

  test('credentials do not follow a redirect', async () => {
    const elsewhere = await startGitServer({ root: bench.served });
    bench.closing(() => elsewhere.close());
    let asked = 0;
    elsewhere.fault = () => {
      asked += 1;
      return undefined;
    };
    const secretive = await bench.store(server.url('repo.git'), {
      credentials: async () => ({ bearerToken: 's3cr3t' }),
    });
    const commit = await writeFileCommit(secretive, 'new', [head]);
    server.fault = (_kind, request) => ({
      kind: 'status',
      status: 307,
      headers: { location: `http://127.0.0.1:${elsewhere.port}${request.url}` },
    });
    await expect(secretive.push([update(MAIN, head, commit)])).rejects.toMatchObject({ reason: 'Redirected' });
    expect(asked).toBe(0);
  });
});
