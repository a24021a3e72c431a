import { describe, expect, test } from '@jest/globals';
import { diffResources, diffText } from '../../../src/merge/package-diff.ts';
import { unifiedDiff } from '../../../src/merge/unified-diff.ts';
import { Package } from '../../../src/package/package.ts';
import { configMap, file, packageOf } from './support.ts';

const lines = (count: number, change: { readonly [line: number]: string } = {}) =>
  Array.from({ length: count }, (_, index) => `${change[index + 1] ?? index + 1}\n`).join('');

describe('unified text', () => {
  test('has three lines around a change', () => {
    expect(unifiedDiff(lines(9), lines(9, { 5: 'five' }))).toBe('@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n');
  });

  test('joins changes that are near, and parts those that are not', () => {
    expect(unifiedDiff(lines(30), lines(30, { 5: 'a', 9: 'b', 25: 'c' })).match(/@@ .* @@/g)).toEqual([
      '@@ -2,11 +2,11 @@',
      '@@ -22,7 +22,7 @@',
    ]);
  });

  test('names empty ranges by the line before them', () => {
    expect(unifiedDiff('', 'a\n')).toBe('@@ -0,0 +1,1 @@\n+a\n');
    expect(unifiedDiff('a\n', '')).toBe('@@ -1,1 +0,0 @@\n-a\n');
  });

  test('tells a missing line break at the end', () => {
    expect(unifiedDiff('a\nb\n', 'a\nb')).toBe('@@ -1,2 +1,2 @@\n a\n-b\n+b\n\\ No newline at end of file\n');
  });

  test('is empty for equal texts', () => {
    expect(unifiedDiff('a\n', 'a\n')).toBe('');
  });
});

describe('packages', () => {
  test('resources are compared wherever they lie, field by field', () => {
    const before = packageOf({ 'a.yaml': configMap({ a: '1', b: '1' }), 'b.yaml': configMap({ x: '1' }, 'gone') });
    const after = packageOf({ 'moved.yaml': configMap({ a: '2', c: '1' }), 'n.yaml': configMap({ x: '1' }, 'new') });
    expect(diffResources(before, after)).toEqual([
      { change: 'removed', resource: 'ConfigMap gone', file: 'b.yaml', fields: [] },
      {
        change: 'changed',
        resource: 'ConfigMap settings',
        file: 'moved.yaml',
        fields: [
          { field: 'data.a', before: 1, after: 2 },
          { field: 'data.b', before: 1 },
          { field: 'data.c', after: 1 },
        ],
      },
      { change: 'added', resource: 'ConfigMap new', file: 'n.yaml', fields: [] },
    ]);
  });

  test('text names added, removed and binary files, and modes', () => {
    const before = Package.of([
      ['gone', file('1\n')],
      ['logo.png', file(Uint8Array.from([0]))],
      ['run.sh', file('1\n')],
    ]);
    const after = Package.of([
      ['logo.png', file(Uint8Array.from([0, 1]))],
      ['new', file('1\n')],
      ['run.sh', file('1\n', '100755')],
    ]);
    expect(diffText(before, after)).toBe(`--- a/gone
+++ /dev/null
@@ -1,1 +0,0 @@
-1
--- a/logo.png
+++ b/logo.png
binary file differs
--- /dev/null
+++ b/new
@@ -0,0 +1,1 @@
+1
--- a/run.sh
+++ b/run.sh
mode 100644 -> 100755
`);
  });
});
