import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readKeptRefs, writeKeptRefs } from '../../../../src/repository/git/store/kept-refs.ts';

const WRITES = 40;
/** So many that a file is written in more than one go. */
const REFS = 5_000;

test('C-08: refs that are read while they are written are those before or those after, never none', async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'veranda-kept-refs-'));
  const oids = Array.from({ length: REFS }, (_, index) => index.toString(16).padStart(40, '0'));
  try {
    await writeKeptRefs(folder, new Set(oids));
    let writing = true;
    const writes = (async () => {
      for (let round = 1; round <= WRITES; round += 1) await writeKeptRefs(folder, new Set(oids.slice(round % 2)));
      writing = false;
    })();
    const sizes = new Set<number>();
    while (writing) sizes.add((await readKeptRefs(folder)).size);
    await writes;
    expect([...sizes].filter((size) => size !== REFS && size !== REFS - 1)).toEqual([]);
    expect(sizes.size).toBeGreaterThan(0);
  } finally {
    await fs.rm(folder, { recursive: true });
  }
});
