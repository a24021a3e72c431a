import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FUNCTION_LABEL } from '../../../src/runtimes/pod/manifest.ts';
import { buildFunctionImages } from '../../env/images/function-images.ts';
import { pushImage } from '../../env/images/push.ts';
import { type Registry, startRegistry } from '../../env/registry/registry.ts';
import { conditionOf, isReady } from '../support/cluster.ts';
import type { RunningController } from '../support/operator.ts';
import { failedFor, kptfile, PATIENCE_MS, Stage, servedRuns } from './stage.ts';
import { NAMESPACE, PodWorld, until } from './world.ts';

const USER = { user: 'robot', password: 'correct-horse-battery' };
const WRONG = 'wrong-horse-battery';

let world: PodWorld;
let registry: Registry;
let stage: Stage;
let controller: RunningController;

beforeAll(async () => {
  world = await PodWorld.create([]);
  registry = await startRegistry({ htpasswd: USER, tls: true });
  await world.node.trustRegistry(registry);
  const program = (await buildFunctionImages(['misbehaving'])).get('misbehaving');
  if (program) await pushImage(registry, 'fns/guarded', 'v1', program.image);
  stage = await Stage.open(world, { 'app/Kptfile': kptfile('app') });
  await stage.configure('guarded', { podExecutor: { imagePullSecrets: [{ name: 'pull' }] } });
  controller = await stage.start(`--registry-ca=${registry.caFile}`, '--log-level=debug');
}, 300_000);

afterAll(async () => {
  await stage?.close();
  await registry?.stop();
  await world?.stop();
});

const basic = (password: string) => Buffer.from(`${USER.user}:${password}`).toString('base64');

async function applySecret(password: string): Promise<void> {
  const auths = { [registry.host]: { auth: basic(password) } };
  await stage.namespace.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'pull', namespace: NAMESPACE },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': JSON.stringify({ auths }) },
  } as Parameters<typeof stage.namespace.apply>[0]);
}

test('X-01: a registry with a password and an authority of its own: what is wrong is said, and what is put right runs', async () => {
  await stage.variant('guarded', [{ image: `${registry.host}/fns/guarded:v1`, configMap: { of: 'guarded' } }]);
  const without = await stage.until('guarded', 'lacks its secret', failedFor('ImagePull'));
  expect(conditionOf(without, 'Ready')?.message).toContain('SecretNotFound');

  await applySecret(WRONG);
  const refused = await stage.until('guarded', 'is refused', (revision) =>
    Boolean(conditionOf(revision, 'Ready')?.message?.includes('AuthDenied')),
  );
  expect(conditionOf(refused, 'Ready')).toMatchObject({ reason: 'ImagePull' });
  expect(conditionOf(refused, 'Ready')?.message).toMatch(/authentication required|UNAUTHORIZED/i);
  await until('no pod', async () => (await world.pods()).length === 0, PATIENCE_MS);

  await applySecret(USER.password);
  const { status } = await stage.until('guarded', 'is ready', isReady);
  expect(status?.renderStatus?.steps).toMatchObject([
    { runtime: 'pod', image: expect.stringContaining('/fns/guarded:v1@sha256:') },
  ]);
  const pods = (await world.pods()).filter(({ metadata }) => metadata.labels?.[FUNCTION_LABEL] === 'guarded');
  const runs = (await servedRuns(world.controlPlane)).map(({ pod }) => pod);
  expect(pods.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining([...new Set(runs)]));

  const said = controller.output() + JSON.stringify(status) + JSON.stringify(refused.status);
  expect(controller.logs().some(({ level }) => level === 'debug')).toBe(true);
  for (const password of [WRONG, USER.password]) {
    expect(said).not.toContain(password);
    expect(said).not.toContain(basic(password));
  }
});
