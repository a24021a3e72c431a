import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { canI } from '../../../src/kube/adapters/kubernetes/access-review.ts';
import { loadCredentials } from '../../../src/kube/adapters/kubernetes/credentials.ts';
import { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { installOperator } from '../../env/cluster/install.ts';
import { kubectl } from '../../env/cluster/kubectl.ts';
import { waitFor } from '../support/wait-for.ts';

const CONFIG = join(import.meta.dirname, '../../../config');
const OPERATOR = 'system:serviceaccount:veranda-system:veranda-controller';
const PORCH = 'config.porch.kpt.dev';
const RBAC = 'rbac.authorization.k8s.io';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly {
    readonly apiGroups?: readonly string[];
    readonly resources?: readonly string[];
    readonly verbs: readonly string[];
    readonly nonResourceURLs?: readonly string[];
  }[];
}

let plane: ControlPlane;
const clients = new Map<string, HttpApiClient>();

beforeAll(async () => {
  plane = await startControlPlane();
  await installOperator(plane.kubeconfig);
  await kubectl(plane.kubeconfig, ['apply', '--server-side', '-k', join(CONFIG, 'samples/credentials')]).catch(() =>
    kubectl(plane.kubeconfig, ['apply', '--server-side', '-f', join(CONFIG, 'samples/credentials')]),
  );
  await connect('operator', OPERATOR, ['system:serviceaccounts', 'system:serviceaccounts:veranda-system']);
  for (const role of ['view', 'edit', 'admin', 'veranda-approver']) {
    await connect(role, `user-${role}`);
    await kubectl(plane.kubeconfig, [
      ...['create', 'rolebinding', role, '-n', 'default', `--clusterrole=${role}`, `--user=user-${role}`],
    ]);
  }
  await waitFor(() => may('edit', 'create', { group: PORCH, resource: 'packagevariants', namespace: 'default' }), {
    what: 'the roles of people are aggregated',
  });
}, 180_000);

afterAll(async () => {
  for (const client of clients.values()) await client.close();
  await plane?.stop();
}, 60_000);

async function connect(name: string, user: string, groups: readonly string[] = []): Promise<void> {
  const credentials = await loadCredentials({ kubeconfig: await plane.kubeconfigFor(user, groups) });
  clients.set(name, new HttpApiClient({ credentials, userAgent: 'veranda-test' }));
}

interface What {
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
}

async function may(who: string, verb: string, what: What): Promise<boolean> {
  const client = clients.get(who);
  if (!client) throw new Error(`nobody is called ${who}`);
  return (await canI(client, { verb, ...what })).allowed;
}

/** Which of the verbs somebody may not use. */
async function missing(who: string, verbs: readonly string[], what: What): Promise<readonly string[]> {
  const answers = await Promise.all(verbs.map((verb) => may(who, verb, what)));
  return verbs.filter((_, index) => !answers[index]);
}

/** Roles as kustomize builds them. */
async function roles(folder: string): Promise<readonly Role[]> {
  const text = await kubectl(plane.kubeconfig, ['kustomize', join(CONFIG, folder)]);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Role)
    .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
}

describe('what config/rbac says', () => {
  test('no rule has a wildcard', async () => {
    const all = await roles('default');
    const names = all.map(({ metadata }) => metadata.name);
    expect(names).toEqual(expect.arrayContaining(['veranda-controller', 'veranda-inputs', 'veranda-functions']));
    const wild = all.filter(({ rules = [] }) =>
      rules.some(({ apiGroups = [], resources = [], verbs, nonResourceURLs = [] }) =>
        [...apiGroups, ...resources, ...verbs, ...nonResourceURLs].some((word) => word.includes('*')),
      ),
    );
    expect(wild).toEqual([]);
  });

  test('Secrets are read in the namespace of functions only, and nobody may give itself rights', async () => {
    const all = await roles('default');
    const touching = (resource: string) =>
      all.filter(({ rules = [] }) => rules.some(({ resources = [] }) => resources.includes(resource)));
    expect(touching('secrets').map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)).toEqual([
      'Role veranda-functions/veranda-functions',
    ]);
    for (const resource of ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings', 'serviceaccounts']) {
      expect(touching(resource)).toEqual([]);
    }
    const verbs = all.flatMap(({ rules = [] }) => rules.flatMap((rule) => rule.verbs));
    expect(verbs.filter((verb) => ['escalate', 'bind', 'impersonate', 'deletecollection'].includes(verb))).toEqual([]);
  });
});

type Line = readonly [group: string, resource: string, verbs: readonly string[], namespace?: string];

