import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { kubectl } from '../../env/cluster/kubectl.ts';
import { type SharedCluster, sharedCluster } from '../../env/cluster/shared.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SAMPLES = join(ROOT, 'config/samples');

interface Crd {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string; readonly shortNames?: readonly string[] };
    readonly versions: readonly { readonly name: string; readonly served: boolean }[];
  };
}

const crds = readdirSync(join(ROOT, 'crds'))
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => parse(readFileSync(join(ROOT, 'crds', file), 'utf8')) as Crd);
const kinds = crds.map(({ spec: { group, names, versions } }) => ({
  resource: `${names.plural}.${group}`,
  shortNames: names.shortNames ?? [],
  versions: versions.filter(({ served }) => served).map(({ name }) => name),
}));
const samples = readdirSync(SAMPLES, { recursive: true, encoding: 'utf8' })
  .filter((file) => /^[^/]+\/manifests\/[^/]+\.yaml$/.test(file))
  .map((file) => ({ file, manifests: ourManifests(file) }))
  .filter(({ manifests }) => manifests.length > 0);

/** The samples' own kinds are inputs of packages; whoever wants them in a cluster brings their CRDs. */
function ourManifests(file: string): string[] {
  return parseAllDocuments(readFileSync(join(SAMPLES, file), 'utf8'))
    .filter((document) => /(^v1|\.kpt\.dev\/\w+)$/.test(String(document.get('apiVersion'))))
    .map(String);
}

let cluster: SharedCluster;

beforeAll(async () => {
  cluster = await sharedCluster();
});

test.each(kinds)('$resource is served and explained', async ({ resource, shortNames, versions }) => {
  for (const version of versions) {
    const [plural = '', ...group] = resource.split('.');
    const full = `${plural}.${version}.${group.join('.')}`;
    expect(await kubectl(cluster.kubeconfig, ['get', full, '-o', 'name'])).toBe('');
  }
  for (const name of shortNames) {
    expect(await kubectl(cluster.kubeconfig, ['explain', name])).toContain(
      `GROUP:      ${resource.replace(/^\w+\./, '')}`,
    );
  }
});

test('there are samples', () => {
  expect(samples.length).toBeGreaterThan(3);
});

test.each(samples)('the API server takes the sample $file', async ({ manifests }) => {
  const output = await kubectl(cluster.kubeconfig, ['apply', '--dry-run=server', '-f', '-'], manifests.join('---\n'));
  expect(output.trim().split('\n')).toHaveLength(manifests.length);
});
