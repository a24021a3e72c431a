import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PACKAGE_VARIANT, REPOSITORY } from '../../../src/api/kinds.ts';
import { sharedCluster } from '../../env/cluster/shared.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import { grant, operatorKubeconfig, ownLease } from '../support/access.ts';
import { conditionOf, isReady, makeNamespace, type TestNamespace } from '../support/cluster.ts';
import { type RunningController, startController } from '../support/operator.ts';

const PASSWORD = `hunter2-${randomUUID()}`;

let namespace: TestNamespace;
let root: string;
let open: GitServer;
let closed: GitServer;
let controller: RunningController;

beforeAll(async () => {
  const cluster = await sharedCluster();
  namespace = await makeNamespace(cluster.kubeconfig, 'rights');
  root = await mkdtemp(join(tmpdir(), 'veranda-rights-'));
  open = await startGitServer({ root });
  closed = await startGitServer({ root, auth: { kind: 'basic', username: 'git', password: PASSWORD } });
  const kubeconfig = await operatorKubeconfig(cluster, namespace);
  controller = await startController({ kubeconfig, flags: [...ownLease(namespace), '--log-level=debug'] });
}, 240_000);

afterAll(async () => {
  await controller?.stop();
  await open?.close();
  await closed?.close();
  if (root) await rm(root, { recursive: true, force: true });
  await namespace?.close();
}, 240_000);

function repository(name: string, repo: string, secret?: string) {
  return {
    apiVersion: REPOSITORY.apiVersion,
    kind: REPOSITORY.kind,
    metadata: { name },
    spec: { type: 'git', git: { repo, branch: 'main', ...(secret ? { secretRef: { name: secret } } : {}) } },
  };
}

/** The repository's condition says this. */
async function untilRepositorySays(name: string, reason: string): Promise<string> {
  const all = await namespace.until(`${name} says ${reason}`, REPOSITORY, (found) =>
    found.some((object) => object.metadata.name === name && conditionOf(object, 'Ready')?.reason === reason),
  );
  return (
    conditionOf(
      all.find(({ metadata }) => metadata.name === name),
      'Ready',
    )?.message ?? ''
  );
}

test('a Secret that may not be read is told with the Role that is missing; granted and corrected, it is used', async () => {
  await BareRepository.fromDirectory(join(root, 'private.git'), import.meta.dirname, 'app');
  const secret = (password: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'private-auth' },
    type: 'kubernetes.io/basic-auth',
    stringData: { username: 'git', password },
  });
  await namespace.apply(secret('wrong'), repository('private', closed.url('private.git'), 'private-auth'));
  const message = await untilRepositorySays('private', 'SecretForbidden');
  expect(message).toContain(`Role in namespace ${namespace.name}`);
  expect(message).toContain('"resources":["secrets"]');
  expect(message).toContain('"resourceNames":["private-auth"]');

  await grant(namespace, 'credentials', [
    { apiGroups: [''], resources: ['secrets'], resourceNames: ['private-auth'], verbs: ['get', 'watch'] },
  ]);
  await untilRepositorySays('private', 'AuthFailed');

  await namespace.apply(secret(PASSWORD));
  await namespace.until('the repository is Ready', REPOSITORY, (all) => all.every(isReady));
  expect(controller.output()).not.toContain(PASSWORD);
}, 240_000);

test('a kind that may not be listed for injection is told with the rule that is missing; granted, it is injected', async () => {
  const group = `inputs-${namespace.name}.example.com`;
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  await namespace.apply({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `places.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Place', plural: 'places', singular: 'place', listKind: 'PlaceList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: anything } } },
        },
      ],
    },
  } as never);
  const upstream = await BareRepository.create(join(root, 'upstream.git'));
  await upstream.commit('main', {
    'app/Kptfile': 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: app\n',
    'app/place.yaml': `apiVersion: ${group}/v1\nkind: Place\nmetadata:\n  name: place\n  annotations:\n    kpt.dev/config-injection: required\nspec: {}\n`,
  });
  await upstream.git('tag', 'app/v1', 'main');
  const downstream = await BareRepository.create(join(root, 'downstream.git'));
  await downstream.commit('main', {});
  await namespace.apply(
    repository('upstream', open.url('upstream.git')),
    repository('downstream', open.url('downstream.git')),
    { apiVersion: `${group}/v1`, kind: 'Place', metadata: { name: 'here' }, spec: { street: 'Main' } } as never,
    {
      apiVersion: PACKAGE_VARIANT.apiVersion,
      kind: PACKAGE_VARIANT.kind,
      metadata: { name: 'app' },
      spec: {
        upstream: { repo: 'upstream', package: 'app', revision: 1 },
        downstream: { repo: 'downstream', package: 'app' },
        injectors: [{ name: 'here' }],
        approval: { policy: 'Always' },
      },
    } as never,
  );
  const [variant] = await namespace.until('the missing right is told', PACKAGE_VARIANT, (all) =>
    all.some((object) => conditionOf(object, 'Ready')?.reason === 'InputForbidden'),
  );
  const message = conditionOf(variant, 'Ready')?.message ?? '';
  expect(message).toContain('veranda.dev/aggregate-to-inputs: "true"');
  expect(message).toContain(`{"apiGroups":["${group}"],"resources":["places"],"verbs":["get","list","watch"]}`);

  await namespace.apply({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: `places-${namespace.name}`, labels: { 'veranda.dev/aggregate-to-inputs': 'true' } },
    rules: [{ apiGroups: [group], resources: ['places'], verbs: ['get', 'list', 'watch'] }],
  } as never);
  await namespace.until('the variant is Ready', PACKAGE_VARIANT, (all) => all.every(isReady), 90_000);
  expect(await downstream.git('show', 'app/v1:app/place.yaml')).toContain('street: Main');
}, 240_000);
