import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Repository } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import { type GitServer, startGitServer } from '../../env/git/git-server.ts';
import type { TestNamespace } from './cluster.ts';
import { waitFor } from './wait-for.ts';

/** The sample `fleet` on a git server. */
export interface Fleet {
  readonly git: GitServer;
  /** The manifests with addresses of the git server, without namespaces. */
  readonly manifests: readonly KubeObject[];
  /** What plays the remote of a Repository object. */
  repository(name: string): BareRepository;
  close(): Promise<void>;
}

const SAMPLE = join(import.meta.dirname, '../../../config/samples/fleet');
const BLUEPRINTS = 'blueprints';

/** Repositories in a folder of their own, as the sample's manifests name them. */
export async function startFleet(): Promise<Fleet> {
  const root = await mkdtemp(join(tmpdir(), 'veranda-fleet-'));
  const git = await startGitServer({ root });
  const objects = await readManifests(join(SAMPLE, 'manifests'));
  const repositories = new Map<string, BareRepository>();
  for (const { metadata } of objects.filter(isRepository)) {
    const path = join(root, `${metadata.name}.git`);
    repositories.set(
      metadata.name,
      metadata.name === BLUEPRINTS ? await makeBlueprints(path) : await makeDeployment(path),
    );
  }
  return {
    git,
    manifests: objects.map((object) => withAddress(object, git)),
    repository: (name) => {
      const repository = repositories.get(name);
      if (!repository) throw new Error(`the fleet has no repository ${name}`);
      return repository;
    },
    close: async () => {
      await git.close();
      // A process that was killed may have left a push behind that goes on for a moment.
      await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/**
 * The kind that the sample injects. The operator may read it by a ClusterRole that is aggregated to its own: with `grant`.
 * Both are the same for all tests of a cluster and stay.
 */
export async function installClusterKind(
  namespace: TestNamespace,
  { grant }: { readonly grant: boolean },
): Promise<void> {
  await installKind(namespace, { group: 'fleet.example.com', kind: 'Cluster', grant });
}

/** A kind of which nothing is checked but its `spec`, in version v1alpha1. Waits until the server serves it. */
export async function installKind(
  { apply, client }: TestNamespace,
  { group, kind, grant }: { readonly group: string; readonly kind: string; readonly grant: boolean },
): Promise<void> {
  const singular = kind.toLowerCase();
  const plural = `${singular}s`;
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular, listKind: `${kind}List` },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: anything } } },
        },
      ],
    },
  };
  const verbs = ['get', 'list', 'watch'];
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: `inputs-of-${group}`, labels: { 'veranda.dev/aggregate-to-inputs': 'true' } },
    rules: [
      { apiGroups: [group], resources: [plural], verbs },
      { apiGroups: [''], resources: ['configmaps'], verbs },
    ],
  };
  await apply(definition);
  if (grant) await apply(role);
  const path = `/apis/${group}/v1alpha1`;
  const isServed = async () => {
    const { resources } = await client.json<{ resources: readonly { readonly kind: string }[] }>({
      method: 'GET',
      path,
    });
    return resources.some((each) => each.kind === kind);
  };
  await waitFor(isServed, { what: `${kind} is served`, timeoutMs: 90_000 });
}

async function readManifests(folder: string): Promise<readonly KubeObject[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts
    .flatMap((text) => parseAllDocuments(text))
    .map((document) => document.toJS() as KubeObject)
    .filter(({ kind }) => kind !== 'Kustomization' && kind !== 'CustomResourceDefinition')
    .map(({ metadata: { namespace: _namespace, ...metadata }, ...object }) => ({ ...object, metadata }));
}

function isRepository(object: KubeObject): object is Repository {
  return object.kind === 'Repository';
}

function withAddress(object: KubeObject, git: GitServer): KubeObject {
  if (!isRepository(object)) return object;
  const { spec } = object;
  const repo = git.url(basename(spec.git?.repo ?? ''));
  const changed: Repository = { ...object, spec: { ...spec, git: { ...spec.git, repo } } };
  return changed;
}

/** Each package is published as v1. */
async function makeBlueprints(path: string): Promise<BareRepository> {
  const repository = await BareRepository.fromDirectory(path, join(SAMPLE, 'packages'));
  for (const name of await readdir(join(SAMPLE, 'packages'))) await repository.git('tag', `${name}/v1`, 'main');
  return repository;
}

async function makeDeployment(path: string): Promise<BareRepository> {
  const repository = await BareRepository.create(path);
  await repository.commit('main', {});
  return repository;
}
