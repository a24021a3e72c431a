import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { applyDelta } from '../../../../src/repository/git/store/delta.ts';
import { encodeObject } from '../../../../src/repository/git/store/object-format.ts';
import { ObjectIndex } from '../../../../src/repository/git/store/object-index.ts';
import { ObjectReader, ParsedObjects } from '../../../../src/repository/git/store/object-reader.ts';
import { encodePack } from '../../../../src/repository/git/store/pack-format.ts';
import { PackIndex } from '../../../../src/repository/git/store/pack-index.ts';

let repository: string;
let reader: ObjectReader;
beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), 'veranda-pack-file-'));
  git('init', '-q', '--bare');
  reader = openReader();
});
afterEach(() => rmSync(repository, { recursive: true }));

function openReader(): ObjectReader {
  return new ObjectReader(repository, new ObjectIndex(repository), new ParsedObjects(), () => undefined);
}

function git(...args: string[]): Buffer {
  return execFileSync('git', ['-C', repository, ...args], { maxBuffer: 2 ** 28 });
}

function hashObject(type: string, content: Buffer): string {
  const args = ['-C', repository, 'hash-object', '-w', '-t', type, '--stdin'];
  return execFileSync('git', args, { input: content }).toString().trim();
}

/** Not to be compressed, and the same every time. */
function noise(length: number, seed: string): Buffer {
  const parts = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(`${seed} ${index}`).digest(),
  );
  return Buffer.concat(parts).subarray(0, length);
}

function packFolder(): string {
  return join(repository, 'objects/pack');
}

async function everythingIsReadable(): Promise<readonly string[]> {
  const ids = git('cat-file', '--batch-all-objects', '--batch-check=%(objectname) %(objecttype)').toString();
  const objects = ids.trim().split('\n');
  for (const line of objects) {
    const [oid = '', type = ''] = line.split(' ');
    const object = await reader.object(oid);
    expect(object.type).toBe(type);
    expect(Buffer.from(object.content).equals(git('cat-file', type, oid))).toBe(true);
  }
  return objects;
}

/** 30 versions of a file, each a small change of the one before, and some objects that resemble nothing. */
function writeRelated(): void {
  const lines =
    noise(20_000, 'lines')
      .toString('hex')
      .match(/.{1,60}/g) ?? [];
  for (let version = 0; version < 30; version++) {
    lines[version * 20] = `changed in ${version}`;
    hashObject('blob', Buffer.from(lines.join('\n')));
  }
  for (const length of [0, 1, 15, 16, 4000, 4096, 5000, 70_000, 300_000]) {
    hashObject('blob', noise(length, 'alone'));
    hashObject('blob', Buffer.alloc(length, 'the same '));
  }
  const blob = hashObject('blob', Buffer.from('content'));
  const entries = Array.from({ length: 200 }, (_, index) => `100644 blob ${blob}\tfile-${index}\n`).join('');
  const tree = execFileSync('git', ['-C', repository, 'mktree'], { input: entries }).toString().trim();
  const env = { ...process.env, GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b', GIT_AUTHOR_NAME: 'a' };
  const commit = execFileSync('git', ['-C', repository, 'commit-tree', tree, '-m', 'm'], {
    env: { ...env, GIT_AUTHOR_EMAIL: 'a@b' },
  });
  hashObject(
    'tag',
    Buffer.from(`object ${commit.toString().trim()}\ntype commit\ntag v1\ntagger a <a@b> 0 +0000\n\nm\n`),
  );
}

/** Packs all objects into one, whether or not a ref leads to them. */
function packAll(...flags: string[]): void {
  const ids = git('cat-file', '--batch-all-objects', '--batch-check=%(objectname)');
  const args = ['-C', repository, 'pack-objects', '-q', '--window=50', ...flags, join(packFolder(), 'pack')];
  execFileSync('git', args, { input: ids, stdio: ['pipe', 'pipe', 'pipe'] });
  git('prune-packed', '-q');
}

describe('objects are what git says they are', () => {
  test('loose', async () => {
    writeRelated();
    expect((await everythingIsReadable()).length).toBeGreaterThan(45);
  });

  test.each([
    ['by their place', ['--delta-base-offset', '--depth=50']],
    ['by name', ['--depth=50']],
  ])('in a pack with bases %s', async (_name, flags) => {
    writeRelated();
    packAll(...flags);
    const [pack = ''] = readdirSync(packFolder()).filter((name) => name.endsWith('.idx'));
    const chains = git('verify-pack', '-v', join('objects/pack', pack)).toString();
    expect(chains).toMatch(/chain length = [5-9]|chain length = \d\d/);
    await everythingIsReadable();
    reader = openReader();
    await everythingIsReadable();
  });

  test('in packs that have come since the last look', async () => {
    const oid = hashObject('blob', Buffer.from('late'));
    expect((await reader.object(oid)).type).toBe('blob');
    packAll();
    expect(Buffer.from((await reader.object(oid)).content).toString()).toBe('late');
  });

  test('compressed so badly that it has become several times as long', async () => {
    const object = encodeObject('blob', noise(10_000, 'x'));
    const { pack, index, checksum } = await encodePack([object]);
    // A stored block of deflate holds a length, its complement and as many bytes; many hold none.
    const empty = Buffer.from('000000ffff', 'hex');
    const headerBytes = 12 + 3 + 2;
    const longer = [pack.subarray(0, headerBytes), ...Array<Buffer>(12_000).fill(empty), pack.subarray(headerBytes)];
    writeFileSync(join(packFolder(), `pack-${checksum}.pack`), Buffer.concat(longer));
    writeFileSync(join(packFolder(), `pack-${checksum}.idx`), index);
    expect(Buffer.from(await reader.blob(object.oid)).equals(object.content)).toBe(true);
  });

  test('and the empty tree is there without having been written', async () => {
    expect(await reader.tree('4b825dc642cb6eb9a060e54bf8d69288fbee4904')).toEqual([]);
  });
});

describe('what is damaged is told so', () => {
  test('wherever the byte of the pack is that differs', async () => {
    const base = noise(3000, 'base').toString('hex');
    const ids = ['', 'and more'].map((end) => hashObject('blob', Buffer.from(base + end)));
    packAll();
    const [name = ''] = readdirSync(packFolder()).filter((each) => each.endsWith('.pack'));
    const path = join(packFolder(), name);
    const whole = readFileSync(path);
    rmSync(path);
    let told = 0;
    for (let at = 12; at < whole.length - 20; at += 37) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      writeFileSync(path, bytes);
      const outcomes = await Promise.allSettled(ids.map((oid) => openReader().blob(oid)));
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ failure: 'damaged' });
        else expect(Buffer.from(outcome.value).toString()).toBe(base + (index === 0 ? '' : 'and more'));
      }
      if (outcomes.some(({ status }) => status === 'rejected')) told += 1;
    }
    expect(told).toBe(Math.ceil((whole.length - 32) / 37));
  });

  test('when the pack is gone or cut off, and what is in none is missing', async () => {
    const oid = hashObject('blob', noise(5000, 'x'));
    packAll();
    const [name = ''] = readdirSync(packFolder()).filter((each) => each.endsWith('.pack'));
    const path = join(packFolder(), name);
    const whole = readFileSync(path);
    rmSync(path);
    for (const length of [0, 10, 13, 4000]) {
      writeFileSync(path, whole.subarray(0, length));
      await expect(reader.blob(oid)).rejects.toMatchObject({ failure: 'damaged' });
      rmSync(path);
    }
    await expect(reader.blob(oid)).rejects.toMatchObject({ failure: 'damaged' });
    await expect(reader.blob('1'.repeat(40))).rejects.toMatchObject({ failure: 'missing' });
  });

  test('a loose object that is torn, or another than its name says', async () => {
    const oid = hashObject('blob', noise(5000, 'x'));
    const path = join(repository, 'objects', oid.slice(0, 2), oid.slice(2));
    const whole = readFileSync(path);
    const others = [
      Buffer.alloc(0),
      whole.subarray(0, 100),
      deflateSync('blob 3\0abcd'),
      deflateSync('text'),
      deflateSync('blob 5\0other'),
    ];
    for (const bytes of others) {
      rmSync(path);
      writeFileSync(path, bytes);
      await expect(reader.blob(oid)).rejects.toMatchObject({ failure: 'damaged' });
    }
  });
});

