import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GeneratedPackage, generatePackage, writeGenerated } from './render/package.ts';
import { KPT_REFERENCE, SIZES } from './render/reference.ts';
import { startSubject } from './render/subject-process.ts';
import { type Measurement, measure } from './support/measured-process.ts';
import { SeededRandom, seedOf } from './support/random.ts';
import { publish, ROOT, rounded, type Target } from './support/results.ts';

const REPEATS = 3;
/** The question itself takes a fraction of a millisecond. */
const UNCHANGED_TIMES = 20;
const seed = seedOf(process.env);
const root = await mkdtemp(join(tmpdir(), 'veranda-bench-'));

async function wholeProcess(resources: number): Promise<Measurement> {
  const generated = generatePackage(resources, new SeededRandom(seed), 'full');
  const runs: Measurement[] = [];
  for (let count = 0; count < REPEATS; count++) {
    const folder = join(root, `whole-${resources}-${count}`);
    await writeGenerated(generated, folder);
    const run = await measure([join(ROOT, 'bin/veranda'), 'render', folder], { cwd: root });
    if (run.exitCode !== 0) throw new Error(`veranda render failed:\n${run.stderr.slice(-2000)}`);
    await checkRendered(generated, (path) => readFile(join(folder, path), 'utf8'));
    runs.push(run);
  }
  return median(runs);
}

/** With nothing to do in the pipeline, to compare this machine with the one of the reference; undefined without kpt. */
async function kptEmpty(resources: number): Promise<Measurement | undefined> {
  const folder = join(root, `kpt-${resources}`);
  await writeGenerated(generatePackage(resources, new SeededRandom(seed), 'empty'), folder);
  const runs: Measurement[] = [];
  for (let count = 0; count < REPEATS; count++)
    runs.push(await measure(['kpt', 'fn', 'render', folder], { cwd: root }));
  return runs.every(({ exitCode }) => exitCode === 0) ? median(runs) : undefined;
}

interface InProcess {
  readonly coldMs: number;
  readonly secondMs: number;
  readonly unchangedMs: number;
}

async function inProcess(resources: number): Promise<InProcess> {
  const folder = join(root, `in-${resources}`);
  const generated = generatePackage(resources, new SeededRandom(seed), 'full');
  await writeGenerated(generated, folder);
  const subject = startSubject();
  try {
    await subject.ask({ kind: 'load', directory: folder });
    const { ms: coldMs } = await subject.ask({ kind: 'render', times: 1 });
    await checkRendered(generated, async (path) => String((await subject.ask({ kind: 'text', path })).value));
    const { ms: secondMs } = await subject.ask({ kind: 'render', times: 1 });
    const { ms } = await subject.ask({ kind: 'render', times: UNCHANGED_TIMES });
    return { coldMs, secondMs, unchangedMs: ms / UNCHANGED_TIMES };
  } finally {
    await subject.close();
  }
}

async function checkRendered(
  { files, expected }: GeneratedPackage,
  read: (path: string) => Promise<string>,
): Promise<void> {
  const deployments = [...files.keys()].filter((path) => path.endsWith('-deployment.yaml'));
  const path = new SeededRandom(seed).pick(deployments);
  const text = await read(path);
  for (const wanted of [
    `  namespace: ${expected.namespace}\n`,
    `  replicas: ${expected.replicas} #`,
    `:${expected.tag} #`,
  ]) {
    if (!text.includes(wanted)) throw new Error(`${path} is not rendered: ${JSON.stringify(wanted)} is missing`);
  }
}

function median(runs: readonly Measurement[]): Measurement {
  const sorted = runs.toSorted((a, b) => a.wallSeconds - b.wallSeconds);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new RangeError('nothing was run');
  return middle;
}

const wholeRows: (string | number)[][] = [];
const inRows: (string | number)[][] = [];
const targets: Target[] = [];
try {
  for (const resources of SIZES) {
    process.stderr.write(`${resources} resources (seed ${seed}) …\n`);
    const whole = await wholeProcess(resources);
    const kpt = await kptEmpty(resources);
    const reference = KPT_REFERENCE[resources];
    wholeRows.push([
      resources,
      rounded(whole.wallSeconds * 1000),
      rounded(whole.cpuSeconds * 1000),
      rounded(whole.peakRssMiB),
      `${reference.twoFunctions.ms} / ${reference.twoFunctions.mb}`,
      `${reference.empty.ms} / ${reference.empty.mb}`,
      kpt ? rounded(kpt.wallSeconds * 1000) : 'no kpt here',
      kpt ? rounded(whole.wallSeconds / kpt.wallSeconds) : '',
      rounded(reference.twoFunctions.ms / reference.empty.ms),
    ]);
    const { coldMs, secondMs, unchangedMs } = await inProcess(resources);
    inRows.push([resources, rounded(coldMs), rounded(secondMs), rounded(unchangedMs)]);
    const wallMs = whole.wallSeconds * 1000;
    const limit = resources === 10 ? 250 : reference.twoFunctions.ms / (resources === 5_000 ? 2 : 1);
    targets.push({
      what: `whole process, ${resources}`,
      limit: `at most ${limit} ms`,
      measured: `${rounded(wallMs)} ms`,
      met: wallMs <= limit,
    });
    const unchangedLimit = resources / 100;
    targets.push({
      what: `unchanged package, ${resources}`,
      limit: `under ${unchangedLimit} ms`,
      measured: `${rounded(unchangedMs)} ms`,
      met: unchangedMs < unchangedLimit,
    });
    if (resources === 5_000) {
      targets.push({
        what: 'peak RSS at 5,000',
        limit: 'at most 400 MiB',
        measured: `${rounded(whole.peakRssMiB)} MiB`,
        met: whole.peakRssMiB <= 400,
      });
    }
  }
  await publish({
    name: 'render',
    title: 'Rendering a package',
    method: `Deployments, Services and ConfigMaps, one a file; set-namespace, set-labels and apply-setters (replicas and image tag of every Deployment). Whole process: \`bin/veranda render\`, median of ${REPEATS} by wall time, measured from outside. In process: a renderer with its worker pool in a new process, timed by the parent; "its result" renders what came out of the first, "unchanged" renders the same bytes again, mean of ${UNCHANGED_TIMES}. The reference is kpt on a machine of the same kind, with set-namespace and apply-setters as local binaries (one function less), and with an empty pipeline; where kpt is on the PATH, its run with an empty pipeline on this machine stands beside it.`,
    seed,
    tables: [
      {
        title: 'Whole process',
        columns: [
          'resources',
          'wall ms',
          'CPU ms',
          'peak RSS MiB',
          'reference ms / MB',
          'reference, empty ms / MB',
          'kpt here, empty ms',
          'ours / kpt here, empty',
          'reference / its empty',
        ],
        rows: wholeRows,
      },
      { title: 'In process, ms', columns: ['resources', 'first', 'its result', 'unchanged'], rows: inRows },
    ],
    targets,
  });
} finally {
  await rm(root, { recursive: true, force: true });
}
