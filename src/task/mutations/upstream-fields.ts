import type { KrmMap } from '../../krm/value.ts';
import type { UpstreamLock } from '../../repository/types.ts';

/** What a Kptfile says of a package's origin: where upstream is found, and what of it was taken. */
export interface UpstreamFields {
  readonly upstream: KrmMap;
  readonly upstreamLock: KrmMap;
}

export function upstreamFields(lock: UpstreamLock): UpstreamFields {
  if (lock.type === 'oci') {
    const { image, digest } = lock.oci;
    return { upstream: { type: 'oci', oci: { image } }, upstreamLock: { type: 'oci', oci: { image, digest } } };
  }
  const { repo, directory, ref, commit } = lock.git;
  const locator = { repo: normaliseRepo(repo), ...directoryField(directory), ref };
  return {
    upstream: { type: 'git', git: locator },
    upstreamLock: { type: 'git', git: { ...locator, commit } },
  };
}

/** The URL as Kptfiles hold it, with `.git` at its end, so that one repository has one spelling. */
export function normaliseRepo(url: string): string {
  const trimmed = url.replace(/\/+$/, '');
  return trimmed.endsWith('.git') ? trimmed : `${trimmed}.git`;
}

/** The directory of a package as Kptfiles hold it: `pkgs/web` for `/pkgs/web`, `pkgs/web/` and `./pkgs/web`; '' is the root. */
export function normaliseDirectory(directory: string): string {
  return directory
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/** Absent for a package that is the whole repository, as Porch leaves it out. */
function directoryField(directory: string): { readonly directory?: string } {
  const normalised = normaliseDirectory(directory);
  return normalised === '' ? {} : { directory: normalised };
}
