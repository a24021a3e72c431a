// Generated from crds/ by `npm run generate`. Do not edit.
import type { Condition } from '../object.ts';

/**
 * Kind of storage, git or oci; must agree with the one of git and oci that is set.
 */
export type RepositoryType = 'git' | 'oci';
/**
 * What is registered, and how it is reached.
 */
export interface RepositorySpec {
  /**
   * Kind of storage, git or oci; must agree with the one of git and oci that is set.
   */
  readonly type?: RepositoryType;
  /**
   * Deprecated and without effect; only Package is known.
   */
  readonly content?: '' | 'Package';
  /**
   * Whether the packages are deployed as they are; clones into a deployment repository get a generated package-context.yaml.
   */
  readonly deployment?: boolean;
  /**
   * Text for people who look for packages.
   */
  readonly description?: string;
  /**
   * Where the git repository lies and how to get in.
   */
  readonly git?: GitRepository;
  /**
   * Where the OCI registry lies and how to get in.
   */
  readonly oci?: OciRepository;
  /**
   * When the whole repository is read again, beside after our own writes.
   */
  readonly sync?: RepositorySync;
}
/**
 * Where the git repository lies and how to get in.
 */
export interface GitRepository {
  /**
   * URL of the repository (https, http, ssh, git, or the scp-like user@host:path), without credentials.
   */
  readonly repo: string;
  /**
   * Branch that published packages are merged into; main when absent.
   */
  readonly branch?: string;
  /**
   * Whether the branch is created when the repository does not have it.
   */
  readonly createBranch?: boolean;
  /**
   * Directory below which the packages lie; the root when absent.
   */
  readonly directory?: string;
  /**
   * Secret of this namespace that holds the credentials; an absent or empty name means none.
   */
  readonly secretRef?: SecretRef;
  /**
   * Author name of commits for which nobody else is known.
   */
  readonly author?: string;
  /**
   * Author e-mail address of commits for which nobody else is known.
   */
  readonly email?: string;
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
/**
 * Where the OCI registry lies and how to get in.
 */
export interface OciRepository {
  /**
   * Address of the registry and the prefix of the repositories in it.
   */
  readonly registry?: string;
  /**
   * Secret of this namespace that holds the credentials; an absent or empty name means none.
   */
  readonly secretRef?: SecretRef;
}
/**
 * When the whole repository is read again, beside after our own writes.
 */
export interface RepositorySync {
  /**
   * Five-field cron expression; once an hour when absent.
   */
  readonly schedule?: string;
  /**
   * One sync at this time, apart from the schedule.
   */
  readonly runOnceAt?: string;
}
/**
 * What was found at the last sync.
 */
export interface RepositoryStatus {
  /**
   * Generation of spec that this status belongs to.
   */
  readonly observedGeneration?: number;
  /**
   * Ready tells whether the last sync succeeded; Reconciling and Stalled are present only when true.
   *
   * Items: One aspect of the object's state.
   */
  readonly conditions?: readonly Condition[];
  /**
   * When the repository was last read wholly and without error.
   */
  readonly lastFullSyncTime?: string;
  /**
   * When it will be read again.
   */
  readonly nextFullSyncTime?: string;
  /**
   * The spec.sync.runOnceAt that was served last.
   */
  readonly observedRunOnceAt?: string;
  /**
   * Value of the veranda.dev/reconcile-at annotation that was served last.
   */
  readonly lastHandledReconcileAt?: string;
  /**
   * Number of package revisions in the repository.
   */
  readonly packageCount?: number;
  /**
   * Commit at the head of the registered branch.
   */
  readonly gitCommitHash?: string;
  /**
   * Refs that were left out at the last sync, and why.
   *
   * Items: One ref that could not be read as a package revision.
   */
  readonly warnings?: readonly RefWarning[];
}
/**
 * One ref that could not be read as a package revision.
 */
export interface RefWarning {
  /**
   * Full name of the ref.
   */
  readonly ref: string;
  /**
   * Why it was left out.
   */
  readonly message: string;
}