function asCase([group, resource, verbs, namespace]: Line) {
  const title = `${resource}${group && `.${group}`} ${namespace ? `in ${namespace}` : 'of the whole cluster'}`;
  return { group, resource, verbs, namespace, title };
}

describe("the operator's account", () => {
  const granted: readonly Line[] = [
    [PORCH, 'repositories', ['get', 'list', 'watch', 'patch']],
    [PORCH, 'repositories/status', ['patch']],
    [PORCH, 'packagevariants', ['get', 'list', 'watch', 'create', 'patch', 'delete']],
    [PORCH, 'packagevariants/status', ['patch']],
    [PORCH, 'packagevariantsets', ['get', 'list', 'watch', 'patch']],
    [PORCH, 'packagevariantsets/status', ['patch']],
    [PORCH, 'functionconfigs', ['get', 'list', 'watch']],
    [PORCH, 'functionconfigs/status', ['patch']],
    ['porch.kpt.dev', 'packagerevisions', ['get', 'list', 'watch', 'create', 'patch', 'delete']],
    ['porch.kpt.dev', 'packagerevisions/status', ['patch']],
    ['porch.kpt.dev', 'packagerevisions/approval', ['update']],
    ['events.k8s.io', 'events', ['create', 'patch']],
    ['', 'configmaps', ['get', 'list', 'watch']],
    ['coordination.k8s.io', 'leases', ['create'], 'veranda-system'],
    ['', 'pods', ['get', 'list', 'watch', 'create', 'delete'], 'veranda-functions'],
    ['', 'pods/exec', ['get', 'create'], 'veranda-functions'],
    ['', 'pods/attach', ['get', 'create'], 'veranda-functions'],
    ['', 'pods/log', ['get'], 'veranda-functions'],
    ['', 'secrets', ['get'], 'veranda-functions'],
  ];

  test.each(granted.map(asCase))('may $verbs for $title', async ({ verbs, ...what }) => {
    expect(await missing('operator', verbs, what)).toEqual([]);
  });

  test('may hold its own Lease, and no other', async () => {
    const lease = { group: 'coordination.k8s.io', resource: 'leases', namespace: 'veranda-system' };
    expect(await missing('operator', ['get', 'update'], { ...lease, name: 'veranda-controller' })).toEqual([]);
    expect(await may('operator', 'update', { ...lease, name: 'another' })).toBe(false);
    expect(await may('operator', 'delete', { ...lease, name: 'veranda-controller' })).toBe(false);
  });

  const refused: readonly Line[] = [
    ['', 'secrets', ['get', 'list', 'watch', 'create', 'update', 'delete']],
    ['', 'secrets', ['get', 'list', 'watch'], 'veranda-system'],
    ['', 'secrets', ['get', 'list', 'watch'], 'default'],
    ['', 'secrets', ['list', 'watch', 'create'], 'veranda-functions'],
    ['', 'pods', ['create', 'delete', 'get']],
    ['', 'pods/exec', ['create'], 'veranda-system'],
    ['', 'configmaps', ['create', 'update', 'patch', 'delete']],
    ['', 'nodes', ['get', 'list']],
    [RBAC, 'clusterroles', ['create', 'update', 'bind', 'escalate']],
    [PORCH, 'repositories', ['create', 'update', 'delete', 'deletecollection']],
    [PORCH, 'packagevariantsets', ['create', 'delete']],
    ['admissionregistration.k8s.io', 'validatingadmissionpolicies', ['update', 'delete']],
    ['apps', 'deployments', ['get', 'update'], 'veranda-system'],
  ];

  test.each(refused.map(asCase))('may not $verbs for $title', async ({ verbs, ...what }) => {
    expect(await missing('operator', verbs, what)).toEqual(verbs);
  });

  test('reads the Secrets that the Role of config/samples/credentials names, in that namespace', async () => {
    const secrets = { group: '', resource: 'secrets', namespace: 'default' };
    expect(await missing('operator', ['get', 'watch'], { ...secrets, name: 'deployments-auth' })).toEqual([]);
    expect(await may('operator', 'get', { ...secrets, name: 'other' })).toBe(false);
    expect(await may('operator', 'list', secrets)).toBe(false);
  });

  test('gets a kind to inject or select by the label of a ClusterRole, and loses it with that', async () => {
    const nodes = { group: '', resource: 'nodes' };
    const role = {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRole',
      metadata: { name: 'inputs-nodes', labels: { 'veranda.dev/aggregate-to-inputs': 'true' } },
      rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] }],
    };
    expect(await may('operator', 'list', nodes)).toBe(false);
    await kubectl(plane.kubeconfig, ['apply', '-f', '-'], JSON.stringify(role));
    await waitFor(() => may('operator', 'list', nodes), { what: 'the grant is effective' });
    expect(await missing('operator', ['get', 'list', 'watch'], nodes)).toEqual([]);
    expect(await may('operator', 'update', nodes)).toBe(false);
    await kubectl(plane.kubeconfig, ['delete', 'clusterrole', 'inputs-nodes']);
    await waitFor(async () => !(await may('operator', 'list', nodes)), { what: 'the grant is gone' });
  });
});