test('a pack index may lead beyond 2 GiB', async () => {
  const object = encodeObject('blob', Buffer.from('far away'));
  const { index } = await encodePack([object]);
  const offsetAt = index.length - 40 - 4;
  const far = Buffer.alloc(8);
  far.writeBigUInt64BE(0x123456789an);
  const large = Buffer.concat([index.subarray(0, offsetAt), Buffer.from('80000000', 'hex'), far, index.subarray(-40)]);
  expect(PackIndex.of(large).offsetOf(object.oid)).toBe(0x123456789a);
  expect(() => PackIndex.of(large.subarray(0, -60))).toThrow(RangeError);
});

describe('a delta', () => {
  const base = Buffer.from('0123456789');

  test('copies and inserts', () => {
    const delta = Buffer.from([10, 9, 0x91, 2, 3, 3, ...Buffer.from('abc'), 0x90, 3]);
    expect(applyDelta(base, delta).toString()).toBe('234abc012');
  });

  test('copies 64 KiB when it does not say how much', () => {
    const large = noise(0x10000, 'large');
    expect(applyDelta(large, Buffer.from([0x80, 0x80, 4, 0x80, 0x80, 4, 0x80])).equals(large)).toBe(true);
  });

  test.each([
    ['a base of another length', [9, 1, 1, 65]],
    ['a copy from beyond its base', [10, 3, 0x91, 8, 3]],
    ['less content than it says', [10, 3, 0x90, 2]],
    ['more content than it says', [10, 3, 0x90, 4]],
    ['an instruction that there is not', [10, 3, 0]],
    ['an insertion that is cut off', [10, 3, 3, 65]],
    ['a copy that is cut off', [10, 3, 0x91, 1]],
    ['no end of its length', [10, 0x80]],
  ])('with %s is refused', (_name, bytes) => {
    expect(() => applyDelta(base, Buffer.from(bytes))).toThrow(RangeError);
  });
});

test('the packs are looked through once for all who ask at the same time', async () => {
  const oid = hashObject('blob', noise(2000, 'asked'));
  execFileSync('git', ['-C', repository, 'pack-objects', '-q', join(packFolder(), 'pack')], { input: `${oid}\n` });
  const index = new ObjectIndex(repository);
  const packs = await Promise.all(Array.from({ length: 50 }, () => index.packOf(oid)));
  expect(packs[0]).toBeDefined();
  expect(new Set(packs).size).toBe(1);
});
