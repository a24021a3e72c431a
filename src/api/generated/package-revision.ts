// Generated from crds/ by `npm run generate`. Do not edit.
import type { Condition } from '../object.ts';

/**
 * State that the revision should be in; content can be changed only while it is Draft.
 */
export type PackageRevisionLifecycle = 'Draft' | 'Proposed' | 'Published' | 'DeletionProposed';
/**
 * How the upstream's changes and the local ones are brought together; resource-merge when absent.
 */
export type PackageMergeStrategy = 'resource-merge' | 'fast-forward' | 'force-delete-replace' | 'copy-merge';
/**
 * What the content was made from; absent until it exists, and on revisions that were found in a repository.
 */
export type CreationSource = 'init' | 'clone' | 'copy' | 'upgrade';
/**
 * Which revision this is, what it is made from, and the state it should be in.
 */
export interface PackageRevisionSpec {
  /**
   * Path of the package below the repository's directory, for example apps/shop.
   */
  readonly packageName: string;
  /**
   * Name of the Repository object, in the same namespace.
   */
  readonly repository: string;
  /**
   * Name of this revision within its package, unique there; it does not change on publication.
   */
  readonly workspaceName: string;
  /**
   * State that the revision should be in; content can be changed only while it is Draft.
   */
  readonly lifecycle?: PackageRevisionLifecycle;
  /**
   * What the revision is made from, once, when it is created; absent on revisions that were found in a repository.
   */
  readonly source?: PackageSource;
  /**
   * Conditions of the package that should be True before it is proposed or approved, as the Kptfile lists them.
   *
   * Items: One condition of the package to wait for.
   */
  readonly readinessGates?: readonly ReadinessGate[];
  /**
   * Labels and annotations of the package itself, as its Kptfile has them.
   */
  readonly packageMetadata?: PackageMetadata;
}
/**
 * What the revision is made from, once, when it is created; absent on revisions that were found in a repository.
 */
export interface PackageSource {
  /**
   * A new, empty package.
   */
  readonly init?: InitSource;
  /**
   * A copy of another package, which becomes the new package's upstream.
   */
  readonly cloneFrom?: CloneSource;
  /**
   * A new revision of the same package, made from this one.
   */
  readonly copyFrom?: CopySource;
  /**
   * A new revision of the same package, which moves to another revision of its upstream by three-way merge.
   */
  readonly upgrade?: UpgradeSource;
}
/**
 * A new, empty package.
 */
export interface InitSource {
  /**
   * Goes to info.description of the new Kptfile.
   */
  readonly description?: string;
  /**
   * Go to info.keywords of the new Kptfile.
   *
   * Items: One keyword.
   */
  readonly keywords?: readonly string[];
  /**
   * Goes to info.site of the new Kptfile.
   */
  readonly site?: string;
  /**
   * Directory below the package to put the new package in; the package's root when absent.
   */
  readonly subpackage?: string;
}
/**
 * A copy of another package, which becomes the new package's upstream.
 */
export interface CloneSource {
  /**
   * Kind of storage that the package lies in; must agree with the one of git and oci that is set.
   */
  readonly type?: '' | 'git' | 'oci';
  /**
   * A package revision of this namespace.
   */
  readonly upstreamRef?: UpstreamRef;
  /**
   * A package in any git repository, registered or not.
   */
  readonly git?: GitPackage;
  /**
   * A package in an image or artifact of an OCI registry.
   */
  readonly oci?: OciPackage;
}
/**
 * A package revision of this namespace.
 */
export interface UpstreamRef {
  /**
   * Name of the PackageRevision object.
   */
  readonly name?: string;
}
/**
 * A package in any git repository, registered or not.
 */