describe('people, by the roles of the cluster', () => {
  const revisions = { group: 'porch.kpt.dev', resource: 'packagerevisions', namespace: 'default' };
  const approval = { ...revisions, resource: 'packagerevisions/approval' };
  const status = { ...revisions, resource: 'packagerevisions/status' };

  test('view reads, and that is all', async () => {
    expect(await missing('view', ['get', 'list', 'watch'], revisions)).toEqual([]);
    expect(await missing('view', ['create', 'update', 'patch', 'delete'], revisions)).toHaveLength(4);
  });

  test('edit writes what is to be, and approves nothing', async () => {
    expect(await missing('edit', ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'], revisions)).toEqual(
      [],
    );
    for (const resource of ['repositories', 'packagevariants', 'packagevariantsets']) {
      const of = { group: PORCH, resource, namespace: 'default' };
      expect(await missing('edit', ['get', 'create', 'update', 'patch', 'delete'], of)).toEqual([]);
    }
    expect(await may('edit', 'update', approval)).toBe(false);
  });

  test('admin approves', async () => {
    expect(await may('admin', 'update', approval)).toBe(true);
    expect(await missing('admin', ['create', 'update', 'patch', 'delete'], revisions)).toEqual([]);
  });

  test('veranda-approver approves without being able to make or to delete anything', async () => {
    expect(await may('veranda-approver', 'update', approval)).toBe(true);
    expect(await missing('veranda-approver', ['get', 'list', 'update', 'patch'], revisions)).toEqual([]);
    expect(await missing('veranda-approver', ['create', 'delete'], revisions)).toEqual(['create', 'delete']);
  });

  test.each(['view', 'edit', 'admin', 'veranda-approver'])('%s writes no status and no FunctionConfig', async (who) => {
    const configs = { group: PORCH, resource: 'functionconfigs', namespace: 'default' };
    expect(await missing(who, ['update', 'patch'], status)).toHaveLength(2);
    expect(await missing(who, ['create', 'update', 'delete'], configs)).toHaveLength(3);
  });
});

test('the pods of the Deployment are what the namespace, which is restricted, lets run', async () => {
  const text = await kubectl(plane.kubeconfig, [
    'get',
    'deployment',
    'veranda-controller',
    '-n',
    'veranda-system',
    '-o',
    'json',
  ]);
  const { spec } = JSON.parse(text) as { readonly spec: { readonly template: { readonly spec: object } } };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'like-it' }, spec: spec.template.spec };
  await waitFor(
    () => kubectl(plane.kubeconfig, ['get', 'serviceaccount', 'veranda-controller', '-n', 'veranda-system']),
    { what: 'the service account is there' },
  );
  const create = ['create', '--dry-run=server', '-n', 'veranda-system', '-o', 'name', '-f', '-'];
  expect(await kubectl(plane.kubeconfig, create, JSON.stringify(pod))).toBe('pod/like-it\n');
  const rooted = { ...pod, spec: { ...pod.spec, hostNetwork: true } };
  await expect(kubectl(plane.kubeconfig, create, JSON.stringify(rooted))).rejects.toThrow('violates PodSecurity');
});

test('the namespaces, the account and the policies name each other', async () => {
  const text = await kubectl(plane.kubeconfig, ['kustomize', join(CONFIG, 'default')]);
  const policies = parseAllDocuments(text)
    .map((document) => document.toJS() as { readonly kind: string; readonly metadata: { readonly name: string } })
    .filter(({ kind }) => kind === 'ValidatingAdmissionPolicy' || kind === 'MutatingAdmissionPolicy');
  const accounts = new Set(JSON.stringify(policies).match(/system:serviceaccount:veranda[^'"]*/g));
  expect([...accounts]).toEqual([OPERATOR]);
  expect(readFileSync(join(CONFIG, 'rbac/service-account.yaml'), 'utf8')).toContain('config/admission');
});
