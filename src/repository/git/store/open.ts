import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { GitRemoteOptions, GitStore } from '../types.ts';
import { resolveHost } from './address-guard.ts';
import { readKeptRefs } from './kept-refs.ts';
import { prepareMirror } from './mirror.ts';
import { MirrorStore } from './mirror-store.ts';
import { Remote } from './remote.ts';
import { checkProxyUrl, parseRemoteUrl } from './remote-url.ts';

export interface OpenOptions extends GitRemoteOptions {
  /** Bring single commits without their history, for reading a pinned upstream. Such a store cannot push. */
  readonly shallow?: boolean;
}

/**
 * Opens the mirror of a remote; talks to nobody yet.
 * @throws TerminalError InvalidURL, InvalidMirrorDirectory
 */
export async function openGitStore(options: OpenOptions): Promise<GitStore> {
  const { credentialsName: credentials } = options;
  const url = { ...parseRemoteUrl(options.url, options.allowLocal), credentials };
  if (options.proxy !== undefined) checkProxyUrl(options.proxy);
  await prepareMirror(options.directory);
  return new MirrorStore({
    remote: new Remote(url, options, resolveHost),
    directory: options.directory,
    kept: await readKeptRefs(options.directory),
    shallow: options.shallow ?? false,
    now: () => performance.now(),
  });
}

/**
 * Folder below `root` for the mirror of a URL. Different remotes never share one; spellings of the same remote do.
 * @param kind `shallow` for mirrors that hold single commits and are never pushed from
 * @throws TerminalError InvalidURL
 */
export function mirrorDirectory(root: string, url: string, kind: 'full' | 'shallow' = 'full'): string {
  const { normalized } = parseRemoteUrl(url, true);
  const name = createHash('sha256').update(normalized).digest('hex');
  return join(root, kind === 'full' ? name : `${name}-shallow`);
}
