import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Discovery } from '../../../src/repository/git/discovery.ts';
import { RepositoryLayout } from '../../../src/repository/git/layout.ts';
import { GitRemote } from '../../../src/repository/git/remote.ts';
import type { GitSnapshot } from '../../../src/repository/git/snapshot.ts';
import { formatMessage } from '../../../src/repository/git/trailer.ts';
import type { Oid } from '../../../src/repository/git/types.ts';
import { MemoryStore } from './memory-store.ts';

const PACKAGES = ['shop', 'apps/shop', 'apps/shop/db'];
const LEAVES = ['w1', 'w2', 'v1', 'v2'];
const KINDS = ['heads/drafts', 'heads/proposed', 'heads/deletionProposed', 'tags'];
const BRANCH = 'refs/heads/main';
const PERSON = { name: 'a', email: 'a@example.com' };
const layout = new RepositoryLayout({
  repo: 'memory://remote',
  branch: 'main',
  directory: '',
  createBranch: false,
  now: () => 0,
});

/** Commits with packages of all kinds: published, drafts of several workspaces, other people's, without a Kptfile. */
async function makeCommits(store: MemoryStore): Promise<readonly Oid[]> {
  const commits: Oid[] = [];
  for (const [index, names] of [PACKAGES, PACKAGES.slice(0, 1), PACKAGES.slice(1), []].entries()) {
    const remote = new GitRemote(store);
    let tree = await store.writeTree([]);
    for (const name of names) {
      const oid = await store.writeBlob(Buffer.from(`kind: Kptfile # ${name} ${index}\n`));
      const pkg = await store.writeTree([{ mode: '100644', name: 'Kptfile', oid }]);
      tree = await remote.objects.graft(tree, name, pkg);
    }
    for (const [name, revision] of [...PACKAGES.map((name) => [name, index % 3] as const), ['', 0] as const]) {
      const trailer = { package: name, workspaceName: 'w1', revision, task: { type: 'init' } };
      const message = name === '' ? 'by hand\n' : formatMessage('a commit', trailer);
      commits.push(await store.writeCommit({ tree, parents: [], author: PERSON, committer: PERSON, at: 0, message }));
    }
  }
  return commits;
}

/** Refs that may be read or not, and the branch; undefined: the ref goes. */
const changes = fc.array(
  fc.array(
    fc.record({
      ref: fc.oneof(
        fc.constant(BRANCH),
        fc
          .tuple(fc.constantFrom(...KINDS), fc.constantFrom(...PACKAGES), fc.constantFrom(...LEAVES, 'main'))
          .map(([kind, name, leaf]) => `refs/${kind}/${name}/${leaf}`),
      ),
      commit: fc.option(fc.nat({ max: 15 }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  { maxLength: 8 },
);

/** All that a snapshot says; that a tag has moved is known only to who has seen it elsewhere. */
function told(snapshot: GitSnapshot) {
  const { head, revisions, version, counts } = snapshot;
  return {
    head,
    revisions,
    version,
    counts,
    warnings: snapshot.warnings.filter(({ reason }) => reason !== 'TagMoved'),
  };
}

describe('a snapshot made from the one before it', () => {
  test('says what one that is made from nothing says, after any sequence of changes', async () => {
    const store = new MemoryStore();
    const commits = await makeCommits(store);
    await fc.assert(
      fc.asyncProperty(changes, async (batches) => {
        const discovery = new Discovery(new GitRemote(store), layout);
        const refs = new Map<string, Oid>();
        let snapshot = await discovery.next(undefined, refs);
        for (const batch of batches) {
          const before = snapshot;
          const moved = new Map(
            batch.map(({ ref, commit }) => [ref, commit === undefined ? undefined : commits[commit]] as const),
          );
          for (const [ref, oid] of moved) oid === undefined ? refs.delete(ref) : refs.set(ref, oid);
          snapshot = await discovery.next(before, moved);
          const anew = await new Discovery(new GitRemote(store), layout).next(undefined, refs);
          expect(told(snapshot)).toEqual(told(anew));
          expectConsistent(snapshot);
          expectChangesNamed(before, snapshot);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('keeps what did not move as it is, and is the same one when nothing moved', async () => {
    const store = new MemoryStore();
    const commits = await makeCommits(store);
    const discovery = new Discovery(new GitRemote(store), layout);
    const refs = new Map(PACKAGES.map((name) => [`refs/tags/${name}/v1`, commits[0] as Oid]));
    const before = await discovery.next(undefined, refs);
    expect(await discovery.next(before, refs)).toBe(before);
    const after = await discovery.next(before, new Map([['refs/heads/drafts/shop/w9', commits[0]]]));
    expect(after.changedPackages(before)).toEqual(new Set(['shop']));
    expect(after.ofPackage('apps/shop')).toBe(before.ofPackage('apps/shop'));
  });
});

function expectConsistent(snapshot: GitSnapshot): void {
  const names = new Set(snapshot.revisions.map((revision) => revision.package));
  expect(snapshot.counts).toEqual({ revisions: snapshot.revisions.length, packages: names.size });
  for (const name of [...names, 'none']) {
    const ofPackage = snapshot.revisions.filter((revision) => revision.package === name);
    expect(snapshot.ofPackage(name)).toEqual(ofPackage);
    for (const revision of ofPackage) {
      const first = ofPackage.find(({ workspace }) => workspace === revision.workspace);
      expect(snapshot.find(revision)).toEqual(first);
    }
  }
}

/** Each package that says something else now, other than that the branch has moved on around it. */
function expectChangesNamed(before: GitSnapshot, after: GitSnapshot): void {
  const says = (snapshot: GitSnapshot, name: string) =>
    JSON.stringify(snapshot.ofPackage(name).map((info) => (info.branchHead ? [info.tree, info.lifecycle] : info)));
  const named = after.changedPackages(before) ?? new Set();
  for (const name of PACKAGES) if (says(before, name) !== says(after, name)) expect(named).toContain(name);
}
