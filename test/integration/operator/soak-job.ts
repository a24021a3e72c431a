export interface SoakJob {
  readonly folder: string;
  readonly repositories: number;
  /** Published ones, of each repository. */
  readonly revisions: number;
  /** Between two measurements; in each of them every repository changes and is looked at. */
  readonly rounds: number;
  readonly measurements: number;
  readonly timeoutMs: number;
}

export interface SoakReport {
  /** Bytes that are reachable, at each measurement. */
  readonly heaps: readonly number[];
  /** PackageRevisions in the end. */
  readonly objects: number;
}
