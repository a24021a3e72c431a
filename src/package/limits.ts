/** How large a package may be. A package keeps the limits it was made with through all edits. */
export interface PackageLimits {
  /** Bytes of one file. */
  readonly fileBytes: number;
  /** Bytes of all files together. */
  readonly packageBytes: number;
  /** Number of files. */
  readonly files: number;
}

const MiB = 1024 * 1024;

/** Far above any package seen in the field, far below what a controller's memory could not bear. */
export const DEFAULT_PACKAGE_LIMITS: PackageLimits = { fileBytes: 16 * MiB, packageBytes: 64 * MiB, files: 20_000 };
