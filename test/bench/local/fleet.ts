import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BareRepository, type SeedFiles } from '../../env/git/bare-repository.ts';
import type { SeededRandom } from '../support/random.ts';

export type Approval = 'Initial' | 'Manual';

export interface Fleet {
  readonly root: string;
  readonly upstream: BareRepository;
  readonly downstream: BareRepository;
  readonly packageName: string;
  readonly targetNamespace: string;
  /** Downstream package names. */
  readonly variants: readonly string[];
}

/** One upstream package and an empty downstream repository below `root`, names by chance. */
export async function createFleet(root: string, count: number, random: SeededRandom): Promise<Fleet> {
  const packageName = random.word();
  const targetNamespace = random.word();
  const upstream = await BareRepository.create(join(root, 'upstream.git'));
  await upstream.commit('main', upstreamFiles(packageName, targetNamespace, random));
  await upstream.git('tag', `${packageName}/v1`, 'main');
  const downstream = await BareRepository.create(join(root, 'downstream.git'));
  await downstream.commit('main', { 'README.md': 'Packages of a fleet\n' });
  const variants = Array.from({ length: count }, (_, index) => `${random.word()}-${index}`);
  return { root, upstream, downstream, packageName, targetNamespace, variants };
}

export interface FleetUrls {
  readonly upstream: string;
  readonly downstream: string;
}

/** Manifests of the fleet in a folder of their own, which is returned. */
export async function writeManifests(fleet: Fleet, urls: FleetUrls, approval: Approval): Promise<string> {
  const folder = join(fleet.root, 'manifests');
  await mkdir(folder, { recursive: true });
  const repositories = [
    repositoryManifest('upstream', urls.upstream),
    repositoryManifest('downstream', urls.downstream),
  ];
  await writeFile(join(folder, 'repositories.yaml'), repositories.join('---\n'));
  const variants = fleet.variants.map((name) => variantManifest(name, fleet.packageName, approval));
  await writeFile(join(folder, 'variants.yaml'), variants.join('---\n'));
  return folder;
}

function repositoryManifest(name: string, url: string): string {
  return `apiVersion: config.porch.kpt.dev/v1alpha1
kind: Repository
metadata:
  name: ${name}
  namespace: default
spec:
  type: git
  git:
    repo: ${url}
    branch: main
`;
}

function variantManifest(name: string, upstreamPackage: string, approval: Approval): string {
  return `apiVersion: config.porch.kpt.dev/v1alpha1
kind: PackageVariant
metadata:
  name: ${name}
  namespace: default
spec:
  upstream:
    repo: upstream
    package: ${upstreamPackage}
    revision: 1
  downstream:
    repo: downstream
    package: ${name}
  approval:
    policy: ${approval}
`;
}

function upstreamFiles(name: string, namespace: string, random: SeededRandom): SeedFiles {
  return {
    [`${name}/Kptfile`]: `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: ${name}
  annotations:
    config.kubernetes.io/local-config: "true"
info:
  description: A service
pipeline:
  mutators:
    - image: set-namespace:v0.4.1
      configMap:
        namespace: ${namespace}
`,
    [`${name}/deployment.yaml`]: `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: example
spec:
  replicas: ${1 + random.below(5)}
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
    spec:
      containers:
        - name: server
          image: registry.example.com/${name}:1.${random.below(50)}.0
          ports:
            - containerPort: 8080
          envFrom:
            - configMapRef:
                name: ${name}
`,
    [`${name}/service.yaml`]: `apiVersion: v1
kind: Service
metadata:
  name: ${name}
  namespace: example
spec:
  selector:
    app: ${name}
  ports:
    - port: 80
      targetPort: 8080
`,
    [`${name}/configmap.yaml`]: `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
  namespace: example
data:
  greeting: ${random.word()}
`,
  };
}
