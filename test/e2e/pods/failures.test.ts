import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, request } from 'undici';
import type { KubeObject } from '../../../src/api/object.ts';
import { FUNCTION_LABEL, INSTALL_LABEL } from '../../../src/runtimes/pod/manifest.ts';
import { buildFunctionImages } from '../../env/images/function-images.ts';
import { type Image, type Layer, makeImage, makeLayer } from '../../env/images/image.ts';
import { pushImage } from '../../env/images/push.ts';
import { conditionOf, isReady } from '../support/cluster.ts';
import type { RunningController } from '../support/operator.ts';
import { failedFor, kptfile, PATIENCE_MS, Stage, servedRuns } from './stage.ts';
import { NAMESPACE, PodWorld, until } from './world.ts';

const CONFIG = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  colour: blue\n';
/** Large enough that it does not fit into what gRPC takes by default, small enough for the API server. */
const TEXT = 'x'.repeat(7_900_000);
const LARGE = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: large\ndata:\n  text: ${TEXT}\n`;

let world: PodWorld;
let stage: Stage;
let controller: RunningController;
let late: Image;
/** An image of which a layer is missing in the registry. */
let torn: { readonly image: Image; readonly layer: string };

beforeAll(async () => {
  world = await PodWorld.create(['misbehaving']);
  stage = await Stage.open(world, {
    'app/Kptfile': kptfile('app'),
    'app/settings.yaml': CONFIG,
    'large/Kptfile': kptfile('large'),
    'large/large.yaml': LARGE,
  });
  await pushVariations();
  await stage.configure('hungry', { podExecutor: { resources: { limits: { memory: '64Mi' } } } });
  await stage.configure('homeless', { podExecutor: { nodeSelector: { pool: 'none' } } });
  await stage.configure('greedy', { podExecutor: { resources: { requests: { memory: '3Gi' } } } });
  controller = await stage.start(`--image-prefix=${fns()}`);
  for (const { name, image, behaviour } of FAILURES) {
    await stage.variant(name, [{ image: `${fns()}/${image}:v1`, configMap: { behaviour } }]);
    await stage.variant(`beside-${name}`, [goodStep(name)]);
  }
}, 300_000);

afterAll(async () => {
  await stage?.close();
  await world?.stop();
});

const fns = () => `${world.registry.host}/fns`;
/** Differs from package to package, so that no result is taken from memory. */
const goodStep = (name: string) => ({ image: `${fns()}/misbehaving:v1`, configMap: { of: name } });

/** The same program under other names, of which some are not what they should be. */
async function pushVariations(): Promise<void> {
  const program = (await buildFunctionImages(['misbehaving'])).get('misbehaving');
  if (!program) throw new Error('the function was not built');
  for (const name of ['hungry', 'homeless', 'greedy'])
    await pushImage(world.registry, `fns/${name}`, 'v1', program.image);
  const broken = program.withSettings({ entrypoint: ['/usr/local/bin/nothing'] });
  await pushImage(world.registry, 'fns/broken', 'v1', broken);
  // Not pushed, and not known to the node by another name.
  late = await marked(program.image, 'late');
  const image = await marked(program.image, 'torn');
  await pushImage(world.registry, 'fns/torn', 'v1', image);
  const layer = image.layers.at(-1)?.digest ?? '';
  torn = { image, layer };
  const dispatcher = new Agent();
  const gone = await request(`${world.registry.url}/v2/fns/torn/blobs/${layer}`, { method: 'DELETE', dispatcher });
  await gone.body.dump();
  await dispatcher.close();
  expect(gone.statusCode).toBe(202);
}

/** The image with one more layer that no other image has. */
async function marked({ layers, config }: Image, mark: string): Promise<Image> {
  const { rootfs } = JSON.parse(config.bytes.toString()) as { readonly rootfs: { readonly diff_ids: string[] } };
  const known: Layer[] = layers.map(({ bytes }, at) => ({ bytes, diffId: rootfs.diff_ids[at] ?? '' }));
  const own = await makeLayer([{ path: `/${mark}`, content: mark }]);
  return makeImage([...known, own], { entrypoint: ['/usr/local/bin/function'] });
}

const FAILURES = [
  {
    name: 'late',
    image: 'late',
    behaviour: 'pass-through',
    reason: 'ImagePull',
    says: /TagNotFound: .*(?:MANIFEST_UNKNOWN|NAME_UNKNOWN|manifest unknown|repository name not known)/i,
  },
  { name: 'torn', image: 'torn', behaviour: 'pass-through', reason: 'ImagePull', says: /not found/ },
  { name: 'hungry', image: 'hungry', behaviour: 'allocate', reason: 'OOMKilled', says: /its limit of 64Mi/ },
  { name: 'broken', image: 'broken', behaviour: 'pass-through', reason: 'CrashLoop', says: /nothing/ },
  { name: 'flood', image: 'misbehaving', behaviour: 'flood', reason: 'BadOutput', says: /printed more than/ },
  { name: 'bytes', image: 'misbehaving', behaviour: 'invalid-utf8', reason: 'BadOutput', says: /UTF-8/ },
  { name: 'twice', image: 'misbehaving', behaviour: 'two-documents', reason: 'BadOutput', says: /2 documents/ },
  { name: 'kind', image: 'misbehaving', behaviour: 'wrong-kind', reason: 'BadOutput', says: /no ResourceList/ },
  { name: 'homeless', image: 'homeless', behaviour: 'pass-through', reason: 'Unschedulable', says: /node/ },
] as const;

describe('why a function did not run is on the PackageRevision, and others go on', () => {
  test.each(FAILURES.filter(({ name }) => name !== 'homeless'))('$name: $reason', expectFailure);

  test.each(['torn', 'broken'])('no pod of %s stays', async (image) => {
    await until('no pod', async () => !(await podsOf(image)).length, PATIENCE_MS);
  });

  test('X-01: what could not be pulled is pulled once it is there, without a touch', async () => {
    await stage.until('late', 'ImagePull', failedFor('ImagePull'));
    await pushImage(world.registry, 'fns/late', 'v1', late);
    await stage.until('torn', 'ImagePull', failedFor('ImagePull'));
    // Pushes what is missing only.
    await pushImage(world.registry, 'fns/torn', 'v1', torn.image);
    for (const name of ['late', 'torn']) {
      const { status } = await stage.until(name, 'is ready', isReady);
      expect(status?.renderStatus?.steps).toMatchObject([{ runtime: 'pod', image: expect.stringMatching(/@sha256:/) }]);
    }
  });

  test.each(FAILURES.filter(({ reason }) => reason === 'BadOutput'))(
    'X-13: a package that is there stays as it is when the output is of $name',
    async ({ name, image, behaviour, reason }) => {
      const pkg = `beside-${name}`;
      await stage.until(pkg, 'is ready', isReady);
      const before = await stage.deployments.git('for-each-ref', `refs/heads/drafts/${pkg}`);
      await stage.variant(pkg, [{ image: `${fns()}/${image}:v1`, configMap: { behaviour } }]);
      await stage.until(pkg, reason, failedFor(reason));
      expect(before).not.toBe('');
      expect(await stage.deployments.git('for-each-ref', `refs/heads/drafts/${pkg}`)).toBe(before);
      expect(await stage.deployments.git('for-each-ref', `refs/heads/drafts/${name}`)).toBe('');
    },
  );
});

test('PodForbidden: what a quota does not allow is told with its words, others go on, and it runs once there is room', async () => {
  const quota = (memory: string) =>
    ({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'functions', namespace: NAMESPACE },
      spec: { hard: { 'requests.memory': memory } },
    }) as KubeObject;
  await stage.namespace.apply(quota('3Gi'));
  try {
    // Until the quota is counted nothing at all may be made, which is told in other words.
    await until('the quota', async () => {
      const path = `/api/v1/namespaces/${NAMESPACE}/resourcequotas/functions`;
      const { status } = await stage.namespace.client.json<{ status?: { used?: object } }>({ method: 'GET', path });
      return status?.used !== undefined;
    });
    await stage.variant('greedy', [{ image: `${fns()}/greedy:v1`, configMap: { of: 'greedy' } }]);
    const refused = await stage.until('greedy', 'PodForbidden', failedFor('PodForbidden'));
    expect(conditionOf(refused, 'Ready')?.message).toMatch(/exceeded quota: functions.*requests.memory=3Gi/);
    await stage.variant('beside-greedy', [goodStep('greedy')]);
    await stage.until('beside-greedy', 'is ready', isReady);
    await stage.namespace.apply(quota('6Gi'));
    await stage.until('greedy', 'is ready', isReady);
  } finally {
    const path = `/api/v1/namespaces/${NAMESPACE}/resourcequotas/functions`;
    await stage.namespace.client.json({ method: 'DELETE', path });
  }
});

describe('a second operator in the same namespace of function pods', () => {
  let second: Stage;
  let impatient: RunningController;
  const podsOfInstall = async (lease: string) =>
    (await podsOf('misbehaving'))
      .filter(({ metadata }) => metadata.labels?.[INSTALL_LABEL]?.endsWith(`.${lease}`))
      .map(({ metadata }) => metadata.name);

  afterAll(() => second?.close());

  test('Timeout: the reason is on the object, and the pod that was too slow is replaced', async () => {
    second = await Stage.open(world, { 'app/Kptfile': kptfile('app'), 'app/settings.yaml': CONFIG });
    await stage.variant('waiting', [goodStep('waiting')]);
    await stage.until('waiting', 'is ready', isReady);
    const first = await podsOfInstall('veranda-controller');
    impatient = await second.start('--lease-name=impatient', '--fn-timeout=6s', `--image-prefix=${fns()}`);
    const earlier = (await servedRuns(world.controlPlane)).length;
    const runs = async () => (await servedRuns(world.controlPlane)).slice(earlier).map(({ pod }) => pod);
    await second.variant('asleep', [{ image: `${fns()}/misbehaving:v1`, configMap: { behaviour: 'sleep' } }]);
    const failed = await second.until('asleep', 'Timeout', failedFor('Timeout'));
    expect(conditionOf(failed, 'Ready')?.message).toMatch(/longer than its limit of 6 s/);
    expect(conditionOf(failed, 'Rendered')).toMatchObject({ status: 'False', reason: 'Timeout' });
    expect(await second.deployments.git('for-each-ref', 'refs/heads/drafts/asleep')).toBe('');

    // The time may have been over before the pod was there: then it is used by the next try.
    await until('a run', async () => (await runs()).length > 0, PATIENCE_MS);
    const [slow = ''] = await runs();
    const isGone = async () => !(await world.pods()).some(({ metadata }) => metadata.name === slow);
    await until('the end of the pod that was too slow', isGone, PATIENCE_MS);
    await second.variant('asleep', [{ image: `${fns()}/misbehaving:v1`, configMap: { of: 'awake' } }]);
    await second.until('asleep', 'is ready', isReady);
    expect((await runs()).at(-1)).not.toBe(slow);

    // The first one has nothing to do meanwhile.
    expect(first).not.toEqual([]);
    expect(await podsOfInstall('veranda-controller')).toEqual(expect.arrayContaining(first));
  });

  test('X-10: each removes its own pods when it ends', async () => {
    const first = await podsOfInstall('veranda-controller');
    expect(await podsOfInstall('impatient')).not.toEqual([]);
    await impatient.stop();
    await until('no pod of the second', async () => (await podsOfInstall('impatient')).length === 0, PATIENCE_MS);
    expect(await podsOfInstall('veranda-controller')).toEqual(expect.arrayContaining(first));
  });
});

// Late, for nothing is said of it before a node could have been brought.
test.each(FAILURES.filter(({ name }) => name === 'homeless'))('$name: $reason', expectFailure);

describe('what is asked for and how', () => {
  test('X-05: a package of 7.9 MB goes through a pod and back', async () => {
    await stage.variant('large', [goodStep('large')], 'large');
    const ready = await stage.until('large', 'is ready', isReady);
    // Not compared by a matcher, which would print it.
    expect((await stage.draftFile(ready, 'large.yaml')).includes(TEXT)).toBe(true);
    expect(ready.status?.renderStatus?.steps).toMatchObject([{ runtime: 'pod', exitCode: 0 }]);
  });

  test('X-12: a short name is the configured place, and stays the built-in function where there is one', async () => {
    const before = world.registry.log().length;
    await stage.variant('short', [
      { image: 'set-annotations:v0.1.4', configMap: { seen: 'yes' } },
      { image: 'misbehaving:v1', configMap: { of: 'short' } },
    ]);
    const { status } = await stage.until('short', 'is ready', isReady);
    expect(status?.renderStatus?.steps).toMatchObject([
      { runtime: 'builtin', image: `${fns()}/set-annotations:v0.1.4` },
      { runtime: 'pod', image: expect.stringMatching(new RegExp(`^${fns()}/misbehaving:v1@sha256:`)) },
    ]);
    expect(world.registry.log().slice(before)).not.toContain('set-annotations');
  });

  test('X-12: with built-in functions alone no registry is asked and no pod is made', async () => {
    await controller.stop();
    const before = { log: world.registry.log().length, runs: (await servedRuns(world.controlPlane)).length };
    const closed = await Stage.open(world, { 'app/Kptfile': kptfile('app'), 'app/settings.yaml': CONFIG });
    try {
      await closed.start(`--image-prefix=${fns()}`, '--runtimes=builtin');
      await closed.variant('inside', [{ image: 'set-annotations:v0.1.4', configMap: { seen: 'yes' } }]);
      await closed.variant('outside', [goodStep('outside')]);
      await closed.until('inside', 'is ready', isReady);
      const outside = await closed.until('outside', 'FunctionNotFound', failedFor('FunctionNotFound'));
      expect(conditionOf(outside, 'Ready')?.message).toContain(`${fns()}/misbehaving:v1`);
      expect(world.registry.log().slice(before.log)).not.toContain('/v2/');
      expect(await servedRuns(world.controlPlane)).toHaveLength(before.runs);
    } finally {
      await closed.close();
    }
  });
});

async function expectFailure({ name, reason, says }: (typeof FAILURES)[number]): Promise<void> {
  const failed = await stage.until(name, reason, failedFor(reason));
  expect(conditionOf(failed, 'Ready')?.message).toMatch(says);
  expect(conditionOf(failed, 'Rendered')).toMatchObject({ status: 'False', reason });
  const beside = await stage.until(`beside-${name}`, 'is ready', isReady);
  expect(beside.status?.renderStatus?.steps).toMatchObject([{ runtime: 'pod', exitCode: 0 }]);
}

async function podsOf(image: string) {
  return (await world.pods()).filter(({ metadata }) => metadata.labels?.[FUNCTION_LABEL] === image);
}
