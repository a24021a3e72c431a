// Generated from crds/ by `npm run generate`. Do not edit.
import type { Condition } from '../object.ts';

/**
 * Shared keeps pods and uses them again; PerEvaluation gives each evaluation a fresh pod.
 */
export type PodIsolation = 'Shared' | 'PerEvaluation';
/**
 * When a node asks the registry for the image, which is named by its digest; IfNotPresent when absent. Always checks the rights of each pod anew.
 */
export type ImagePullPolicy = 'Always' | 'IfNotPresent' | 'Never';
/**
 * Which images are meant, and how they are run.
 */
export interface FunctionConfigSpec {
  /**
   * Last part of the images' name, without registry and tag, for example set-namespace.
   */
  readonly image: string;
  /**
   * Registry paths that the images come from; an empty one stands for the default prefix. All places when absent.
   *
   * Items: One registry path, for example ghcr.io/kptdev/krm-functions-catalog.
   */
  readonly prefixes?: readonly string[];
  /**
   * How pods of the images are made and kept.
   */
  readonly podExecutor?: PodExecutor;
  /**
   * Tags for which Porch's function runner has a program. It counts where a function runner is configured.
   */
  readonly binaryExecutor?: BinaryExecutor;
  /**
   * Tags for which a function that is built into the operator stands.
   */
  readonly goExecutor?: GoExecutor;
}
/**
 * How pods of the images are made and kept.
 */
export interface PodExecutor {
  /**
   * Tags that this holds for, and of which a pod is made before the first evaluation; all tags, and none made before, when absent.
   *
   * Items: One tag, for example v0.4.5.
   */
  readonly tags?: readonly string[];
  /**
   * How long a pod above the minimum is kept without work, for example 30m.
   */
  readonly timeToLive?: string;
  /**
   * Pods of one image at the most; 0 means the default. Porch's name of maxPods, which wins over it.
   */
  readonly maxParallelExecutions?: number;
  /**
   * Evaluations that may wait for each pod before another pod is made; 0 means the default.
   */
  readonly preferredMaxQueueLength?: number;
  /**
   * Pods that are kept even without work. One for each of the tags when absent.
   */
  readonly minPods?: number;
  /**
   * Pods of one image at the most.
   */
  readonly maxPods?: number;
  /**
   * Evaluations at a time in one pod.
   */
  readonly parallelEvaluations?: number;
  /**
   * Shared keeps pods and uses them again; PerEvaluation gives each evaluation a fresh pod.
   */
  readonly isolation?: PodIsolation;
  /**
   * Whether results are kept by what ran and what it was given; true when absent. Turn it off for functions that give another result each time.
   */
  readonly cache?: boolean;
  /**
   * Compute resources of the function's container.
   */
  readonly resources?: PodResources;
  /**
   * Labels that the pods' nodes must have.
   */
  readonly nodeSelector?: {
    /**
     * Value of one label.
     */
    readonly [k: string]: string;
  };
  /**
   * Taints of nodes that the pods tolerate, as in a Pod.
   *
   * Items: One toleration, as in a Pod.
   */
  readonly tolerations?: readonly Toleration[];
  /**
   * When a node asks the registry for the image, which is named by its digest; IfNotPresent when absent. Always checks the rights of each pod anew.
   */
  readonly imagePullPolicy?: ImagePullPolicy;
  /**
   * Secrets of the functions' namespace that images are pulled with, and looked up with.
   *
   * Items: One Secret of type kubernetes.io/dockerconfigjson.
   */
  readonly imagePullSecrets?: readonly PullSecret[];
  /**
   * Parts of the pods' template that are replaced, as Porch's function runner does it.
   */
  readonly templateOverrides?: PodTemplateOverrides;
}
/**
 * Compute resources of the function's container.
 */
export interface PodResources {
  /**
   * What the container is given at least.
   */
  readonly requests?: {
    /**
     * A quantity, for example 64Mi.
     */
    readonly [k: string]: string;
  };
  /**
   * What the container is given at most; a function that needs more memory is killed.
   */
  readonly limits?: {
    /**
     * A quantity, for example 512Mi.
     */
    readonly [k: string]: string;
  };
}
/**
 * One toleration, as in a Pod.
 */
