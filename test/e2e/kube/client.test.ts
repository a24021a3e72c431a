import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { canI } from '../../../src/kube/adapters/kubernetes/access-review.ts';
import { loadCredentials } from '../../../src/kube/adapters/kubernetes/credentials.ts';
import { KindDiscovery } from '../../../src/kube/adapters/kubernetes/discovery.ts';
import { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { KubernetesStore } from '../../../src/kube/adapters/kubernetes/store.ts';
import type { KindRef } from '../../../src/kube/store.ts';
import { nullLogger } from '../../../src/observability/logger.ts';
import { type SharedCluster, sharedCluster } from '../../env/cluster/shared.ts';
import { WIDGET, widget } from '../../unit/kube/support.ts';
import { connect, eventually, installWidgets, makeNamespace, USER_AGENT } from './support.ts';

const alice = { fieldManager: 'alice' };
const REPOSITORY: KindRef = {
  apiVersion: 'config.porch.kpt.dev/v1alpha1',
  kind: 'Repository',
  plural: 'repositories',
  namespaced: true,
};

let cluster: SharedCluster;
let client: HttpApiClient;
let directory: string;

beforeAll(async () => {
  cluster = await sharedCluster();
  client = await connect(cluster.kubeconfig);
  directory = await mkdtemp(join(tmpdir(), 'veranda-kubeconfig-'));
  await installWidgets(client);
});

afterAll(async () => {
  await client.close();
  await rm(directory, { recursive: true, force: true });
});

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => expect(value).toBe('an error'),
    (error: unknown) => error,
  );
}

/** A kubeconfig of whoever has the token in a file beside it. */
async function kubeconfigOfToken(name: string): Promise<{ readonly kubeconfig: string; readonly tokenFile: string }> {
  const admin = await import('@kubernetes/client-node').then(({ KubeConfig }) => {
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    return config.getCurrentCluster();
  });
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [
      {
        name: 'test',
        cluster: {
          server: admin?.server,
          ...(admin?.caData ? { 'certificate-authority-data': admin.caData } : {}),
          ...(admin?.caFile ? { 'certificate-authority': admin.caFile } : {}),
        },
      },
    ],
    users: [{ name: 'test', user: { tokenFile: `${name}.token` } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  };
  const kubeconfig = join(directory, `${name}.kubeconfig`);
  await writeFile(kubeconfig, JSON.stringify(config));
  return { kubeconfig, tokenFile: join(directory, `${name}.token`) };
}

/** A token that is good as long as the secret it is bound to. */
async function tokenOf(namespace: string, account: string, secret: string): Promise<string> {
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  const made = await client.json<{ metadata: { uid: string } }>({
    method: 'POST',
    path: secrets,
    body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: secret } },
  });
  const bound = { apiVersion: 'v1', kind: 'Secret', name: secret, uid: made.metadata.uid };
  const { status } = await client.json<{ status: { token: string } }>({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 600, boundObjectRef: bound },
    },
  });
  return status.token;
}

