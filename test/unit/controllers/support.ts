import {
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  type PackageRevision,
  type PackageVariant,
  REPOSITORY,
  type Repository,
} from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { objectKey } from '../../../src/api/object.ts';
import { repositoryIndexes, revisionIndexes, variantIndexes } from '../../../src/controllers/indexes.ts';
import type { VariantListers } from '../../../src/controllers/package-variant/observe.ts';
import type { IndexFunction } from '../../../src/kube/controller.ts';
import { IndexedCache } from '../../../src/kube/indexed-cache.ts';

const NAMESPACE = 'default';
const SINCE = '2026-01-01T00:00:00Z';

const condition = (type: string, status: 'True' | 'False', reason: string, message = reason) =>
  ({ type, status, reason, message, lastTransitionTime: SINCE, observedGeneration: 1 }) as const;

/** A Repository that is Ready, or that is not for the reason given. */
export function repositoryOf(name: string, notReady?: string): Repository {
  const ready = notReady ? condition('Ready', 'False', 'Unreachable', notReady) : condition('Ready', 'True', 'Ready');
  return {
    apiVersion: REPOSITORY.apiVersion,
    kind: REPOSITORY.kind,
    metadata: { name, namespace: NAMESPACE, uid: `uid-${name}`, generation: 1 },
    spec: { type: 'git', git: { repo: `https://git.example.com/${name}.git` } },
    status: { conditions: [ready], observedGeneration: 1 },
  };
}

export interface RevisionChoices {
  readonly repository?: string;
  readonly package?: string;
  readonly workspace?: string;
  readonly lifecycle?: 'Draft' | 'Proposed' | 'Published' | 'DeletionProposed';
  readonly revision?: number;
  readonly tree?: string;
  readonly inputHash?: string;
  readonly metadata?: Partial<PackageRevision['metadata']>;
  /** Nobody has looked at it yet: it has no status. */
  readonly unseen?: boolean;
}

/** Revision 1 of the upstream package `blueprints/foo`, published as `v1`, unless said otherwise. */
export function revisionOf(choices: RevisionChoices = {}): PackageRevision {
  const { repository = 'blueprints', package: pkg = 'foo', revision = 1, lifecycle = 'Published' } = choices;
  const { workspace = `v${revision}`, tree = `tree-${workspace}`, inputHash } = choices;
  return {
    apiVersion: PACKAGE_REVISION.apiVersion,
    kind: PACKAGE_REVISION.kind,
    metadata: {
      name: `${repository}.${pkg}.${workspace}`,
      namespace: NAMESPACE,
      uid: `uid-${repository}-${pkg}-${workspace}`,
      generation: 1,
      ...choices.metadata,
    },
    spec: { packageName: pkg, repository, workspaceName: workspace, lifecycle },
    ...(choices.unseen
      ? {}
      : {
          status: {
            observedGeneration: 1,
            observedLifecycle: lifecycle,
            revision,
            packageTree: tree,
            selfLock: {
              type: 'git' as const,
              git: { repo: `https://git.example.com/${repository}.git`, directory: pkg, ref: workspace, commit: 'c1' },
            },
            ...(inputHash ? { inputHash } : {}),
            conditions: [condition('Ready', 'True', 'Ready')],
          },
        }),
  };
}

/** `my-pv`: `blueprints/foo` to `deployments/bar`. */
export function variantOf(
  spec: Partial<PackageVariant['spec']> = {},
  metadata: Partial<PackageVariant['metadata']> = {},
): PackageVariant {
  return {
    apiVersion: PACKAGE_VARIANT.apiVersion,
    kind: PACKAGE_VARIANT.kind,
    metadata: {
      name: 'my-pv',
      namespace: NAMESPACE,
      uid: 'pv-uid',
      generation: 1,
      creationTimestamp: SINCE,
      ...metadata,
    },
    spec: {
      upstream: { repo: 'blueprints', package: 'foo' },
      downstream: { repo: 'deployments', package: 'bar' },
      ...spec,
    },
  };
}

/** Owner reference by which a variant has the say over a revision. */
export function controlledBy(name: string, kind: string = PACKAGE_VARIANT.kind): Partial<PackageRevision['metadata']> {
  const apiVersion = PACKAGE_VARIANT.apiVersion;
  return { ownerReferences: [{ apiVersion, kind, name, uid: `uid-${name}`, controller: true }] };
}

/** Caches as the operator has them; both repositories are Ready unless others are given. */
export function listersOf({
  repositories = [repositoryOf('blueprints'), repositoryOf('deployments')],
  revisions = [],
  variants = [],
}: {
  readonly repositories?: readonly Repository[];
  readonly revisions?: readonly PackageRevision[];
  readonly variants?: readonly PackageVariant[];
} = {}): VariantListers {
  return {
    repositories: cacheOf(repositories, repositoryIndexes),
    revisions: cacheOf(revisions, revisionIndexes),
    variants: cacheOf(variants, variantIndexes),
  };
}

function cacheOf<T extends KubeObject>(
  objects: readonly T[],
  indexes: Readonly<Record<string, IndexFunction<T>>>,
): IndexedCache<T> {
  const cache = new IndexedCache<T>((index, error) => {
    throw new Error(`index ${index} failed`, { cause: error });
  });
  for (const [name, index] of Object.entries(indexes)) cache.addIndex(name, index);
  for (const object of objects) cache.set(objectKey(object.metadata), object);
  return cache;
}
