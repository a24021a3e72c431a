import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../../src/api/object.ts';
import { type ControlPlane, startControlPlane } from '../../env/cluster/control-plane.ts';
import { kubectl, tryKubectl } from '../../env/cluster/kubectl.ts';
import { BareRepository } from '../../env/git/bare-repository.ts';
import {
  type JsonReport,
  readyOf,
  repositoryManifest,
  variantManifest,
  veranda,
  World,
} from '../../integration/cli/support.ts';
import { waitFor } from '../support/wait-for.ts';
import { kindOf, missingKinds } from './definitions.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SHARED = process.env.VERANDA_SHARED ?? join(ROOT, '../shared');
const OWN_CATALOGUES = {
  quickstart: join(ROOT, 'config/samples/quickstart/packages'),
  fleet: join(ROOT, 'config/samples/fleet/packages'),
};
const SHARED_CATALOGUES = {
  kpt: join(SHARED, 'samples/kpt-examples'),
  nephio: join(SHARED, 'samples/nephio-catalog'),
};
const hasShared = existsSync(join(SHARED, 'samples'));
if (!hasShared) process.stderr.write(`PASSED OVER: no packages of Nephio and kpt in ${SHARED}; set VERANDA_SHARED\n`);
const CATALOGUES: Readonly<Record<string, string>> = { ...OWN_CATALOGUES, ...(hasShared ? SHARED_CATALOGUES : {}) };

/** As docs/argocd.md says it: what is for the pipeline only is marked for Argo CD. The fleet's packages ask for the injected objects. */
const SKIP_LOCAL = `  pipeline:
    mutators:
    - image: set-annotations:v0.1.4
      selectors: [{annotations: {config.kubernetes.io/local-config: "true"}}, {apiVersion: fn.kpt.dev/v1alpha1}]
      configMap: {argocd.argoproj.io/hook: Skip}
  injectors:
  - {kind: Cluster, name: paris}
  - {kind: ConfigMap, name: region-eu}
`;
const INJECTED = ['clusters.yaml', 'regions.yaml'].map((file) => join(ROOT, 'config/samples/fleet/manifests', file));

interface SamplePackage {
  readonly catalogue: string;
  readonly path: string;
  /** Of its variant and of the package that it makes. */
  readonly name: string;
}

/** An object as it is written in git. */
interface Manifest {
  readonly text: string;
  readonly object: KubeObject;
}

let world: World;
let plane: ControlPlane;
let deployments: BareRepository;
let samples: readonly SamplePackage[];
let report: JsonReport;
let published: ReadonlyMap<string, readonly Manifest[]>;
let outdated: ReadonlySet<string>;

beforeAll(async () => {
  [world, plane] = await Promise.all([World.create(), startControlPlane()]);
  deployments = await world.remote('deployments', { 'README.md': 'x\n' });
  samples = (await Promise.all(Object.keys(CATALOGUES).map(packagesOf))).flat();
  report = await publishSamples();
  const tags = (await deployments.git('tag', '--list', '*/v1')).split('\n');
  const manifests = await Promise.all(tags.map(async (tag) => [dirname(tag), await deployed(tag)] as const));
  published = new Map(manifests);
  outdated = await prepareCluster([...published.values()].flat().map(({ object }) => object));
}, 240_000);

afterAll(async () => {
  await plane?.stop();
  await world?.remove();
}, 60_000);

describe('A-01: published sample packages, as Argo CD deploys them from a directory', () => {
  test('there are some of each catalogue; the others lack a function or an object to be injected', () => {
    const unpublished = samples.filter(({ name }) => !published.has(name));
    for (const { name } of unpublished) {
      expect(`${name}: ${readyOf(report, 'PackageVariant', name)}`).toMatch(
        /^\S+: False (FunctionNotFound|ImageNotAllowed|InjectionMissing): /,
      );
    }
    for (const catalogue of Object.keys(CATALOGUES)) {
      expect(samples.filter((sample) => sample.catalogue === catalogue && published.has(sample.name))).not.toEqual([]);
    }
  });

  test('hold nothing that is only meant for the pipeline', () => {
    for (const [name, manifests] of published) {
      const local = manifests.filter(({ object }) => isLocal(object));
      expect([name, local.map(({ text }) => text)]).toEqual([name, []]);
    }
  });

  test('are of kinds that Kubernetes has, but for two old packages', () => {
    expect([...outdated].sort()).toEqual(
      hasShared ? ['networking.k8s.io/v1beta1 Ingress', 'rbac.authorization.k8s.io/v1beta1 RoleBinding'] : [],
    );
  });

  test('apply server-side and show no drift afterwards', async () => {
    const faults: Record<string, string> = {};
    for (const [name, manifests] of published) {
      const current = manifests.filter(({ object }) => !outdated.has(kindOf(object)));
      const fault = await faultOf(name, current);
      if (fault !== '') faults[name] = fault;
    }
    expect(faults).toEqual({});
  }, 240_000);
});

async function publishSamples(): Promise<JsonReport> {
  const manifests = [repositoryManifest('deployments')];
  manifests.push(...(await Promise.all(INJECTED.map((file) => readFile(file, 'utf8')))));
  for (const [catalogue, folder] of Object.entries(CATALOGUES)) {
    const repository = await BareRepository.fromDirectory(world.path('remotes', `${catalogue}.git`), folder);
    const paths = samples.filter((sample) => sample.catalogue === catalogue).map(({ path }) => path);
    for (const path of paths) await repository.git('tag', `${path}/v1`, 'main');
    manifests.push(repositoryManifest(catalogue, { readOnly: true }));
  }
  for (const { catalogue, path, name } of samples) {
    const settings = { upstream: `${catalogue}/x`, spec: SKIP_LOCAL };
    manifests.push(variantManifest(name, settings).replace('package: x,', `package: ${path},`));
  }
  await world.write('fleet.yaml', manifests.join('---\n'));
  const { stdout } = await veranda(['run', '-f', 'fleet.yaml', '-o', 'json', '--timeout', '200'], { cwd: world.root });
  return JSON.parse(stdout) as JsonReport;
}

