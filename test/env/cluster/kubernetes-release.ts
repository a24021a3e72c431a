/** A release of Kubernetes that the test environment can build. */
export interface KubernetesRelease {
  readonly version: string;
  /** Folder of its Go module in `test/env/go`. */
  readonly module: string;
}

/** The newest that is supported, on which CI runs, and the oldest. */
const RELEASES: Readonly<Record<string, KubernetesRelease>> = {
  '1.36': { version: 'v1.36.3', module: 'kubernetes' },
  '1.32': { version: 'v1.32.13', module: 'kubernetes-1.32' },
};
const DEFAULT = '1.36';

/** The one that VERANDA_TEST_KUBERNETES names by its minor version. @throws Error that lists what can be had */
export function kubernetesRelease(asked = process.env.VERANDA_TEST_KUBERNETES || DEFAULT): KubernetesRelease {
  const release = RELEASES[asked];
  if (release) return release;
  throw new Error(`VERANDA_TEST_KUBERNETES is ${asked}; there are ${Object.keys(RELEASES).join(' and ')}`);
}
