import { TerminalError } from '../../../api/errors.ts';
import type { CallOptions } from '../../types.ts';
import type { GitStore, Oid } from '../types.ts';
import { isOid, isRefName } from './ref-format.ts';

/** Where a package of a foreign repository is to be read. */
export interface ResolvedSource {
  readonly commit: Oid;
  /** Full ref name; absent when the text was a commit id. */
  readonly ref?: string;
}

/**
 * Finds the commit that a user means by `ref` and brings it into the store: a tag or branch in the package's own name
 * space (`v1` for the tag `<directory>/v1`), a tag, a branch, a full ref name, or a full commit id, in that order.
 * On a store opened with `shallow` the cost does not depend on the length of the history.
 * @param directory of the package, with or without outer slashes
 * @throws TerminalError RefNotFound; else as `GitStore.listRemote` and `fetch`
 */
export async function resolveSource(
  store: GitStore,
  ref: string,
  directory: string,
  options: CallOptions = {},
): Promise<ResolvedSource> {
  // A commit id needs no listing, and none at all when it is here.
  if (isOid(ref) && (await store.has(ref))) return { commit: ref };
  const refs = await store.listRemote(options);
  const tried = candidates(ref, directory.replace(/^\/+|\/+$/g, ''));
  for (const name of tried) {
    const commit = refs.get(name);
    if (commit === undefined) continue;
    await store.fetch(new Map([[name, commit]]), options);
    return { commit, ref: name };
  }
  if (!isOid(ref)) {
    throw new TerminalError(
      'RefNotFound',
      `there is no ref ${JSON.stringify(ref)} in ${store.url} (tried ${tried.join(', ')})`,
    );
  }
  await store.fetch(new Map([[PINNED_REF, ref]]), options);
  return { commit: ref };
}

/** Stands for a commit that no ref is known to point at. */
const PINNED_REF = 'refs/heads/pinned-commit';

function candidates(ref: string, directory: string): string[] {
  const names = directory === '' ? [ref] : [`${directory}/${ref}`, ref];
  const spelled = names.flatMap((name) => [`refs/tags/${name}`, `refs/heads/${name}`]);
  return [...spelled, ref].filter(isRefName);
}
