import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FUNCTION_CONFIG, type PackageRevision } from '../../../src/api/kinds.ts';
import { FUNCTION_LABEL, INSTANCE_LABEL, POD, type Pod } from '../../../src/runtimes/pod/manifest.ts';
import { type FunctionRunner, startFunctionRunner } from '../../env/grpc/function-runner.ts';
import { buildFunctionImages } from '../../env/images/function-images.ts';
import { pushImage } from '../../env/images/push.ts';
import { conditionOf, isReady } from '../support/cluster.ts';
import type { RunningController } from '../support/operator.ts';
import { kptfile, PATIENCE_MS, Stage, servedRuns } from './stage.ts';
import { NAMESPACE, PodWorld, until } from './world.ts';

/** All of them the same program; what is said of one in a FunctionConfig is not said of the others. */
const IMAGES = ['warm', 'pair', 'slow', 'five', 'both', 'only-pods'] as const;
const CONFIG = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  colour: blue\n';

let world: PodWorld;
let stage: Stage;
let controller: RunningController;
let runner: FunctionRunner;

beforeAll(async () => {
  world = await PodWorld.create(['misbehaving']);
  const program = (await buildFunctionImages(['misbehaving'])).get('misbehaving');
  for (const name of IMAGES) if (program) await pushImage(world.registry, `fns/${name}`, 'v1', program.image);
  runner = await startFunctionRunner(async ({ image, resourceList }) =>
    image === imageOf('both')
      ? { resourceList, log: Buffer.from('ran on the runner\n') }
      : { code: status.NOT_FOUND, details: `no evaluator knows ${image}` },
  );
  stage = await Stage.open(world, { 'app/Kptfile': kptfile('app'), 'app/settings.yaml': CONFIG });
  controller = await stage.start(`--function-runner=${runner.target}`);
}, 300_000);

afterAll(async () => {
  await stage?.close();
  await runner?.stop();
  await world?.stop();
});

const imageOf = (name: (typeof IMAGES)[number]) => `${world.registry.host}/fns/${name}:v1`;

const podsOf = async (name: (typeof IMAGES)[number]): Promise<readonly Pod[]> =>
  (await world.pods()).filter(({ metadata }) => metadata.labels?.[FUNCTION_LABEL] === name);

const isRunning = ({ status: { phase } = {} }: Pod) => phase === 'Running';

async function runsOf(name: (typeof IMAGES)[number]) {
  return (await servedRuns(world.controlPlane)).filter(({ pod }) => pod.startsWith(`fn-${name}-`));
}

/** Waits until the packages are rendered by pods, and gives the reasons back that any render of them failed for. */
async function renderedByPods(packages: readonly string[]): Promise<readonly string[]> {
  const failures = new Set<string>();
  const isOfThem = ({ spec }: PackageRevision) => packages.includes(spec.packageName);
  const note = (revision: PackageRevision): boolean => {
    const rendered = conditionOf(revision, 'Rendered');
    if (rendered?.status === 'False' && revision.status?.renderStatus?.failure) failures.add(rendered.reason);
    return isReady(revision);
  };
  const found = await stage.untilAll(`${packages.length} packages are ready`, (all) => {
    const ready = all.filter(isOfThem).filter(note);
    return ready.length === packages.length;
  });
  for (const { status: { renderStatus } = {} } of found.filter(isOfThem)) {
    expect(renderStatus?.steps).toMatchObject([{ runtime: 'pod', exitCode: 0 }]);
  }
  return [...failures];
}

const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => `${prefix}-${at}`);

