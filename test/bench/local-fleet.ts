import { parseArgs } from 'node:util';
import type { Approval } from './local/fleet.ts';
import { type FleetMeasurement, runFleet, type Transport } from './local/run-fleet.ts';
import { seedOf } from './support/random.ts';
import { publish, rounded, type Target } from './support/results.ts';

const { values } = parseArgs({ options: { variants: { type: 'string', default: '500' }, only: { type: 'string' } } });
const count = Number(values.variants);
const seed = seedOf(process.env);
const runs: FleetMeasurement[] = [];

const perform = async (variants: number, approval: Approval, transport: Transport): Promise<FleetMeasurement> => {
  process.stderr.write(`${variants} variants, approval ${approval}, ${transport} remotes (seed ${seed}) …\n`);
  const measured = await runFleet({ variants, approval, transport }, seed);
  runs.push(measured);
  return measured;
};

const main = await perform(count, 'Initial', 'http');
if (values.only === undefined) {
  await perform(count, 'Manual', 'http');
  await perform(count, 'Initial', 'file');
  await perform(count, 'Manual', 'file');
}
const small = values.only === undefined ? await perform(count / 5, 'Initial', 'http') : main;
const large = values.only === undefined ? await perform(count * 2, 'Initial', 'http') : main;
/** How much more a variant costs in a fleet of ten times the size: 1 is linear. */
const growth = large.wallSeconds / large.variants / (small.wallSeconds / small.variants);

const pushLimit = count / 10 + 5;
const pushes = Math.max(...runs.filter(({ variants }) => variants === count).map((run) => run.pushes));
const fetches = Math.max(...runs.map((run) => run.upstreamFetches));
const targets: Target[] = [
  { what: `pushes at ${count}`, limit: `at most ${pushLimit}`, measured: String(pushes), met: pushes <= pushLimit },
  { what: 'fetches of the upstream', limit: 'at most 2', measured: String(fetches), met: fetches <= 2 },
];
if (count === 500) {
  const { wallSeconds } = main;
  targets.unshift({
    what: 'wall time at 500',
    limit: 'at most 12 s',
    measured: `${rounded(wallSeconds)} s`,
    met: wallSeconds <= 12,
  });
}
if (large.variants > small.variants) {
  const what = `time a variant at ${large.variants} / at ${small.variants}`;
  targets.push({ what, limit: 'at most 1.2', measured: growth.toFixed(2), met: growth <= 1.2 });
}

await publish({
  name: 'local-fleet',
  title: 'A fleet without a cluster: `veranda run`',
  method:
    'N PackageVariants of one upstream package (Deployment, Service, ConfigMap, set-namespace) into one downstream repository, from nothing to Ready, by `bin/veranda run`. Approval Initial publishes every revision, Manual leaves drafts. Remotes are git http-backend on the same machine (its time is in the wall time, not in the CPU time) or local paths. CPU and memory are read from the kernel, requests are counted by the server, refs, commits and content are checked with git, and `git fsck --strict` is clean. With file remotes a fetch of the upstream counts as one pack in its mirror; the git of the remote side counts as a child of ours.',
  seed,
  tables: [
    {
      title: 'Runs',
      columns: [
        'N',
        'approval',
        'remotes',
        'wall s',
        'CPU s',
        'peak RSS MiB',
        'commits',
        'pushes',
        'fetches up / down',
        'ls-remotes up / down',
      ],
      rows: runs.map((run) => [
        run.variants,
        run.approval,
        run.transport,
        rounded(run.wallSeconds),
        rounded(run.cpuSeconds),
        rounded(run.peakRssMiB),
        run.commits,
        run.pushes,
        `${run.upstreamFetches} / ${run.downstreamFetches ?? 'unknown'}`,
        run.listings ? `${run.listings.upstream} / ${run.listings.downstream}` : '',
      ]),
    },
  ],
  targets,
});
