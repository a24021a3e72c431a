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
   * Objects of this namespace, each of which is a target.
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
/**
 * Repositories by label; an empty selector stands for all of this namespace.
 */
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
 * Objects of this namespace, each of which is a target.
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
   * Name of one object.
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
}
/**
 * One target or variant.
 */
export interface VariantSetTargetStatus {
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
   * Why it is not.
   */
  readonly message: string;
}