export interface Toleration {
  /**
   * Key of the taint; all keys when empty.
   */
  readonly key?: string;
  /**
   * How the value is compared; Equal when absent.
   */
  readonly operator?: 'Exists' | 'Equal';
  /**
   * Value of the taint.
   */
  readonly value?: string;
  /**
   * Effect of the taint; all effects when absent.
   */
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  /**
   * How long a NoExecute taint is tolerated.
   */
  readonly tolerationSeconds?: number;
}
/**
 * One Secret of type kubernetes.io/dockerconfigjson.
 */
export interface PullSecret {
  /**
   * Name of the Secret.
   */
  readonly name: string;
}
/**
 * Parts of the pods' template that are replaced, as Porch's function runner does it.
 */
export interface PodTemplateOverrides {
  /**
   * Service account of the pods; its token is not mounted.
   */
  readonly serviceAccountName?: string;
  /**
   * Without effect; the pods always run under the restricted profile.
   */
  readonly securityContext?: {
    readonly [k: string]: {
      readonly [k: string]: unknown;
    };
  };
  /**
   * Without effect; the pods have no init container.
   */
  readonly initContainer?: {
    readonly [k: string]: {
      readonly [k: string]: unknown;
    };
  };
  /**
   * Parts of the function's container.
   */
  readonly container?: PodContainerOverrides;
}
/**
 * Parts of the function's container.
 */
export interface PodContainerOverrides {
  /**
   * Compute resources; the field resources above wins.
   */
  readonly resources?: {
    readonly [k: string]: {
      readonly [k: string]: unknown;
    };
  };
  /**
   * Sources of environment variables, as in a Pod.
   *
   * Items: One source.
   */
  readonly envFrom?: readonly {
    readonly [k: string]: {
      readonly [k: string]: unknown;
    };
  }[];
  /**
   * Environment variables, as in a Pod.
   *
   * Items: One variable.
   */
  readonly env?: readonly EnvironmentVariable[];
}
/**
 * One variable.
 */
export interface EnvironmentVariable {
  /**
   * Name of the variable.
   */
  readonly name: string;
  /**
   * Its value.
   */
  readonly value?: string;
  /**
   * Where its value comes from, as in a Pod.
   */
  readonly valueFrom?: {
    readonly [k: string]: {
      readonly [k: string]: unknown;
    };
  };
}
/**
 * Tags for which Porch's function runner has a program. It counts where a function runner is configured.
 */
export interface BinaryExecutor {
  /**
   * Tags of the image.
   *
   * Items: One tag.
   */
  readonly tags: readonly string[];
  /**
   * Path of the program in the function runner.
   */
  readonly path: string;
}
/**
 * Tags for which a function that is built into the operator stands.
 */
export interface GoExecutor {
  /**
   * Porch's name of the function in its own code; must be the image's.
   */
  readonly id?: string;
  /**
   * Tags of the image that the built-in function stands for instead of those of its own range; none turns it off.
   *
   * Items: One tag, or a range of versions such as ">=0.4.0 <0.5.0".
   */
  readonly tags: readonly string[];
}
/**
 * What the operator made of it.
 */
export interface FunctionConfigStatus {
  /**
   * Generation of the spec that this status is about; -1 before the first look.
   */
  readonly observedGeneration?: number;
  /**
   * Porch's field for observedGeneration; the same.
   */
  readonly apiServerObservedGeneration?: number;
  /**
   * Porch's field for observedGeneration; the same.
   */
  readonly functionRunnerObservedGeneration?: number;
  /**
   * Porch's field for observedGeneration; the same.
   */
  readonly controllerObservedGeneration?: number;
  /**
   * Porch's field for what is wrong; the message of the Ready condition.
   */
  readonly error?: string;
  /**
   * Ready, and Reconciling or Stalled while they are true.
   *
   * Items: One condition.
   */
  readonly conditions?: readonly Condition[];
}
