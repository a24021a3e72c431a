import { type RetryPolicy, VerandaError } from '../api/errors.ts';
import type { RenderReport } from '../render/types.ts';

/**
 * A package's pipeline failed and its content was therefore not accepted; the report goes into status. Reason and retry
 * policy are those of the failure: a function that nobody has waits for a change, a registry that is down for itself.
 */
export class RenderError extends VerandaError {
  readonly retry: RetryPolicy;
  readonly report: RenderReport;

  constructor(report: RenderReport, object: string) {
    const { reason = 'RenderFailed', message = 'render failed', retry = 'terminal' } = report.failure ?? {};
    super(reason, message, { object });
    this.retry = retry;
    this.report = report;
  }
}
