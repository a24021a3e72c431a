import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Package } from '../../../src/package/package.ts';
import { readPackageDirectory } from '../../../src/package/read-dir.ts';
import type { FileMode, PackageFile } from '../../../src/package/types.ts';
import { writePackageDirectory } from '../../../src/package/write-dir.ts';

const signal = new AbortController().signal;
let base: string;
let root: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'veranda-package-'));
  root = base;
});

afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

function file(text: string, mode: FileMode = '100644'): PackageFile {
  return { bytes: new TextEncoder().encode(text), mode };
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(join(root, path, '..'), { recursive: true });
  await writeFile(join(root, path), text);
}

const read = () => readPackageDirectory(root, { signal });
const write = (before: Package, after: Package) => writePackageDirectory(root, { before, after, signal });

describe('readPackageDirectory', () => {
  test('reads bytes, executable bits and links, and passes over .git', async () => {
    await put('dir/bin', '#!');
    await chmod(join(root, 'dir/bin'), 0o755);
    await writeFile(join(root, 'blob'), Uint8Array.of(0, 255, 13, 10));
    await symlink('dir/bin', join(root, 'link'));
    await symlink('.', join(root, 'dir/loop'));
    await put('.git/config', 'x');
    await put('sub/.git', 'gitdir: x');
    const pkg = await read();
    expect(pkg.paths()).toEqual(['blob', 'dir/bin', 'dir/loop', 'link']);
    expect(pkg.get('dir/bin')?.mode).toBe('100755');
    expect([...(pkg.get('blob')?.bytes ?? [])]).toEqual([0, 255, 13, 10]);
    expect(pkg.get('link')).toEqual(file('dir/bin', '120000'));
  });

  test('follows the directory itself when it is a link', async () => {
    await put('real/a', '1');
    await symlink('real', join(root, 'alias'));
    const pkg = await readPackageDirectory(join(root, 'alias'), { signal });
    expect(pkg.paths()).toEqual(['a']);
  });

  test('refuses a link that leaves the package', async () => {
    await symlink('/etc/hostname', join(root, 'link'));
    await expect(read()).rejects.toMatchObject({ reason: 'LinkEscapes', location: { file: 'link' } });
  });

  test('refuses a named pipe', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    await expect(read()).rejects.toMatchObject({ reason: 'UnsupportedFile', location: { file: 'pipe' } });
  });

  test.each([
    [{ fileBytes: 2, packageBytes: 100, files: 100 }],
    [{ fileBytes: 100, packageBytes: 5, files: 100 }],
    [{ fileBytes: 100, packageBytes: 100, files: 1 }],
  ])('refuses what is above the limits %j', async (limits) => {
    await put('a', '123');
    await put('b', '456');
    await expect(readPackageDirectory(root, { signal, limits })).rejects.toMatchObject({ reason: 'PackageTooLarge' });
  });

  test('stops when aborted', async () => {
    const reason = new Error('stop');
    await expect(readPackageDirectory(root, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('writePackageDirectory', () => {
  test('writes a new package that reads back the same', async () => {
    const pkg = Package.of([
      ['a', file('1')],
      ['dir/run', file('2', '100755')],
      ['link', file('dir/run', '120000')],
    ]);
    root = join(root, 'new');
    await write(Package.empty, pkg);
    expect((await read()).hash()).toBe(pkg.hash());
    expect(await readdir(root)).toEqual(['a', 'dir', 'link']);
  });

  test('touches only the files that differ', async () => {
    await put('same', '1');
    await put('other', '1');
    const before = await read();
    const inode = (await stat(join(root, 'same'))).ino;
    await write(before, before.edit([['other', file('2')]]));
    expect((await stat(join(root, 'same'))).ino).toBe(inode);
    expect(await readFile(join(root, 'other'), 'utf8')).toBe('2');
  });

  test('removes files that went away and folders that became empty, and nothing that the package did not have', async () => {
    await put('a/b/gone', '1');
    await put('c/gone', '1');
    const before = await read();
    await put('c/.git/config', 'x');
    await write(before, Package.empty);
    expect(await readdir(root)).toEqual(['c']);
    expect(await readdir(join(root, 'c'))).toEqual(['.git']);
  });

  test('turns files into folders and back', async () => {
    await put('a', '1');
    await put('b/c', '1');
    const before = await read();
    const after = Package.of([
      ['a/x', file('2')],
      ['b', file('2')],
    ]);
    await write(before, after);
    expect((await read()).hash()).toBe(after.hash());
  });

  test.each(['a/other', 'a/.git/config'])('refuses to put a file where a folder holds %s besides', async (other) => {
    await put('a/x', '1');
    const before = await read();
    await put(other, '2');
    const after = Package.of([['a', file('3')]]);
    await expect(write(before, after)).rejects.toMatchObject({ reason: 'FileChanged', location: { file: 'a' } });
    expect(await readFile(join(root, 'a/x'), 'utf8')).toBe('1');
  });

  test('changes a mode and keeps other permissions', async () => {
    await put('a', '1');
    await put('b', '1');
    await chmod(join(root, 'b'), 0o600);
    const before = await read();
    await write(
      before,
      before.edit([
        ['a', file('1', '100755')],
        ['b', file('2')],
      ]),
    );
    expect((await stat(join(root, 'a'))).mode & 0o100).toBe(0o100);
    expect((await stat(join(root, 'b'))).mode & 0o777).toBe(0o600);
  });

  test('replaces a link itself, never what it points to', async () => {
    await put('target', '1');
    await symlink('target', join(root, 'link'));
    const before = await read();
    await write(before, before.edit([['link', file('2')]]));
    expect(await readFile(join(root, 'target'), 'utf8')).toBe('1');
    expect((await lstat(join(root, 'link'))).isFile()).toBe(true);
  });

  test.each(['replaced', 'removed'])(
    'refuses, and changes nothing, when a file to be %s changed meanwhile',
    async (what) => {
      await put('a', '1');
      await put('b', '1');
      const before = await read();
      await put('b', 'edited by somebody');
      const after = before.edit([
        ['a', file('2')],
        ['b', what === 'replaced' ? file('2') : null],
      ]);
      await expect(write(before, after)).rejects.toMatchObject({ reason: 'FileChanged', location: { file: 'b' } });
      expect(await readFile(join(root, 'a'), 'utf8')).toBe('1');
      expect(await readFile(join(root, 'b'), 'utf8')).toBe('edited by somebody');
      expect(await readdir(root)).toEqual(['a', 'b']);
    },
  );

  test('does not write through a folder that became a link', async () => {
    await mkdir(join(root, 'outside'));
    root = join(root, 'package');
    await put('dir/a', '1');
    const before = await read();
    await rm(join(root, 'dir'), { recursive: true });
    await symlink('../outside', join(root, 'dir'));
    await expect(write(before, before.edit([['dir/b', file('2')]]))).rejects.toMatchObject({ reason: 'FileChanged' });
    expect(await readdir(join(root, '../outside'))).toEqual([]);
  });

  test('an abort leaves the directory as it was', async () => {
    await put('a', '1');
    const before = await read();
    const reason = new Error('stop');
    const after = before.edit([['a', file('2')]]);
    const aborted = writePackageDirectory(root, { before, after, signal: AbortSignal.abort(reason) });
    await expect(aborted).rejects.toBe(reason);
    expect((await read()).hash()).toBe(before.hash());
  });

  test('does nothing when nothing changed', async () => {
    await put('a', '1');
    const before = await read();
    await rm(root, { recursive: true });
    await write(before, before);
    await expect(stat(root)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
