import { TerminalError } from '../api/errors.ts';
import type { RenderReport } from '../render/types.ts';

/** A package's pipeline failed and its content was therefore not accepted; the report goes into status. */
export class RenderError extends TerminalError {
  readonly report: RenderReport;

  constructor(report: RenderReport, object: string) {
    super('RenderFailed', report.failure?.message ?? 'render failed', { object });
    this.report = report;
  }
}
