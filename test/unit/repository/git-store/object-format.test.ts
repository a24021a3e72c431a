import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeCommit,
  decodeTree,
  encodeCommit,
  encodeObject,
  encodeTree,
} from '../../../../src/repository/git/store/object-format.ts';
import type { TreeEntry } from '../../../../src/repository/git/types.ts';

let repository: string;
beforeAll(() => {
  repository = mkdtempSync(join(tmpdir(), 'veranda-objects-'));
  execFileSync('git', ['init', '-q', '--bare', repository]);
});
afterAll(() => rmSync(repository, { recursive: true }));

function git(args: string[], input: string | Buffer): string {
  return execFileSync('git', ['-C', repository, ...args], { input, stdio: ['pipe', 'pipe', 'pipe'] })
    .toString()
    .trim();
}

const OID = 'a'.repeat(40);
const modes = fc.constantFrom<TreeEntry['mode']>('100644', '100755', '120000', '160000', '040000');
const names = fc.stringMatching(/^[ab.é\-0]{1,4}$/).filter((name) => name !== '.' && name !== '..');

describe('objects have the ids that git gives them', () => {
  test('blobs', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(encodeObject('blob', bytes).oid).toBe(git(['hash-object', '--stdin'], Buffer.from(bytes)));
      }),
      { numRuns: 10 },
    );
  });

  test('trees, in whatever order their entries come', () => {
    const entries = fc.uniqueArray(fc.record({ mode: modes, name: names, oid: fc.constant(OID) }), {
      selector: ({ name }) => name,
      maxLength: 12,
    });
    fc.assert(
      fc.property(entries, (list) => {
        const type = (mode: string) => ({ '040000': 'tree', '160000': 'commit' })[mode] ?? 'blob';
        const lines = list.map(({ mode, name, oid }) => `${mode} ${type(mode)} ${oid}\t${name}\0`);
        const rows = new WeakMap();
        const oid = git(['mktree', '-z', '--missing'], lines.join(''));
        expect(encodeObject('tree', encodeTree(list, rows)).oid).toBe(oid);
        expect(encodeObject('tree', encodeTree(list.toReversed(), rows)).oid).toBe(oid);
      }),
      { numRuns: 25 },
    );
  });

  test.each([
    ['plain', { name: 'Ann', email: 'ann@x' }, 'subject\n\nbody\n', 'Ann <ann@x>', 'subject\n\nbody\n'],
    ['without a final newline', { name: 'Ann', email: 'ann@x' }, 'subject', 'Ann <ann@x>', 'subject\n'],
    ['without a name', { name: '', email: 'ann@x' }, 's\n', 'ann@x <ann@x>', 's\n'],
    ['without an address', { name: 'Ann', email: '' }, 's\n', 'Ann <>', 's\n'],
    ['with hostile names', { name: 'A<n>\nparent x', email: 'a>\nb' }, 's\n', 'Anparent x <ab>', 's\n'],
    ['with NUL', { name: 'Ann', email: 'a' }, 'a\0b\n', 'Ann <a>', 'ab\n'],
    ['without a message', { name: 'Ann', email: 'a' }, '', 'Ann <a>', '\n'],
  ])('commits %s', (_name, person, message, shown, stored) => {
    const tree = git(['mktree'], '');
    const parents = [OID, 'b'.repeat(40)];
    const content = encodeCommit({ tree, parents, author: person, committer: person, at: 1_700_000_000.9, message });
    const expected = [
      `tree ${tree}`,
      ...parents.map((parent) => `parent ${parent}`),
      `author ${shown} 1700000000 +0000`,
      `committer ${shown} 1700000000 +0000`,
      '',
      stored,
    ].join('\n');
    expect(content.toString()).toBe(expected);
    // git refuses to write a commit that its checks object to.
    const oid = git(['hash-object', '-t', 'commit', '-w', '--stdin'], content);
    expect(encodeObject('commit', content).oid).toBe(oid);
    expect(decodeCommit(oid, content)).toMatchObject({
      tree,
      parents,
      message: stored,
      committer: { at: 1_700_000_000 },
    });
  });
});