describe('pods under an operator', () => {
  test('X-04: a FunctionConfig that comes after the start has its pods warm before anything is rendered', async () => {
    await stage.configure('warm', {
      prefixes: [`${world.registry.host}/fns`],
      podExecutor: { tags: ['v1'], minPods: 2, maxPods: 3 },
    });
    await until('two warm pods', async () => (await podsOf('warm')).filter(isRunning).length === 2, PATIENCE_MS);
    const config = await world.store.get(FUNCTION_CONFIG, { namespace: 'veranda-system', name: 'warm' });
    expect(conditionOf(config, 'Ready')).toMatchObject({ status: 'True', reason: 'Applied' });
    expect(await runsOf('warm')).toEqual([]);
    const warm = (await podsOf('warm')).map(({ metadata }) => metadata.name);

    await stage.variant('warm', [{ image: imageOf('warm'), configMap: { of: 'warm' } }]);
    expect(await renderedByPods(['warm'])).toEqual([]);
    for (const { pod } of await runsOf('warm')) expect(warm).toContain(pod);
    expect((await podsOf('warm')).map(({ metadata }) => metadata.name).sort()).toEqual(warm.sort());
  });

  test('fifty renders at once on a pool of two all end, and none fails on the way', async () => {
    await stage.configure('pair', { podExecutor: { maxPods: 2, parallelEvaluations: 1 } });
    const packages = numbered('pair', 50);
    let most = 0;
    const count = async () => {
      most = Math.max(most, (await podsOf('pair').catch(() => [])).length);
    };
    const counting = setInterval(() => void count(), 500);
    try {
      await Promise.all(
        packages.map((name) =>
          stage.variant(name, [{ image: imageOf('pair'), configMap: { of: name, milliseconds: '100' } }]),
        ),
      );
      expect(await renderedByPods(packages)).toEqual([]);
    } finally {
      clearInterval(counting);
    }
    expect(most).toBe(2);
    expect((await runsOf('pair')).length).toBeGreaterThanOrEqual(50);
  });

  test('X-03: a render goes on when its pod is deleted in mid-evaluation', async () => {
    await stage.variant('slow', [{ image: imageOf('slow'), configMap: { milliseconds: '5000' } }]);
    await until('a run', async () => (await runsOf('slow')).length > 0, PATIENCE_MS);
    const [first] = await runsOf('slow');
    await world.store.delete(POD, { namespace: NAMESPACE, name: first?.pod ?? '' });
    // A pod that a busy machine does not start in time is told and tried again.
    const reasons = (await renderedByPods(['slow'])).filter((reason) => reason !== 'PodNotStarted');
    expect(reasons).toEqual([]);
    const pods = (await runsOf('slow')).map(({ pod }) => pod);
    expect(pods.length).toBeGreaterThan(1);
    expect(pods.at(-1)).not.toBe(first?.pod);
  });

  test('the runtimes are asked in the configured order, and each step says which one ran it', async () => {
    const stepsOf = (name: string): Parameters<Stage['variant']>[1] => [
      { image: 'set-annotations:v0.1.4', configMap: { seen: 'yes' } },
      { image: imageOf('both'), configMap: { of: `${name}-first` } },
      // Not the same, for images of one digest share their results.
      { image: imageOf('only-pods'), configMap: { of: `${name}-then` } },
    ];
    await stage.variant('chain', stepsOf('chain'));
    const { status: usual } = await stage.until('chain', 'is ready', isReady);
    expect(usual?.renderStatus?.steps).toMatchObject([
      { runtime: 'builtin' },
      { runtime: 'grpc', stderr: 'ran on the runner\n' },
      { runtime: 'pod', image: expect.stringContaining('/fns/only-pods:v1@sha256:') },
    ]);
    expect(await runsOf('both')).toEqual([]);
    expect(await controller.metric('veranda_function_seconds_count', { runtime: 'grpc' })).toBeGreaterThan(0);

    await controller.stop();
    const asked = runner.requests.length;
    controller = await stage.start(`--function-runner=${runner.target}`, '--runtimes=builtin,pod,grpc');
    await stage.variant('chain-of-pods', stepsOf('chain-of-pods'));
    const { status: other } = await stage.until('chain-of-pods', 'is ready', isReady);
    expect(other?.renderStatus?.steps).toMatchObject([
      { runtime: 'builtin' },
      { runtime: 'pod', image: expect.stringContaining('/fns/both:v1@sha256:') },
      { runtime: 'pod', image: expect.stringContaining('/fns/only-pods:v1@sha256:') },
    ]);
    expect(runner.requests).toHaveLength(asked);
  });

  test('X-10: after kill -9 with five pods alive and renders under way, the next process leaves none of them and renders everything', async () => {
    await stage.configure('five', {
      prefixes: [`${world.registry.host}/fns`],
      podExecutor: { tags: ['v1'], minPods: 5, maxPods: 5, parallelEvaluations: 1 },
    });
    await until('five pods', async () => (await podsOf('five')).filter(isRunning).length === 5, PATIENCE_MS);
    const packages = numbered('five', 5);
    for (const name of packages) {
      await stage.variant(name, [{ image: imageOf('five'), configMap: { of: name, milliseconds: '8000' } }]);
    }
    await until('a run', async () => (await runsOf('five')).length > 0, PATIENCE_MS);
    const before = (await world.pods()).map(({ metadata }) => metadata.uid);
    const containers = await world.node.runningContainers(NAMESPACE);
    expect(containers.length).toBeGreaterThanOrEqual(2 * 5);
    controller.kill('SIGKILL');
    await controller.exited;
    expect((await podsOf('five')).length).toBe(5);

    controller = await stage.start();
    await until('no pod of the killed process', async () => !(await podUids()).some(among(before)), PATIENCE_MS);
    // With what held their name spaces.
    await until(
      'no container of the killed process',
      async () => !(await world.node.runningContainers(NAMESPACE)).some(among(containers)),
      PATIENCE_MS,
    );
    expect(await renderedByPods(packages)).toEqual([]);
    const instances = (await world.pods()).map(({ metadata }) => metadata.labels?.[INSTANCE_LABEL]);
    expect(new Set(instances).size).toBe(1);
  });
});

const among = (known: readonly unknown[]) => (id: unknown) => known.includes(id);

/** Those that are being deleted among them. */
async function podUids() {
  const { items } = await world.store.list(POD, { namespace: NAMESPACE });
  return items.map(({ metadata }) => metadata.uid);
}
