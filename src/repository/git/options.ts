import type { PersonStamp } from '../types.ts';

/** What of a Repository object (`spec.git`) shapes how packages are laid out. */
export interface GitRepositoryOptions {
  /** URL exactly as the user wrote it; locks carry it. */
  readonly repo: string;
  /** Registered branch without `refs/heads/`. Default `main`. */
  readonly branch: string;
  /** Directory that packages live under, without leading and trailing slash; '' is the root. */
  readonly directory: string;
  /** Push a first commit when the branch (or everything) is missing. */
  readonly createBranch: boolean;
  /** `spec.git.author` and `spec.git.email`. */
  readonly author?: Partial<PersonStamp>;
  readonly now: () => number;
}