export interface GitPackage {
  /**
   * URL of the repository (https, http, ssh, git, or the scp-like user@host:path), without credentials.
   */
  readonly repo: string;
  /**
   * Branch, tag or commit; main when absent.
   */
  readonly ref?: string;
  /**
   * Directory of the package in the repository; a leading slash is ignored.
   */
  readonly directory?: string;
  /**
   * Secret of this namespace that holds the credentials; an absent or empty name means none.
   */
  readonly secretRef?: SecretRef;
}
/**
 * Secret of this namespace that holds the credentials; an absent or empty name means none.
 */
export interface SecretRef {
  /**
   * Name of the Secret.
   */
  readonly name?: string;
}
export interface OciPackage {
  /**
   * Reference host/path[:tag][@digest]; where both are given the digest counts.
   */
  readonly image: string;
  /**
   * Secret of this namespace that holds the credentials; an absent or empty name means none.
   */
  readonly secretRef?: SecretRef;
}
/**
 * A new revision of the same package, made from this one.
 */
export interface CopySource {
  /**
   * Name of the PackageRevision object.
   */
  readonly name: string;
}
/**
 * A new revision of the same package, which moves to another revision of its upstream by three-way merge.
 */
export interface UpgradeSource {
  /**
   * The upstream revision that the current package comes from.
   */
  readonly oldUpstream?: PackageRevisionRef;
  /**
   * The upstream revision to move to.
   */
  readonly newUpstream?: PackageRevisionRef;
  /**
   * The revision of the package that is upgraded.
   */
  readonly currentPackage: PackageRevisionRef;
  /**
   * The image to move to, for a package that was cloned from an image; what it comes from is in its Kptfile.
   */
  readonly oci?: OciPackage;
  /**
   * How the upstream's changes and the local ones are brought together; resource-merge when absent.
   */
  readonly strategy?: PackageMergeStrategy;
}
export interface PackageRevisionRef {
  /**
   * Name of the PackageRevision object.
   */
  readonly name: string;
}
/**
 * One condition of the package to wait for.
 */
export interface ReadinessGate {
  /**
   * Type of the condition in status.packageConditions.
   */
  readonly conditionType: string;
}
/**
 * Labels and annotations of the package itself, as its Kptfile has them.
 */
export interface PackageMetadata {
  /**
   * Labels of the Kptfile.
   */
  readonly labels?: {
    /**
     * Value of the label.
     */
    readonly [k: string]: string;
  };
  /**
   * Annotations of the Kptfile.
   */
  readonly annotations?: {
    /**
     * Value of the annotation.
     */
    readonly [k: string]: string;
  };
}
/**
 * What the repository has, and what was done last.
 */
