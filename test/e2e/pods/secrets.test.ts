import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  ALL_KINDS,
  PACKAGE_REVISION,
  type PackageRevision,
  REPOSITORY,
  type Repository,
} from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { FUNCTION_LABEL } from '../../../src/runtimes/pod/manifest.ts';
import { buildFunctionImages } from '../../env/images/function-images.ts';
import { pushImage } from '../../env/images/push.ts';
import { type Registry, startRegistry } from '../../env/registry/registry.ts';
import { cloneOf, pullSecret, pushPackage } from '../oci/world.ts';
import { grant } from '../support/access.ts';
import { conditionOf, isReady } from '../support/cluster.ts';
import type { RunningController } from '../support/operator.ts';
import { failedFor, kptfile, PATIENCE_MS, Stage, servedRuns } from './stage.ts';
import { NAMESPACE, PodWorld, until } from './world.ts';

/** All that must be seen nowhere. */
const SECRET = {
  registry: `registry-${randomUUID()}`,
  wrongRegistry: `wrong-registry-${randomUUID()}`,
  git: `git-${randomUUID()}`,
  wrongGit: `wrong-git-${randomUUID()}`,
  function: `function-${randomUUID()}`,
} as const;
const REGISTRY_USER = { user: 'robot', password: SECRET.registry };
const GIT_USER = 'pusher';

let world: PodWorld;
let registry: Registry;
let stage: Stage;
let controller: RunningController;

beforeAll(async () => {
  world = await PodWorld.create([], [], { audit: 'bodies' });
  registry = await startRegistry({ htpasswd: REGISTRY_USER, tls: true });
  await world.node.trustRegistry(registry);
  const program = (await buildFunctionImages(['misbehaving'])).get('misbehaving');
  if (program) await pushImage(registry, 'fns/guarded', 'v1', program.image);
  await pushPackage(registry, 'packages/web', 'v1', { data: { version: 'first' } });
  const auth = { kind: 'basic', username: GIT_USER, password: SECRET.git } as const;
  stage = await Stage.open(world, { 'app/Kptfile': kptfile('app') }, { auth, secret: 'git' });
  await grant(stage.namespace, 'credentials', [
    { apiGroups: [''], resources: ['secrets'], resourceNames: ['git', 'pull'], verbs: ['get', 'watch'] },
  ]);
  await applyGitSecret(SECRET.wrongGit);
  await stage.namespace.apply(functionSecret('function', 'Opaque', { token: SECRET.function }));
  await stage.configure('guarded', {
    podExecutor: {
      imagePullSecrets: [{ name: 'pull' }],
      templateOverrides: {
        container: { env: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'function', key: 'token' } } }] },
      },
    },
  });
  controller = await stage.start(`--registry-ca=${registry.caFile}`, '--log-level=debug');
}, 300_000);

afterAll(async () => {
  await stage?.close();
  await registry?.stop();
  await world?.stop();
});

const basic = (user: string, password: string) => Buffer.from(`${user}:${password}`).toString('base64');

/** A Secret in the namespace of the function pods. */
function functionSecret(name: string, type: string, stringData: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: NAMESPACE }, type, stringData } as KubeObject;
}

async function applyPullSecret(password: string): Promise<void> {
  const auths = { [registry.host]: { auth: basic(REGISTRY_USER.user, password) } };
  const data = { '.dockerconfigjson': JSON.stringify({ auths }) };
  await stage.namespace.apply(functionSecret('pull', 'kubernetes.io/dockerconfigjson', data));
}

async function applyGitSecret(password: string): Promise<void> {
  const type = 'kubernetes.io/basic-auth';
  const stringData = { username: GIT_USER, password };
  await stage.namespace.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'git' },
    type,
    stringData,
  } as KubeObject);
}

test('a git server with a password: what is wrong is said, and what is put right is used', async () => {
  const denied = (all: readonly Repository[]) => all.length === 2 && all.every(failedFor('AuthFailed'));
  await stage.namespace.until('both are refused', REPOSITORY, denied, PATIENCE_MS);
  await applyGitSecret(SECRET.git);
  await stage.namespace.until('both are Ready', REPOSITORY, (all) => all.every(isReady), PATIENCE_MS);
});

