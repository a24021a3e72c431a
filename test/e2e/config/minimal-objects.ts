import {
  FUNCTION_CONFIG,
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  REPOSITORY,
} from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';

export type ObjectWithSpec = KubeObject & { readonly spec: object; readonly status?: object };

function object(
  kind: { readonly apiVersion: string; readonly kind: string },
  name: string,
  spec: object,
): ObjectWithSpec {
  return { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name }, spec };
}

/** One object of each kind, with nothing but what the kind demands. */
export const MINIMAL_OBJECTS: readonly ObjectWithSpec[] = [
  object(REPOSITORY, 'blueprints', { git: { repo: 'https://git.example.com/platform/blueprints.git' } }),
  object(PACKAGE_REVISION, 'blueprints.web.v1', {
    packageName: 'web',
    repository: 'blueprints',
    workspaceName: 'v1',
  }),
  object(PACKAGE_VARIANT, 'web', {
    upstream: { repo: 'blueprints', package: 'web' },
    downstream: { repo: 'edge', package: 'web' },
  }),
  object(PACKAGE_VARIANT_SET, 'webs', {
    upstream: { repo: 'blueprints', package: 'web', revision: 1 },
    targets: [{ repositories: [{ name: 'edge' }] }],
  }),
  object(FUNCTION_CONFIG, 'set-labels', { image: 'set-labels', goExecutor: { tags: ['v0.2'] } }),
];
