import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HealthCheck, runChecks } from '../../observability/health.ts';
import type { MetricsRegistry } from '../../observability/metrics.ts';
import { answer, isRead, pathOf } from './http-server.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export function metricsEndpoint(metrics: MetricsRegistry): Handler {
  return async (request, response) => {
    if (!isRead(request, response)) return;
    if (pathOf(request) !== '/metrics') {
      answer(response, 404, 'not found\n');
      return;
    }
    answer(response, 200, await metrics.text(), { 'content-type': metrics.contentType });
  };
}

export interface HealthEndpoint {
  /** Fails when only a restart can help. */
  readonly live: readonly HealthCheck[];
  /** Fails while the process is of no use yet, or no more. */
  readonly ready: readonly HealthCheck[];
}

export function healthEndpoint({ live, ready }: HealthEndpoint): Handler {
  return async (request, response) => {
    if (!isRead(request, response)) return;
    const checks = { '/healthz': live, '/livez': live, '/readyz': ready }[pathOf(request)];
    if (checks === undefined) {
      answer(response, 404, 'not found\n');
      return;
    }
    const { healthy, text } = runChecks(checks);
    answer(response, healthy ? 200 : 503, text);
  };
}