/** The packages of a catalogue that are in no other package. */
async function packagesOf(catalogue: string): Promise<readonly SamplePackage[]> {
  const files = await readdir(CATALOGUES[catalogue] ?? '', { recursive: true });
  const paths = files.filter((file) => basename(file) === 'Kptfile').map(dirname);
  const outermost = paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`))).sort();
  return outermost.map((path) => ({ catalogue, path, name: basename(path) }));
}

/** The objects that directory mode reads with the documented exclusions. */
async function deployed(tag: string): Promise<readonly Manifest[]> {
  const files = (await deployments.git('ls-tree', '-r', '--name-only', tag, `${dirname(tag)}/`)).split('\n');
  const read = files.filter((file) => /\.(ya?ml|json)$/.test(file) && basename(file) !== 'package-context.yaml');
  const texts = await Promise.all(read.map((file) => deployments.git('show', `${tag}:${file}`)));
  return texts
    .flatMap((text) => parseAllDocuments(text))
    .map((document) => ({ text: document.toString(), object: document.toJS() as KubeObject | null }))
    .filter((manifest): manifest is Manifest => manifest.object !== null)
    .filter(({ object }) => object.metadata.annotations?.['argocd.argoproj.io/hook'] !== 'Skip');
}

function isLocal({ apiVersion, metadata }: KubeObject): boolean {
  const isMarked = metadata.annotations?.['config.kubernetes.io/local-config'] === 'true';
  return isMarked || /^(fn\.)?kpt\.dev\//.test(apiVersion);
}

function namespaceOf(name: string): string {
  return `sample-${name.toLowerCase()}`;
}

/**
 * Namespaces and definitions, which Argo CD would put first; kinds that no sample defines take whatever comes.
 * @returns kinds that no cluster of this version has
 */
async function prepareCluster(objects: readonly KubeObject[]): Promise<ReadonlySet<string>> {
  const given = objects.map(({ metadata }) => metadata.namespace).filter((namespace) => namespace !== undefined);
  const names = new Set([...[...published.keys()].map(namespaceOf), ...given]);
  const namespaces = [...names].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  const definitions = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
  await apply(plane.kubeconfig, [...namespaces, ...definitions].map(asText));
  await untilServed(definitions);
  const missing = await missingKinds(plane.kubeconfig, objects);
  await apply(plane.kubeconfig, missing.definitions.map(asText));
  await untilServed(missing.definitions);
  return missing.outdated;
}

/** A definition that is established is served a moment later. */
async function untilServed(definitions: readonly KubeObject[]): Promise<void> {
  if (definitions.length === 0) return;
  const names = [...new Set(definitions.map(({ metadata }) => metadata.name))];
  const flags = ['--for=condition=Established', '--timeout=180s'];
  await kubectl(plane.kubeconfig, ['wait', ...flags, ...names.map((name) => `crd/${name}`)]);
  await waitFor(async () => (await tryKubectl(plane.kubeconfig, ['get', '-A', names.join()])).code === 0, {
    what: 'the kinds of the samples are served',
    timeoutMs: 60_000,
  });
}

/** Why a package cannot be applied, or what applying it again would change. */
async function faultOf(name: string, manifests: readonly Manifest[]): Promise<string> {
  if (manifests.length === 0) return '';
  const target = await destination(namespaceOf(name));
  const texts = manifests.map(({ text }) => text);
  try {
    await apply(target, texts);
    const flags = ['diff', '--server-side', '--force-conflicts', '-f', '-'];
    const { code, stdout, stderr } = await tryKubectl(target, flags, stream(manifests.map(compared)));
    return code === 0 ? '' : `${stdout}${stderr}`;
  } catch (error) {
    return String(error);
  } finally {
    // What they call does not run here, and would be missed by the next package.
    const hooks = manifests.filter(({ object }) => object.kind.endsWith('WebhookConfiguration'));
    const calls = hooks.map(({ text }) => text);
    if (calls.length > 0) await tryKubectl(target, ['delete', '--ignore-not-found', '-f', '-'], stream(calls));
  }
}

/** What Argo CD compares with `ignoreAggregatedRoles`: rules that the cluster fills are left out. */
function compared({ text, object }: Manifest): string {
  if (object.kind !== 'ClusterRole' || !('aggregationRule' in object)) return text;
  return JSON.stringify({ ...object, rules: undefined });
}

/** A kubeconfig by which objects without a namespace get this one, as an Application's destination does it. */
async function destination(namespace: string): Promise<string> {
  const path = world.path(`${namespace}.kubeconfig`);
  await copyFile(plane.kubeconfig, path);
  await kubectl(path, ['config', 'set-context', '--current', `--namespace=${namespace}`]);
  return path;
}

async function apply(target: string, texts: readonly string[]): Promise<void> {
  if (texts.length === 0) return;
  await kubectl(target, ['apply', '--server-side', '--force-conflicts', '-f', '-'], stream(texts));
}

function asText(object: KubeObject): string {
  return JSON.stringify(object);
}

function stream(texts: readonly string[]): string {
  return texts.map((text) => (text.startsWith('---') ? text : `---\n${text}`)).join('\n');
}
