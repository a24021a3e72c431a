import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { changesBetween, diffPackages } from '../../../src/package/diff.ts';
import { Package } from '../../../src/package/package.ts';
import type { FileMode } from '../../../src/package/types.ts';

const file = fc.record({
  bytes: fc.constantFrom('', 'x', 'y').map((text) => new TextEncoder().encode(text)),
  mode: fc.constantFrom<FileMode>('100644', '100755'),
});
const pkg = fc
  .dictionary(fc.constantFrom('a', 'b', 'c/d', 'c/e'), file)
  .map((files) => Package.of(Object.entries(files)));

test('the changes between two packages make one of the other', () => {
  fc.assert(
    fc.property(pkg, pkg, (before, after) => {
      expect(before.edit(changesBetween(before, after)).hash()).toBe(after.hash());
      const diff = diffPackages(before, after);
      const touched = [...diff.removed, ...diff.added, ...diff.changed].sort();
      expect(
        changesBetween(before, after)
          .map(([path]) => path)
          .sort(),
      ).toEqual(touched);
      expect(touched.length === 0).toBe(before.hash() === after.hash());
    }),
  );
});

test('tells added, removed and changed files apart, and a mode is a change', () => {
  const bytes = new Uint8Array(1);
  const before = Package.of([
    ['gone', { bytes, mode: '100644' }],
    ['run', { bytes, mode: '100644' }],
    ['same', { bytes, mode: '100644' }],
    ['text', { bytes, mode: '100644' }],
  ]);
  const after = Package.of([
    ['new', { bytes, mode: '100644' }],
    ['run', { bytes, mode: '100755' }],
    ['same', { bytes: new Uint8Array(1), mode: '100644' }],
    ['text', { bytes: Uint8Array.of(1), mode: '100644' }],
  ]);
  expect(diffPackages(before, after)).toEqual({ added: ['new'], removed: ['gone'], changed: ['run', 'text'] });
});
