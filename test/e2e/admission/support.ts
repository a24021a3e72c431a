import { randomBytes } from 'node:crypto';
import { expect } from '@jest/globals';
import { VerandaError } from '../../../src/api/errors.ts';
import type { PackageRevision } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import type { ApiRequest } from '../../../src/kube/adapters/kubernetes/client.ts';
import { loadCredentials } from '../../../src/kube/adapters/kubernetes/credentials.ts';
import { HttpApiClient } from '../../../src/kube/adapters/kubernetes/http-client.ts';
import type { ControlPlane } from '../../env/cluster/control-plane.ts';
import { installOperator } from '../../env/cluster/install.ts';
import { waitFor } from '../support/wait-for.ts';

export const OPERATOR = 'system:serviceaccount:veranda-system:veranda-controller';
export const ALICE = 'alice';
export const BOB = 'bob';

const REVISIONS = '/apis/porch.kpt.dev/v1alpha2';
const CONFIG = '/apis/config.porch.kpt.dev';
const RBAC = 'rbac.authorization.k8s.io';
type Query = ApiRequest['query'];

const PLURALS: { readonly [kind: string]: string } = {
  PackageRevision: `${REVISIONS}|packagerevisions`,
  Repository: `${CONFIG}/v1alpha1|repositories`,
  PackageVariant: `${CONFIG}/v1alpha1|packagevariants`,
  PackageVariantSet: `${CONFIG}/v1alpha2|packagevariantsets`,
  ConfigMap: '/api/v1|configmaps',
};

/** What one user does in one namespace; every method gives what the API server answers. */
export class Person {
  readonly client: HttpApiClient;
  readonly namespace: string;

  constructor(client: HttpApiClient, namespace: string) {
    this.client = client;
    this.namespace = namespace;
  }

  async create<T extends KubeObject>(object: T, query: Query = {}): Promise<T> {
    return await this.#send('POST', object, { path: this.#path(object.kind), query });
  }

