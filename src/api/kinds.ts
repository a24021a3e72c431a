import type { FunctionConfigSpec, FunctionConfigStatus } from './generated/function-config.ts';
import type { PackageRevisionSpec, PackageRevisionStatus } from './generated/package-revision.ts';
import type { PackageVariantSpec, PackageVariantStatus } from './generated/package-variant.ts';
import type { PackageVariantSetSpec, PackageVariantSetStatus } from './generated/package-variant-set.ts';
import type { RepositorySpec, RepositoryStatus } from './generated/repository.ts';
import type { KubeObject } from './object.ts';

/** What an object store needs to know of a kind, and in its type what the kind's objects look like. */
export interface Kind<T extends KubeObject = KubeObject> {
  /** `group/version`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** Plural name in URLs. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: carries the type of the kind's objects. */
  readonly __type?: T;
}

/** A registered repository of packages. */
export interface Repository extends KubeObject {
  readonly spec: RepositorySpec;
  readonly status?: RepositoryStatus;
}

/** One revision of a package. */
export interface PackageRevision extends KubeObject {
  readonly spec: PackageRevisionSpec;
  readonly status?: PackageRevisionStatus;
}

/** A package that is made from another one and kept up to date. */
export interface PackageVariant extends KubeObject {
  readonly spec: PackageVariantSpec;
  readonly status?: PackageVariantStatus;
}

/** Variants of one package for many targets. */
export interface PackageVariantSet extends KubeObject {
  readonly spec: PackageVariantSetSpec;
  readonly status?: PackageVariantSetStatus;
}

/** How the images of one function are run. */
export interface FunctionConfig extends KubeObject {
  readonly spec: FunctionConfigSpec;
  readonly status?: FunctionConfigStatus;
}

export const REPOSITORY: Kind<Repository> = {
  apiVersion: 'config.porch.kpt.dev/v1alpha1',
  kind: 'Repository',
  plural: 'repositories',
  namespaced: true,
};

export const PACKAGE_REVISION: Kind<PackageRevision> = {
  apiVersion: 'porch.kpt.dev/v1alpha2',
  kind: 'PackageRevision',
  plural: 'packagerevisions',
  namespaced: true,
};

export const PACKAGE_VARIANT: Kind<PackageVariant> = {
  apiVersion: 'config.porch.kpt.dev/v1alpha1',
  kind: 'PackageVariant',
  plural: 'packagevariants',
  namespaced: true,
};

export const PACKAGE_VARIANT_SET: Kind<PackageVariantSet> = {
  apiVersion: 'config.porch.kpt.dev/v1alpha2',
  kind: 'PackageVariantSet',
  plural: 'packagevariantsets',
  namespaced: true,
};

export const FUNCTION_CONFIG: Kind<FunctionConfig> = {
  apiVersion: 'config.porch.kpt.dev/v1alpha1',
  kind: 'FunctionConfig',
  plural: 'functionconfigs',
  namespaced: true,
};

/** Every kind that has a CRD in crds/. */
export const ALL_KINDS: readonly Kind[] = [
  REPOSITORY,
  PACKAGE_REVISION,
  PACKAGE_VARIANT,
  PACKAGE_VARIANT_SET,
  FUNCTION_CONFIG,
];

/** Whether an object is of a kind, version included. */
export function isKind<T extends KubeObject>(kind: Kind<T>, object: KubeObject): object is T {
  return object.apiVersion === kind.apiVersion && object.kind === kind.kind;
}
