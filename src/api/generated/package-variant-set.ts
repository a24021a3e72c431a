// Generated from crds/ by `npm run generate`. Do not edit.
import type { Condition } from '../object.ts';

/**
 * The variant's adoptionPolicy.
 */
export type AdoptionPolicy = 'adoptNone' | 'adoptExisting';
/**
 * The variant's deletionPolicy.
 */
export type DeletionPolicy = 'delete' | 'orphan';
/**
 * Manual leaves it to people, Initial publishes the package's first revision only, Always publishes every rendered revision, WhenReady publishes every rendered revision once all its readiness gates are True; Manual when absent.
 */
export type ApprovalPolicy = 'Manual' | 'Initial' | 'Always' | 'WhenReady';
/**
 * The variant's upgradeStrategy.
 */
export type PackageMergeStrategy = 'resource-merge' | 'fast-forward' | 'force-delete-replace' | 'copy-merge';
/**
 * What a variant must be for the next wave to start, a variant with a draft to approve being Ready; Ready when absent.
 */
export type RolloutReadiness = 'Ready' | 'Published';
/**
 * With preview nothing is written but status.preview; apply when absent.
 */
export type SetMode = 'apply' | 'preview';
/**
 * Whether it goes on, waits at pauseAfter, was stopped by failures, or has ended.
 */
export type RolloutState = 'Progressing' | 'Paused' | 'Stopped' | 'Complete';
/**
 * Whether its turn has come, and whether all its variants are as wanted and Ready.
 */
export type WaveState = 'Waiting' | 'Progressing' | 'Ready';
/**
 * What would be done.
 */
export type PreviewAction = 'create' | 'update' | 'delete';
/**
 * The upstream package, and the targets that get a variant of it.
 */
