import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { wantedInputs } from '../../../src/controllers/package-variant/inputs.ts';
import { type ObservedRevision, planVariant } from '../../../src/controllers/package-variant/plan.ts';

const WANTED = 'v1:aaaa.1111';
const SAME_UPSTREAM = 'v1:aaaa.0000';
const OTHER_UPSTREAM = 'v1:bbbb.1111';

const revision = (changes: Partial<ObservedRevision>): ObservedRevision => ({
  name: 'deployments.bar.ws',
  workspace: 'ws',
  lifecycle: 'Draft',
  lookedAt: true,
  hasSource: true,
  revision: 0,
  deleting: false,
  ours: true,
  controlled: false,
  differs: false,
  vanished: false,
  handPushed: false,
  ...changes,
});
const published = (number: number, changes: Partial<ObservedRevision> = {}): ObservedRevision =>
  revision({ name: `deployments.bar.v${number}`, lifecycle: 'Published', revision: number, ...changes });

const plan = (revisions: readonly ObservedRevision[], adoptExisting = false) =>
  planVariant({ wanted: wantedInputs(WANTED), adoptExisting, revisions });

describe('planVariant', () => {
  test('clones when nothing is there, under a workspace that follows from the inputs (16.5.57)', () => {
    const first = plan([]);
    expect(first).toEqual({ action: 'clone', workspace: expect.stringMatching(/^packagevariant-[0-9a-f]{10}$/) });
    expect(plan([])).toEqual(first);
    expect(planVariant({ wanted: wantedInputs(OTHER_UPSTREAM), adoptExisting: false, revisions: [] })).not.toEqual(
      first,
    );
  });

  test('G-08: makes nothing on top of, or in place of, a published revision that vanished from git', () => {
    const gone = published(1, { inputHash: OTHER_UPSTREAM, vanished: true });
    expect(plan([gone])).toMatchObject({ action: 'blocked', reason: 'DownstreamVanished' });
  });

  test('16.4.45: with nothing there, nothing is taken for its own', () => {
    expect(plan([])).toMatchObject({ action: 'clone' });
  });

  test('16.3.43: a name that comes back after a deletion stands for the same inputs', () => {
    const first = plan([]);
    const again = plan([published(1, { inputHash: WANTED, deleting: true })].filter((one) => !one.deleting));
    expect(again).toEqual(first);
  });

  test('16.5.66: a published revision that was made from a draft of its upstream is brought to the published one', () => {
    expect(plan([published(1, { inputHash: OTHER_UPSTREAM })])).toMatchObject({ action: 'upgrade' });
  });

  test('does nothing when the published revision was made from these inputs (16.5.60)', () => {
    expect(plan([published(1, { inputHash: WANTED })])).toMatchObject({ action: 'none', current: { revision: 1 } });
  });

  test('makes a new draft on the published revision when only the variant changed and that changes the content (16.5.61)', () => {
    const before = published(1, { inputHash: SAME_UPSTREAM });
    expect(plan([before])).toMatchObject({ action: 'adopt', revision: { revision: 1 } });
    expect(plan([{ ...before, wantedHash: WANTED }])).toMatchObject({ action: 'wait', reason: 'Comparing' });
    const compared = { ...before, wantedHash: WANTED, inputHash: undefined, differs: true };
    expect(plan([compared])).toMatchObject({ action: 'edit', source: { revision: 1 } });
  });

  test('16.60: a comparison that failed is told, one that found a difference before it is what counts', () => {
    const failure = { reason: 'InjectionLookupFailed', message: 'cannot list Site', retry: true };
    const before = published(1, { inputHash: SAME_UPSTREAM, wantedHash: WANTED, failure });
    expect(plan([before])).toMatchObject({ action: 'blocked', ...failure });
    expect(plan([{ ...before, inputHash: undefined, differs: true }])).toMatchObject({ action: 'edit' });
  });

  test('16.60: takes away a draft that says nothing but what is published, if nobody else made it or worked on it', () => {
    const both = (changes: Partial<ObservedRevision>) => [
      published(1, { inputHash: SAME_UPSTREAM, tree: 't1' }),
      revision({ workspace: 'packagevariant-1', inputHash: WANTED, tree: 't1', ...changes }),
    ];
    expect(plan(both({}))).toMatchObject({ action: 'rebaseDraft' });
    for (const kept of [{ tree: 't2' }, { handPushed: true }, { workspace: 'by-hand' }]) {
      expect(plan(both(kept))).toMatchObject({ action: 'none', current: { lifecycle: 'Draft' } });
    }
  });

  test('keeps such a draft when its inputs were compared already: without it, it would be made again, and again', () => {
    const compared = published(1, { inputHash: WANTED, wantedHash: WANTED, differs: true, tree: 't1' });
    const draft = revision({ workspace: 'packagevariant-1', inputHash: WANTED, tree: 't1' });
    expect(plan([compared, draft])).toMatchObject({ action: 'none', current: { lifecycle: 'Draft' } });
  });

  test('upgrades when the upstream moved (16.2.37)', () => {
    expect(plan([published(1, { inputHash: OTHER_UPSTREAM })])).toMatchObject({
      action: 'upgrade',
      source: { revision: 1 },
    });
  });

  test('changes a draft in place when only the variant changed (16.5.62)', () => {
    expect(plan([revision({ inputHash: SAME_UPSTREAM })])).toMatchObject({ action: 'mutateDraft' });
  });

  test('replaces an untouched draft when the upstream moved, and says so when a person worked on it (16.5.63)', () => {
    expect(plan([revision({ inputHash: OTHER_UPSTREAM })])).toMatchObject({ action: 'rebaseDraft' });
    expect(plan([revision({ inputHash: OTHER_UPSTREAM, handPushed: true })])).toMatchObject({
      action: 'blocked',
      reason: 'DraftBlocked',
    });
  });

  describe('W-16: a draft that others published a revision past, which would be lost by publishing it,', () => {
    const both = (changes: Partial<ObservedRevision> = {}) => [
      published(1, { inputHash: OTHER_UPSTREAM }),
      published(2, { ours: false }),
      revision({ workspace: 'packagevariant-1', inputHash: WANTED, baseRevision: 1, ...changes }),
    ];

    test('is made anew on top of that one', () => {
      expect(plan(both())).toMatchObject({ action: 'rebaseDraft' });
      expect(plan(both({ lifecycle: undefined, wantedHash: WANTED }))).toMatchObject({ action: 'rebaseDraft' });
    });

    test('waits for a person where one has worked on it, or is to decide about it', () => {
      const message = expect.stringContaining('deployments.bar.v2 was published since');
      expect(plan(both({ handPushed: true }))).toMatchObject({ reason: 'DraftBlocked', message });
      expect(plan(both({ lifecycle: 'Proposed' }))).toMatchObject({ reason: 'ProposedBlocked', message });
      expect(plan(both({ workspace: 'by-hand' }))).toMatchObject({ reason: 'DraftBlocked', message });
    });

    test('is none when it goes on from the latest one', () => {
      expect(plan(both({ baseRevision: 2 }))).toMatchObject({ action: 'none' });
      expect(plan(both({ baseRevision: undefined }))).toMatchObject({ action: 'none' });
    });

    test('and that began the package stays beside what is not the variant’s to go on from', () => {
      const begun = (changes: Partial<ObservedRevision> = {}) => [
        published(1, { ours: false, ...changes }),
        revision({ workspace: 'packagevariant-1', inputHash: WANTED, baseRevision: 0 }),
      ];
      expect(plan(begun())).toMatchObject({ action: 'blocked', reason: 'DownstreamExists' });
      expect(plan(begun({ controlled: true }), true)).toMatchObject({ action: 'blocked', reason: 'Conflict' });
      expect(plan(begun(), true)).toMatchObject({ action: 'rebaseDraft' });
      expect(plan(begun({ ours: true }))).toMatchObject({ action: 'rebaseDraft' });
    });
  });

  test('leaves a proposed revision alone and says why (16.5.64)', () => {
    expect(plan([revision({ lifecycle: 'Proposed', inputHash: SAME_UPSTREAM })])).toMatchObject({
      action: 'blocked',
      reason: 'ProposedBlocked',
      retry: false,
    });
  });

  test('respects that a person proposed the deletion of the latest revision (16.5.65)', () => {
    expect(plan([published(1, { lifecycle: 'DeletionProposed', inputHash: WANTED })])).toMatchObject({
      action: 'blocked',
      reason: 'DeletionProposed',
    });
  });

  test('refuses a package that is not its own, before any call (16.5.71)', () => {
    expect(plan([published(1, { ours: false })])).toMatchObject({ action: 'blocked', reason: 'DownstreamExists' });
    expect(plan([revision({ ours: false })])).toMatchObject({ action: 'blocked', reason: 'DownstreamExists' });
  });

  test('adopts a published package by comparing it first, when the policy allows', () => {
    const foreign = published(3, { ours: false });
    expect(plan([foreign], true)).toMatchObject({ action: 'adopt', revision: { revision: 3 } });
    expect(plan([{ ...foreign, wantedHash: WANTED }], true)).toMatchObject({ action: 'wait' });
    expect(plan([{ ...foreign, wantedHash: WANTED, differs: true }], true)).toMatchObject({ action: 'edit' });
  });

  test('builds on the latest published revision, whoever made it', () => {
    const byHand = published(2, { ours: false });
    expect(plan([published(1, { inputHash: WANTED }), byHand])).toMatchObject({
      action: 'adopt',
      revision: { revision: 2 },
    });
  });

  test('ignores a foreign draft beside its own revisions (16.4.46)', () => {
    const foreign = revision({ name: 'deployments.bar.other', ours: false });
    expect(plan([published(1, { inputHash: WANTED }), foreign])).toMatchObject({
      action: 'none',
      current: { revision: 1 },
    });
  });

  test('takes its draft before the published revision (16.4.47)', () => {
    const draft = revision({ name: 'deployments.bar.draft', inputHash: WANTED });
    expect(plan([published(1, { inputHash: SAME_UPSTREAM }), draft])).toMatchObject({
      action: 'none',
      current: { name: draft.name },
    });
  });

  test('waits for a draft that is being made, and replaces it when the inputs changed meanwhile', () => {
    expect(plan([revision({ lifecycle: undefined, wantedHash: WANTED })])).toMatchObject({ action: 'wait' });
    expect(plan([revision({ lifecycle: undefined, wantedHash: SAME_UPSTREAM })])).toMatchObject({
      action: 'rebaseDraft',
    });
  });

  test('touches nothing before it has seen in git what was found there: "not looked at" is not "not made"', () => {
    const found = revision({ lifecycle: undefined, hasSource: false });
    expect(plan([found])).toMatchObject({ action: 'wait', reason: 'Discovering' });
    expect(plan([published(1, { inputHash: WANTED }), found])).toMatchObject({ action: 'wait', reason: 'Discovering' });
  });

  test('never replaces a draft that nobody has compared with git yet, whatever its annotations say', () => {
    const restored = revision({ lifecycle: undefined, lookedAt: false, wantedHash: SAME_UPSTREAM });
    expect(plan([restored])).toMatchObject({ action: 'wait', reason: 'DraftPending' });
  });

  test('passes on why its draft could not be made', () => {
    const failure = { reason: 'RenderFailed', message: 'starlark is missing', retry: false };
    expect(plan([revision({ lifecycle: undefined, wantedHash: WANTED, failure })])).toMatchObject({
      action: 'blocked',
      ...failure,
    });
  });

  test('does not make a new package while the old one is being deleted', () => {
    expect(plan([revision({ deleting: true })])).toMatchObject({ action: 'wait', reason: 'Deleting' });
  });

  test('gives each base its own workspace, so that going back to earlier inputs meets no old name', () => {
    const one = plan([published(1, { inputHash: OTHER_UPSTREAM })]);
    const two = plan([published(2, { inputHash: OTHER_UPSTREAM })]);
    expect(one).not.toEqual(two);
    expect('workspace' in one && 'workspace' in two && one.workspace !== two.workspace).toBe(true);
  });

  test('whatever there is: what others made is never replaced, what is proposed or published never changed', () => {
    const hash = fc.constantFrom(undefined, WANTED, SAME_UPSTREAM, OTHER_UPSTREAM);
    const lifecycle = fc.constantFrom(undefined, 'Draft', 'Proposed', 'Published', 'DeletionProposed' as const);
    const any = fc.record({
      lifecycle: lifecycle as fc.Arbitrary<ObservedRevision['lifecycle']>,
      hasSource: fc.boolean(),
      revision: fc.integer({ min: 0, max: 3 }),
      deleting: fc.boolean(),
      ours: fc.boolean(),
      controlled: fc.boolean(),
      differs: fc.boolean(),
      vanished: fc.boolean(),
      handPushed: fc.boolean(),
      inputHash: hash,
      wantedHash: hash,
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 4 }), fc.boolean(), (changes, adoptExisting) => {
        const revisions = changes.map((change, index) => revision({ ...change, name: `r${index}` }));
        const made = plan(revisions, adoptExisting);
        expect(plan(revisions, adoptExisting)).toEqual(made);
        if (made.action === 'rebaseDraft') {
          expect(made.draft).toMatchObject({ ours: true, deleting: false });
          expect(['Draft', undefined]).toContain(made.draft.lifecycle);
        }
        if (made.action === 'mutateDraft') {
          expect(made.draft).toMatchObject({ lifecycle: 'Draft', deleting: false });
          expect(made.draft.ours || (adoptExisting && !made.draft.controlled)).toBe(true);
        }
        if (made.action === 'clone') expect(revisions.filter(({ deleting }) => !deleting)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
