import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');

test('the lock file names no registry, so that any registry serves it', () => {
  const lock: { readonly packages: { readonly [path: string]: { readonly resolved?: string } } } = JSON.parse(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  );
  const resolved = Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined);

  expect(resolved.map(([path]) => path)).toEqual([]);
});

test('every direct dependency is pinned', () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const versions: string[] = Object.values({ ...dependencies, ...devDependencies });

  expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});
