import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PACKAGE_REVISION, REPOSITORY } from '../../../src/api/kinds.ts';
import { sharedCluster } from '../../env/cluster/shared.ts';
import { grant, operatorKubeconfig, ownLease } from '../support/access.ts';
import { isReady, makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { type RunningController, startController } from '../support/operator.ts';

const TOKEN = randomUUID();
const BODY = JSON.stringify({ ref: 'refs/tags/storefront/v2' });

let namespace: TestNamespace;
let fleet: Fleet;
let leader: RunningController;
let standby: RunningController;

beforeAll(async () => {
  const cluster = await sharedCluster();
  namespace = await makeNamespace(cluster.kubeconfig, 'webhook');
  fleet = await startFleet();
  const kubeconfig = await operatorKubeconfig(cluster, namespace);
  await grant(namespace, 'webhook', [
    { apiGroups: [''], resources: ['secrets'], resourceNames: ['webhook'], verbs: ['get'] },
  ]);
  leader = await startController({ kubeconfig, label: 'leader', flags: ownLease(namespace), until: 'working' });
  standby = await startController({ kubeconfig, label: 'standby', flags: ownLease(namespace) });
  const [blueprints] = fleet.manifests.filter(({ metadata }) => metadata.name === 'blueprints');
  if (!blueprints) throw new Error('the fleet has no blueprints');
  await namespace.apply(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'webhook' },
      stringData: { token: TOKEN },
    } as never,
    {
      ...blueprints,
      metadata: { ...blueprints.metadata, annotations: { 'veranda.dev/webhook-secret': 'webhook' } },
    },
  );
  await namespace.until('blueprints is Ready', REPOSITORY, (all) => all.every(isReady));
}, 240_000);

afterAll(async () => {
  await Promise.all([leader?.stop(), standby?.stop()]);
  await fleet?.close();
  await namespace?.close();
}, 240_000);

function post(controller: RunningController, repository: string, headers: Readonly<Record<string, string>>) {
  const url = `${controller.url('sync')}/hooks/sync/${namespace.name}/${repository}`;
  return fetch(url, { method: 'POST', body: BODY, headers });
}

function sign(secret: string): string {
  return createHmac('sha256', secret).update(BODY).digest('hex');
}

async function untilKnown(workspace: string): Promise<void> {
  await namespace.until(`revision ${workspace} is known`, PACKAGE_REVISION, (all) =>
    all.some(({ spec }) => spec.packageName === 'storefront' && spec.workspaceName === workspace),
  );
}

test.each([
  ['GitHub', 'v2', () => ({ 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${sign(TOKEN)}` })],
  ['GitLab', 'v3', () => ({ 'x-gitlab-event': 'Tag Push Hook', 'x-gitlab-token': TOKEN })],
  ['Gitea', 'v4', () => ({ 'x-gitea-event': 'push', 'x-gitea-signature': sign(TOKEN) })],
])(
  'a new tag is known as soon as %s has told of it, to any replica',
  async (_server, workspace, headers) => {
    await fleet.repository('blueprints').git('tag', `storefront/${workspace}`, 'main');
    const response = await post(standby, 'blueprints', headers());
    expect(response.status).toBe(202);
    await untilKnown(workspace);
  },
  60_000,
);

test('GitHub greets before it tells anything', async () => {
  const before = await namespace.get(REPOSITORY, 'blueprints');
  const headers = { 'x-github-event': 'ping', 'x-hub-signature-256': `sha256=${sign(TOKEN)}` };
  expect((await post(leader, 'blueprints', headers)).status).toBe(200);
  expect((await namespace.get(REPOSITORY, 'blueprints'))?.metadata.annotations).toEqual(before?.metadata.annotations);
});

test('whoever does not know the secret learns nothing, not even which repositories there are', async () => {
  const wrong = { 'x-hub-signature-256': `sha256=${sign('wrong')}` };
  const [known, unknown] = await Promise.all([post(leader, 'blueprints', wrong), post(leader, 'nothing', wrong)]);
  expect([known.status, await known.text()]).toEqual([401, 'unauthorized\n']);
  expect([unknown.status, await unknown.text()]).toEqual([401, 'unauthorized\n']);
  const right = { 'x-hub-signature-256': `sha256=${sign(TOKEN)}` };
  expect((await post(leader, 'nothing', right)).status).toBe(401);
  expect(leader.output() + standby.output()).not.toContain(TOKEN);
});