export interface PackageRevisionStatus {
  /**
   * Generation of spec that this status belongs to.
   */
  readonly observedGeneration?: number;
  /**
   * Ready and Rendered always; Reconciling, Stalled and others only when true.
   *
   * Items: One aspect of the object's state.
   */
  readonly conditions?: readonly Condition[];
  /**
   * What the content was made from; absent until it exists, and on revisions that were found in a repository.
   */
  readonly creationSource?: CreationSource;
  /**
   * Number of the revision, 0 for drafts and proposed ones, 1 and up for published ones, -1 for the head of the repository's branch.
   */
  readonly revision?: number;
  /**
   * E-mail address of who published the revision.
   */
  readonly publishedBy?: string;
  /**
   * When the revision was published.
   */
  readonly publishedAt?: string;
  /**
   * Where the content lies.
   */
  readonly selfLock?: PackageLock;
  /**
   * Where the content came from, as the Kptfile has it.
   */
  readonly upstreamLock?: PackageLock;
  /**
   * Whether the repository is a deployment repository.
   */
  readonly deployment?: boolean;
  /**
   * Conditions of the package, as the Kptfile has them; readiness gates refer to these.
   *
   * Items: One condition of the package.
   */
  readonly packageConditions?: readonly PackageCondition[];
  /**
   * Commit of the repository that this status was made from.
   */
  readonly observedCommit?: string;
  /**
   * Id of the package's tree at observedCommit; equal trees are equal packages.
   */
  readonly packageTree?: string;
  /**
   * State that the repository showed when this status was made; spec.lifecycle is where it should go.
   */
  readonly observedLifecycle?: 'Draft' | 'Proposed' | 'Published' | 'DeletionProposed';
  /**
   * Of a draft, the number of the published revision of its package that it goes on from, 0 when it begins the package; absent when nobody can tell.
   */
  readonly baseRevision?: number;
  /**
   * Hash over its variant's inputs that the content holds, with a version in front; with the condition InputsMatch False, over those that it was last compared with.
   */
  readonly inputHash?: string;
  /**
   * What the last render of the package's pipelines did.
   */
  readonly renderStatus?: RenderStatus;
  /**
   * Places where both sides of the last upgrade changed the same thing differently, and what was taken.
   *
   * Items: One conflict.
   */
  readonly mergeConflicts?: readonly MergeConflictStatus[];
  /**
   * What ran to make the content, in order.
   *
   * Items: One step of the task handler.
   */
  readonly tasks?: readonly TaskStatus[];
  /**
   * Who proposed the revision, as the API server knew them; unknown where the cluster's policies do not record it.
   */
  readonly proposedBy?: string;
  /**
   * Who approved the revision, as the API server knew them; unknown where the cluster's policies do not record it.
   */
  readonly approvedBy?: string;
  /**
   * Package revisions that name this one as their upstream and so keep it from being deleted; the first ones by name.
   *
   * Items: Name of a PackageRevision object.
   */
  readonly referencedBy?: readonly string[];
  /**
   * Value of the porch.kpt.dev/render-request annotation that was served last.
   */
  readonly observedPrrResourceVersion?: string;
  /**
   * Value of the porch.kpt.dev/render-request annotation that is being served.
   */
  readonly renderingPrrResourceVersion?: string;
  /**
   * Value of the veranda.dev/reconcile-at annotation that was served last.
   */
  readonly lastHandledReconcileAt?: string;
}
export interface PackageLock {
  /**
   * Kind of storage, git or oci.
   */
  readonly type?: string;
  /**
   * Place in a git repository.
   */
  readonly git?: GitPackageLock;
  /**
   * Place in an OCI registry.
   */
  readonly oci?: OciPackageLock;
}
/**
 * Place in a git repository.
 */
export interface GitPackageLock {
  /**
   * URL of the repository.
   */
  readonly repo?: string;
  /**
   * Directory in the repository, without a leading slash.
   */
  readonly directory?: string;
  /**
   * Branch or tag.
   */
  readonly ref?: string;
  /**
   * Id of the commit.
   */
  readonly commit?: string;
}
/**
 * Place in an OCI registry.
 */
export interface OciPackageLock {
  /**
   * Reference that was given.
   */
  readonly image?: string;
  /**
   * Reference by digest that it led to.
   */
  readonly digest?: string;
}
/**
 * One condition of the package.
 */
export interface PackageCondition {
  /**
   * What the condition is about.
   */
  readonly type: string;
  /**
   * True, False or Unknown.
   */
  readonly status: string;
  /**
   * Why, as one word for programs.
   */
  readonly reason?: string;
  /**
   * Why, for people.
   */
  readonly message?: string;
}
/**
 * What the last render of the package's pipelines did.
 */
export interface RenderStatus {
  /**
   * Commit that holds the outcome.
   */
  readonly commit?: string;
  /**
   * Why the render failed; absent when it succeeded.
   */
  readonly failure?: RenderFailureStatus;
  /**
   * One entry for each function that ran, in order.
   *
   * Items: One run of a function.
   */
  readonly steps?: readonly RenderStepStatus[];
  /**
   * Number of steps and results that were left out to keep the object small.
   */
  readonly omitted?: number;
  /**
   * Things worth telling that did not fail the render.
   *
   * Items: One warning.
   */
  readonly warnings?: readonly string[];
}
/**
 * Why the render failed; absent when it succeeded.
 */
export interface RenderFailureStatus {
  /**
   * Why, as one CamelCase word for programs.
   */
  readonly reason: string;
  /**
   * Why, with the package, function, file and field at fault.
   */
  readonly message: string;
}
/**
 * One run of a function.
 */
