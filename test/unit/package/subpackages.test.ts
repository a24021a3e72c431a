import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Package } from '../../../src/package/package.ts';
import { ownerPackage, packageTree } from '../../../src/package/subpackages.ts';
import type { FileMode } from '../../../src/package/types.ts';

const encoder = new TextEncoder();

function packageOf(files: Record<string, string>, modes: Record<string, FileMode> = {}): Package {
  return Package.of(
    Object.entries(files).map(([path, text]) => [path, { bytes: encoder.encode(text), mode: modes[path] ?? '100644' }]),
  );
}

describe('packageTree', () => {
  test('finds direct subpackages, however deep, in plain string order of their directories', () => {
    const tree = packageTree(
      packageOf({
        Kptfile: '',
        'dir/c/Kptfile': '',
        'b/Kptfile': '',
        'a/x/Kptfile': '',
        'a/Kptfile': '',
        'a-b/Kptfile': '',
      }),
    );
    expect([...tree.keys()]).toEqual(['', 'a', 'a-b', 'a/x', 'b', 'dir/c']);
    expect(tree.get('')?.subpackages).toEqual(['a', 'a-b', 'b', 'dir/c']);
    expect(tree.get('a')?.subpackages).toEqual(['a/x']);
    expect(tree.get('a/x')?.parent).toBe('a');
    expect(tree.get('')?.parent).toBeUndefined();
  });

  test('the root is a package even without a Kptfile', () => {
    expect([...packageTree(packageOf({ 'a/b.yaml': '' })).keys()]).toEqual(['']);
  });

  test('a link named Kptfile makes no package', () => {
    const pkg = packageOf({ 'a/Kptfile': '../Kptfile', Kptfile: '' }, { 'a/Kptfile': '120000' });
    expect([...packageTree(pkg).keys()]).toEqual(['']);
  });

  test('every file is in exactly one package, the nearest above it', () => {
    const part = fc.constantFrom('a', 'b', 'a-b');
    const directory = fc.array(part, { maxLength: 3 }).map((parts) => parts.join('/'));
    const file = fc
      .tuple(directory, fc.constantFrom('Kptfile', 'x.yaml', 'y'))
      .map(([dir, name]) => (dir === '' ? name : `${dir}/${name}`));
    fc.assert(
      fc.property(fc.uniqueArray(file, { maxLength: 12 }), (paths) => {
        const pkg = packageOf(Object.fromEntries(paths.map((path) => [path, ''])));
        const tree = packageTree(pkg);
        const placed = [...tree.values()].flatMap((node) => node.files.map((path) => [path, node.directory]));
        expect(placed.map(([path]) => path).sort()).toEqual(pkg.paths());
        for (const [path, owner] of placed) {
          expect(ownerPackage(tree, path as string)).toBe(owner);
          const above = (path as string).split('/').slice(0, -1);
          const nearest = above
            .map((_, depth) => above.slice(0, above.length - depth).join('/'))
            .find((dir) => pkg.has(`${dir}/Kptfile`));
          expect(owner).toBe(nearest ?? '');
        }
      }),
    );
  });
});

test('ownerPackage gives the package above for the directory of a package', () => {
  const tree = packageTree(packageOf({ 'a/b/Kptfile': '', 'a/Kptfile': '' }));
  expect(ownerPackage(tree, 'a/b')).toBe('a');
  expect(ownerPackage(tree, 'a/b/c/d.yaml')).toBe('a/b');
  expect(ownerPackage(tree, 'ab/x')).toBe('');
});

describe('.krmignore', () => {
  test('H 32: a listed file is ignored, and a listed directory is no subpackage', () => {
    const pkg = packageOf({
      '.krmignore': 'skip.yaml\nsub/\n',
      Kptfile: '',
      'skip.yaml': '',
      'sub/Kptfile': '',
      'sub/deep/Kptfile': '',
      'sub/x.yaml': '',
    });
    const tree = packageTree(pkg);
    expect([...tree.keys()]).toEqual(['']);
    expect(tree.get('')?.files).toEqual(['.krmignore', 'Kptfile']);
    expect(tree.get('')?.ignored).toEqual(['skip.yaml', 'sub/Kptfile', 'sub/deep/Kptfile', 'sub/x.yaml']);
  });

  test('H 33: the rules of a package do not reach into its subpackages', () => {
    const pkg = packageOf({
      '.krmignore': 'x.yaml\n',
      'x.yaml': '',
      'dir/x.yaml': '',
      'sub/Kptfile': '',
      'sub/x.yaml': '',
    });
    const tree = packageTree(pkg);
    expect(tree.get('')?.ignored).toEqual(['dir/x.yaml', 'x.yaml']);
    expect(tree.get('sub')?.files).toEqual(['sub/Kptfile', 'sub/x.yaml']);
  });

  test('a subpackage has rules of its own, relative to itself', () => {
    const pkg = packageOf({
      'sub/.krmignore': '/a.yaml\n',
      'sub/Kptfile': '',
      'sub/a.yaml': '',
      'sub/d/a.yaml': '',
      'a.yaml': '',
    });
    const tree = packageTree(pkg);
    expect(tree.get('sub')?.ignored).toEqual(['sub/a.yaml']);
    expect(tree.get('')?.files).toEqual(['a.yaml']);
  });

  test.each([
    ['*.MD', 'README.md', false],
    ['*.md', 'README.md', true],
    ['dir/', 'dir/a/b', true],
    ['dir/', 'dir', false],
    ['dir', 'dir', true],
    ['/a', 'b/a', false],
    ['**/a', 'b/c/a', true],
    ['*\n!keep.yaml', 'keep.yaml', false],
    ['dir/\n!dir/keep.yaml', 'dir/keep.yaml', true],
    ['# a', '# a', false],
    ['a.yaml\r\nb.yaml\r\n', 'a.yaml', true],
    ['\ufeffa.yaml', 'a.yaml', true],
    ['', 'a', false],
  ])('%j on %s: ignored is %p', (rules, path, ignored) => {
    const root = packageTree(packageOf({ '.krmignore': rules, [path]: '' })).get('');
    expect(root?.ignored.includes(path)).toBe(ignored);
  });

  test('a nested ignore file without a Kptfile beside it has no effect', () => {
    const root = packageTree(packageOf({ 'dir/.krmignore': '*', 'dir/a.yaml': '' })).get('');
    expect(root?.ignored).toEqual([]);
  });

  test('a link is no ignore file', () => {
    const pkg = packageOf({ '.krmignore': 'a', a: '' }, { '.krmignore': '120000' });
    expect(packageTree(pkg).get('')?.ignored).toEqual([]);
  });
});
