import type { ApiRequestMetrics } from '../../kube/adapters/kubernetes/client.ts';
import type { HealthCheck } from '../../observability/health.ts';

type Requested = Parameters<ApiRequestMetrics['requested']>[0];

/**
 * Notices that the API server is away. That is a note and no failure, as with controller-runtime: no replica can do anything about it,
 * and one that is taken out of service, or started anew, would be of less use once the server is back.
 */
export class ServerContact {
  readonly #now: () => number;
  #awaySince: number | undefined;

  /** @param now milliseconds of a clock that does not jump */
  constructor(now: () => number) {
    this.#now = now;
  }

  requested({ code }: Pick<Requested, 'code'>): void {
    if (code !== 'error' && code < 500) this.#awaySince = undefined;
    else this.#awaySince ??= this.#now();
  }

  get check(): HealthCheck {
    return {
      name: 'api-server',
      isNote: true,
      check: () => {
        if (this.#awaySince === undefined) return undefined;
        return `no answer for ${Math.round((this.#now() - this.#awaySince) / 1000)} s`;
      },
    };
  }
}
