import { describe, expect, test } from '@jest/globals';
import { type ObservedRevisionState, planRevision } from '../../../../src/controllers/package-revision/plan.ts';
import type { Lifecycle } from '../../../../src/repository/types.ts';

type Git = NonNullable<ObservedRevisionState['git']>;

const git = (lifecycle: Lifecycle, changes: Partial<Git> = {}): Git => ({
  lifecycle,
  commit: 'c1',
  branchHead: false,
  handPushed: false,
  hasStrays: false,
  latest: false,
  ...changes,
});
const state = (changes: Partial<ObservedRevisionState>): ObservedRevisionState => ({
  deleting: false,
  hasFinalizer: true,
  desired: 'Draft',
  hasSource: true,
  discovered: false,
  failedForGood: false,
  readOnly: false,
  renderedCommit: 'c1',
  metadataPending: false,
  renderRequested: false,
  ...changes,
});
const seen = (lifecycle: Lifecycle) => ({ lifecycle, commit: 'c1' });

describe('planRevision', () => {
  test('adds its finalizer before it makes anything', () => {
    expect(planRevision(state({ hasFinalizer: false }))).toEqual({ action: 'addFinalizer' });
    expect(planRevision(state({}))).toEqual({ action: 'create' });
  });

  test('does not repeat what failed for good', () => {
    expect(planRevision(state({ failedForGood: true }))).toEqual({ action: 'none' });
  });

  test('forgets an object whose revision vanished from git, and never makes it again (7.8.143)', () => {
    expect(planRevision(state({ seen: seen('Draft') }))).toEqual({ action: 'forget' });
  });

  test('G-08: keeps the object of a published revision that vanished from git, until somebody deletes it', () => {
    const gone = { seen: { ...seen('Published'), tag: 'app/v1' }, desired: 'Published' } as const;
    expect(planRevision(state(gone))).toEqual({ action: 'vanished', tag: 'app/v1' });
    expect(planRevision(state({ ...gone, discovered: true, hasSource: false }))).toMatchObject({ action: 'vanished' });
    expect(planRevision(state({ ...gone, deleting: true }))).toEqual({ action: 'removeFinalizer' });
    expect(planRevision(state({ ...gone, git: git('Published') }))).toEqual({ action: 'none' });
  });

  test.each(['Draft', 'Proposed', 'DeletionProposed', 'Published'] as const)(
    'forgets a %s revision that was seen at no tag and that vanished from git',
    (lifecycle) => {
      expect(planRevision(state({ seen: seen(lifecycle), desired: lifecycle }))).toEqual({ action: 'forget' });
    },
  );

  test('forgets an object that was made for what git held, when git holds it no longer before anybody looked', () => {
    expect(planRevision(state({ hasSource: false, discovered: true }))).toEqual({ action: 'forget' });
  });

  test('says so when there is neither a source nor a revision', () => {
    expect(planRevision(state({ hasSource: false }))).toMatchObject({ action: 'blocked', reason: 'NoSource' });
  });

  test.each([
    ['Draft', 'Proposed'],
    ['Draft', 'Published'],
    ['Proposed', 'Published'],
    ['Proposed', 'Draft'],
    ['Published', 'DeletionProposed'],
    ['DeletionProposed', 'Published'],
  ] as const)('moves %s to %s (7.7.103, 105, 107)', (from, to) => {
    expect(planRevision(state({ desired: to, git: git(from), seen: seen(from) }))).toEqual({
      action: 'transition',
      to,
    });
  });

  test.each([
    ['Published', 'Draft'],
    ['Published', 'Proposed'],
    ['DeletionProposed', 'Draft'],
    ['Draft', 'DeletionProposed'],
  ] as const)('refuses %s to %s (7.7.106)', (from, to) => {
    expect(planRevision(state({ desired: to, git: git(from), seen: seen(from) }))).toMatchObject({
      reason: 'IllegalTransition',
    });
  });

  test('does not propose a package that does not render (7.7.109, P-07)', () => {
    const plan = planRevision(
      state({ desired: 'Proposed', git: git('Draft'), seen: seen('Draft'), proposalFault: 'does not render' }),
    );
    expect(plan).toEqual({ action: 'blocked', reason: 'NotProposable', message: 'does not render' });
  });

  test('W-16: neither makes nor publishes what was overtaken by a revision that others published', () => {
    const overtaken = {
      action: 'blocked',
      reason: 'Overtaken',
      message: expect.stringContaining('a.x.v2 was published'),
    };
    expect(planRevision(state({ overtakenBy: 'a.x.v2' }))).toEqual(overtaken);
    const draft = { git: git('Draft'), seen: seen('Draft'), overtakenBy: 'a.x.v2' };
    expect(planRevision(state({ ...draft, desired: 'Published' }))).toEqual(overtaken);
    expect(planRevision(state(draft))).toEqual({ action: 'none' });
    expect(planRevision(state({ ...draft, git: git('Proposed'), seen: seen('Proposed') }))).toEqual({
      action: 'transition',
      to: 'Draft',
    });
  });

  test('still rejects a proposed package that does not render', () => {
    const plan = planRevision(
      state({ desired: 'Draft', git: git('Proposed'), seen: seen('Proposed'), proposalFault: 'does not render' }),
    );
    expect(plan).toEqual({ action: 'transition', to: 'Draft' });
  });

  test('follows git when git moved on its own', () => {
    const plan = planRevision(state({ desired: 'Draft', seen: seen('Draft'), git: git('Published') }));
    expect(plan).toEqual({ action: 'follow', lifecycle: 'Published' });
  });

  test.each(['Draft', 'Proposed', 'Published', 'DeletionProposed'] as const)(
    'drops what a late push left beside a %s revision before anything else',
    (lifecycle) => {
      const found = { git: git(lifecycle, { hasStrays: true }), seen: seen(lifecycle), desired: lifecycle };
      expect(planRevision(state(found))).toEqual({ action: 'dropStrays' });
      expect(planRevision(state({ ...found, deleting: true }))).toEqual({ action: 'dropStrays' });
      expect(planRevision(state({ ...found, hasFinalizer: false }))).toEqual({ action: 'addFinalizer' });
    },
  );

  test('renders a push by hand once', () => {
    const pushed = git('Draft', { handPushed: true });
    const unrendered = state({ git: pushed, seen: seen('Draft'), renderedCommit: 'c0' });
    expect(planRevision(unrendered)).toEqual({ action: 'render' });
    expect(planRevision(state({ git: pushed, seen: seen('Draft'), renderedCommit: 'c1' }))).toEqual({ action: 'none' });
  });

  test('brings the wanted inputs into a draft, never into a proposed revision', () => {
    const wanted = { wantedHash: 'v1:b' };
    expect(planRevision(state({ ...wanted, git: git('Draft', { inputHash: 'v1:a' }) }))).toEqual({ action: 'mutate' });
    expect(planRevision(state({ ...wanted, git: git('Draft', { inputHash: 'v1:b' }) }))).toEqual({ action: 'none' });
    expect(
      planRevision(state({ ...wanted, desired: 'Proposed', git: git('Proposed', { inputHash: 'v1:a' }) })),
    ).toEqual({ action: 'none' });
  });

  test.each(['Proposed', 'Published', 'DeletionProposed'] as const)(
    '7.5.74: changes no content of a %s revision, whatever asks for it',
    (lifecycle) => {
      const asking = {
        desired: lifecycle,
        seen: seen(lifecycle),
        git: git(lifecycle, { handPushed: true, inputHash: 'v1:a' }),
        renderedCommit: 'c0',
        renderRequested: true,
        metadataPending: true,
        wantedHash: 'v1:b',
      } as const;
      expect(planRevision(state(asking))).toEqual({ action: 'none' });
      expect(planRevision(state({ ...asking, desired: 'Draft', seen: seen('Draft'), git: git('Draft') })).action).toBe(
        'mutate',
      );
    },
  );

  test('keeps the object of a draft whose branch holds no package any more, and says why', () => {
    const unreadable = { seen: seen('Draft'), unreadable: 'no Kptfile' } as const;
    const plan = { action: 'blocked', reason: 'Unreadable', message: 'no Kptfile' };
    expect(planRevision(state(unreadable))).toEqual(plan);
    expect(planRevision(state({ ...unreadable, readOnly: true }))).toEqual(plan);
    expect(planRevision(state({ ...unreadable, deleting: true }))).toEqual({ action: 'removeFinalizer' });
    expect(planRevision(state({ ...unreadable, git: git('Draft') }))).toEqual({ action: 'none' });
  });

  test.each([undefined, 'v1:a'])(
    'compares the latest published revision, made from %s, with other inputs once',
    (inputHash) => {
      const other = { desired: 'Published', seen: seen('Published'), wantedHash: 'v1:b' } as const;
      const published = git('Published', { latest: true, inputHash });
      expect(planRevision(state({ ...other, git: published }))).toEqual({ action: 'compare' });
      expect(planRevision(state({ ...other, git: published, readOnly: true }))).toEqual({ action: 'compare' });
      const none = { action: 'none' };
      expect(planRevision(state({ ...other, git: { ...published, inputHash: 'v1:b' } }))).toEqual(none);
      expect(planRevision(state({ ...other, git: { ...published, latest: false } }))).toEqual(none);
      expect(planRevision(state({ ...other, git: published, failedForGood: true }))).toEqual(none);
    },
  );

  test.each(['Draft', 'Proposed', 'DeletionProposed'] as const)(
    'deletes a %s revision from git first, then lets the object go (7.7.108)',
    (lifecycle) => {
      expect(planRevision(state({ deleting: true, git: git(lifecycle) }))).toEqual({ action: 'deleteFromGit' });
      expect(planRevision(state({ deleting: true }))).toEqual({ action: 'removeFinalizer' });
    },
  );

  test('leaves the content of a revision that others hold, and says who they are (7.7.120)', () => {
    const held = state({ deleting: true, heldBy: ['example.com/hold'], git: git('Draft') });
    expect(planRevision(held)).toMatchObject({
      action: 'blocked',
      reason: 'Held',
      message: expect.stringContaining('example.com/hold'),
    });
    expect(planRevision({ ...held, heldBy: [] })).toEqual({ action: 'deleteFromGit' });
  });

  test('clears the head of a branch of a package only when that was proposed for deletion (7.7.112, 7.7.113)', () => {
    const head = { git: git('Published', { branchHead: true }), seen: seen('Published') } as const;
    expect(planRevision(state({ ...head, hasFinalizer: false, desired: 'Published' }))).toEqual({ action: 'none' });
    expect(planRevision(state({ ...head, hasFinalizer: false, desired: 'DeletionProposed' }))).toEqual({
      action: 'addFinalizer',
    });
    expect(planRevision(state({ ...head, deleting: true, desired: 'DeletionProposed' }))).toEqual({
      action: 'deleteFromGit',
    });
    expect(planRevision(state({ ...head, deleting: true, desired: 'Published' }))).toEqual({
      action: 'removeFinalizer',
    });
  });

  test('writes metadata that the spec asks for into a draft, and never into a proposed revision', () => {
    expect(planRevision(state({ metadataPending: true, git: git('Draft') }))).toEqual({ action: 'mutate' });
    expect(planRevision(state({ metadataPending: true, desired: 'Proposed', git: git('Proposed') }))).toEqual({
      action: 'none',
    });
  });

  test('7.9.166: renders a draft again when that is asked for and was not done, and nothing but drafts', () => {
    const asked = (lifecycle: Lifecycle) =>
      planRevision(state({ renderRequested: true, desired: lifecycle, git: git(lifecycle) }));
    expect(asked('Draft')).toEqual({ action: 'render' });
    expect(asked('Proposed')).toEqual({ action: 'none' });
    expect(asked('Published')).toEqual({ action: 'none' });
    expect(planRevision(state({ git: git('Draft') }))).toEqual({ action: 'none' });
    // A creation whose render came to no end left nothing in git.
    expect(planRevision(state({}))).toEqual({ action: 'create' });
    expect(planRevision(state({ renderRequested: true, failedForGood: true, git: git('Draft') }))).toEqual({
      action: 'none',
    });
  });

  test('goes on with a blocked deletion when the deletion is proposed after all', () => {
    const deleting = state({ deleting: true, desired: 'DeletionProposed', git: git('Published') });
    expect(planRevision(deleting)).toEqual({ action: 'transition', to: 'DeletionProposed' });
  });

  test.each<[Lifecycle, 'delete' | 'orphan', object]>([
    ['Draft', 'delete', { action: 'deleteFromGit' }],
    ['Draft', 'orphan', { action: 'removeFinalizer' }],
    ['Published', 'delete', { action: 'transition', to: 'DeletionProposed' }],
    ['Published', 'orphan', { action: 'removeFinalizer' }],
    ['DeletionProposed', 'delete', { action: 'removeFinalizer' }],
  ])(
    'of a %s revision that is deleted along with its variant remains what the policy %s keeps',
    (lifecycle, leftBehind, plan) => {
      const deleting = state({ deleting: true, desired: lifecycle, git: git(lifecycle), leftBehind });
      expect(planRevision(deleting)).toEqual(plan);
    },
  );

  test('does not delete what somebody pushed after the deletion was asked for', () => {
    const moved = git('Draft', { handPushed: true, commit: 'c2' });
    expect(planRevision(state({ deleting: true, seen: seen('Draft'), git: moved }))).toMatchObject({
      reason: 'DraftMoved',
    });
    const known = git('Draft', { handPushed: true });
    expect(planRevision(state({ deleting: true, seen: seen('Draft'), git: known }))).toEqual({
      action: 'deleteFromGit',
    });
  });

  test('takes a manifest without a lifecycle for no wish to take a publication back', () => {
    expect(planRevision(state({ git: git('Published') }))).toEqual({ action: 'follow', lifecycle: 'Published' });
    expect(planRevision(state({ git: git('Published'), seen: seen('Published') }))).toMatchObject({
      reason: 'IllegalTransition',
    });
  });

  test('says why a published revision is not deleted (7.9.174)', () => {
    expect(planRevision(state({ deleting: true, desired: 'Published', git: git('Published') }))).toMatchObject({
      action: 'blocked',
      reason: 'DeletionBlocked',
    });
  });
});

