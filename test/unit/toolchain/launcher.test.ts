import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'veranda launcher-'));
  mkdirSync(join(folder, 'app/bin'), { recursive: true });
  copyFileSync(join(root, 'bin/veranda'), join(folder, 'app/bin/veranda'));
  write('app/dist/main.js', 'built');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** A program that says the version it is told to, and else its own path and its arguments. */
function fakeNode(path: string, version: string): string {
  const file = write(path, `#!/bin/sh\nif [ "$1" = --version ]; then echo ${version}; else echo "$0 $*"; fi\n`);
  chmodSync(file, 0o755);
  return file;
}

function launch(options: { readonly path?: string; readonly env?: { [name: string]: string } } = {}) {
  const path = options.path ?? join(folder, 'app/bin/veranda');
  const env = { PATH: `${join(folder, 'path')}:/usr/bin:/bin`, ...options.env };
  const { status, stdout, stderr } = spawnSync(path, ['run', '-f', 'a b'], { env, encoding: 'utf8' });
  return { status, stdout: stdout.trim(), stderr: stderr.trim() };
}

test('the Node.js installed beside it comes before the one on PATH', () => {
  const own = fakeNode('app/node_modules/node/bin/node', 'v24.1.0');
  fakeNode('path/node', 'v26.0.0');

  expect(launch().stdout).toBe(`${own} ${folder}/app/dist/main.js run -f a b`);
});

test('one on PATH is taken when it is new enough', () => {
  const onPath = fakeNode('path/node', 'v24.0.0');

  expect(launch().stdout).toBe(`${onPath} ${folder}/app/dist/main.js run -f a b`);
});

test('VERANDA_NODE comes before all others', () => {
  fakeNode('app/node_modules/node/bin/node', 'v24.1.0');
  const chosen = fakeNode('elsewhere/node', 'v25.0.0');

  expect(launch({ env: { VERANDA_NODE: chosen } }).stdout).toMatch(new RegExp(`^${chosen} `));
});

test('an old Node.js is refused in one line', () => {
  const old = fakeNode('path/node', 'v20.20.2');

  expect(launch()).toEqual({
    status: 1,
    stdout: '',
    stderr: `veranda: Node.js 24 or newer is needed (found: ${old}); install it or set VERANDA_NODE to its path`,
  });
});

test('it finds its files through relative and absolute links', () => {
  const onPath = fakeNode('path/node', 'v24.0.0');
  mkdirSync(join(folder, 'links'));
  symlinkSync('../app/bin/veranda', join(folder, 'links/relative'));
  symlinkSync(join(folder, 'links/relative'), join(folder, 'links/absolute'));

  expect(launch({ path: join(folder, 'links/absolute') }).stdout).toBe(
    `${onPath} ${folder}/app/dist/main.js run -f a b`,
  );
});

test('a checkout that has not been built runs from source', () => {
  const onPath = fakeNode('path/node', 'v24.0.0');
  rmSync(join(folder, 'app/dist'), { recursive: true });
  write('app/src/main.ts', 'source');

  expect(launch().stdout).toBe(`${onPath} ${folder}/app/src/main.ts run -f a b`);
});
