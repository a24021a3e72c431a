import type { MergeConflict, PackageMerger } from '../merge/types.ts';
import type { Package } from '../package/package.ts';
import type { Renderer, RenderReport } from '../render/types.ts';
import type { GitLock, Lifecycle, OciLock, RevisionKey } from '../repository/types.ts';

/** Locator of a package in any git repository (`GitPackage` of Porch's API). */
export interface GitSource {
  readonly repo: string;
  readonly ref?: string;
  readonly directory?: string;
  readonly secretRef?: { readonly name?: string };
}

/** Locator of a package in an image or artifact (`OciPackage` of Porch's API, with credentials). */
export interface OciSource {
  readonly image: string;
  readonly secretRef?: { readonly name?: string };
}

export interface InitTask {
  readonly type: 'init';
  readonly init: {
    readonly subpackage?: string;
    readonly description?: string;
    readonly keywords?: readonly string[];
    readonly site?: string;
  };
}

/** `upstreamRef.name` names a PackageRevision in the namespace of the one being made. */
export interface CloneTask {
  readonly type: 'clone';
  readonly clone: {
    readonly upstreamRef?: { readonly name: string };
    readonly git?: GitSource;
    readonly oci?: OciSource;
  };
}

export interface EditTask {
  readonly type: 'edit';
  readonly edit: { readonly sourceRef: { readonly name: string } };
}

export type UpgradeStrategy = 'resource-merge' | 'fast-forward' | 'force-delete-replace' | 'copy-merge';

interface UpgradeBase {
  readonly currentPackage: { readonly name: string };
  readonly strategy?: UpgradeStrategy;
}

/** From one revision of the upstream to another. */
export interface RevisionUpgrade extends UpgradeBase {
  readonly oldUpstream: { readonly name: string };
  readonly newUpstream: { readonly name: string };
}

/** From the image that the package's lock names to another one of the same name. */
export interface ImageUpgrade extends UpgradeBase {
  readonly oci: OciSource;
}

export interface UpgradeTask {
  readonly type: 'upgrade';
  readonly upgrade: RevisionUpgrade | ImageUpgrade;
}

/** The one task that a package revision is made from. */
export type Task = InitTask | CloneTask | EditTask | UpgradeTask;

/** A package revision that a task refers to, as its repository has it. */
export interface ResolvedRevision {
  /** Name of the PackageRevision object. */
  readonly name: string;
  /** Name of the Repository object. */
  readonly repository: string;
  readonly package: string;
  readonly workspace: string;
  readonly lifecycle: Lifecycle;
  readonly branchHead: boolean;
  /** Of published revisions, from 1. */
  readonly revision?: number;
  readonly lock: GitLock;
  readonly content: Package;
}

/** A package fetched from a git URL; `ref` of the lock is the text that the user gave. */
export interface ResolvedGitPackage {
  readonly lock: GitLock;
  readonly content: Package;
}

/** A package fetched from a registry. */
export interface ResolvedImage {
  readonly lock: OciLock;
  readonly content: Package;
}

/** How a task gets at packages; implemented over repositories by the controllers and the CLI. */
export interface PackageSources {
  /** @throws MissingError reason SourceNotFound when no such revision exists */
  revision(name: string, signal: AbortSignal): Promise<ResolvedRevision>;
  git(source: GitSource, signal: AbortSignal): Promise<ResolvedGitPackage>;
  /** @throws TransientError TagNotFound, AuthDenied and the like; TerminalError for what is no package */
  image(source: OciSource, signal: AbortSignal): Promise<ResolvedImage>;
  /**
   * The package at a lock's repository, directory and commit, whether or not a ref still points there.
   * @throws TerminalError RefNotFound, PackageNotFound and the like when it cannot be had any more
   */
  locked(lock: GitLock, signal: AbortSignal): Promise<ResolvedGitPackage>;
}

/** The package revision being made or changed. */
export interface TaskTarget extends RevisionKey {
  /** `<namespace>/<name>` of the object, for messages. */
  readonly object: string;
  readonly repository: string;
  /** `Repository.spec.deployment`: clones get a generated package context. */
  readonly deployment: boolean;
  /** Package paths that exist in the repository already, for the exists and overlap checks. */
  readonly existingPackages: readonly string[];
  /** `data.package-path` parts of the parent package, outermost first. */
  readonly parentPath?: readonly string[];
  /** An upgrade starts from the old upstream that it names, whatever the package's lock says. */
  readonly trustOldUpstream?: boolean;
}

export interface MutationContext {
  readonly target: TaskTarget;
  readonly sources: PackageSources;
  readonly renderer: Renderer;
  /** Default: merges in the calling thread. */
  readonly merger?: PackageMerger;
  readonly signal: AbortSignal;
}

/** What a mutation did, beside the package. */
export interface MutationResult {
  /** Told to the user (event, CLI), never fatal. */
  readonly warnings?: readonly string[];
  readonly render?: RenderReport;
  readonly conflicts?: readonly MergeConflict[];
  /** Conditions that the mutation decided, already written to the Kptfile; for status without parsing it again. */
  readonly unmetInjections?: readonly string[];
}

/** The one interface of every transformation of a package. Pure in its inputs: the same ones give the same bytes. */
export interface Mutation {
  /** Shown in status.tasks and messages: init, clone, edit, upgrade, packageContext, pipeline, injectConfig, metadata, render, replace. */
  readonly name: string;
  /** @throws VerandaError; the package is then as it was */
  apply(context: MutationContext, pkg: Package): Promise<{ readonly pkg: Package; readonly result: MutationResult }>;
}
