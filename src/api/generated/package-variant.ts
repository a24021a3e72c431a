// Generated from crds/ by `npm run generate`. Do not edit.
import type { Condition } from '../object.ts';

/**
 * Whether a package that exists already in the downstream place is taken over; adoptNone when absent.
 */
export type AdoptionPolicy = '' | 'adoptNone' | 'adoptExisting';
/**
 * Whether the downstream package goes when this object goes or moves elsewhere; delete when absent.
 */
export type DeletionPolicy = '' | 'delete' | 'orphan';
/**
 * Manual leaves it to people, Initial publishes the package's first revision only, Always publishes every rendered revision, WhenReady publishes every rendered revision once all its readiness gates are True; Manual when absent.
 */
export type ApprovalPolicy = 'Manual' | 'Initial' | 'Always' | 'WhenReady';
/**
 * How a new upstream revision and local changes are brought together; resource-merge when absent.
 */
export type PackageMergeStrategy = 'resource-merge' | 'fast-forward' | 'force-delete-replace' | 'copy-merge';
/**
 * Where the variant stands, in one word: Pending works or waits, Blocked needs a person, Draft, Proposed and Published are the state of the downstream revision, Rejected is said of inputs that a person did not want, Suspended is what spec.suspend asks for.
 */
export type VariantPhase = 'Pending' | 'Blocked' | 'Draft' | 'Proposed' | 'Published' | 'Rejected' | 'Suspended';
/**
 * Where the package comes from, where it goes, and what is changed on the way.
 */
export interface PackageVariantSpec {
  /**
   * The package to make variants of.
   */
  readonly upstream: Upstream;
  /**
   * The package to make.
   */
  readonly downstream: Downstream;
  /**
   * Whether a package that exists already in the downstream place is taken over; adoptNone when absent.
   */
  readonly adoptionPolicy?: AdoptionPolicy;
  /**
   * Whether the downstream package goes when this object goes or moves elsewhere; delete when absent.
   */
  readonly deletionPolicy?: DeletionPolicy;
  /**
   * Labels for the package revisions.
   */
  readonly labels?: {
    /**
     * Value of the label.
     */
    readonly [k: string]: string;
  };
  /**
   * Annotations for the package revisions.
   */
  readonly annotations?: {
    /**
     * Value of the annotation.
     */
    readonly [k: string]: string;
  };
  /**
   * Changes of the package-context.yaml of the downstream package.
   */
  readonly packageContext?: PackageContext;
  /**
   * Functions to put in front of those of the downstream package's Kptfile.
   */
  readonly pipeline?: PackagePipeline;
  /**
   * Objects of the cluster to copy into the package's injection points; for each point the first that fits is taken.
   *
   * Items: Names an object; group, version and kind limit the injection points that it is for.
   */
  readonly injectors?: readonly InjectionSelector[];
  /**
   * Whether drafts that this object makes are published without a person; without it the approval.nephio.org annotations are looked at.
   */
  readonly approval?: Approval;
  /**
   * How a new upstream revision and local changes are brought together; resource-merge when absent.
   */
  readonly upgradeStrategy?: PackageMergeStrategy;
  /**
   * Stops all work for this object until it is removed or false.
   */
  readonly suspend?: boolean;
  /**
   * Number of published revisions to keep; older ones are deleted unless something refers to them; all are kept when absent.
   */
  readonly revisionHistoryLimit?: number;
}
/**
 * The package to make variants of.
 */
export interface Upstream {
  /**
   * Name of a Repository object of this namespace.
   */
  readonly repo: string;
  /**
   * Path of the package below the repository's directory.
   */
  readonly package: string;
  /**
   * Published revision to follow; the latest one when absent, 0 or -1 and workspaceName is absent too.
   */
  readonly revision?: number;
  /**
   * Workspace of the revision to follow; the name of the repository's branch stands for the branch's head.
   */
  readonly workspaceName?: string;
}
/**
 * The package to make.
 */
export interface Downstream {
  /**
   * Name of a Repository object of this namespace.
   */
  readonly repo: string;
  /**
   * Path of the package below the repository's directory, for example apps/shop.
   */
  readonly package: string;
}
/**
 * Changes of the package-context.yaml of the downstream package.
 */
export interface PackageContext {
  /**
   * Keys to set.
   */
  readonly data?: {
    /**
     * Value of the key.
     */
    readonly [k: string]: string;
  };
  /**
   * Keys to remove.
   *
   * Items: One key.
   */
  readonly removeKeys?: readonly string[];
}
/**
 * Functions to put in front of those of the downstream package's Kptfile.
 */
export interface PackagePipeline {
  /**
   * Functions that change resources, in order.
   *
   * Items: One function of a pipeline.
   */
  readonly mutators?: readonly PackageFunction[];
  /**
   * Functions that check resources.
   *
   * Items: One function of a pipeline.
   */
  readonly validators?: readonly PackageFunction[];
}
/**
 * One function of a pipeline.
 */
export interface PackageFunction {
  /**
   * Name of the step, without dots.
   */
  readonly name?: string;
  /**
   * Image of the function; a name without a registry is one of the common catalogue.
   */
  readonly image?: string;
  /**
   * Command to run instead of an image, where that is allowed.
   */
  readonly exec?: string;
  /**
   * Tag to use instead of the image's own, or a range of versions.
   */
  readonly tag?: string;
  /**
   * File of the package that holds the function's configuration.
   */
  readonly configPath?: string;
  /**
   * The function's configuration as keys and values.
   */
  readonly configMap?: {
    /**
     * Value of the key.
     */
    readonly [k: string]: string;
  };
  /**
   * Resources that the function gets; all when absent.
   *
   * Items: Selects resources; every field that is given must match.
   */
  readonly selectors?: readonly FunctionSelector[];
  /**
   * Resources that the function does not get.
   *
   * Items: Selects resources; every field that is given must match.
   */
  readonly exclude?: readonly FunctionSelector[];
}
/**
 * Selects resources; every field that is given must match.
 */