describe('reading', () => {
  test('a tree comes out as it went in', () => {
    const entry = fc.record({ mode: modes, name: names, oid: fc.constant(OID) });
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ({ name }) => name, maxLength: 8 }), (list) => {
        const bytes = encodeTree(list);
        expect(encodeTree(decodeTree(bytes)).equals(bytes)).toBe(true);
        expect(decodeTree(bytes).toSorted(byName)).toEqual(list.toSorted(byName));
      }),
    );
  });

  test('what two trees have in common is read once', () => {
    const shared = Array.from({ length: 3 }, (_, index) => ({ mode: '100644' as const, name: `f${index}`, oid: OID }));
    const known = new Map();
    const one = decodeTree(encodeTree(shared), known);
    const other = decodeTree(encodeTree([...shared.slice(1), { mode: '100755', name: 'f0', oid: OID }]), known);
    expect(other).toMatchObject([{ name: 'f0', mode: '100755' }, { name: 'f1' }, { name: 'f2' }]);
    expect(other.map((entry) => one.includes(entry))).toEqual([false, true, true]);
    expect(known.size).toBe(4);
  });

  test('names that are not UTF-8 keep their bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 6 }), (bytes) => {
        const name = Buffer.from(bytes.filter((byte) => byte !== 0 && byte !== 0x2f));
        if (name.length === 0) return;
        const tree = Buffer.concat([Buffer.from('100644 '), name, Buffer.from([0]), Buffer.from(OID, 'hex')]);
        expect(encodeTree(decodeTree(tree)).equals(tree)).toBe(true);
      }),
    );
  });

  test('old modes are read as git reads them', () => {
    const row = (mode: string) => Buffer.concat([Buffer.from(`${mode} f\0`), Buffer.from(OID, 'hex')]);
    expect(decodeTree(row('100664'))).toMatchObject([{ mode: '100644' }]);
    expect(decodeTree(row('100775'))).toMatchObject([{ mode: '100755' }]);
    expect(decodeTree(row('040000'))).toMatchObject([{ mode: '040000' }]);
  });

  test('what is cut off is an error and never half a tree', () => {
    const whole = encodeTree([{ mode: '100644', name: 'f', oid: OID }]);
    for (let length = 1; length < whole.length; length += 1) {
      expect(() => decodeTree(whole.subarray(0, length))).toThrow(RangeError);
    }
  });

  test('signatures, other encodings and odd authors do not disturb a commit', () => {
    const head = `tree ${OID}\nauthor A U <a@b> 12 +0200\ncommitter nonsense\nencoding latin1\ngpgsig -----BEGIN\n tree x\n -----END\n\n`;
    const commit = decodeCommit(OID, Buffer.concat([Buffer.from(head), Buffer.from([0x63, 0xe9, 0x0a])]));
    expect(commit).toEqual({
      oid: OID,
      tree: OID,
      parents: [],
      author: { name: 'A U', email: 'a@b', at: 12 },
      committer: { name: 'nonsense', email: '', at: 0 },
      message: 'cé\n',
    });
  });

  test.each(['', 'a/b', 'a\0b'])('the name %j is in no tree', (name) => {
    expect(() => encodeTree([{ mode: '100644', name, oid: OID }])).toThrow(
      expect.objectContaining({ reason: 'InvalidPath' }),
    );
  });

  test('one name is not twice in a tree, not even as file and folder', () => {
    const twice: TreeEntry[] = [
      { mode: '100644', name: 'x', oid: OID },
      { mode: '040000', name: 'x', oid: OID },
    ];
    expect(() => encodeTree(twice)).toThrow(expect.objectContaining({ reason: 'InvalidPath' }));
  });
});

function byName(a: TreeEntry, b: TreeEntry): number {
  return a.name < b.name ? -1 : 1;
}
