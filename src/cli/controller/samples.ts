import type { PackageRevision, Repository } from '../../api/kinds.ts';
import { objectKey } from '../../api/object.ts';
import type { Sample } from '../../observability/metrics.ts';
import type { PodLoad } from '../../runtimes/pod/service.ts';

/** Repositories that have series of their own; the others are counted together. */
const MAX_REPOSITORIES = 1_000;
const OTHERS = 'others';

/** Numbers of revisions by repository and lifecycle; `Pending` is what was not looked at yet. */
export function revisionCounts(revisions: readonly PackageRevision[]): readonly Sample[] {
  const counts = new Map<string, Map<string, number>>();
  for (const { metadata, spec, status } of revisions) {
    const name = `${metadata.namespace ?? ''}/${spec?.repository}`;
    const repository = counts.has(name) || counts.size < MAX_REPOSITORIES ? name : OTHERS;
    const lifecycles = counts.get(repository) ?? new Map<string, number>();
    counts.set(repository, lifecycles);
    const lifecycle = status?.observedLifecycle ?? 'Pending';
    lifecycles.set(lifecycle, (lifecycles.get(lifecycle) ?? 0) + 1);
  }
  return [...counts].flatMap(([repository, lifecycles]) =>
    [...lifecycles].map(([lifecycle, value]) => ({ labels: { repository, lifecycle }, value })),
  );
}

/** Images that have series of their own. */
const MAX_IMAGES = 100;

/** Pods and waiting evaluations by image with its tag; an image that is run in several ways is counted as one. */
export function podSamples(loads: readonly PodLoad[], what: 'pods' | 'waiting'): readonly Sample[] {
  const sums = new Map<string, number>();
  for (const { image, ...load } of loads) {
    const [name = ''] = image.resolved.split('@');
    const key = sums.has(name) || sums.size < MAX_IMAGES ? name : OTHERS;
    sums.set(key, (sums.get(key) ?? 0) + load[what]);
  }
  return [...sums].map(([image, value]) => ({ labels: { image }, value }));
}

/** @param syncedAt when a repository was last read, by its key, in seconds since the epoch */
export function syncTimes(
  repositories: readonly Repository[],
  syncedAt: ReadonlyMap<string, number>,
): readonly Sample[] {
  return repositories.slice(0, MAX_REPOSITORIES).flatMap(({ metadata }) => {
    const repository = objectKey(metadata);
    const value = syncedAt.get(repository);
    return value === undefined ? [] : [{ labels: { repository }, value }];
  });
}
