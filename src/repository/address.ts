import { isWithin } from './names.ts';

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
const SCP_LIKE = /^(?:[^@/:]+@)?([^/:]+):(?!\/\/)(.+)$/;
const DEFAULT_PORT = /:(?:22|80|443)$/;

/**
 * One text for all spellings of a remote's address: scheme, user, default port, case of the host, outer slashes and `.git`
 * do not count, so that `git@host:a/b.git` and `https://host/a/b` are one repository, as they are at every common host. Takes
 * anything; what is no address stands for itself.
 */
export function remoteIdentity(url: string): string {
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  if (scheme === 'file' || url.startsWith('/') || url.startsWith('.')) {
    return `/${cleanPath(url.replace(SCHEME, ''))}`;
  }
  if (scheme !== undefined) {
    const rest = url.slice(scheme.length + '://'.length);
    const slash = rest.indexOf('/');
    const authority = slash < 0 ? rest : rest.slice(0, slash);
    const host = authority.slice(authority.lastIndexOf('@') + 1).toLowerCase();
    return `${host.replace(DEFAULT_PORT, '')}/${cleanPath(slash < 0 ? '' : rest.slice(slash))}`;
  }
  const scp = SCP_LIKE.exec(url);
  return scp ? `${scp[1]?.toLowerCase()}/${cleanPath(scp[2] ?? '')}` : cleanPath(url);
}

/** A directory of a repository without outer slashes, empty parts and `.`; '' is the root. */
export function cleanDirectory(directory: string): string {
  return directory
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/** Whether one of two directories is, or lies in, the other. */
export function directoriesOverlap(one: string, other: string): boolean {
  const [a, b] = [cleanDirectory(one), cleanDirectory(other)];
  return isWithin(a, b) || isWithin(b, a);
}

function cleanPath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '')
    .join('/')
    .replace(/\.git$/, '');
}
