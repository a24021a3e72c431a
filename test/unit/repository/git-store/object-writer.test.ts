import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type EncodedObject, encodeObject } from '../../../../src/repository/git/store/object-format.ts';
import { ObjectIndex } from '../../../../src/repository/git/store/object-index.ts';
import { ObjectReader, ParsedObjects } from '../../../../src/repository/git/store/object-reader.ts';
import { ObjectWriter } from '../../../../src/repository/git/store/object-writer.ts';

let repository: string;
let index: ObjectIndex;
let writer: ObjectWriter;
let reader: ObjectReader;
beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), 'veranda-writer-'));
  execFileSync('git', ['init', '-q', '--bare', repository]);
  index = new ObjectIndex(repository);
  writer = new ObjectWriter(repository, index);
  reader = new ObjectReader(repository, index, new ParsedObjects(), (oid) => writer.pending(oid));
});
afterEach(() => rmSync(repository, { recursive: true }));

function blobs(count: number, size = 1): EncodedObject[] {
  return Array.from({ length: count }, (_, each) => encodeObject('blob', Buffer.alloc(size, `blob ${each} `)));
}

async function writeAll(objects: readonly EncodedObject[]): Promise<void> {
  for (const object of objects) expect(await writer.write(object)).toBe(object.oid);
}

/** Names of files below `objects`. */
function files(): string[] {
  const entries = readdirSync(join(repository, 'objects'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

/** Object ids that git finds on disk. */
function onDisk(): Set<string> {
  const args = ['-C', repository, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)'];
  return new Set(execFileSync('git', args).toString().split('\n').filter(Boolean));
}

test('what was written is read from memory until it is flushed, and from disk afterwards', async () => {
  const [first, second] = blobs(2, 50) as [EncodedObject, EncodedObject];
  await writeAll([first, second, first]);
  expect(files()).toEqual([]);
  expect(Buffer.from(await reader.blob(first.oid))).toEqual(first.content);
  await expect(reader.tree(first.oid)).rejects.toThrow('not a tree');
  await writer.flush();
  expect(writer.pending(first.oid)).toBeUndefined();
  expect(await new ObjectIndex(repository).has(first.oid)).toBe(true);
  expect(Buffer.from(await reader.blob(first.oid))).toEqual(first.content);
});

test.each([
  [1, ['1 loose']],
  [64, ['64 loose']],
  [65, ['1 .idx', '1 .pack']],
  [700, ['1 .idx', '1 .pack']],
])('%d objects become %j on disk', async (count, expected) => {
  const objects = blobs(count, 60);
  await writeAll(objects);
  await writer.flush();
  await writer.flush();
  const kinds = files().map((name) => /\.(?:idx|pack)$/.exec(name)?.[0] ?? 'loose');
  expect([...new Set(kinds)].sort().map((kind) => `${kinds.filter((each) => each === kind).length} ${kind}`)).toEqual(
    expected,
  );
  expect(onDisk()).toEqual(new Set(objects.map(({ oid }) => oid)));
  execFileSync('git', ['-C', repository, 'fsck', '--strict', '--full', '--no-dangling'], { stdio: 'pipe' });
  for (const { oid, content } of objects) expect(Buffer.from(await reader.blob(oid)).equals(content)).toBe(true);
  await writeAll(objects);
  expect(objects.some(({ oid }) => writer.pending(oid))).toBe(false);
});

test('memory is bounded: beyond 8 MiB objects go to disk without a flush', async () => {
  const objects = blobs(10, 1024 * 1024);
  await writeAll(objects);
  expect(onDisk().size).toBe(9);
  expect(objects.filter(({ oid }) => writer.pending(oid)).map(({ oid }) => oid)).toEqual([objects.at(-1)?.oid]);
});

test.each([3, 100])('a flush of %d objects that fails loses nothing; the next one brings them', async (count) => {
  const objects = blobs(count, 60);
  await writeAll(objects);
  renameSync(join(repository, 'objects'), join(repository, 'away'));
  await expect(writer.flush()).rejects.toMatchObject({ code: 'ENOENT' });
  expect(Buffer.from(await reader.blob(objects[0]?.oid ?? '')).length).toBe(60);
  renameSync(join(repository, 'away'), join(repository, 'objects'));
  await writer.flush();
  expect(onDisk().size).toBe(count);
});

test('objects written while a flush runs are there after theirs', async () => {
  const objects = blobs(300, 20_000);
  await writeAll(objects.slice(0, 200));
  const first = writer.flush();
  await writeAll(objects.slice(200));
  await Promise.all([first, writer.flush()]);
  expect(onDisk().size).toBe(300);
  expect(files().some((name) => name.startsWith('tmp_'))).toBe(false);
});
