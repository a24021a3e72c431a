import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePackage, writeGenerated } from './render/package.ts';
import type { LoopDelay } from './render/subject.ts';
import { startSubject } from './render/subject-process.ts';
import { SeededRandom, seedOf } from './support/random.ts';
import { publish, rounded } from './support/results.ts';
import { percentile, pingUntil } from './support/subject-process.ts';

const RESOURCES = 5_000;
const LIMIT_MS = 200;

const seed = seedOf(process.env);
const folder = await mkdtemp(join(tmpdir(), 'veranda-bench-'));
const subject = startSubject();
try {
  const generated = generatePackage(RESOURCES, new SeededRandom(seed), 'full');
  await writeGenerated(generated, folder);
  const port = (await subject.ask({ kind: 'listen' })).value as number;
  await subject.ask({ kind: 'load', directory: folder });
  const rendering = subject.ask({ kind: 'watchedRender' });
  const trips = await pingUntil(port, rendering);
  const { value, ms } = await rendering;
  const inside = value as LoopDelay;
  const p99 = Math.max(inside.p99, percentile(trips, 99));
  await publish({
    name: 'event-loop',
    title: 'Event loop while a large package renders',
    method: `A process renders a package of ${RESOURCES} resources (set-namespace, set-labels, apply-setters) in its worker pool. Its event loop is watched by \`monitorEventLoopDelay\` in the process and, from outside, by round trips to a port on which the process echoes, one every 2 ms after the last came back.`,
    seed,
    tables: [
      {
        title: `Delay in ms; the render took ${rounded(ms)} ms`,
        columns: ['seen from', 'samples', 'p50', 'p99', 'max'],
        rows: [
          ['inside', '', rounded(inside.p50), rounded(inside.p99), rounded(inside.max)],
          [
            'outside',
            trips.length,
            rounded(percentile(trips, 50)),
            rounded(percentile(trips, 99)),
            rounded(trips.at(-1) ?? 0),
          ],
        ],
      },
    ],
    targets: [
      {
        what: 'event loop delay p99',
        limit: `under ${LIMIT_MS} ms`,
        measured: `${rounded(p99)} ms`,
        met: p99 < LIMIT_MS,
      },
    ],
  });
} finally {
  await subject.close();
  await rm(folder, { recursive: true, force: true });
}
