import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeObject } from '../../../../src/repository/git/store/object-format.ts';
import { encodePack } from '../../../../src/repository/git/store/pack-format.ts';
import { PackIndex } from '../../../../src/repository/git/store/pack-index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'veranda-pack-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What git itself makes of the pack. */
function indexOfGit(pack: Buffer): Buffer {
  writeFileSync(join(folder, 'test.pack'), pack);
  const index = join(folder, 'git.idx');
  rmSync(index, { force: true });
  execFileSync('git', ['index-pack', '--no-rev-index', '-o', index, join(folder, 'test.pack')], { stdio: 'pipe' });
  return readFileSync(index);
}

test('git makes the same index of the pack, whatever the objects are', async () => {
  const contents = fc.uniqueArray(fc.uint8Array({ maxLength: 100 }), { selector: String, minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(contents, async (list) => {
      const objects = list.map((content) => encodeObject('blob', content));
      const { pack, index, checksum } = await encodePack(objects);
      expect(index.equals(indexOfGit(pack))).toBe(true);
      expect(PackIndex.of(index).packChecksum).toBe(checksum);
    }),
    { numRuns: 15 },
  );
});

test.each([0, 1, 15, 16, 2047, 2048, 262_143, 262_144, 3_000_000])('an object of %d bytes is whole', async (size) => {
  const object = encodeObject('blob', Buffer.alloc(size, 'content'));
  const random = encodeObject('blob', randomBytes(size + 1));
  const { pack, index } = await encodePack([object, random, encodeObject('blob', Buffer.from('other'))]);
  expect(index.equals(indexOfGit(pack))).toBe(true);
  expect(PackIndex.of(index).has(object.oid)).toBe(true);
});
