import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startControlPlane } from '../env/cluster/control-plane.ts';
import { installApi } from '../env/cluster/install.ts';
import { startGitServer } from '../env/git/git-server.ts';
import { type PackageTimes, runOnePackage, STEPS } from './cluster/one-package.ts';
import { type Discovery, startWorld, type World } from './cluster/world.ts';
import { atMost, publish, rounded, type Target } from './support/results.ts';

const { values } = parseArgs({
  options: { sizes: { type: 'string', default: '10,1000,5000' }, rounds: { type: 'string', default: '10' } },
});
const sizes = values.sizes.split(',').map(Number);
const rounds = Number(values.rounds);
/** Of the reference with drafts in git, in milliseconds. */
const REFERENCE = { clone: 139, propose: 107, approve: 117 } as const;
const SPREAD = 1.2;
const DISCOVERED = 1000;

interface Run {
  readonly revisions: number;
  readonly discovery: Discovery;
  readonly times: PackageTimes[];
}

const runs = await measureAll();
const medians = runs.map(({ revisions, times }) => ({ revisions, times: mediansOf(times) }));
const targets: Target[] = [];
const discovered = runs.find(({ revisions }) => revisions === DISCOVERED)?.discovery;
if (discovered) {
  targets.push(atMost(`${DISCOVERED} revisions Ready and listed`, 10, discovered.seconds, ' s'));
  targets.push(atMost(`resident memory with ${DISCOVERED} revisions`, 300, discovered.rssMB, ' MB'));
}
for (const step of STEPS) {
  const all = medians.map(({ times }) => times[step]);
  targets.push(atMost(`${step}, slowest size / fastest`, SPREAD, Math.max(...all) / Math.min(...all)));
  targets.push(atMost(`${step}, slowest size`, REFERENCE[step], Math.max(...all), ' ms'));
}

await publish({
  name: 'cluster',
  title: 'Large repositories in a cluster',
  method: `Repositories with ${sizes.join(', ')} tagged revisions, each tag a commit of its own, in packages of up to 50 revisions, behind git http-backend after git gc (core.alternateRefsCommand lists nothing, as on GitLab; else git's own check of a push reads all refs twice), on a real API server (etcd without fsync). Each is the business of an operator process of its own. Discovery is timed from the request that applies the Repository until it is Ready and each PackageRevision is there with its number; memory is what the kernel says once all are Ready. Then one package at a time is cloned from another repository, proposed and approved, ${rounds} times, the repositories by turns, so that what else the machine does hits all alike. Times are from the request until a watch shows the object Ready with what was asked for; the ref is then looked for in git. All clocks are in the process of the client.`,
  seed: 0,
  tables: [
    {
      title: 'Discovery',
      columns: ['revisions', 'seconds', 'RSS MB', 'peak RSS MB'],
      rows: runs.map(({ revisions, discovery }) => [
        revisions,
        rounded(discovery.seconds),
        rounded(discovery.rssMB),
        rounded(discovery.peakRssMB),
      ]),
    },
    {
      title: `One package, medians of ${rounds} in ms`,
      columns: ['revisions', ...STEPS],
      rows: medians.map(({ revisions, times }) => [revisions, ...STEPS.map((step) => rounded(times[step]))]),
    },
  ],
  targets,
});

async function measureAll(): Promise<readonly Run[]> {
  const root = await mkdtemp(join(tmpdir(), 'veranda-bench-'));
  const closers: (() => Promise<unknown>)[] = [
    () => rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  ];
  try {
    const git = await startGitServer({ root });
    closers.push(() => git.close());
    const plane = await startControlPlane({ controllerManager: false });
    closers.push(() => plane.stop());
    await installApi(plane.kubeconfig);
    const started: (Run & { readonly world: World })[] = [];
    for (const revisions of sizes) {
      const { world, discovery } = await startWorld({ plane, git, root }, revisions);
      closers.push(() => world.close());
      started.push({ revisions, world, discovery, times: [] });
      process.stderr.write(`${revisions} revisions: ${rounded(discovery.seconds)} s, ${rounded(discovery.rssMB)} MB\n`);
    }
    for (const { world } of started) await runOnePackage(world, 0);
    for (let round = 1; round <= rounds; round++) {
      for (const { world, times } of started) times.push(await runOnePackage(world, round));
    }
    return started.map(({ revisions, discovery, times }) => ({ revisions, discovery, times }));
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}

function mediansOf(times: readonly PackageTimes[]): PackageTimes {
  const median = (step: keyof PackageTimes): number => {
    const sorted = times.map((one) => one[step]).sort((a, b) => a - b);
    const [lower, upper] = [Math.floor, Math.ceil].map((round) => sorted[round((sorted.length - 1) / 2)] ?? 0);
    return ((lower ?? 0) + (upper ?? 0)) / 2;
  };
  return { clone: median('clone'), propose: median('propose'), approve: median('approve') };
}