describe('a fresh render before a proposal (7.6.98, 7.7.109)', () => {
  const draft = { git: git('Draft'), seen: seen('Draft'), renderedCommit: undefined } as const;

  test.each(['Proposed', 'Published'] as const)(
    'what nobody is known to have rendered is rendered to be %s',
    (desired) => {
      expect(planRevision(state({ ...draft, desired }))).toEqual({ action: 'render' });
    },
  );

  test('a draft that stays one is left alone', () => {
    expect(planRevision(state(draft))).toEqual({ action: 'none' });
  });

  test('a render that failed for good is not repeated, and keeps the draft from being proposed', () => {
    const failed = state({ ...draft, desired: 'Proposed', failedForGood: true, proposalFault: 'it does not render' });
    expect(planRevision(failed)).toMatchObject({ action: 'blocked', reason: 'NotProposable' });
  });
});

describe('a revision that others were made from (7.7.115)', () => {
  const referencedBy = ['a.x.v1', 'a.y.v1', 'a.z.v1', 'b.x.v1'];
  const doomed = { deleting: true, desired: 'DeletionProposed', referencedBy } as const;

  test('is not deleted, and says by whom it is kept', () => {
    expect(planRevision(state({ ...doomed, git: git('DeletionProposed') }))).toEqual({
      action: 'blocked',
      reason: 'Referenced',
      message: 'is the upstream of a.x.v1, a.y.v1, a.z.v1 and others; delete them, or upgrade them, first',
    });
  });

  test('is proposed for deletion first, if that is asked for', () => {
    expect(planRevision(state({ ...doomed, git: git('Published') }))).toMatchObject({ to: 'DeletionProposed' });
  });

  test('goes when it was never published, or is a branch’s head, or is gone from git', () => {
    expect(planRevision(state({ ...doomed, git: git('Draft') }))).toEqual({ action: 'deleteFromGit' });
    const head = git('DeletionProposed', { branchHead: true });
    expect(planRevision(state({ ...doomed, git: head }))).toEqual({ action: 'deleteFromGit' });
    expect(planRevision(state(doomed))).toEqual({ action: 'removeFinalizer' });
  });
});

