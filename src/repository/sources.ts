import { TerminalError } from '../api/errors.ts';
import type { Package } from '../package/package.ts';
import { GitRemote } from './git/remote.ts';
import { resolveSource } from './git/store/source.ts';
import type { GitStore } from './git/types.ts';
import { waitFor } from './git/waiting.ts';
import type { GitLock } from './types.ts';

/** Where a package lies in any git repository, as a user writes it. */
export interface PackageLocation {
  readonly repo: string;
  /** Tag, branch or full commit id; a tag of the package's own may be given without the package's path. */
  readonly ref?: string;
  /** Slashes at both ends and `.` parts do not count. */
  readonly directory?: string;
}

export interface FetchedPackage {
  /** `ref` is the text that was given. */
  readonly lock: GitLock;
  readonly content: Package;
}

/**
 * Reads a package from a repository that need not be registered. Callers on one store that want the same thing at the
 * same time share one round trip, and nothing is fetched that the store has.
 * @throws TerminalError InvalidSource, RefNotFound (with the refs tried), PackageNotFound
 */
export async function fetchPackage(
  store: GitStore,
  location: PackageLocation,
  signal: AbortSignal,
): Promise<FetchedPackage> {
  const directory = cleanDirectory(location.directory ?? '');
  const ref = location.ref ?? '';
  if (ref === '') throw new TerminalError('InvalidSource', `no ref of ${store.url} is given`, { field: 'ref' });
  const remote = GitRemote.of(store);
  const key = JSON.stringify([ref, directory]);
  const commit = await remote.sources.run(key, (shared) => resolveCommit(store, ref, directory, shared), signal);
  const tree = await remote.objects.packageAt(commit, directory);
  if (tree === undefined) {
    const place = directory === '' ? 'the root' : JSON.stringify(directory);
    throw new TerminalError(
      'PackageNotFound',
      `there is no package at ${place} of ${store.url} at ${ref}: no Kptfile`,
      {
        field: 'directory',
      },
    );
  }
  const content = await waitFor(remote.contents.read(tree), signal);
  return { content, lock: { type: 'git', git: { repo: location.repo, directory, ref, commit } } };
}

async function resolveCommit(store: GitStore, ref: string, directory: string, signal: AbortSignal): Promise<string> {
  return (await resolveSource(store, ref, directory, { signal })).commit;
}

/** @throws TerminalError InvalidSource for a directory outside the repository */
function cleanDirectory(directory: string): string {
  const parts = directory.split('/').filter((part) => part !== '' && part !== '.');
  if (!parts.includes('..')) return parts.join('/');
  throw new TerminalError('InvalidSource', `directory ${JSON.stringify(directory)} leads out of the repository`, {
    field: 'directory',
  });
}
