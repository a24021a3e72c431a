import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePackage, writeGenerated } from './render/package.ts';
import { startSubject } from './render/subject-process.ts';
import { SeededRandom, seedOf } from './support/random.ts';
import { publish, rounded } from './support/results.ts';

const RESOURCES = 3_000;
const ROUNDS = 5;

const seed = seedOf(process.env);
const folder = await mkdtemp(join(tmpdir(), 'veranda-bench-'));
const subject = startSubject();
try {
  await writeGenerated(generatePackage(RESOURCES, new SeededRandom(seed), 'full'), folder);
  const bytes = (await subject.ask({ kind: 'load', directory: folder })).value as number;
  const rows: (string | number)[][] = [];
  for (const work of ['read', 'edit'] as const) {
    for (const [label, times] of [
      ['first', 1],
      ['warm', ROUNDS],
    ] as const) {
      const { ms } = await subject.ask({ kind: 'krm', work, times });
      const files = (RESOURCES * times * 1000) / ms;
      const megabytes = (bytes * times) / 1000 / ms;
      rows.push([work, label, rounded(files), rounded(megabytes)]);
    }
  }
  await publish({
    name: 'krm-file',
    title: 'Reading and editing KRM files',
    method: `One thread reads ${RESOURCES} files of one resource each to plain data, then reads them and writes each back with one label more, the rest of its bytes untouched. Timed by the parent process.`,
    seed,
    tables: [{ title: 'Throughput', columns: ['work', 'pass', 'files/s', 'MB/s'], rows }],
    targets: [],
  });
} finally {
  await subject.close();
  await rm(folder, { recursive: true, force: true });
}
