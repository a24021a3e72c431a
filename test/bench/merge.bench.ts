import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePackage, writeGenerated } from './render/package.ts';
import { type Measurement, measure } from './support/measured-process.ts';
import { SeededRandom, seedOf } from './support/random.ts';
import { publish, ROOT, rounded, type Target } from './support/results.ts';

const SIZES = [10, 100, 1_000, 2_000] as const;
const REPEATS = 3;
/** kpt's `pkg update`, whole process, less the 0.6 s that it fetches; a build of 2026-08-07 on 2 vCPU (AMD EPYC, shared). */
const KPT_SECONDS: Readonly<Record<(typeof SIZES)[number], number | undefined>> = {
  10: 0.03,
  100: 0.4,
  1000: 16.1,
  2000: 147,
};
const MEMORY_MIB = 300;

const seed = seedOf(process.env);
const root = await mkdtemp(join(tmpdir(), 'veranda-bench-'));

/** Upstream labels 30 % of the resources, the local side annotates every ninth; both have the same 3.3 %. */
async function writeSides(resources: number): Promise<{ readonly folder: string; readonly both: string }> {
  const folder = join(root, String(resources));
  const { files, expected } = generatePackage(resources, new SeededRandom(seed), 'empty');
  const side = (wanted: (index: number) => boolean, line: string) =>
    new Map(
      [...files].map(([path, text], index) => [
        path,
        wanted(index) ? text.replace(/\nmetadata:\n/, `\nmetadata:\n${line}`) : text,
      ]),
    );
  const isTheirs = (index: number) => index > 0 && index % 10 < 3;
  const isOurs = (index: number) => index > 0 && index % 9 === 0;
  const updated = side(isTheirs, '  generateName: theirs # new\n');
  const local = side(isOurs, '  selfLink: ours # ours\n');
  await writeGenerated({ files, expected }, join(folder, 'base'));
  await writeGenerated({ files: updated, expected }, join(folder, 'updated'));
  for (let count = 0; count < REPEATS; count++)
    await writeGenerated({ files: local, expected }, join(folder, `local-${count}`));
  const both = [...files.keys()].find((_path, index) => isTheirs(index) && isOurs(index));
  return { folder, both: both ?? [...files.keys()].find((_path, index) => isTheirs(index)) ?? '' };
}

async function mergeOf(resources: number): Promise<Measurement> {
  const { folder, both } = await writeSides(resources);
  const runs: Measurement[] = [];
  for (let count = 0; count < REPEATS; count++) {
    const local = join(folder, `local-${count}`);
    const args = ['--base', join(folder, 'base'), '--updated', join(folder, 'updated'), '--local', local];
    const run = await measure([join(ROOT, 'bin/veranda'), 'merge', ...args], { cwd: root });
    const merged = await readFile(join(local, both), 'utf8');
    if (run.exitCode !== 0 || !merged.includes('generateName: theirs # new'))
      throw new Error(`${both}: ${run.stderr.slice(-2000)}`);
    runs.push(run);
  }
  return runs.sort((a, b) => a.wallSeconds - b.wallSeconds)[Math.floor(REPEATS / 2)] as Measurement;
}

try {
  const measured = new Map<number, Measurement>();
  for (const resources of SIZES) measured.set(resources, await mergeOf(resources));
  const at = (resources: (typeof SIZES)[number]) => measured.get(resources) as Measurement;
  const perResource = (resources: (typeof SIZES)[number]) =>
    (at(resources).wallSeconds - at(10).wallSeconds) / resources;
  const peak = Math.max(...[...measured.values()].map(({ peakRssMiB }) => peakRssMiB));
  const reference = (KPT_SECONDS[1_000] ?? 0) / 10;
  const growth = perResource(2_000) / perResource(1_000);
  const targets: Target[] = [
    {
      what: '1,000 resources',
      limit: `${rounded(reference)} s, a tenth of kpt`,
      measured: `${rounded(at(1_000).wallSeconds)} s`,
      met: at(1_000).wallSeconds <= reference,
    },
    {
      what: 'a resource of 2,000 against one of 1,000',
      limit: '1.3 times',
      measured: `${rounded(growth)} times`,
      met: growth <= 1.3,
    },
    { what: 'memory', limit: `${MEMORY_MIB} MiB`, measured: `${rounded(peak)} MiB`, met: peak <= MEMORY_MIB },
  ];
  const rows = SIZES.map((resources) => {
    const { wallSeconds, cpuSeconds, peakRssMiB } = at(resources);
    return [
      resources,
      rounded(wallSeconds * 1000),
      rounded(cpuSeconds * 1000),
      rounded(peakRssMiB),
      rounded((KPT_SECONDS[resources] ?? 0) * 1000),
    ];
  });
  await publish({
    name: 'merge',
    title: 'Three-way merge of packages',
    method: `\`veranda merge\` as a whole process on folders, median of ${REPEATS}. One resource a file; upstream changes 30 % of the resources, the local side every ninth. kpt's figures are those of \`kpt pkg update\` on another machine of this kind, without its fetches.`,
    seed,
    tables: [{ title: 'By number of resources', columns: ['resources', 'ms', 'CPU ms', 'MiB', 'kpt, ms'], rows }],
    targets,
  });
} finally {
  await rm(root, { recursive: true, force: true });
}