export interface PackageVariantSetSpec {
  /**
   * The package to make variants of.
   */
  readonly upstream: Upstream;
  /**
   * Where variants are wanted.
   *
   * Items: One way to find targets, and what their variants look like.
   */
  readonly targets: readonly VariantTarget[];
  /**
   * How changes go out to the targets; to all of them at once when absent.
   */
  readonly rollout?: Rollout;
  /**
   * How many variants may go because their targets are gone; when absent and targets are selected, one or a quarter of them within an hour, and none if nothing is selected at all.
   */
  readonly deletionGuard?: DeletionGuard;
  /**
   * With preview nothing is written but status.preview; apply when absent.
   */
  readonly mode?: SetMode;
  /**
   * Stops all work for this object until it is removed or false.
   */
  readonly suspend?: boolean;
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
 * One way to find targets, and what their variants look like.
 */
export interface VariantTarget {
  /**
   * Repositories by name.
   *
   * Items: One repository, and the packages to make in it.
   */
  readonly repositories?: readonly RepositoryTarget[];
  /**
   * Repositories by label; an empty selector stands for all of this namespace.
   */
  readonly repositorySelector?: LabelSelector;
  /**
   * Objects of this namespace, or of a kind that has no namespaces, each of which is a target.
   */
  readonly objectSelector?: ObjectSelector;
  /**
   * What the variants look like; expressions see repoDefault, packageDefault, upstream, repository and target.
   */
  readonly template?: VariantTemplate;
}
/**
 * One repository, and the packages to make in it.
 */
export interface RepositoryTarget {
  /**
   * Name of a Repository object of this namespace.
   */
  readonly name: string;
  /**
   * Packages to make; the upstream package's name when absent.
   *
   * Items: One package.
   */
  readonly packageNames?: readonly string[];
}
export interface LabelSelector {
  /**
   * Requirements on labels, all of which must hold.
   *
   * Items: One requirement on a label.
   */
  readonly matchExpressions?: readonly LabelRequirement[];
  /**
   * Labels that must be there with these values.
   */
  readonly matchLabels?: {
    /**
     * Value of the label.
     */
    readonly [k: string]: string;
  };
}
/**
 * One requirement on a label.
 */
export interface LabelRequirement {
  /**
   * Name of the label.
   */
  readonly key: string;
  /**
   * How the label relates to values.
   */
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /**
   * Values for In and NotIn.
   *
   * Items: One value.
   */
  readonly values?: readonly string[];
}
/**
 * Objects of this namespace, or of a kind that has no namespaces, each of which is a target.
 */
export interface ObjectSelector {
  /**
   * The apiVersion of the objects.
   */
  readonly apiVersion: string;
  /**
   * The kind of the objects.
   */
  readonly kind: string;
  /**
   * Name of one object; all that the labels select when absent.
   */
  readonly name?: string;
  /**
   * Requirements on labels, all of which must hold.
   *
   * Items: One requirement on a label.
   */
  readonly matchExpressions?: readonly LabelRequirement[];
  /**
   * Labels that must be there with these values.
   */
  readonly matchLabels?: {
    /**
     * Value of the label.
     */
    readonly [k: string]: string;
  };
}
/**
 * What the variants look like; expressions see repoDefault, packageDefault, upstream, repository and target.
 */
export interface VariantTemplate {
  /**
   * Where the variant's package goes.
   */
  readonly downstream?: DownstreamTemplate;
  /**
   * The variant's adoptionPolicy.
   */
  readonly adoptionPolicy?: AdoptionPolicy;
  /**
   * The variant's deletionPolicy.
   */
  readonly deletionPolicy?: DeletionPolicy;
  /**
   * The variant's labels for package revisions.
   */
  readonly labels?: {
    /**
     * Value of the label.
     */
    readonly [k: string]: string;
  };
  /**
   * Computed labels, laid over the literal ones.
   *
   * Items: One entry of a map, its key and value literal or computed.
   */
  readonly labelExprs?: readonly MapExpr[];
  /**
   * The variant's annotations for package revisions.
   */
  readonly annotations?: {
    /**
     * Value of the annotation.
     */
    readonly [k: string]: string;
  };
  /**
   * Computed annotations, laid over the literal ones.
   *
   * Items: One entry of a map, its key and value literal or computed.
   */
  readonly annotationExprs?: readonly MapExpr[];
  /**
   * The variant's package context.
   */
  readonly packageContext?: PackageContextTemplate;
  /**
   * The variant's pipeline functions.
   */
  readonly pipeline?: PipelineTemplate;
  /**
   * The variant's injectors.
   *
   * Items: Names an object; group, version and kind limit the injection points that it is for.
   */
  readonly injectors?: readonly InjectionSelectorTemplate[];
  /**
   * The variant's approval.
   */
  readonly approval?: Approval;
  /**
   * The variant's upgradeStrategy.
   */
  readonly upgradeStrategy?: PackageMergeStrategy;
  /**
   * The variant's revisionHistoryLimit.
   */
  readonly revisionHistoryLimit?: number;
}
/**
 * Where the variant's package goes.
 */
export interface DownstreamTemplate {
  /**
   * Name of a Repository object; the target's own when absent.
   */
  readonly repo?: string;
  /**
   * CEL expression that gives the repository.
   */
  readonly repoExpr?: string;
  /**
   * Path of the package; the target's own when absent.
   */
  readonly package?: string;
  /**
   * CEL expression that gives the package.
   */
  readonly packageExpr?: string;
}
/**
 * One entry of a map, its key and value literal or computed.
 */
export interface MapExpr {
  /**
   * The key.
   */
  readonly key?: string;
  /**
   * CEL expression that gives the key.
   */
  readonly keyExpr?: string;
  /**
   * The value.
   */
  readonly value?: string;
  /**
   * CEL expression that gives the value.
   */
  readonly valueExpr?: string;
}
/**
 * The variant's package context.
 */
export interface PackageContextTemplate {
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
   * Computed keys to set, laid over the literal ones.
   *
   * Items: One entry of a map, its key and value literal or computed.
   */
  readonly dataExprs?: readonly MapExpr[];
  /**
   * Keys to remove.
   *
   * Items: One key.
   */
  readonly removeKeys?: readonly string[];
  /**
   * Keys to remove, each a CEL expression.
   *
   * Items: One expression.
   */
  readonly removeKeyExprs?: readonly string[];
}
/**
 * The variant's pipeline functions.
 */
export interface PipelineTemplate {
  /**
   * Functions that change resources, in order.
   *
   * Items: One function of a pipeline.
   */
  readonly mutators?: readonly FunctionTemplate[];
  /**
   * Functions that check resources.
   *
   * Items: One function of a pipeline.
   */
  readonly validators?: readonly FunctionTemplate[];
}
/**
 * One function of a pipeline.
 */
export interface FunctionTemplate {
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
  /**
   * Computed entries of configMap, laid over the literal ones.
   *
   * Items: One entry of a map, its key and value literal or computed.
   */
  readonly configMapExprs?: readonly MapExpr[];
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
export interface InjectionSelectorTemplate {
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
  readonly name?: string;
  /**
   * CEL expression that gives the name.
   */
  readonly nameExpr?: string;
}
/**
 * The variant's approval.
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
 * How changes go out to the targets; to all of them at once when absent.
 */
export interface Rollout {
  /**
   * Variants that may be on their way to Ready at the same time; all when absent.
   */
  readonly maxConcurrent?: number;
  /**
   * Changed variants that may be at fault; with one more no further variant is changed; 0 when absent.
   */
  readonly maxFailures?: number;
  /**
   * Groups of targets, one after the other; targets that no wave selects come last, as a wave named others.
   *
   * Items: One group of targets.
   */
  readonly waves?: readonly RolloutWave[];
  /**
   * Name of the last wave that is served; later ones wait until another name, or none, is set.
   */
  readonly pauseAfter?: string;
  /**
   * What a variant must be for the next wave to start, a variant with a draft to approve being Ready; Ready when absent.
   */
  readonly waitFor?: RolloutReadiness;
}
/**
 * One group of targets.
 */
export interface RolloutWave {
  /**
   * Name of the wave, for status and pauseAfter.
   */
  readonly name: string;
  /**
   * Variants of this wave that may be on their way to Ready at the same time, within the limit for all.
   */
  readonly maxConcurrent?: number;
  /**
   * How long all variants of this wave must have been Ready before the next wave starts, for example 30m.
   */
  readonly soak?: string;
  /**
   * Labels of the selected objects, or of the downstream Repository where a target lists repositories; an empty selector stands for all.
   */
  readonly selector: LabelSelector;
}
/**
 * How many variants may go because their targets are gone; when absent and targets are selected, one or a quarter of them within an hour, and none if nothing is selected at all.
 */
export interface DeletionGuard {
  /**
   * Number of variants that may go within an hour.
   */
  readonly maxDeletions?: number;
  /**
   * Part of the variants that may go within an hour, rounded down.
   */
  readonly percent?: number;
  /**
   * How long the same variants must have been unwanted before they go, for example 10m; not at all when absent.
   */
  readonly gracePeriod?: string;
}
/**
 * What was found and done last.
 */
export interface PackageVariantSetStatus {
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
   * Numbers of variants.
   */
  readonly summary?: VariantSetSummary;
  /**
   * Targets and variants that are not Ready, the failed ones first.
   *
   * Items: One target or variant.
   */
  readonly targets?: readonly VariantSetTargetStatus[];
  /**
   * Where the rollout stands.
   */
  readonly rollout?: RolloutStatus;
  /**
   * What the deletion guard remembers.
   */
  readonly deletions?: DeletionStatus;
  /**
   * What spec.mode apply would do.
   */
  readonly preview?: SetPreview;
  /**
   * Value of the veranda.dev/reconcile-at annotation that was served last.
   */
  readonly lastHandledReconcileAt?: string;
}
/**
 * Numbers of variants.
 */
export interface VariantSetSummary {
  /**
   * Variants that the targets ask for.
   */
  readonly desired?: number;
  /**
   * Variants that are Ready.
   */
  readonly ready?: number;
  /**
   * Variants that are being worked on.
   */
  readonly progressing?: number;
  /**
   * Targets and variants that need a person.
   */
  readonly failed?: number;
  /**
   * Variants whose change waits for its turn in the rollout.
   */
  readonly waiting?: number;
  /**
   * Variants that are not wanted any more and stay for now.
   */
  readonly retained?: number;
}
/**
 * One target or variant.
 */
export interface VariantSetTargetStatus {
  /**
   * Field of spec that the target comes from, and the object that it selects.
   */
  readonly target?: string;
  /**
   * Name of the PackageVariant object; absent when there is none.
   */
  readonly variant?: string;
  /**
   * The downstream repository.
   */
  readonly repo?: string;
  /**
   * The downstream package.
   */
  readonly package?: string;
  /**
   * Whether it is Ready.
   */
  readonly ready: boolean;
  /**
   * Why it is not, as one CamelCase word for programs.
   */
  readonly reason?: string;
  /**
   * Why it is not, for people.
   */
  readonly message: string;
}
/**
 * Where the rollout stands.
 */
export interface RolloutStatus {
  /**
   * Whether it goes on, waits at pauseAfter, was stopped by failures, or has ended.
   */
  readonly state: RolloutState;
  /**
   * The upstream revision that stands for the latest one.
   */
  readonly revision?: number;
  /**
   * The waves in their order.
   *
   * Items: One wave.
   */
  readonly waves: readonly WaveStatus[];
}
/**
 * One wave.
 */
export interface WaveStatus {
  /**
   * Name of the wave.
   */
  readonly name: string;
  /**
   * Whether its turn has come, and whether all its variants are as wanted and Ready.
   */
  readonly state: WaveState;
  /**
   * Variants of the wave.
   */
  readonly desired: number;
  /**
   * Those that are as wanted.
   */
  readonly updated: number;
  /**
   * Those that are as wanted and Ready.
   */
  readonly ready: number;
  /**
   * Those that are as wanted and at fault.
   */
  readonly failed: number;
  /**
   * Since when the wave is done, where it has a soak.
   */
  readonly readySince?: string;
}
/**
 * What the deletion guard remembers.
 */
export interface DeletionStatus {
  /**
   * Variants that are not wanted any more and stay for now.
   */
  readonly retained?: number;
  /**
   * Value of the veranda.dev/confirm-deletions annotation that lets exactly these variants go.
   */
  readonly token?: string;
  /**
   * Since when exactly these variants are not wanted.
   */
  readonly retainedSince?: string;
  /**
   * Variants that have gone since windowStart.
   */
  readonly removed?: number;
  /**
   * When the first of them went.
   */
  readonly windowStart?: string;
  /**
   * The confirmation that was used last; the same value is not taken twice.
   */
  readonly confirmed?: string;
  /**
   * Variants that may still go by it.
   */
  readonly confirmedLeft?: number;
}
/**
 * What spec.mode apply would do.
 */
export interface SetPreview {
  /**
   * Variants that would be made.
   */
  readonly create: number;
  /**
   * Variants that would be changed.
   */
  readonly update: number;
  /**
   * Variants that would be deleted, the deletion guard left out.
   */
  readonly delete: number;
  /**
   * Variants that are as wanted.
   */
  readonly unchanged: number;
  /**
   * The first of the changes.
   *
   * Items: One change.
   */
  readonly changes?: readonly PreviewedChange[];
}
/**
 * One change.
 */
export interface PreviewedChange {
  /**
   * What would be done.
   */
  readonly action: PreviewAction;
  /**
   * Name of the PackageVariant.
   */
  readonly variant: string;
  /**
   * The downstream repository.
   */
  readonly repo: string;
  /**
   * The downstream package.
   */
  readonly package: string;
  /**
   * Field of spec that the target comes from, and the object that it selects.
   */
  readonly target?: string;
  /**
   * Fields of the PackageVariant that would change.
   *
   * Items: Path of one field.
   */
  readonly fields?: readonly string[];
}