export interface FunctionSelector {
  /**
   * The apiVersion that a resource must have.
   */
  readonly apiVersion?: string;
  /**
   * The kind that a resource must have.
   */
  readonly kind?: string;
  /**
   * The name that a resource must have.
   */
  readonly name?: string;
  /**
   * The namespace that a resource must have.
   */
  readonly namespace?: string;
  /**
   * Labels that a resource must have.
   */
  readonly labels?: {
    /**
     * Value of the label.
     */
    readonly [k: string]: string;
  };
  /**
   * Annotations that a resource must have.
   */
  readonly annotations?: {
    /**
     * Value of the annotation.
     */
    readonly [k: string]: string;
  };
}
/**
 * Names an object; group, version and kind limit the injection points that it is for.
 */
export interface InjectionSelector {
  /**
   * API group that the injection point must have; the empty string is the core group.
   */
  readonly group?: string;
  /**
   * API version that the injection point must have.
   */
  readonly version?: string;
  /**
   * Kind that the injection point must have.
   */
  readonly kind?: string;
  /**
   * Name of the object, in this namespace.
   */
  readonly name: string;
}
/**
 * Whether drafts that this object makes are published without a person; without it the approval.nephio.org annotations are looked at.
 */
export interface Approval {
  /**
   * Manual leaves it to people, Initial publishes the package's first revision only, Always publishes every rendered revision, WhenReady publishes every rendered revision once all its readiness gates are True; Manual when absent.
   */
  readonly policy?: ApprovalPolicy;
  /**
   * Time to leave for objections, for example 10m, counted from the creation of the revision.
   */
  readonly delay?: string;
  /**
   * Conditions of the package that must be True before it is published, beside its own readiness gates.
   *
   * Items: Type of a condition in status.packageConditions.
   */
  readonly requiredGates?: readonly string[];
}
/**
 * What was found and done last.
 */
export interface PackageVariantStatus {
  /**
   * Generation of spec that this status belongs to.
   */
  readonly observedGeneration?: number;
  /**
   * Ready always; Reconciling, Stalled and others only when true.
   *
   * Items: One aspect of the object's state.
   */
  readonly conditions?: readonly Condition[];
  /**
   * Where the variant stands, in one word: Pending works or waits, Blocked needs a person, Draft, Proposed and Published are the state of the downstream revision, Rejected is said of inputs that a person did not want, Suspended is what spec.suspend asks for.
   */
  readonly phase?: VariantPhase;
  /**
   * The upstream revision that was found for spec.upstream.
   */
  readonly upstream?: ResolvedUpstream;
  /**
   * Package revisions that this object manages now, the current one first.
   *
   * Items: One managed package revision.
   */
  readonly downstreamTargets?: readonly DownstreamTarget[];
  /**
   * Number of merge conflicts that the last upgrade reported; status.mergeConflicts of the package revision lists them.
   */
  readonly conflicts?: number;
  /**
   * Hash over everything that the downstream content was made from, with a version in front.
   */
  readonly inputHash?: string;
  /**
   * Inputs whose draft a person deleted or sent back; they are not tried again until they change or veranda.dev/reconcile-at does.
   */
  readonly rejected?: RejectedInputs;
  /**
   * Value of the veranda.dev/reconcile-at annotation that was served last.
   */
  readonly lastHandledReconcileAt?: string;
}
/**
 * The upstream revision that was found for spec.upstream.
 */
export interface ResolvedUpstream {
  /**
   * Name of the PackageRevision object, when there is one.
   */
  readonly name?: string;
  /**
   * Its revision, -1 for the head of a branch.
   */
  readonly revision?: number;
  /**
   * Its workspace.
   */
  readonly workspaceName?: string;
  /**
   * Branch or tag that carries it.
   */
  readonly ref?: string;
  /**
   * Commit that the ref pointed at.
   */
  readonly commit?: string;
  /**
   * Id of the package's tree at that commit.
   */
  readonly tree?: string;
}
/**
 * One managed package revision.
 */
export interface DownstreamTarget {
  /**
   * Name of the PackageRevision object.
   */
  readonly name: string;
  /**
   * Its workspace.
   */
  readonly workspaceName?: string;
  /**
   * Its state.
   */
  readonly lifecycle?: string;
  /**
   * Its revision, 0 until it is published.
   */
  readonly revision?: number;
  /**
   * Whether its last render succeeded.
   */
  readonly rendered?: boolean;
  /**
   * Porch's report of the last render; status.renderStatus of the package revision says more.
   */
  readonly renderStatus?: TargetRenderStatus;
}
/**
 * Porch's report of the last render; status.renderStatus of the package revision says more.
 */
export interface TargetRenderStatus {
  /**
   * Why the render failed, empty when it succeeded.
   */
  readonly error?: string;
  /**
   * Porch's list of function results.
   */
  readonly result?: {
    readonly [k: string]: {
      readonly [k: string]: unknown;
    };
  };
}
/**
 * Inputs whose draft a person deleted or sent back; they are not tried again until they change or veranda.dev/reconcile-at does.
 */
export interface RejectedInputs {
  /**
   * Hash over the inputs.
   */
  readonly inputHash: string;
  /**
   * Name of the PackageRevision object that was rejected.
   */
  readonly revision?: string;
}
