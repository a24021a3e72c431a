import { parseArgs } from 'node:util';
import { type PhaseMeasurement, runPhases } from './fleet/phases.ts';
import { writesOf } from './fleet/usage.ts';
import { startFleetWorld } from './fleet/world.ts';
import { SeededRandom, seedOf } from './support/random.ts';
import { atMost, publish, rounded, type Target } from './support/results.ts';

const { values } = parseArgs({
  options: { variants: { type: 'string', default: '100' }, repositories: { type: 'string', default: '1' } },
});
const size = { variants: Number(values.variants), repositories: Number(values.repositories) };
const seed = seedOf(process.env);

const world = await startFleetWorld(size, new SeededRandom(seed));
let phases: readonly PhaseMeasurement[];
try {
  phases = await runPhases(world);
} finally {
  await world.close();
}

/** Of the fleet of 100; larger ones may take as much more as they are larger. */
const SECONDS_AT_100 = 5;
const secondsLimit = SECONDS_AT_100 * Math.max(1, size.variants / 100);
const pushLimit = size.variants / 10 + 5;
const targets: Target[] = phases
  .filter(({ name }) => name !== 'publish')
  .map(({ name, wallSeconds }) => atMost(`${name}, wall time`, secondsLimit, wallSeconds, ' s'));
for (const { name, git, calls } of phases) {
  targets.push(atMost(`${name}, pushes`, pushLimit, git.push));
  targets.push(atMost(`${name}, API writes a variant`, 6, writesOf(calls) / size.variants));
}
const fetches = phases.reduce((sum, phase) => sum + phase.upstreamFetches, 0);
targets.push(atMost('fetches of the upstream', 2, fetches));
targets.push(atMost('resident memory', 300, Math.max(...phases.map(({ peakRssMB }) => peakRssMB)), ' MB'));

const callNames = [...new Set(phases.flatMap(({ calls }) => [...calls.keys()]))].sort();
await publish({
  name: `fleet-${String(size.variants).padStart(4, '0')}x${size.repositories}`,
  title: `A fleet in a cluster: ${size.variants} variants into ${size.repositories} ${size.repositories === 1 ? 'repository' : 'repositories'}`,
  method:
    'PackageVariants of one upstream package (Deployment, Service, ConfigMap, set-namespace) on a real API server (etcd without fsync) with git http-backend on the same machine; the operator is a process of its own. Rollout: 16 clients apply the variants server-side until every draft is in git and every variant Ready. Publish: 16 clients set each draft to Proposed and at once to Published, until every tag is in git and every revision and variant Ready. Upgrade: a second revision of the upstream is tagged and its Repository annotated, until every new draft is in git and every variant Ready at it. The clock is in the process of the clients, which asks git (ls-remote) and the API server; what it asks is in the CPU time of the API server. Requests of the operator are counted by the audit log and by the git server, those of 1.5 s after the end among them; peak memory is what the kernel noted.',
  seed,
  tables: [
    {
      title: 'Phases',
      columns: [
        'phase',
        'wall s',
        'of it clients s',
        'CPU s operator with git',
        'CPU s API server',
        'peak RSS MB',
        'API writes a variant',
        'pushes',
        'fetches',
        'of the upstream',
        'ls-refs',
      ],
      rows: phases.map((phase) => [
        phase.name,
        rounded(phase.wallSeconds),
        rounded(phase.clientSeconds),
        rounded(phase.operatorCpuSeconds),
        rounded(phase.apiServerCpuSeconds),
        rounded(phase.peakRssMB),
        rounded(writesOf(phase.calls) / size.variants),
        phase.git.push,
        phase.git.fetch,
        phase.upstreamFetches,
        phase.git.lsRefs,
      ]),
    },
    {
      title: 'Requests to the API server',
      columns: ['request', ...phases.map(({ name }) => name)],
      rows: callNames.map((name) => [name, ...phases.map(({ calls }) => calls.get(name) ?? 0)]),
    },
  ],
  targets,
});
