import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createBuiltinRuntime } from '../../../src/functions/builtin-runtime.ts';
import { CATALOG } from '../../../src/functions/catalog/registry.ts';
import { imageName, parseImage } from '../../../src/functions/image.ts';
import { VersionRange } from '../../../src/functions/versions.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const CATALOG_IMAGE = 'ghcr.io/kptdev/krm-functions-catalog/set-labels';

describe('which images are built in', () => {
  const runtime = createBuiltinRuntime({ prefixes: ['mirror.test/functions'] });

  test.each([
    ['no tag', { image: CATALOG_IMAGE }, `${CATALOG_IMAGE}:latest`],
    ['latest', { image: `${CATALOG_IMAGE}:latest` }, `${CATALOG_IMAGE}:latest`],
    ['a version', { image: `${CATALOG_IMAGE}:v0.2.0` }, `${CATALOG_IMAGE}:v0.2.0`],
    ['a minor version', { image: `${CATALOG_IMAGE}:v0.1` }, `${CATALOG_IMAGE}:v0.1`],
    ['the old registry', { image: 'gcr.io/kpt-fn/set-labels:v0.1.5' }, 'gcr.io/kpt-fn/set-labels:v0.1.5'],
    ['a short name', { image: 'set-labels:v0.2.0' }, 'set-labels:v0.2.0'],
    ['a mirror', { image: 'mirror.test/functions/set-labels:v0.2.0' }, 'mirror.test/functions/set-labels:v0.2.0'],
    ['H 79: a built-in name', { image: 'builtins/gen-pkg-context' }, 'builtins/gen-pkg-context:latest'],
    ['a tag beside the image', { image: `${CATALOG_IMAGE}:v9.0.0`, tag: 'v0.2.0' }, `${CATALOG_IMAGE}:v0.2.0`],
    ['a range', { image: CATALOG_IMAGE, tag: '~0.2' }, `${CATALOG_IMAGE}:~0.2`],
    [
      'H 77: a tag instead of a digest',
      { image: `${CATALOG_IMAGE}@${DIGEST}`, tag: 'v0.2.0' },
      `${CATALOG_IMAGE}:v0.2.0`,
    ],
  ])('%s', (_, spec, resolved) => {
    expect(runtime.runner(spec)).toMatchObject({ resolved, runtime: 'builtin' });
  });

  test.each([
    ['a digest', { image: `${CATALOG_IMAGE}@${DIGEST}` }],
    ['a tag with a digest', { image: `${CATALOG_IMAGE}:v0.2.0@${DIGEST}` }],
    ['a version out of range', { image: `${CATALOG_IMAGE}:v9.0.0` }],
    ['a range out of range', { image: CATALOG_IMAGE, tag: '^9' }],
    ['a pre-release', { image: `${CATALOG_IMAGE}:v0.2.0-rc.1` }],
    ['a tag that is no version', { image: `${CATALOG_IMAGE}:unstable` }],
    ['another registry', { image: 'registry.test/set-labels:v0.2.0' }],
    ['another function', { image: 'set-other' }],
    ['a command', { exec: './set-labels' }],
  ])('not %s', (_, spec) => {
    expect(runtime.runner(spec)).toBeUndefined();
  });

  test.each([
    ['switched off', { enabled: false }, 'v0.2.0', false],
    ['narrowed, outside', { versions: '~0.1' }, 'v0.2.0', false],
    ['narrowed, inside', { versions: '~0.1' }, 'v0.1.5', true],
    ['widened', { versions: '>=0.1.0 <1.0.0' }, 'v0.9.0', true],
    ['a range that is none', { versions: 'new' }, 'v0.2.0', false],
    ['nothing said', {}, 'v0.2.0', true],
  ])('an override: %s', (_, override, tag, found) => {
    const narrowed = createBuiltinRuntime({ overrides: { 'set-labels': override } });
    expect(narrowed.runner({ image: `set-labels:${tag}` }) !== undefined).toBe(found);
    expect(narrowed.runner({ image: 'set-namespace:v0.4.1' })).toBeDefined();
  });

  test('every folder of the catalogue is registered under its name, with the same files', () => {
    const folder = path.join(import.meta.dirname, '../../../src/functions/catalog');
    const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(CATALOG.map(({ name }) => name)).toEqual(folders.map(({ name }) => name).sort());
    for (const { name } of folders) {
      expect(readdirSync(path.join(folder, name))).toEqual(expect.arrayContaining(['config.ts', 'function.ts']));
    }
    for (const { versions } of CATALOG) expect(VersionRange.parse(versions)).toBeDefined();
  });
});

describe('image references', () => {
  test.each([
    ['a', { prefix: '', base: 'a' }],
    ['a/b:v1', { prefix: 'a', base: 'b', tag: 'v1' }],
    ['h.test:1234/a/b', { prefix: 'h.test:1234/a', base: 'b' }],
    [`h.test:1234/a/b:v1@${DIGEST}`, { prefix: 'h.test:1234/a', base: 'b', tag: 'v1', digest: DIGEST }],
  ])('%s', (text, parts) => {
    const image = parseImage(text);
    expect(image).toEqual(parts);
    expect(text.startsWith(image === undefined ? '?' : imageName(image))).toBe(true);
  });

  test.each(['', 'a//b', 'x:', 'x::@!', 'a/a/', 'Foo'])('H 6: %j is none', (text) => {
    expect(parseImage(text)).toBeUndefined();
  });
});

describe('version ranges', () => {
  test.each([
    ['>=0.1.0 <0.5.0', ['0.1.0', 'v0.4.9'], ['0.0.9', '0.5.0']],
    ['~0.4', ['0.4.0', '0.4.7'], ['0.3.9', '0.5.0']],
    ['~1', ['1.0.0', '1.9.0'], ['2.0.0']],
    ['^1.2', ['1.2.0', '1.9.9'], ['1.1.9', '2.0.0']],
    ['^0.2.3', ['0.2.3', '0.2.9'], ['0.2.2', '0.3.0']],
    ['0.2.x', ['0.2.0', '0.2.9'], ['0.3.0']],
    ['1.0.0 - 1.4.0', ['1.0.0', '1.4.0'], ['1.4.1']],
    ['>1.2, !=1.5.0', ['1.3.0', '1.5.1'], ['1.2.7', '1.5.0']],
    ['<=0.3 || >2', ['0.3.9', '3.0.0'], ['0.4.0', '2.5.0']],
    ['*', ['0.0.1'], []],
  ])('%s', (range, inside, outside) => {
    const parsed = VersionRange.parse(range);
    const has = (version: string) => parsed?.intersects(VersionRange.parse(version) as VersionRange);
    expect(inside.map(has)).toEqual(inside.map(() => true));
    expect(outside.map(has)).toEqual(outside.map(() => false));
  });

  test.each(['', 'latest', 'v1.0.0-rc1', '>=', '1.2.3.4', 'v1+b'])('%j is none', (text) => {
    expect(VersionRange.parse(text)).toBeUndefined();
  });
});