describe('a client of a real API server', () => {
  test('two writers from one base: the second is told (C-01)', async () => {
    const namespace = await makeNamespace(client);
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const metadata = { name: 'a' };
    const base = await client.json<{ metadata: object }>({
      method: 'POST',
      path,
      body: { metadata, data: { x: '0' } },
    });
    const put = (x: string) => client.json({ method: 'PUT', path: `${path}/a`, body: { ...base, data: { x } } });

    await put('1');
    const error = await rejection(put('2'));

    expect(error).toMatchObject({ reason: 'Conflict', retry: 'replan' });
    expect(await client.json({ method: 'GET', path: `${path}/a` })).toMatchObject({ data: { x: '1' } });
  });

  test('who may not is told so, and may later', async () => {
    const namespace = await makeNamespace(client);
    const user = `reader-${namespace}`;
    const reader = await connect(await cluster.kubeconfigFor(user));
    const store = new KubernetesStore({ client: reader, kinds: [WIDGET] });
    const question = { verb: 'list', group: 'test.veranda.dev', resource: 'widgets', namespace };

    expect(await canI(reader, question)).toMatchObject({ allowed: false });
    expect(await rejection(store.list(WIDGET, { namespace }))).toMatchObject({ reason: 'Forbidden', retry: 'backoff' });

    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    await client.json({
      method: 'POST',
      path: `${rbac}/roles`,
      body: {
        metadata: { name: 'reader' },
        rules: [{ apiGroups: ['test.veranda.dev'], resources: ['widgets'], verbs: ['list'] }],
      },
    });
    await client.json({
      method: 'POST',
      path: `${rbac}/rolebindings`,
      body: {
        metadata: { name: 'reader' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
      },
    });
    await eventually('the right is there', async () => (await canI(reader, question)).allowed);
    expect((await store.list(WIDGET, { namespace })).items).toEqual([]);
    expect(await canI(reader, { ...question, resource: 'widgets/status', verb: 'patch' })).toMatchObject({
      allowed: false,
    });
    await reader.close();
  });

  test('a token that is rotated in its file is used, and no call fails for it (K-10)', async () => {
    const namespace = await makeNamespace(client);
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await client.json({ method: 'POST', path: accounts, body: { metadata: { name: 'rotating' } } });
    const { kubeconfig, tokenFile } = await kubeconfigOfToken('rotating');
    const first = await tokenOf(namespace, 'rotating', 'first');
    await writeFile(tokenFile, first);
    const rotating = await connect(kubeconfig);
    const whoAmI = { method: 'GET', path: '/apis' } as const;
    await rotating.json(whoAmI);

    await writeFile(`${tokenFile}.new`, await tokenOf(namespace, 'rotating', 'second'));
    await rename(`${tokenFile}.new`, tokenFile);
    await client.json({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}/secrets/first` });
    const stale = new HttpApiClient({
      credentials: {
        server: cluster.url,
        namespace: undefined,
        access: async () => ({
          ...(await (await loadCredentials({ kubeconfig })).access()),
          headers: { Authorization: `Bearer ${first}` },
        }),
        refused: () => {},
      },
      userAgent: USER_AGENT,
    });
    // The server remembers for some seconds that a token was good.
    const refused = () =>
      stale.json(whoAmI).then(
        () => false,
        (error: unknown) => Reflect.get(Object(error), 'reason') === 'Unauthorized',
      );
    await eventually('the first token is refused', refused, 40_000);

    const answers = await Promise.all(Array.from({ length: 10 }, () => rotating.json(whoAmI)));

    expect(answers).toHaveLength(10);
    await Promise.all([stale.close(), rotating.close()]);
  });

  test('a kubeconfig that is no use is a terminal error', async () => {
    const nowhere = join(directory, 'none');
    const empty = join(directory, 'empty');
    await writeFile(empty, 'apiVersion: v1\nkind: Config\n');

    for (const kubeconfig of [nowhere, empty]) {
      expect(await rejection(loadCredentials({ kubeconfig }))).toMatchObject({
        reason: 'InvalidKubeconfig',
        retry: 'terminal',
        location: { file: kubeconfig },
      });
    }
  });

  test('credentials that cannot be got are a transient error', async () => {
    const { kubeconfig, tokenFile } = await kubeconfigOfToken('late');
    const late = await connect(kubeconfig);
    expect(await rejection(late.json({ method: 'GET', path: '/apis' }))).toMatchObject({
      reason: 'CredentialsUnavailable',
      retry: 'backoff',
    });

    const namespace = await makeNamespace(client);
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await client.json({ method: 'POST', path: accounts, body: { metadata: { name: 'late' } } });
    await writeFile(tokenFile, await tokenOf(namespace, 'late', 'late'));

    expect(await late.json({ method: 'GET', path: '/apis' })).toMatchObject({ kind: 'APIGroupList' });
    await late.close();
  });

  test('a field that the server does not know is not lost in silence, wherever it is written', async () => {
    const namespace = await makeNamespace(client);
    const store = new KubernetesStore({ client, kinds: [REPOSITORY] });
    const repository = (parts: object) => ({
      apiVersion: REPOSITORY.apiVersion,
      kind: REPOSITORY.kind,
      metadata: { name: 'a', namespace },
      spec: { type: 'git', git: { repo: 'https://git.test/a' }, ...parts },
    });
    const unknown = repository({ unknown: 'x' });
    const name = { namespace, name: 'a' };

    expect(String(await rejection(store.create(unknown, alice)))).toContain('spec.unknown');
    expect(String(await rejection(store.apply(unknown, alice)))).toContain('spec.unknown');
    await store.apply(repository({}), alice);
    const patch = { spec: { unknown: 'x' } };
    expect(await rejection(store.patch(REPOSITORY, name, patch, alice))).toMatchObject({ retry: 'terminal' });
    const status = { ...repository({}), status: { unknown: 'x' } };
    expect(String(await rejection(store.applyStatus(status, alice)))).toContain('status.unknown');
    expect(await store.get(REPOSITORY, name)).toMatchObject({ spec: repository({}).spec });
  });

  test('what the server warns of is in the log', async () => {
    const warnings: unknown[] = [];
    const logger = { ...nullLogger, warn: (_message: string, fields: object = {}) => warnings.push(fields) };
    const warned = await connect(cluster.kubeconfig, { logger });
    const namespace = await makeNamespace(client);

    await warned.json({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      query: { fieldValidation: 'Warn' },
      body: { metadata: { name: 'a' }, unknown: 'x' },
      object: `ConfigMap ${namespace}/a`,
    });

    expect(warnings).toMatchObject([
      { object: `ConfigMap ${namespace}/a`, warning: expect.stringContaining('unknown') },
    ]);
    await warned.close();
  });

  test('a user of a kubeconfig who acts as another, in groups, is that one', async () => {
    const file = JSON.parse(await readFile((await kubeconfigOfToken('acting')).kubeconfig, 'utf8'));
    const namespace = await makeNamespace(client);
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await client.json({ method: 'POST', path: accounts, body: { metadata: { name: 'acting' } } });
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await client.json({
      method: 'POST',
      path: `${rbac}/clusterrolebindings`,
      body: {
        metadata: { name: namespace },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'ServiceAccount', name: 'acting', namespace }],
      },
    });
    await writeFile(join(directory, 'acting.token'), await tokenOf(namespace, 'acting', 'acting'));
    const groups = ['reviewers', 'authors'];
    const user = { tokenFile: 'acting.token', as: 'paula', 'as-groups': groups };
    const kubeconfig = join(directory, 'paula.kubeconfig');
    await writeFile(kubeconfig, JSON.stringify({ ...file, users: [{ name: 'test', user }] }));
    const paula = await connect(kubeconfig);
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

    const { status } = await paula.json<{ status: object }>({ method: 'POST', path, body: review });

    expect(status).toMatchObject({ userInfo: { username: 'paula', groups: expect.arrayContaining(groups) } });
    await client.json({ method: 'DELETE', path: `${rbac}/clusterrolebindings/${namespace}` });
    await paula.close();
  });

  test('a WebSocket that is refused is refused as any request', async () => {
    const namespace = await makeNamespace(client);
    const path = `/api/v1/namespaces/${namespace}/pods/none/exec`;
    const open = client.webSocket({ path, query: { command: 'ls', stdout: true }, protocols: ['v5.channel.k8s.io'] });

    expect(await rejection(open)).toMatchObject({ reason: 'NotFound', retry: 'terminal' });
  });

  test('kinds are found by what they are called in manifests', async () => {
    const discovery = new KindDiscovery(client);

    expect(await discovery.resolveKind('v1', 'ConfigMap')).toMatchObject({ plural: 'configmaps', namespaced: true });
    expect(await discovery.resolveKind('rbac.authorization.k8s.io/v1', 'ClusterRole')).toMatchObject({
      plural: 'clusterroles',
      namespaced: false,
    });
    expect(await discovery.resolveKind(WIDGET.apiVersion, WIDGET.kind)).toEqual(WIDGET);
    expect(await discovery.resolveKind('v1', 'Nothing')).toBeUndefined();
    expect(await discovery.resolveKind('nobody.dev/v7', 'Nothing')).toBeUndefined();
  });

  test('a long list comes in pages', async () => {
    const namespace = await makeNamespace(client);
    const store = new KubernetesStore({ client, kinds: [WIDGET], pageSize: 3 });
    const names = Array.from({ length: 10 }, (_, index) => `w${index}`);
    for (const name of names) await store.create({ ...widget(name), metadata: { name, namespace } }, alice);

    const { items } = await store.list(WIDGET, { namespace });

    expect(items.map(({ metadata }) => metadata.name)).toEqual(names);
  });
});