describe('a revision of a repository that is read-only', () => {
  const readOnly = { readOnly: true, hasSource: false, discovered: true } as const;
  const refused = { action: 'blocked', reason: 'ReadOnly', message: 'the repository is registered as read-only' };

  test('is shown as git has it, and its object follows git', () => {
    expect(planRevision(state({ ...readOnly, git: git('Draft', { handPushed: true, hasStrays: true }) }))).toEqual({
      action: 'none',
    });
    const published = state({ ...readOnly, git: git('Published'), seen: seen('Draft') });
    expect(planRevision(published)).toEqual({ action: 'follow', lifecycle: 'Published' });
    expect(planRevision(state({ ...readOnly, seen: seen('Draft') }))).toEqual({ action: 'forget' });
  });

  test('is not made, moved or published, and says so', () => {
    expect(planRevision(state({ readOnly: true }))).toEqual(refused);
    const draft = { ...readOnly, git: git('Draft'), seen: seen('Draft') };
    for (const desired of ['Proposed', 'Published', 'DeletionProposed'] as const) {
      expect(planRevision(state({ ...draft, desired }))).toEqual(refused);
    }
  });

  test('is left in git when its object is deleted', () => {
    for (const lifecycle of ['Draft', 'Published', 'DeletionProposed'] as const) {
      expect(planRevision(state({ ...readOnly, deleting: true, git: git(lifecycle) }))).toEqual({
        action: 'removeFinalizer',
      });
    }
  });
});
