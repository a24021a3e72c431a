import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BareRepository, type SeedFiles } from '../../env/git/bare-repository.ts';

/** Repositories of every scenario, as folders below the place that serves them. */
export const UPSTREAM = 'blueprints.git';
export const DOWNSTREAM = 'deployments.git';

type Manifest = Readonly<Record<string, unknown>>;

/** Objects beside the two Repositories. */
export type Manifests = readonly Manifest[];

/** Base package in two published revisions, and a deployment repository (given back) that holds more than packages. */
export async function seedRemotes(folder: string): Promise<BareRepository> {
  const upstream = await BareRepository.create(join(folder, UPSTREAM));
  for (const revision of [1, 2]) {
    await upstream.commit('main', blueprint(revision));
    await upstream.git('tag', `app/v${revision}`, 'main');
  }
  const downstream = await BareRepository.create(join(folder, DOWNSTREAM));
  await downstream.commit('main', FOREIGN_FILES);
  // Samples of hooks; every state is copied often.
  for (const remote of [upstream, downstream]) await rm(join(remote.path, 'hooks'), { recursive: true });
  return downstream;
}

function blueprint(revision: number): SeedFiles {
  const kptfile = `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: app
pipeline:
  mutators:
    - image: set-labels:v0.2.0
      configMap:
        app: shop
`;
  const service = `apiVersion: v1
kind: Service
metadata:
  name: shop # the only one
spec:
  ports:
    - port: ${8000 + revision}
`;
  return {
    'app/Kptfile': kptfile,
    'app/service.yaml': service,
    'app/bin/check': { mode: '100755', content: '#!/bin/sh\n' },
    'app/logo.bin': new Uint8Array([0, 255, 13, 10, 7]),
  };
}

/** What no commit of ours may touch. */
const FOREIGN_FILES: SeedFiles = {
  'README.md': 'Deployments\r\n',
  'tools/deploy': { mode: '100755', content: '#!/bin/sh\n' },
  'tools/current': { mode: '120000', content: 'deploy' },
  'vendor/lib': { mode: '160000', content: '1234567890123456789012345678901234567890' },
  'webby/notes.txt': 'begins like the name of a package\n',
};

/** Writes the manifests, and the two Repositories at `base` (a folder or the URL of a server), as the only files of `folder`. */
export async function writeManifests(folder: string, base: string, manifests: Manifests): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const items = [
    repository('blueprints', `${base}/${UPSTREAM}`),
    repository('deployments', `${base}/${DOWNSTREAM}`),
    ...manifests,
  ];
  await writeFile(join(folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

function repository(name: string, repo: string): Manifest {
  return {
    apiVersion: 'config.porch.kpt.dev/v1alpha1',
    kind: 'Repository',
    metadata: { name },
    spec: { type: 'git', git: { repo, branch: 'main' }, deployment: name === 'deployments' },
  };
}

export interface VariantChoices {
  /** Published revision of the base package. */
  readonly revision?: number;
  /** A value in the package's context. */
  readonly region?: string;
  readonly policy?: 'Initial' | 'Always';
}

export function variant(name: string, { revision = 1, region = 'north', policy }: VariantChoices = {}): Manifest {
  return {
    apiVersion: 'config.porch.kpt.dev/v1alpha1',
    kind: 'PackageVariant',
    metadata: { name },
    spec: {
      upstream: { repo: 'blueprints', package: 'app', revision },
      downstream: { repo: 'deployments', package: name },
      packageContext: { data: { region } },
      pipeline: { mutators: [{ image: 'set-namespace:v0.4.1', configMap: { namespace: name } }] },
      ...(policy ? { approval: { policy } } : {}),
    },
  };
}

/** A new package that a PackageRevision asks for by itself. */
export function newPackage(name: string, lifecycle: string): Manifest {
  return {
    apiVersion: 'porch.kpt.dev/v1alpha2',
    kind: 'PackageRevision',
    metadata: { name: `deployments.${name.replaceAll('/', '.')}.first` },
    spec: {
      repository: 'deployments',
      packageName: name,
      workspaceName: 'first',
      lifecycle,
      source: { init: { description: name } },
    },
  };
}