  async get<T extends KubeObject>(kind: string, name: string): Promise<T> {
    return await this.client.json<T>({ method: 'GET', path: this.#path(kind, name) });
  }

  /** The whole object takes the place of the other one, as porchctl does it. */
  async put<T extends KubeObject>(object: T): Promise<T> {
    return await this.#send('PUT', object);
  }

  async serverSideApply<T extends KubeObject>(object: T): Promise<T> {
    const query = { fieldManager: 'gitops', force: true };
    return await this.#send('PATCH', object, { query, contentType: 'application/apply-patch+yaml' });
  }

  async merge<T extends KubeObject>(kind: string, name: string, patch: object, query: Query = {}): Promise<T> {
    const [path, contentType] = [this.#path(kind, name), 'application/merge-patch+json'];
    return await this.client.json<T>({ method: 'PATCH', path, body: patch, contentType, query });
  }

  async mergeStatus(kind: string, name: string, status: object): Promise<void> {
    const path = `${this.#path(kind, name)}/status`;
    await this.client.json({ method: 'PATCH', path, body: { status }, contentType: 'application/merge-patch+json' });
  }

  async delete(kind: string, name: string, query: Query = {}): Promise<unknown> {
    return await this.client.json({ method: 'DELETE', path: this.#path(kind, name), query });
  }

  /** All objects of a kind, in one request. */
  async deleteAll(kind: string): Promise<unknown> {
    return await this.client.json({ method: 'DELETE', path: this.#path(kind) });
  }

  async isGone(kind: string, name: string): Promise<boolean> {
    return await this.get(kind, name).then(
      () => false,
      (error: unknown) => error instanceof VerandaError && error.reason === 'NotFound',
    );
  }

  #path(kind: string, name?: string): string {
    const [prefix, plural] = (PLURALS[kind] ?? '').split('|');
    const collection = `${prefix}/namespaces/${this.namespace}/${plural}`;
    return name === undefined ? collection : `${collection}/${name}`;
  }

  async #send<T extends KubeObject>(
    method: ApiRequest['method'],
    object: T,
    request: Partial<ApiRequest> = {},
  ): Promise<T> {
    const path = this.#path(object.kind, object.metadata.name);
    return await this.client.json<T>({ method, path, body: object, ...request });
  }
}

/** A namespace of a cluster with the operator's configuration, and people with different rights in it. */
export interface Company {
  readonly cluster: ControlPlane;
  readonly namespace: string;
  /** Whether the API server notes who proposes and who approves. */
  readonly stamps: boolean;
  readonly admin: Person;
  /** May edit. */
  readonly alice: Person;
  /** May edit and approve. */
  readonly bob: Person;
  readonly operator: Person;
  /** Somebody else. */
  as(user: string): Promise<Person>;
  close(): Promise<void>;
}

/** @param cluster one of one's own: the policies count for everybody in it */
export async function makeCompany(cluster: ControlPlane): Promise<Company> {
  const stamps = (await installOperator(cluster.kubeconfig)) === 'default';
  const namespace = `admission-${randomBytes(4).toString('hex')}`;
  const connect = async (kubeconfig: string) => {
    const credentials = await loadCredentials({ kubeconfig });
    return new Person(new HttpApiClient({ credentials, userAgent: 'veranda-test' }), namespace);
  };
  const people: Person[] = [];
  const admin = await connect(cluster.kubeconfig);
  people.push(admin);
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await admin.client.json({ method: 'POST', path: '/api/v1/namespaces', body });
  await bind(admin, 'edit', [ALICE, BOB]);
  await bind(admin, 'veranda-approver', [BOB]);
  const as = async (user: string, groups: readonly string[] = []) => {
    const person = await connect(await cluster.kubeconfigFor(user, groups));
    people.push(person);
    return person;
  };
  const alice = await as(ALICE);
  const bob = await as(BOB);
  const operator = await as(OPERATOR, ['system:serviceaccounts', 'system:serviceaccounts:veranda-system']);
  await untilInForce(alice, operator, stamps);
  return {
    cluster,
    namespace,
    stamps,
    admin,
    alice,
    bob,
    operator,
    as,
    close: async () => {
      await admin.client.json({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
      await Promise.all(people.map(({ client }) => client.close()));
    },
  };
}

async function bind({ client, namespace }: Person, role: string, users: readonly string[]): Promise<void> {
  const body = {
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata: { name: role },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
    subjects: users.map((name) => ({ apiGroup: RBAC, kind: 'User', name })),
  };
  await client.json({ method: 'POST', path: `/apis/${RBAC}/v1/namespaces/${namespace}/rolebindings`, body });
}

/** Roles are aggregated and policies are compiled a moment after they were applied. */
async function untilInForce(alice: Person, operator: Person, stamps: boolean): Promise<void> {
  const draft = revision('draft');
  const published = revision('published', { lifecycle: 'Published' });
  await waitFor(async () => Boolean(await operator.create(draft)), { what: 'the operator may create' });
  await operator.create(published);
  const always = { approval: { policy: 'Always' } };
  const refused: { readonly [policy: string]: () => Promise<unknown> } = {
    'packagerevision-names': () => alice.create(revision('a', { metadata: { name: 'b' } }), DRY_RUN),
    'packagerevision-lifecycle': () => alice.create(revision('a', { lifecycle: 'Proposed' }), DRY_RUN),
    'packagerevision-deletion': () => alice.delete('PackageRevision', published.metadata.name, DRY_RUN),
    'packagevariant-names': () => alice.create(variant('a', { package: 'moo~' }), DRY_RUN),
    'variant-approval': () => alice.create(variant('a', always), DRY_RUN),
    'variant-set-approval': () => alice.create(variantSet('a', always), DRY_RUN),
  };
  for (const [policy, attempt] of Object.entries(refused)) {
    const isRefused = async () =>
      await attempt().then(
        () => false,
        (error: unknown) => String(error).includes(policy),
      );
    await waitFor(isRefused, { what: `the policy veranda-${policy} is in force` });
  }
  if (!stamps) return;
  const propose = () => alice.merge<PackageRevision>('PackageRevision', draft.metadata.name, PROPOSED, DRY_RUN);
  const isStamped = async () => (await propose()).metadata.annotations?.['veranda.dev/proposed-by'] === ALICE;
  await waitFor(isStamped, { what: 'the policy veranda-who-approved is in force' });
}

/** What is noted of who proposed and approved: nothing, where the cluster's Kubernetes cannot. */
export function stamped<T extends object>({ stamps }: Pick<Company, 'stamps'>, record: T): Partial<T> {
  return stamps ? record : {};
}

const DRY_RUN = { dryRun: 'All' };
const PROPOSED = { spec: { lifecycle: 'Proposed' } };

export interface RevisionOptions {
  readonly lifecycle?: string;
  readonly source?: object;
  readonly spec?: object;
  readonly metadata?: object;
}

/** A revision of the package `name` in workspace v1 of the repository `shop`, called as it should be. */
export function revision(name: string, options: RevisionOptions = {}): PackageRevision {
  const { lifecycle = 'Draft', source = { init: {} }, spec = {}, metadata = {} } = options;
  const object: KubeObject & { readonly spec: object } = {
    apiVersion: 'porch.kpt.dev/v1alpha2',
    kind: 'PackageRevision',
    metadata: { name: `shop.${name.replaceAll('/', '.')}.v1`, ...metadata },
    spec: { packageName: name, repository: 'shop', workspaceName: 'v1', lifecycle, source, ...spec },
  };
  return object as PackageRevision;
}

export interface VariantOptions {
  readonly package?: string;
  readonly approval?: object;
  readonly annotations?: object;
}

export function variant(name: string, options: VariantOptions = {}): KubeObject {
  const { package: of = name, ...spec } = options;
  const object: KubeObject & { readonly spec: object } = {
    apiVersion: 'config.porch.kpt.dev/v1alpha1',
    kind: 'PackageVariant',
    metadata: { name },
    spec: {
      upstream: { repo: 'blueprints', package: 'web', revision: 1 },
      downstream: { repo: 'shop', package: of },
      ...spec,
    },
  };
  return object;
}

export function configMap(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
}

/** A set with one target, whose template is this. */
export function variantSet(name: string, template: object): KubeObject {
  const object: KubeObject & { readonly spec: object } = {
    apiVersion: 'config.porch.kpt.dev/v1alpha2',
    kind: 'PackageVariantSet',
    metadata: { name },
    spec: {
      upstream: { repo: 'blueprints', package: 'web', revision: 1 },
      targets: [{ repositories: [{ name: 'shop' }], template }],
    },
  };
  return object;
}

/** What the API server said no to. Fails when it said yes. */
export async function refusal(
  attempt: Promise<unknown>,
): Promise<{ readonly reason: string; readonly message: string }> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) expect('the request was carried out').toBe('refused');
  if (!(error instanceof VerandaError)) throw error;
  return { reason: error.reason, message: error.message };
}

let packages = 0;

/** A package name that no other test of this file uses. */
export function freshName(): string {
  packages += 1;
  return `pkg-${packages}`;
}
