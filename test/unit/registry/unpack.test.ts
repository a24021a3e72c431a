import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { DEFAULT_PACKAGE_LIMITS } from '../../../src/package/limits.ts';
import { inflate, layerForm } from '../../../src/registry/layers.ts';
import { readArchive } from '../../../src/registry/unpack.ts';
import { header } from './tar.ts';

const LIMITS = { ...DEFAULT_PACKAGE_LIMITS, entries: 50_000 };

describe('an archive of 1,000,000 entries', () => {
  test('is given up at the limit, and what comes after is not read', async () => {
    let made = 0;
    async function* entries() {
      for (; made < 1_000_000; made++) yield header(`f${made}`);
      yield Buffer.alloc(1024);
    }
    const reading = readArchive(entries(), { ...LIMITS, files: Number.POSITIVE_INFINITY }, 'the archive');
    await expect(reading).rejects.toMatchObject({
      reason: 'TooLarge',
      message: expect.stringContaining('50000 entries'),
    });
    expect(made).toBeLessThan(51_000);
  });

  test('is given up at the number of files, when that is lower', async () => {
    let made = 0;
    async function* entries() {
      for (; made < 1_000_000; made++) yield header(`f${made}`);
    }
    await expect(readArchive(entries(), LIMITS, 'the archive')).rejects.toMatchObject({ reason: 'TooLarge' });
    expect(made).toBeLessThan(21_000);
  });

  test('of folders keeps nothing', async () => {
    async function* folders() {
      for (let made = 0; made < 40_000; made++) {
        const block = header(`d${made}/`);
        block.write('5', 156);
        const sum = block.fill(' ', 148, 156).reduce((total, byte) => total + byte, 0);
        block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
        yield block;
      }
      yield Buffer.alloc(1024);
    }
    expect((await readArchive(folders(), LIMITS, 'the archive')).files.size).toBe(0);
  });
});

describe('sizes', () => {
  test('many files that are too large together are given up before the last is read', async () => {
    async function* files() {
      for (let index = 0; index < 100; index++) {
        yield header(`f${index}`, 1024 * 1024);
        yield Buffer.alloc(1024 * 1024);
      }
      yield Buffer.alloc(1024);
    }
    await expect(readArchive(files(), LIMITS, 'the archive')).rejects.toMatchObject({
      reason: 'TooLarge',
      location: { file: 'f64' },
    });
  });

  test('a fault of the source is told as it is', async () => {
    const broken = new Error('connection lost');
    async function* source() {
      yield header('a', 10);
      throw broken;
    }
    await expect(readArchive(source(), LIMITS, 'x')).rejects.toMatchObject({ reason: 'InvalidArchive', cause: broken });
  });

  test.each([
    ['the ratio', { archiveBytes: 1e9, ratio: 100, freeBytes: 1_000_000 }, 'times'],
    ['the size', { archiveBytes: 1_000_000, ratio: 1e9, freeBytes: 0 }, '1000000 bytes'],
  ])('what inflates is stopped by %s', async (_name, limits, told) => {
    const bomb = gzipSync(Buffer.alloc(20_000_000));
    let seen = 0;
    const reading = async () => {
      for await (const chunk of inflate(bomb, 'gzip', limits, 'layer x')) seen += chunk.byteLength;
    };
    await expect(reading()).rejects.toMatchObject({ reason: 'TooLarge', message: expect.stringContaining(told) });
    expect(seen).toBeLessThan(3_000_000);
  });
});

describe('O-04: the form of a layer by its media type', () => {
  const form = (mediaType: string, annotations = {}) =>
    layerForm({ mediaType, annotations, digest: 'sha256:x', size: 1 });
  const archive = (compression: string) => ({ kind: 'archive', compression });
  test.each([
    ['application/vnd.oci.image.layer.v1.tar', archive('none')],
    ['application/vnd.oci.image.layer.v1.tar+gzip', archive('gzip')],
    ['application/vnd.oci.image.layer.v1.tar+zstd', archive('zstd')],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', archive('gzip')],
    ['application/vnd.docker.image.rootfs.diff.tar', archive('none')],
    ['application/vnd.cncf.flux.content.v1.tar+gzip', archive('gzip')],
    ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', archive('gzip')],
    ['application/tar+gzip', archive('gzip')],
    ['application/x-tar', archive('none')],
    ['application/gzip', archive('gzip')],
  ])('%s', (mediaType, expected) => {
    expect(form(mediaType)).toEqual(expected);
  });

  test.each([
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    'application/octet-stream',
    'application/vnd.oci.empty.v1+json',
    '',
  ])('%j is refused by name', (mediaType) => {
    expect(() => form(mediaType)).toThrow(JSON.stringify(mediaType));
  });
});
