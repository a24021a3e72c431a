import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ConflictError, TerminalError } from '../../../src/api/errors.ts';
import type { PackageRepository, RevisionInfo } from '../../../src/repository/types.ts';
import { Fixture, INIT, simplePackage } from './fixture.ts';

const PACKAGES = ['a', 'dir/b'] as const;
const WORKSPACES = ['w1', 'w2'] as const;

const operation = fc.record({
  client: fc.nat(1),
  does: fc.constantFrom(
    'sync',
    'create',
    'edit',
    'propose',
    'reject',
    'publish',
    'doom',
    'restore',
    'delete',
    'foreign',
  ),
  package: fc.constantFrom(...PACKAGES),
  workspace: fc.constantFrom(...WORKSPACES, 'main'),
  value: fc.nat(9),
});

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** What must hold whatever two clients do to one remote. */
class Invariants {
  readonly #fixture: Fixture;
  /** Tag -> commit, of every tag that ever was. */
  readonly #tags = new Map<string, string>();
  readonly #highest = new Map<string, number>();

  constructor(fixture: Fixture) {
    this.#fixture = fixture;
  }

  async check(foreign: ReadonlySet<string>): Promise<void> {
    const refs = await this.#fixture.remote.refs();
    for (const [ref, commit] of refs) {
      const tag = /^refs\/tags\/(.+)\/v([0-9]+)$/.exec(ref);
      if (tag?.[1] !== undefined) this.#checkTag(tag[1], Number(tag[2]), ref, commit);
      if (ref.startsWith('refs/heads/drafts/')) expect(refs.has(ref.replace('/drafts/', '/proposed/'))).toBe(false);
    }
    const files = await this.#fixture.files();
    expect(files.filter((line) => line.includes('foreign-')).sort()).toEqual(
      [...foreign].map((file) => `100644 ${file}`).sort(),
    );
  }

  #checkTag(path: string, revision: number, ref: string, commit: string): void {
    const before = this.#tags.get(ref);
    expect(commit).toBe(before ?? commit);
    if (before !== undefined) return;
    this.#tags.set(ref, commit);
    expect(revision).toBe((this.#highest.get(path) ?? 0) + 1);
    this.#highest.set(path, revision);
  }
}

async function perform(client: PackageRepository, { does, package: name, workspace, value }: Operation): Promise<void> {
  const { revisions } = does === 'sync' ? await client.sync() : await client.snapshot();
  if (does === 'create' && workspace !== 'main') {
    const draft = await client.createDraft({ package: name, workspace });
    await draft.update(simplePackage(name, String(value)), INIT);
    await draft.close('Draft');
  }
  const revision = revisions.find((candidate) => candidate.package === name && candidate.workspace === workspace);
  if (revision) await change(client, does, revision, value);
}

async function change(
  client: PackageRepository,
  does: Operation['does'],
  revision: RevisionInfo,
  value: number,
): Promise<void> {
  if (does === 'propose') await client.propose(revision);
  if (does === 'reject') await client.reject(revision);
  if (does === 'publish') await client.publish(revision);
  if (does === 'doom') await client.proposeDeletion(revision);
  if (does === 'restore') await client.restore(revision);
  if (does === 'delete') await client.delete(revision);
  if (does !== 'edit') return;
  const draft = await client.openDraft(revision);
  await draft.update(simplePackage(revision.package, String(value)), { task: { type: 'replace' } });
  await draft.close('Draft');
}

/** Conflicts and refusals are answers; anything else is a fault. */
async function tolerant(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof ConflictError || error instanceof TerminalError)) throw error;
  });
}

describe('two clients on one remote', () => {
  test('numbers grow by one and are never reused, a draft that is proposed as well is told, nothing foreign is lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(operation, { minLength: 1, maxLength: 3 }), { minLength: 5, maxLength: 20 }),
        async (rounds) => {
          const fixture = await Fixture.start();
          try {
            await runRounds(fixture, rounds);
          } finally {
            await fixture.stop();
          }
        },
      ),
      { numRuns: 12, endOnFailure: true },
    );
  }, 300_000);
});

/**
 * A push that makes a draft cannot ask the server whether somebody who was not seen yet has proposed the same workspace meanwhile: a lease
 * binds refs that are there. The next look deletes what says the same twice, and warns of the rest, which a person then tidies up.
 */
async function tidyUp(fixture: Fixture, operator: PackageRepository): Promise<void> {
  for (const revision of (await operator.sync()).revisions) if (revision.strays) await operator.dropStrays(revision);
  const { warnings } = await operator.sync();
  for (const ref of (await fixture.remote.refs()).keys()) {
    const proposal = ref.replace('/drafts/', '/proposed/');
    if (proposal === ref || !(await fixture.remote.refs()).has(proposal)) continue;
    expect(warnings).toContainEqual(expect.objectContaining({ ref: proposal, message: expect.stringContaining(ref) }));
    await fixture.remote.git('update-ref', '-d', proposal);
  }
}

async function runRounds(fixture: Fixture, rounds: readonly (readonly Operation[])[]): Promise<void> {
  const invariants = new Invariants(fixture);
  const foreign = new Set<string>();
  const open = async () => fixture.open({ createBranch: true }, await fixture.store(fixture.remote.path));
  const clients = [await open(), await open()];
  const operator = await open();
  for (const client of clients) await client.sync();
  for (const round of rounds) {
    await Promise.all(
      round.map(async (step) => {
        const client = clients[step.client];
        if (client && step.does !== 'foreign') await tolerant(perform(client, step));
      }),
    );
    if (round.some(({ does }) => does === 'foreign')) {
      const file = `foreign-${foreign.size}`;
      foreign.add(file);
      await fixture.addFile(file);
    }
    await tidyUp(fixture, operator);
    await invariants.check(foreign);
  }
  const [one, two] = await Promise.all(clients.map((client) => client.sync()));
  expect(one).toEqual(two);
}