test('X-01: a registry with a password and an authority of its own: what is wrong is said, and what is put right runs', async () => {
  await stage.variant('guarded', [{ image: `${registry.host}/fns/guarded:v1`, configMap: { of: 'guarded' } }]);
  const without = await stage.until('guarded', 'lacks its secret', failedFor('ImagePull'));
  expect(conditionOf(without, 'Ready')?.message).toContain('SecretNotFound');

  await applyPullSecret(SECRET.wrongRegistry);
  const refused = await stage.until('guarded', 'is refused', (revision) =>
    Boolean(conditionOf(revision, 'Ready')?.message?.includes('AuthDenied')),
  );
  expect(conditionOf(refused, 'Ready')).toMatchObject({ reason: 'ImagePull' });
  expect(conditionOf(refused, 'Ready')?.message).toMatch(/authentication required|UNAUTHORIZED/i);
  await until('no pod', async () => (await world.pods()).length === 0, PATIENCE_MS);

  await applyPullSecret(SECRET.registry);
  const { status } = await stage.until('guarded', 'is ready', isReady);
  expect(status?.renderStatus?.steps).toMatchObject([
    { runtime: 'pod', image: expect.stringContaining('/fns/guarded:v1@sha256:') },
  ]);
  const pods = (await world.pods()).filter(({ metadata }) => metadata.labels?.[FUNCTION_LABEL] === 'guarded');
  const runs = (await servedRuns(world.controlPlane)).map(({ pod }) => pod);
  expect(pods.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining([...new Set(runs)]));
});

test('a package in that registry: what is wrong is said, and what is put right is cloned', async () => {
  await stage.namespace.apply(pullSecret(registry, SECRET.wrongRegistry));
  const { apiVersion, kind } = PACKAGE_REVISION;
  const spec = {
    repository: 'deployments',
    packageName: 'web',
    workspaceName: 'v1',
    lifecycle: 'Draft',
    source: cloneOf(`${registry.host}/packages/web:v1`),
  } as const;
  await stage.namespace.apply({ apiVersion, kind, metadata: { name: 'deployments.web.v1' }, spec } as PackageRevision);
  await stage.until('web', 'is refused', failedFor('AuthDenied'));
  await stage.namespace.apply(pullSecret(registry));
  await stage.until('web', 'is ready', isReady);
});

test('none of the secrets is in the log, the metrics, Events, any object, the bodies of requests, or git', async () => {
  const { client, store } = stage.namespace;
  const get = async (path: string) => JSON.stringify(await client.json({ method: 'GET', path }));
  const places = {
    log: controller.output(),
    metrics: await controller.metrics(),
    events: await get('/apis/events.k8s.io/v1/events'),
    pods: await get('/api/v1/pods'),
    objects: JSON.stringify(await Promise.all(ALL_KINDS.map(async (each) => (await store.list(each)).items))),
    requests: await readFile(world.controlPlane.auditLog ?? '', 'utf8'),
    git: await stage.deployments.git('log', '--all', '--patch', '--format=fuller'),
  };
  // What these places have of the same stories, so that nothing is looked for where nothing is.
  expect(places.log).toContain('AuthDenied');
  expect(places.events).toContain('AuthDenied');
  expect(places.objects).toContain('upstreamLock');
  expect(places.pods).toContain('secretKeyRef');
  expect(places.requests).toMatch(/"requestObject":.*AuthDenied/);
  expect(places.git).toContain('upstreamLock');

  const users = [REGISTRY_USER.user, GIT_USER];
  for (const secret of Object.values(SECRET)) {
    const forms = [secret, Buffer.from(secret).toString('base64'), ...users.map((user) => basic(user, secret))];
    for (const [place, text] of Object.entries(places)) {
      const found = forms.filter((form) => text.includes(form));
      expect({ place, found }).toEqual({ place, found: [] });
    }
  }
});
