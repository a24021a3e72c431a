import {
  FUNCTION_CONFIG,
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  REPOSITORY,
} from '../../../src/api/kinds.ts';
import { LATEST_REVISION_LABEL } from '../../../src/api/labels.ts';
import type { ObjectWithSpec } from './minimal-objects.ts';

const CONDITIONS = [
  {
    type: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: 'all that was asked for is there, and nothing is under way',
    lastTransitionTime: '2026-01-31T12:00:00Z',
    observedGeneration: 1,
  },
];

/** One object of each kind, as long as they get in a company that names things with care. */
export const REALISTIC_OBJECTS: readonly ObjectWithSpec[] = [
  {
    apiVersion: REPOSITORY.apiVersion,
    kind: REPOSITORY.kind,
    metadata: { name: 'edge-frankfurt-01' },
    spec: {
      type: 'git',
      content: 'Package',
      deployment: true,
      git: { repo: 'https://git.example.com/platform/edge-frankfurt-01.git', branch: 'main', directory: 'clusters' },
      sync: { schedule: '*/10 * * * *' },
    },
    status: { conditions: CONDITIONS, packageCount: 1240 },
  },
  {
    apiVersion: PACKAGE_REVISION.apiVersion,
    kind: PACKAGE_REVISION.kind,
    metadata: { name: 'edge-frankfurt-01.apps.storefront.blueprints-3', labels: { [LATEST_REVISION_LABEL]: 'true' } },
    spec: {
      packageName: 'apps/storefront',
      repository: 'edge-frankfurt-01',
      workspaceName: 'blueprints-3',
      lifecycle: 'DeletionProposed',
    },
    status: { conditions: CONDITIONS, revision: 12 },
  },
  {
    apiVersion: PACKAGE_VARIANT.apiVersion,
    kind: PACKAGE_VARIANT.kind,
    metadata: { name: 'storefront-frankfurt' },
    spec: {
      upstream: { repo: 'blueprints', package: 'apps/storefront', revision: 3 },
      downstream: { repo: 'edge-frankfurt-01', package: 'apps/storefront' },
    },
    status: {
      conditions: CONDITIONS,
      phase: 'Published',
      downstreamTargets: [{ name: 'edge-frankfurt-01.apps.storefront.blueprints-3', revision: 12 }],
    },
  },
  {
    apiVersion: PACKAGE_VARIANT_SET.apiVersion,
    kind: PACKAGE_VARIANT_SET.kind,
    metadata: { name: 'storefront-in-all-regions' },
    spec: {
      upstream: { repo: 'blueprints', package: 'apps/storefront', revision: 3 },
      targets: [{ repositories: [{ name: 'edge-frankfurt-01' }] }],
    },
    status: { conditions: CONDITIONS, summary: { desired: 1200, ready: 1180, failed: 20 } },
  },
  {
    apiVersion: FUNCTION_CONFIG.apiVersion,
    kind: FUNCTION_CONFIG.kind,
    metadata: { name: 'kubeconform-with-our-schemas' },
    spec: { image: 'kubeconform', podExecutor: { tags: ['v0.1.1'] } },
    status: { conditions: CONDITIONS },
  },
];
