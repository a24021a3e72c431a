import { TransientError } from '../../api/errors.ts';
import type { Leadership } from '../../kube/leader-election.ts';
import type { Logger } from '../../observability/logger.ts';
import type { GitOperation, Metrics, OperationResult } from '../../observability/metrics.ts';
import { GIT_STORE_METHODS, type GitStore } from '../../repository/git/types.ts';

export interface ClusterGitStoreOptions {
  readonly leadership: Leadership;
  readonly metrics: Pick<Metrics, 'gitOperation'>;
  /** Milliseconds of a clock that does not jump. */
  readonly now: () => number;
  readonly logger: Logger;
}

/**
 * A store as a replica uses it: pushes go out only while it leads, and calls to the remote are measured. Every push is a
 * compare-and-swap anyway; the fence keeps a process that has slept from doing over what another one does now.
 */
export function clusterGitStore(store: GitStore, options: ClusterGitStoreOptions): GitStore {
  const { leadership, metrics, now, logger } = options;
  const measured = async <T>(operation: GitOperation, call: () => Promise<T>): Promise<T> => {
    const started = now();
    const told = (result: OperationResult) => {
      const milliseconds = now() - started;
      metrics.gitOperation(operation, result, milliseconds);
      logger.debug('git call', { operation, result, milliseconds, repository: store.url });
    };
    try {
      const answer = await call();
      told('success');
      return answer;
    } catch (error) {
      told('error');
      throw error;
    }
  };
  return {
    ...bound(store),
    listRemote: (callOptions) => measured('list', () => store.listRemote(callOptions)),
    fetch: (refs, callOptions) => measured('fetch', () => store.fetch(refs, callOptions)),
    push: async (updates, callOptions = {}) => {
      if (!leadership.isLeading()) {
        throw new TransientError('NotLeading', 'this process does not lead (any more): it pushes nothing');
      }
      const { signal = leadership.lost } = callOptions;
      const whileLeading = AbortSignal.any([signal, leadership.lost]);
      return await measured('push', () => store.push(updates, { ...callOptions, signal: whileLeading }));
    },
  };
}

/** The store's own methods, to be called from anywhere. */
function bound(store: GitStore): GitStore {
  const methods = GIT_STORE_METHODS.map((method) => [method, store[method].bind(store)]);
  return { url: store.url, ...(Object.fromEntries(methods) as Omit<GitStore, 'url'>) };
}
