/** How the pods of a function are made and kept. */
export interface PodSettings {
  /** Shared: pods are kept and used again. PerEvaluation: each evaluation gets a fresh pod. */
  readonly isolation: 'Shared' | 'PerEvaluation';
  /** Pods kept even without work. */
  readonly minPods: number;
  readonly maxPods: number;
  /** Evaluations at a time in one pod. */
  readonly parallel: number;
  /** Evaluations that may wait for each pod before another pod is made. */
  readonly queueLength: number;
  /** Milliseconds without work until a pod above the minimum goes. */
  readonly idleTtlMs: number;
  /** Results are kept by what ran and what it was given. */
  readonly cache: boolean;
  readonly resources: PodResources;
  readonly env: readonly EnvVar[];
  /** Entries of a container's `envFrom`; passed on as they are. */
  readonly envFrom?: readonly object[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly object[];
  readonly imagePullPolicy: ImagePullPolicy;
  /** Names of Secrets in the namespace of the pods. */
  readonly imagePullSecrets: readonly string[];
  readonly serviceAccountName?: string;
}

/** When a node asks the registry for the image, which is always named by digest. */
export type ImagePullPolicy = 'Always' | 'IfNotPresent' | 'Never';

export interface PodResources {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

/** An entry of a container's `env`; passed on as it is. */
export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: object;
}

export const DEFAULT_POD_SETTINGS: PodSettings = {
  isolation: 'Shared',
  minPods: 0,
  maxPods: 2,
  parallel: 4,
  queueLength: 2,
  idleTtlMs: 1_800_000,
  cache: true,
  resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '512Mi' } },
  env: [],
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
};