export interface RenderStepStatus {
  /**
   * List of the pipeline that the function stands in.
   */
  readonly phase: 'mutator' | 'validator';
  /**
   * Directory of the package whose pipeline it was; empty for the root.
   */
  readonly packagePath: string;
  /**
   * Name of the step in the Kptfile.
   */
  readonly name?: string;
  /**
   * Image of the function.
   */
  readonly image?: string;
  /**
   * Command of the function.
   */
  readonly exec?: string;
  /**
   * What ran it, for example builtin.
   */
  readonly runtime?: string;
  /**
   * Exit code of the function, 0 when it succeeded.
   */
  readonly exitCode: number;
  /**
   * What the function wrote to its standard error, cut to a bounded length.
   */
  readonly stderr?: string;
  /**
   * Why the function could not be started or its output not be used.
   */
  readonly executionError?: string;
  /**
   * What the function reported.
   *
   * Items: One message of a function.
   */
  readonly results?: readonly FunctionResultStatus[];
}
/**
 * One message of a function.
 */
export interface FunctionResultStatus {
  /**
   * What the function says.
   */
  readonly message: string;
  /**
   * How bad it is, one of error, warning and info.
   */
  readonly severity?: string;
  /**
   * The resource that the message is about.
   */
  readonly resourceRef?: ResultResourceRef;
  /**
   * The file that the message is about.
   */
  readonly file?: ResultFile;
  /**
   * The field that the message is about.
   */
  readonly field?: ResultField;
  /**
   * Whatever else the function tells.
   */
  readonly tags?: {
    /**
     * Value of the tag.
     */
    readonly [k: string]: string;
  };
}
export interface ResultResourceRef {
  /**
   * Its apiVersion.
   */
  readonly apiVersion?: string;
  /**
   * Its kind.
   */
  readonly kind?: string;
  /**
   * Its name.
   */
  readonly name?: string;
  /**
   * Its namespace.
   */
  readonly namespace?: string;
}
/**
 * The file that the message is about.
 */
export interface ResultFile {
  /**
   * Path in the package.
   */
  readonly path?: string;
  /**
   * Number of the document in the file, from 0.
   */
  readonly index?: number;
}
/**
 * The field that the message is about.
 */
export interface ResultField {
  /**
   * Path in the resource.
   */
  readonly path?: string;
  /**
   * Value that the field has.
   */
  readonly currentValue?: {
    readonly [k: string]: unknown;
  };
  /**
   * Value that the function proposes.
   */
  readonly proposedValue?: {
    readonly [k: string]: unknown;
  };
}
/**
 * One conflict.
 */
export interface MergeConflictStatus {
  /**
   * Path in the package.
   */
  readonly file: string;
  /**
   * The resource in conflict.
   */
  readonly resource?: ResultResourceRef;
  /**
   * Path of the field; absent when the whole resource or file is in conflict.
   */
  readonly field?: string;
  /**
   * Value before both changes.
   */
  readonly base?: {
    readonly [k: string]: unknown;
  };
  /**
   * Value that the package had.
   */
  readonly local?: {
    readonly [k: string]: unknown;
  };
  /**
   * Value that the new upstream has.
   */
  readonly upstream?: {
    readonly [k: string]: unknown;
  };
  /**
   * What was taken.
   */
  readonly resolution: 'local' | 'upstream' | 'merged' | 'deleted' | 'kept';
}
/**
 * One step of the task handler.
 */
export interface TaskStatus {
  /**
   * Name of the mutation: init, clone, edit, upgrade, packageContext, pipeline, injectConfig, metadata, render or replace.
   */
  readonly name: string;
  /**
   * Commit that holds its outcome; absent when it changed nothing.
   */
  readonly commit?: string;
  /**
   * Things worth telling that did not fail the step.
   *
   * Items: One warning.
   */
  readonly warnings?: readonly string[];
}
