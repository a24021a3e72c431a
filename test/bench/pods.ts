import { join } from 'node:path';
import { PodWorld } from '../e2e/pods/world.ts';
import {
  type Bench,
  coldStarts,
  largeLists,
  percentiles,
  type Throughput,
  type Times,
  throughput,
  warmCatalogue,
  warmEvaluations,
} from './pods/evaluations.ts';
import { type Growth, growAndShrink } from './pods/growth.ts';
import { type OperatorRun, runOperator } from './pods/operator-run.ts';
import type { Request } from './pods/subject.ts';
import { SeededRandom, seedOf } from './support/random.ts';
import { atMost, publish, rounded, type Target } from './support/results.ts';
import { SubjectProcess } from './support/subject-process.ts';

const COLD_ROUNDS = 5;
const WARM = 200;
const AT_ONCE_EVALUATIONS = 160;
const LARGE = 5;
const OPERATOR_EVALUATIONS = 1_000;
/** The first evaluations fill caches and compile code. */
const SETTLED_AFTER = 200;
const P50_MS = 80;
const P95_MS = 150;
/** Of the resident memory once settled: what the garbage collector leaves differs from look to look. */
const FLAT = 1.1;

const seed = seedOf(process.env);
const random = new SeededRandom(seed);
const world = await PodWorld.create(['misbehaving', 'set-namespace']);
let measured: Measured;
try {
  measured = { ...(await measureEvaluations()), operator: await runOperator(world, random, OPERATOR_EVALUATIONS) };
} finally {
  await world.stop();
}
const { times, warm, rate, growth, operator } = measured;
const { p50, p95 } = percentiles(warm);
const settled = operator.usages.filter(({ evaluations }) => evaluations >= SETTLED_AFTER);
const [first, last] = [settled[0], settled.at(-1)];
const memory = (last?.rssMB ?? 0) / (first?.rssMB ?? 0);
const descriptors = (last?.descriptors ?? 0) - (first?.descriptors ?? 0);
const targets: Target[] = [
  atMost('warm evaluation with a function of 5 ms, p50', P50_MS, p50, ' ms'),
  atMost('warm evaluation with a function of 5 ms, p95', P95_MS, p95, ' ms'),
  atMost(`resident memory after ${OPERATOR_EVALUATIONS} evaluations / after ${SETTLED_AFTER}`, FLAT, memory),
  atMost(`file descriptors more after ${OPERATOR_EVALUATIONS} evaluations than after ${SETTLED_AFTER}`, 0, descriptors),
];

await publish({
  name: 'pods',
  title: 'Functions in pods',
  method: `A kubelet with containerd and runc, a scheduler and an API server (etcd without fsync, with an audit log) on this machine, function images from nothing but a static Go program in a registry on the loopback device. An evaluation is what a render does for one step: the ResourceList is written as YAML, goes to the function, comes back and is read. A process has the operator's function runtimes (without its controllers); another asks it and has the clock. What comes back is compared with what had to. Without the cache of results. ResourceLists have 10 ConfigMaps of 300 bytes; the function of 5 ms sleeps 5 ms and gives back what it got. Throughput: 16 callers, 4 pods. Growth: 24 evaluations of 1 s come at once upon a pool with one pod and one place in it, at most 4 pods, idle for 2 s (pools are looked through every 15 s); pods are counted at the API server. ${OPERATOR_EVALUATIONS} evaluations: an operator makes drafts of packages with 50 steps each, two at a time, and deletes them again; memory and descriptors are what /proc says when nothing is under way, the number of evaluations is what its metrics say.`,
  seed,
  tables: [
    {
      title: 'Evaluations, ms',
      columns: ['what', 'evaluations', 'p50', 'p95', 'max'],
      rows: times.map((one) => {
        const { p50: middle, p95: high } = percentiles(one);
        return [one.what, one.sorted.length, rounded(middle), rounded(high), rounded(one.sorted.at(-1) ?? 0)];
      }),
    },
    {
      title: '16 at once',
      columns: ['evaluations', 'seconds', 'evaluations a second'],
      rows: [[rate.evaluations, rounded(rate.seconds), rounded(rate.evaluations / rate.seconds)]],
    },
    {
      title: 'A pool that grows and shrinks',
      columns: ['pods before', 'most', 's until then', 's of work', 'pods after', 's until then'],
      rows: [
        [
          growth.before,
          growth.most,
          rounded(growth.secondsToMost),
          rounded(growth.secondsOfWork),
          growth.after,
          rounded(growth.secondsToAfter),
        ],
      ],
    },
    {
      title: `The operator, ${OPERATOR_EVALUATIONS} evaluations in ${rounded(operator.seconds)} s`,
      columns: ['after evaluations', 'RSS MB', 'file descriptors'],
      rows: operator.usages.map((usage) => [usage.evaluations, rounded(usage.rssMB), usage.descriptors]),
    },
  ],
  targets,
});

interface Evaluations {
  readonly times: readonly Times[];
  readonly warm: Times;
  readonly rate: Throughput;
  readonly growth: Growth;
}

interface Measured extends Evaluations {
  readonly operator: OperatorRun;
}

async function measureEvaluations(): Promise<Evaluations> {
  const subject = new SubjectProcess<Request>(join(import.meta.dirname, 'pods/subject.ts'));
  try {
    await subject.ask({ kind: 'start', kubeconfig: world.operatorKubeconfig });
    const bench: Bench = { world, subject, random };
    const cold = (await coldStarts(bench, COLD_ROUNDS)).map(tell);
    const warm = tell(await warmEvaluations(bench, WARM));
    const catalogue = tell(await warmCatalogue(bench, WARM));
    const rate = await throughput(bench, AT_ONCE_EVALUATIONS);
    const large = tell(await largeLists(bench, LARGE));
    const growth = await growAndShrink(bench);
    await subject.ask({ kind: 'stop' });
    return { times: [...cold, warm, catalogue, large], warm, rate, growth };
  } finally {
    await subject.close();
  }
}

/** A bench that takes minutes says how it goes. */
function tell(times: Times): Times {
  const { p50: middle, p95: high } = percentiles(times);
  process.stderr.write(`${times.what}: p50 ${rounded(middle)} ms, p95 ${rounded(high)} ms\n`);
  return times;
}
