import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ClosableRenderer } from '../../../src/cli/renderer.ts';
import { createBuiltinRuntime } from '../../../src/functions/builtin-runtime.ts';
import { CATALOG } from '../../../src/functions/catalog/registry.ts';
import type { BuiltinFunction } from '../../../src/functions/types.ts';
import { setIn } from '../../../src/krm/value.ts';
import { createRenderer } from '../../../src/render/renderer.ts';

/** A catalogue and the package of it that stands for a whole cluster: cloned as `edge-01`, it yields more variants. */
export interface Scenario {
  readonly name: string;
  /** Repository name to the folder that it holds. */
  readonly catalogues: Readonly<Record<string, string>>;
  readonly upstream: { readonly repo: string; readonly package: string };
  /** Annotation by which every variant marks the resources of its package with the cluster. */
  readonly clusterAnnotation: string;
  /** What the variants are named after the cluster, and whether their packages take the WorkloadCluster. */
  readonly variants: readonly ExpectedVariant[];
  /** What runs on clusters that are there. */
  readonly workloads?: Workloads;
}

/** Manifests of variants and sets, and the catalogue of the packages that they name. */
export interface Workloads {
  readonly folder: string;
  readonly catalogue: string;
  readonly manifests: readonly string[];
  /** Clusters, and the repositories of the same names. */
  readonly clusters: readonly string[];
  /** Variants with the image that no function here stands for; the others lack nothing. */
  readonly variants: Readonly<Record<string, string | undefined>>;
}

export interface ExpectedVariant {
  readonly suffix: string;
  readonly repository: 'mgmt' | 'mgmt-staging';
  readonly injected: boolean;
  /** The starlark image that its pipeline asks for, if it does. */
  readonly starlark?: string;
  /** A file of the package with resources to be annotated. */
  readonly file: string;
}

const OWN = join(import.meta.dirname, 'catalogue');

const ownScenario: Scenario = {
  name: 'our own catalogue',
  catalogues: { infra: join(OWN, 'infra'), apps: join(OWN, 'apps') },
  upstream: { repo: 'infra', package: 'workload-cluster' },
  clusterAnnotation: 'fleet.example.com/cluster',
  variants: [
    { suffix: 'agent', repository: 'mgmt', injected: true, starlark: 'starlark:v0.4.3', file: 'agent.yaml' },
    { suffix: 'cluster', repository: 'mgmt', injected: true, file: 'cluster.yaml' },
    { suffix: 'storage', repository: 'mgmt-staging', injected: false, file: 'class.yaml' },
  ],
};

const SHARED = process.env.VERANDA_SHARED ?? join(import.meta.dirname, '../../../../shared');
const NEPHIO = join(SHARED, 'samples/nephio-catalog');

const nephioScenario: Scenario = {
  name: "Nephio's catalogue, unchanged",
  catalogues: {
    'catalog-infra-capi': join(NEPHIO, 'infra/capi'),
    'catalog-nephio-core': join(NEPHIO, 'nephio/core'),
    'catalog-nephio-optional': join(NEPHIO, 'nephio/optional'),
    'catalog-distros-sandbox': join(NEPHIO, 'distros/sandbox'),
  },
  upstream: { repo: 'catalog-infra-capi', package: 'nephio-workload-cluster-argo' },
  clusterAnnotation: 'nephio.org/cluster-name',
  variants: [
    {
      suffix: 'argo-gitrepo',
      repository: 'mgmt',
      injected: true,
      starlark: 'starlark:v0.5.0',
      file: 'argo-wc-app.yaml',
    },
    { suffix: 'cluster', repository: 'mgmt', injected: true, file: 'cluster.yaml' },
    { suffix: 'crds', repository: 'mgmt-staging', injected: false, file: 'workload.nephio.org_nfconfigs.yaml' },
    { suffix: 'kindnet', repository: 'mgmt-staging', injected: false, file: 'daemonset.yaml' },
    { suffix: 'local-path-provisioner', repository: 'mgmt-staging', injected: false, file: 'deployment.yaml' },
    { suffix: 'metallb', repository: 'mgmt-staging', injected: false, file: 'metallb-native.yaml' },
    { suffix: 'multus', repository: 'mgmt-staging', injected: false, file: 'multus-daemonset-thick.yml' },
    { suffix: 'repo', repository: 'mgmt', injected: true, starlark: 'starlark:v0.4.3', file: 'repo-porch.yaml' },
    { suffix: 'vlanindex', repository: 'mgmt', injected: true, starlark: 'starlark:v0.4.3', file: 'vlanindex.yaml' },
  ],
  workloads: {
    folder: join(NEPHIO, 'workloads/oai'),
    catalogue: 'catalog-workloads-oai',
    manifests: ['oai-cucp', 'oai-cuup', 'oai-du', 'oai-ran-operator', 'oai-ue'].map(
      (name) => `package-variants/${name}.yaml`,
    ),
    clusters: ['edge', 'edge-01', 'regional'],
    variants: {
      'regional-oai-cucp': 'docker.io/nephio/nfdeploy-fn:latest',
      'edge-oai-cuup': 'docker.io/nephio/nfdeploy-fn:latest',
      'edge-oai-du': 'docker.io/nephio/nfdeploy-fn:latest',
      'edge-oai-ue': undefined,
      'oai-ran-operator-edge-oai-ran-operator': undefined,
      'oai-ran-operator-edge-01-oai-ran-operator': undefined,
      'oai-ran-operator-regional-oai-ran-operator': undefined,
    },
  },
};

/** Ours always, Nephio's where the samples are. */
export function scenarios(): readonly Scenario[] {
  if (existsSync(NEPHIO)) return [ownScenario, nephioScenario];
  console.error(`PASSED OVER: no Nephio packages at ${NEPHIO}; set VERANDA_SHARED`);
  return [ownScenario];
}

const withoutStarlark = CATALOG.filter((builtin) => builtin.name !== 'starlark');

/** Stands in for starlark: marks all that it is given, so that it shows in the content that it ran. */
const markingStarlark: BuiltinFunction = {
  name: 'starlark',
  versions: '>=0.1.0 <1.0.0',
  summary: 'Marks every resource',
  run: ({ items }) => ({
    items: items.map((item) => ({ ...item, value: setIn(item.value, ['metadata', 'annotations', MARK], 'yes') })),
    results: [],
    exitCode: 0,
  }),
};

export const MARK = 'example.com/starlark-ran';

export function rendererOf(functions: 'without starlark' | 'with starlark'): ClosableRenderer {
  const known = functions === 'without starlark' ? withoutStarlark : [...withoutStarlark, markingStarlark];
  const renderer = createRenderer({ runtime: createBuiltinRuntime({ functions: known }) });
  return { render: (pkg, options) => renderer.render(pkg, options), close: async () => undefined };
}
