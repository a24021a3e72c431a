import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arrangeRevisions, type FoundRef } from '../../../src/repository/git/arrange.ts';
import { commitAuthor, SERVICE_IDENTITY } from '../../../src/repository/git/identity.ts';
import { RepositoryLayout } from '../../../src/repository/git/layout.ts';
import { DirectoryScope, layoutRef, parseRef, revisionOfTag, shortRef } from '../../../src/repository/git/refs.ts';
import type { RevisionEntry } from '../../../src/repository/git/revision-entry.ts';
import { formatMessage, parseTrailers, taskSubject, trailerOf } from '../../../src/repository/git/trailer.ts';

describe('ref names', () => {
  test.each([
    ['refs/heads/drafts/a/b/w1', { kind: 'draft', path: 'a/b', leaf: 'w1' }],
    ['refs/heads/proposed/a/w1', { kind: 'proposed', path: 'a', leaf: 'w1' }],
    ['refs/heads/deletionProposed/a/v1', { kind: 'deletionProposed', path: 'a', leaf: 'v1' }],
    ['refs/tags/a/b/v1', { kind: 'tag', path: 'a/b', leaf: 'v1' }],
    ['refs/tags/v1.0', { kind: 'tag', path: '', leaf: 'v1.0' }],
    ['refs/heads/drafts/x', { kind: 'draft', path: '', leaf: 'x' }],
    ['refs/heads/main', undefined],
    ['refs/heads/draftsman/a/b', undefined],
    ['refs/pull/1/head', undefined],
    ['refs/heads/ветка', undefined],
  ])('%s', (ref, parsed) => {
    expect(parseRef(ref)).toEqual(parsed);
    if (parsed && parsed.path !== '')
      expect(layoutRef(parseRef(ref)?.kind ?? 'tag', parsed.path, parsed.leaf)).toBe(ref);
  });

  test.each([
    ['v1', 1],
    ['v10', 10],
    ['v0', undefined],
    ['v01', undefined],
    ['1', undefined],
    ['v1.2', undefined],
    ['V1', undefined],
    ['v', undefined],
  ])('revision of tag %s is %s', (leaf, revision) => {
    expect(revisionOfTag(leaf)).toBe(revision);
  });

  test('locks carry names without refs/heads and refs/tags', () => {
    expect(['refs/heads/drafts/a/w', 'refs/tags/a/v1', 'refs/heads/main'].map(shortRef)).toEqual([
      'drafts/a/w',
      'a/v1',
      'main',
    ]);
  });

  test('G-12: a directory holds what lies below it, by whole path parts', () => {
    const scope = new DirectoryScope('apps');
    expect(['apps/x', 'apps/x/y', 'apps', 'apps2/x', 'x', ''].map((path) => scope.packageName(path))).toEqual([
      'x',
      'x/y',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(new DirectoryScope('').packageName('x/y')).toBe('x/y');
  });
});

describe('trailers', () => {
  const trailer = {
    package: 'a/b',
    workspaceName: 'w1',
    revision: 0,
    task: { type: 'clone', clone: { git: { ref: 'kpt:{"x":1}\nnext' } } },
    veranda: { variant: 'n/v', inputHash: 'v1:x' },
  };

  test('what is written is read back, from a last line of its own', () => {
    const message = formatMessage('Subject', trailer);
    expect(message.split('\n')).toHaveLength(4);
    expect(parseTrailers(message)).toEqual([trailer]);
  });

  test('bad lines are passed over, several trailers are kept apart', () => {
    const message =
      'x\n\nkpt:{"package":\n kpt:{"package":"a","workspaceName":"w1","revision":"v3"}\nkpt:[]\nkpt:{}\nkpt:{"package":"b","workspaceName":"w2","revision":"2","task":{}}\nend';
    expect(parseTrailers(message)).toMatchObject([
      { package: 'a', workspaceName: 'w1', revision: 3 },
      { package: 'b', workspaceName: 'w2', revision: 2, task: undefined },
    ]);
    expect(trailerOf(message, 'b')?.workspaceName).toBe('w2');
    expect(trailerOf(message, 'b', 'w1')).toBeUndefined();
  });

  test('no message makes the reader throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(Array.isArray(parseTrailers(`subject\n\nkpt:${text}`))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['init', 'Creating new empty revision'],
    ['clone', 'Creating new revision by cloning'],
    ['edit', 'Creating new revision by copying previous revision'],
    ['upgrade', 'Upgrading revision'],
    ['render', 'Rendering package'],
    ['', 'Intermediate commit'],
    ['replace', 'Intermediate commit: replace'],
  ])('subject of task %s', (type, subject) => {
    expect(taskSubject(type)).toBe(subject);
  });
});

describe('authors', () => {
  test.each([
    [
      { name: 'a', email: 'a@x' },
      { name: 'a', email: 'a@x' },
    ],
    [{ email: 'a@x' }, { name: 'a@x', email: 'a@x' }],
    [{ name: 'a' }, { name: 'a', email: '' }],
    [{}, SERVICE_IDENTITY],
    [undefined, SERVICE_IDENTITY],
  ])('%j', (configured, author) => {
    expect(commitAuthor(configured)).toEqual(author);
  });

  test('a name cannot break out of its place in a commit', () => {
    expect(commitAuthor(undefined, { name: 'x <y>\nparent 1', email: '<a@b>\0' })).toEqual({
      name: 'x yparent 1',
      email: 'a@b',
    });
    expect(commitAuthor(undefined, { name: '<>', email: '' }).name).toBe(SERVICE_IDENTITY.name);
  });
});

describe('arranging refs to revisions', () => {
  const layout = new RepositoryLayout({ repo: 'r', branch: 'main', directory: '', createBranch: false, now: () => 0 });
  const entry = (workspace: string, revision: number, more: Partial<RevisionEntry> = {}): RevisionEntry => ({
    commit: `${revision}`.repeat(40).slice(0, 40),
    tree: 't',
    workspace,
    workspaceKnown: true,
    revision,
    handPushed: false,
    editedByHand: false,
    ...more,
  });
  const tag = (leaf: string, what: RevisionEntry): FoundRef => ({
    ref: `refs/tags/a/${leaf}`,
    kind: 'tag',
    path: 'a',
    entry: what,
  });
  const branch = (kind: 'draft' | 'proposed', what: RevisionEntry): FoundRef => ({
    ref: layoutRef(kind, 'a', what.workspace),
    kind,
    path: 'a',
    entry: what,
  });
  const arrange = (found: FoundRef[], markers: string[] = []) => {
    const refs = new Map([
      ...found.map(({ ref, entry: { commit } }) => [ref, commit] as const),
      ...markers.map((ref) => [ref, 'x'] as const),
    ]);
    const { revisions, warnings } = arrangeRevisions(layout, refs, found);
    return {
      revisions: revisions.map((r) => `${r.workspace} ${r.lifecycle} ${r.revision}${r.latest ? '*' : ''}`),
      ...(revisions.some(({ strays }) => strays) ? { strays: revisions.flatMap(({ strays = [] }) => strays) } : {}),
      warnings: warnings.map(({ ref }) => ref),
    };
  };

  test('numbers are compared as numbers', () => {
    const found = [9, 10, 2].map((revision) => tag(`v${revision}`, entry(`w${revision}`, revision)));
    expect(arrange(found).revisions).toEqual(['w2 Published 2', 'w9 Published 9', 'w10 Published 10*']);
  });

  test('a draft left behind by its own publication is not listed, without a word', () => {
    const draft = branch('draft', entry('w1', 0));
    const published = tag('v1', entry('w1', 1, { approvedDraft: draft.entry.commit }));
    expect(arrange([draft, published])).toEqual({ revisions: ['w1 Published 1*'], warnings: [] });
  });

  test('one workspace is one revision: published before draft before proposed, the rest are warnings', () => {
    const draft = branch('draft', entry('w1', 0));
    const proposed = branch('proposed', entry('w1', 0, { commit: 'other' }));
    expect(arrange([proposed, draft])).toEqual({ revisions: ['w1 Draft 0'], warnings: [proposed.ref] });
    const published = tag('v1', entry('w1', 1));
    expect(arrange([proposed, draft, published])).toEqual({
      revisions: ['w1 Published 1*'],
      warnings: [draft.ref, proposed.ref],
    });
  });

  describe('a branch that a late push brought back', () => {
    const made = { task: { type: 'init' }, origin: { variant: 'default/a', inputHash: 'v1:a' } };
    const late = (changes: Partial<RevisionEntry> = {}) =>
      branch('draft', entry('w1', 0, { ...made, commit: 'late', ...changes }));
    const proposed = branch('proposed', entry('w1', 0, { ...made, commit: 'kept' }));
    const published = tag('v1', entry('w1', 1, { ...made, approvedDraft: 'kept' }));
    const stray = { ref: 'refs/heads/drafts/a/w1', commit: 'late' };

    test('is a stray of the proposal, or of what is published, when it says the same', () => {
      expect(arrange([late(), proposed])).toEqual({ revisions: ['w1 Proposed 0'], warnings: [], strays: [stray] });
      expect(arrange([late(), published])).toEqual({ revisions: ['w1 Published 1*'], warnings: [], strays: [stray] });
      expect(arrange([late(), proposed, published])).toMatchObject({ revisions: ['w1 Published 1*'], strays: [stray] });
    });

    test.each<[string, Partial<RevisionEntry>]>([
      ['another tree', { tree: 'other' }],
      ['another task', { task: { type: 'clone' } }],
      ['other inputs', { origin: { inputHash: 'v1:b' } }],
      ['a commit by hand on top', { handPushed: true, editedByHand: true }],
      ['a commit by hand below', { editedByHand: true }],
      ['no task, so it is nobody knows whose', { task: undefined }],
    ])('is a warning when it has %s', (_, changes) => {
      expect(arrange([late(changes), published])).toEqual({ revisions: ['w1 Published 1*'], warnings: [stray.ref] });
      expect(arrange([late(changes), proposed])).toEqual({ revisions: ['w1 Draft 0'], warnings: [proposed.ref] });
    });

    test('is none when the move of the same commit has only gone half the way', () => {
      const half = late({ commit: 'kept' });
      expect(arrange([half, proposed])).toEqual({ revisions: ['w1 Draft 0'], warnings: [proposed.ref] });
      expect(arrange([half, published])).toEqual({ revisions: ['w1 Published 1*'], warnings: [] });
    });
  });

  test('a tag made by hand gives way to the revision whose workspace has its name', () => {
    const found = [tag('v2', entry('v2', 2, { workspaceKnown: false })), tag('v1', entry('v2', 1))];
    expect(arrange(found)).toEqual({ revisions: ['v2 Published 1', 'tag-v2 Published 2*'], warnings: [] });
  });

  test('the marker is the state of deletion; one without a revision is a warning', () => {
    const orphan = 'refs/heads/deletionProposed/a/v9';
    const placeholder = 'refs/heads/deletionProposed/a/main';
    const found = [tag('v1', entry('w1', 1)), tag('stable', entry('stable', -1))];
    const markers = ['refs/heads/deletionProposed/a/v1', 'refs/heads/deletionProposed/a/stable', orphan, placeholder];
    expect(arrange(found, markers)).toEqual({
      revisions: ['stable DeletionProposed -1', 'w1 DeletionProposed 1*'],
      warnings: [orphan],
    });
  });
});
