import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TerminalError } from '../../../src/api/errors.ts';
import { DEFAULT_PACKAGE_LIMITS } from '../../../src/package/limits.ts';
import { Package } from '../../../src/package/package.ts';
import type { FileChange, FileMode, PackageFile } from '../../../src/package/types.ts';

const encoder = new TextEncoder();

function file(text: string, mode: FileMode = '100644'): PackageFile {
  return { bytes: encoder.encode(text), mode };
}

function link(target: string): PackageFile {
  return file(target, '120000');
}

function thrownBy(action: () => unknown): TerminalError {
  try {
    action();
  } catch (error) {
    if (error instanceof TerminalError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const part = fc.constantFrom('a', 'b', 'a-b', 'a.b', 'Kptfile', 'ü', '😀');
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const content = fc.constantFrom('', 'x', 'y').map((text) => file(text));
const changes: fc.Arbitrary<FileChange[]> = fc.array(
  fc.tuple(path, fc.oneof({ weight: 3, arbitrary: content }, { weight: 1, arbitrary: fc.constant(null) })),
  { maxLength: 8 },
);

/** The same edit on a plain map; undefined when a path would be a file and a folder. */
function model(before: ReadonlyMap<string, PackageFile>, edit: FileChange[]): Map<string, PackageFile> | undefined {
  const after = new Map(before);
  for (const [name, next] of edit) {
    if (next === null) after.delete(name);
    else after.set(name, next);
  }
  const names = [...after.keys()];
  return names.some((a) => names.some((b) => b.startsWith(`${a}/`))) ? undefined : after;
}

describe('Package.edit', () => {
  test('gives what the same edits of a plain map give, in path order, or refuses', () => {
    fc.assert(
      fc.property(fc.array(changes, { maxLength: 4 }), (edits) => {
        let pkg = Package.empty;
        let expected = new Map<string, PackageFile>();
        for (const edit of edits) {
          const next = model(expected, edit);
          if (next === undefined) {
            expect(thrownBy(() => pkg.edit(edit)).reason).toBe('DuplicatePath');
            continue;
          }
          pkg = pkg.edit(edit);
          expected = next;
          expect([...pkg.entries()]).toEqual([...expected].sort(([a], [b]) => (a < b ? -1 : 1)));
          expect(pkg.totalBytes).toBe([...expected.values()].reduce((sum, { bytes }) => sum + bytes.length, 0));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('returns the same object when nothing changes', () => {
    const pkg = Package.of([['a.yaml', file('a: 1\n')]]);
    expect(pkg.edit([])).toBe(pkg);
    expect(pkg.edit([['a.yaml', file('a: 1\n')]])).toBe(pkg);
    expect(pkg.edit([['missing', null]])).toBe(pkg);
    expect(
      pkg.edit([
        ['a.yaml', file('other')],
        ['a.yaml', file('a: 1\n')],
      ]),
    ).toBe(pkg);
    expect(pkg.edit([['a.yaml', file('a: 1\n', '100755')]])).not.toBe(pkg);
  });

  test('leaves the package that it is called on alone', () => {
    const pkg = Package.of([['a', file('1')]]);
    pkg.edit([
      ['a', null],
      ['b', file('2')],
    ]);
    expect(pkg.paths()).toEqual(['a']);
  });

  test('lets a file become a folder in one edit', () => {
    const pkg = Package.of([['a', file('1')]]);
    const edit: FileChange[] = [
      ['a/b', file('2')],
      ['a', null],
    ];
    expect(pkg.edit(edit).paths()).toEqual(['a/b']);
  });

  test.each([
    [['a', 'a/b'], 'a'],
    [['a/b/c', 'a'], 'a'],
    [['a/b', 'a-b', 'a.b', 'a/b/c'], 'a/b'],
  ])('refuses %j, where %s is a file and a folder', (paths, culprit) => {
    const error = thrownBy(() => Package.of(paths.map((name) => [name, file('')])));
    expect(error.reason).toBe('DuplicatePath');
    expect(error.location.file).toBe(culprit);
  });

  test.each([
    '',
    '/etc/passwd',
    '../x',
    'a/../b',
    './a',
    'a//b',
    'a/',
    'a\\b',
    'a\nb',
    'a\0',
    '\ud800',
    '.git/config',
    'sub/.git',
    '.GIT/hooks/post-checkout',
    '.git./config',
    '.git . /config',
    '.git::$INDEX_ALLOCATION/config',
    '.g\u200cit/config',
    'GIT~1/config',
    'git~1:x',
  ])('refuses the path %j', (bad) => {
    const error = thrownBy(() => Package.of([[bad, file('')]]));
    expect(error.reason).toBe('InvalidPath');
    expect(error.location.file).toBe(bad);
  });

  test.each(['.gitignore', '.github/x.yaml', '.gitattributes', 'x.git', 'a.git/b', 'git~10', '..a', 'a b', '名前'])(
    'takes the path %j',
    (good) => {
      expect(Package.of([[good, file('')]]).paths()).toEqual([good]);
    },
  );
});

describe('links and submodules', () => {
  test.each([
    ['b', 'a/'],
    ['b', '.'],
    ['d/l', '..'],
    ['d/e/l', '../../x/./y'],
    ['l', 'missing'],
    ['l', './/a'],
    ['l', '..a'],
  ])('G-10: the link %s -> %s is kept as a link', (name, target) => {
    const kept = Package.of([[name, link(target)]]).get(name);
    expect(kept).toEqual(link(target));
  });

  test.each([
    ['l', '/etc/passwd'],
    ['l', '..'],
    ['l', './../x'],
    ['d/l', '../../x'],
    ['d/e/l', '../../..'],
    ['l', 'a/../../x'],
  ])('G-10: the link %s -> %s leaves the package and is refused', (name, target) => {
    const error = thrownBy(() => Package.of([[name, link(target)]]));
    expect(error.reason).toBe('LinkEscapes');
    expect(error.location.file).toBe(name);
  });

  test('a chain of links that would leave the package is refused', () => {
    const chain: FileChange[] = [
      ['d/l', link('..')],
      ['x', link('d/l/../y')],
    ];
    expect(thrownBy(() => Package.empty.edit(chain)).reason).toBe('LinkEscapes');
  });

  test('a file that is turned into a link is checked', () => {
    const pkg = Package.of([['a', file('/etc/passwd')]]);
    expect(thrownBy(() => pkg.edit([['a', link('/etc/passwd')]])).reason).toBe('LinkEscapes');
  });

  test('a link without a target is refused', () => {
    expect(thrownBy(() => Package.of([['l', link('')]])).reason).toBe('InvalidLink');
  });

  test('a submodule entry must be a commit id', () => {
    const id = '0123456789abcdef0123456789abcdef01234567';
    expect(Package.of([['m', file(id, '160000')]]).size).toBe(1);
    expect(thrownBy(() => Package.of([['m', file('HEAD', '160000')]])).reason).toBe('InvalidSubmodule');
  });
});

describe('limits', () => {
  const limits = { fileBytes: 10, packageBytes: 15, files: 2 };

  test('a file above the limit is refused by name', () => {
    const error = thrownBy(() => Package.of([['big.bin', file('x'.repeat(11))]], limits));
    expect([error.reason, error.location.file]).toEqual(['PackageTooLarge', 'big.bin']);
    expect(error.message).toContain('big.bin');
  });

  test('a package above the limit is refused and its largest file named', () => {
    const pkg = Package.of([['a', file('x'.repeat(9))]], limits);
    const error = thrownBy(() => pkg.edit([['b', file('x'.repeat(7))]]));
    expect([error.reason, error.location.file]).toEqual(['PackageTooLarge', 'a']);
  });

  test('too many files are refused', () => {
    const files = ['a', 'b', 'c'].map((name) => [name, file('')] as const);
    expect(thrownBy(() => Package.of(files, limits)).reason).toBe('PackageTooLarge');
  });

  test('stay with everything made from the package', () => {
    const pkg = Package.of([['d/a', file('x')]], limits);
    const many: FileChange[] = ['a', 'b', 'c'].map((name) => [name, file('')]);
    for (const made of [
      pkg.edit([['b', file('')]]),
      pkg.subtree('d'),
      pkg.withPrefix('p'),
      Package.unpack(pkg.pack()),
    ]) {
      expect(thrownBy(() => made.edit(many)).reason).toBe('PackageTooLarge');
    }
  });

  test('the defaults take a file of their size and no larger one', () => {
    const bytes = new Uint8Array(DEFAULT_PACKAGE_LIMITS.fileBytes + 1);
    const mode = '100644';
    expect(Package.of([['a', { bytes: bytes.subarray(1), mode }]]).size).toBe(1);
    expect(thrownBy(() => Package.of([['a', { bytes, mode }]])).reason).toBe('PackageTooLarge');
  });
});

describe('subtrees', () => {
  const pkg = Package.of([
    ['Kptfile', file('root')],
    ['db-backup/x', file('1')],
    ['db.yaml', file('2')],
    ['db/Kptfile', file('3')],
    ['db/sub/y', link('../../Kptfile')],
    ['dbx', file('4')],
  ]);

  test('subtree takes the folder and not its namesakes', () => {
    const subtree = pkg.subtree('db');
    expect(subtree.paths()).toEqual(['Kptfile', 'sub/y']);
    expect(subtree.totalBytes).toBe(1 + '../../Kptfile'.length);
    expect(pkg.subtree('')).toBe(pkg);
    expect(pkg.subtree('nowhere').size).toBe(0);
  });

  test('withSubtree puts back what subtree took, as the same object', () => {
    for (const directory of ['', 'db', 'db/sub', 'db-backup', 'nowhere']) {
      expect(pkg.withSubtree(directory, pkg.subtree(directory))).toBe(pkg);
    }
  });

  test('withSubtree replaces the folder as a whole', () => {
    const next = pkg.withSubtree('db', Package.of([['z', file('5')]]));
    expect(next.paths()).toEqual(['Kptfile', 'db-backup/x', 'db.yaml', 'db/z', 'dbx']);
    expect(pkg.withSubtree('', Package.empty).size).toBe(0);
  });

  test('withSubtree checks paths and links where they come to lie', () => {
    expect(thrownBy(() => pkg.withSubtree('../x', Package.of([['z', file('')]]))).reason).toBe('InvalidPath');
    expect(thrownBy(() => pkg.withSubtree('', pkg.subtree('db'))).reason).toBe('LinkEscapes');
    expect(thrownBy(() => pkg.withSubtree('db.yaml', pkg.subtree('db'))).reason).toBe('DuplicatePath');
  });

  test('withPrefix and subtree are inverse', () => {
    expect(pkg.withPrefix('p/q').subtree('p/q').hash()).toBe(pkg.hash());
    expect(pkg.withPrefix('')).toBe(pkg);
    expect(thrownBy(() => pkg.withPrefix('.git')).reason).toBe('InvalidPath');
  });
});

describe('hash', () => {
  test('is the same for equal packages, however they were made', () => {
    const one = Package.of([
      ['a', file('1')],
      ['b', file('2', '100755')],
    ]);
    const other = Package.of([
      ['b', file('2')],
      ['c', file('3')],
      ['a', file('1')],
    ]).edit([
      ['c', null],
      ['b', file('2', '100755')],
    ]);
    expect(other.hash()).toBe(one.hash());
    expect(one.hash()).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ['a byte', [['a', file('1\0')]]],
    ['a mode', [['a', file('1', '100755')]]],
    ['a path', [['b', file('1')]]],
    [
      'a boundary between files',
      [
        ['a', file('')],
        ['b', file('1')],
      ],
    ],
  ] satisfies [string, FileChange[]][])('differs by %s', (_, other) => {
    const pkg = Package.of([['a', file('1')]]);
    expect(Package.empty.edit(other).hash()).not.toBe(pkg.hash());
  });
});

test('a packed package survives structured clone with transfer', () => {
  const pkg = Package.of([
    ['bin/run', file('#!/bin/sh\n', '100755')],
    ['empty', file('')],
    ['l', link('bin/run')],
    ['blob', { bytes: Uint8Array.of(0, 255, 13, 10), mode: '100644' }],
  ]);
  const packed = pkg.pack();
  const copy = Package.unpack(structuredClone(packed, { transfer: [packed.files.content] }));
  expect(copy.hash()).toBe(pkg.hash());
  expect(copy.totalBytes).toBe(pkg.totalBytes);
  expect(packed.files.content.byteLength).toBe(0);
  expect(pkg.get('bin/run')?.bytes.byteLength).toBe(10);
});
